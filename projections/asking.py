"""Asking read models: one snapshot of their rows, which are of today's shape, on a connection that is at hand.

The built-in queries come this way, ``registry.reading`` is the same for those who want a connection of SQLAlchemy.
"""

from contextlib import AbstractContextManager
from types import TracebackType

from sqlalchemy import bindparam, literal_column, select
from sqlalchemy.exc import DBAPIError

from . import registry
from .database import Database
from .errors import NeedsRebuild, NotBuilt
from .projection import Projection, fingerprint
from .query import Query
from .readers import Reader
from .registry import PROJECTIONS

_LIVE = Query(
    select(PROJECTIONS.c.version, PROJECTIONS.c.fingerprint).where(PROJECTIONS.c.role == literal_column("'live'")),
    its_name=PROJECTIONS.c.name == bindparam("its_name"),
)


class Asking(AbstractContextManager[Reader]):
    """``with Asking(database, Ledger()) as reader: query.ask(reader, …)``; raises ``NotBuilt`` or ``NeedsRebuild``.

    A class, not a generator, and few layers: for one row they would cost more than the row.
    """

    def __init__(self, database: Database, *projections: Projection) -> None:
        self._database = database
        self._projections = projections
        self._reader: Reader | None = None

    def __enter__(self) -> Reader:
        self._database.turn.__enter__()
        try:
            reader = self._reader = self._database.readers.begun(self._tables())
            shape = reader.schema_version()
            for projection in self._projections:
                if shape is None or reader.fitting.get(type(projection)) != shape:
                    _require_fit(reader, projection)
                    if shape is not None:
                        reader.fitting[type(projection)] = shape
        except BaseException as error:
            self._give_up()
            self._explain(error)
            raise
        return reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        reader = self._reader
        assert reader is not None
        if error is None:
            try:
                reader.end()
                self._database.readers.give_back(reader)
                self._database.turn.__exit__(None, None, None)
                return
            except self._database.driver_error as failure:
                error = failure
        self._give_up()
        self._explain(error)

    def _tables(self) -> list[str]:
        if not self._database.is_postgres:
            return []
        return self._database.quoted(table for each in self._projections for table in each.tables.values())

    def _give_up(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._database.turn.__exit__(None, None, None)

    def _explain(self, error: BaseException) -> None:
        """Raise what the driver's error means; leave any other to be raised as it is."""
        driver_error = self._database.driver_error
        if not isinstance(error, driver_error):
            return
        with registry.reading(self._database, *self._projections):
            pass  # where a table of ours is not there, the registry has said why
        with self._database.in_words():
            raise DBAPIError.instance(None, None, error, driver_error, dialect=self._database.engine.dialect) from error


def _require_fit(reader: Reader, projection: Projection) -> None:
    if not reader.has_table(PROJECTIONS.name):
        raise NotBuilt(projection.name)
    found = next(iter(_LIVE.ask(reader, its_name=projection.name, limit=1)), None)
    if found is None:
        raise NotBuilt(projection.name)
    if found != (projection.version, fingerprint(projection)):
        raise NeedsRebuild(projection.name)
