"""Which projections a database holds, how far each is, and which version of it made its rows.

A projection has a live row and, while it is rebuilt, another one (``next``). The row's transaction is the batch's: who
has locked it may write the projection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import quoted_name

from .database import Database
from .errors import DatabaseUnavailable, NeedsRebuild, NotBuilt
from .projection import ID, NUMBER, Projection, fingerprint

Role = Literal["live", "next"]

PROJECTIONS = Table(
    "projections",
    MetaData(),
    Column("name", ID, primary_key=True),
    Column("role", ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("tables", Text, nullable=False),
    Column("position", NUMBER, nullable=False),
    Column("last_event", Text, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("failed_position", NUMBER),
    Column("failed_event", Text),
    Column("failed_why", Text),
)

# Made once: building a statement takes longer than running it.
_THIS = and_(PROJECTIONS.c.name == bindparam("its_name"), PROJECTIONS.c.role == bindparam("its_role"))
_SELECT = select(PROJECTIONS).where(_THIS)
_SELECT_LOCKED = _SELECT.with_for_update()
_UPDATE = update(PROJECTIONS).where(_THIS)


class Head(NamedTuple):
    """How far rows are: the position of the last event that they know, and what tells it from any other."""

    position: int
    mark: str


class Checkpoint(msgspec.Struct, frozen=True):
    """A row of the registry. ``tables`` are the live names, as JSON; ``written_by`` is who wrote the last batch.

    ``last_event`` tells the event at ``position`` from any other, lest the rows go on with another store's events.
    """

    name: str
    role: Role
    version: int
    fingerprint: str
    generation: int
    tables: str
    position: int
    last_event: str
    written_by: str
    failed_position: int | None = None
    failed_event: str | None = None
    failed_why: str | None = None

    @property
    def head(self) -> Head:
        """How far the rows are."""
        return Head(self.position, self.last_event)

    def fits(self, projection: Projection) -> bool:
        """Whether this version of the projection made the rows."""
        return (self.version, self.fingerprint) == (projection.version, fingerprint(projection))

    def table_names(self) -> list[str]:
        """The tables of whichever version made the rows."""
        return msgspec.json.decode(self.tables, type=list[str])


def prepare(database: Database, projection: Projection) -> Checkpoint:
    """The projection's live checkpoint; its tables are made where there are none yet."""
    with database.writing() as connection:
        lock_set_up(database, connection)
        PROJECTIONS.create(connection, checkfirst=True)
        found = checkpoint(connection, projection.name, "live")
        if found is None:
            found = make(connection, projection, "live", generation=1)
        return found


def make(connection: Connection, projection: Projection, role: Role, generation: int) -> Checkpoint:
    """Empty tables, and a checkpoint before the first event."""
    for table in tables_of(projection, role, generation).values():
        table.create(connection)
    new = Checkpoint(
        projection.name,
        role,
        projection.version,
        fingerprint(projection),
        generation,
        msgspec.json.encode([str(table.name) for table in projection.tables.values()]).decode(),
        0,
        "",
        "",
    )
    connection.execute(insert(PROJECTIONS).values(msgspec.structs.asdict(new)))
    return new


def tables_of(projection: Projection, role: Role, generation: int) -> dict[type[msgspec.Struct], Table]:
    """The tables with the names that they bear in this role; names of indexes tell the generations apart."""
    metadata = MetaData()
    result = {}
    for kind, table in projection.tables.items():
        copy = table.to_metadata(metadata, name=name_of(table.name, role, generation))
        for index in copy.indexes:
            index.name = quoted_name(f"{index.name}__{generation}", quote=None)
        result[kind] = copy
    return result


def name_of(table: str, role: Role, generation: int) -> str:
    """What a table is called: its own name once it is live."""
    return table if role == "live" else f"{table}__{generation}"


def checkpoint(connection: Connection, name: str, role: Role, *, lock: bool = False) -> Checkpoint | None:
    """The row, if there is one; with ``lock``, nobody else may write the projection in this transaction's time."""
    row = connection.execute(_SELECT_LOCKED if lock else _SELECT, {"its_name": name, "its_role": role}).one_or_none()
    return None if row is None else Checkpoint(*row)


def checkpoints(database: Database) -> list[Checkpoint]:
    """Every row, by name."""
    with database.reading() as connection:
        if not inspect(connection).has_table(PROJECTIONS.name):
            return []
        rows = connection.execute(select(PROJECTIONS).order_by(PROJECTIONS.c.name, PROJECTIONS.c.role))
        return [Checkpoint(*row) for row in rows]


def advance(connection: Connection, name: str, role: Role, position: int, last_event: str, written_by: str) -> None:
    """The batch's last step: its rows count now, and a failure is over."""
    over = {"failed_position": None, "failed_event": None, "failed_why": None}
    _change(connection, name, role, {"position": position, "last_event": last_event, "written_by": written_by} | over)


def fail(connection: Connection, name: str, role: Role, position: int, event: str, why: str) -> None:
    """The projection stopped at this event."""
    _change(connection, name, role, {"failed_position": position, "failed_event": event, "failed_why": why})


def _change(connection: Connection, name: str, role: Role, values: dict[str, object]) -> None:
    changed = connection.execute(_UPDATE, values | {"its_name": name, "its_role": role}).rowcount
    if changed != 1:
        raise RuntimeError(f"the checkpoint of {name} ({role}) is gone")


def drop(connection: Connection, old: Checkpoint) -> None:
    """Forget a checkpoint and its tables; on PostgreSQL in the sequence in which readers lock them."""
    for table in sorted(old.table_names()):
        Table(name_of(table, old.role, old.generation), MetaData()).drop(connection, checkfirst=True)
    connection.execute(delete(PROJECTIONS).where(PROJECTIONS.c.name == old.name, PROJECTIONS.c.role == old.role))


def lock_set_up(database: Database, connection: Connection) -> None:
    """Two processes that create tables at once: one waits. SQLite has one writer anyway."""
    if database.is_postgres:
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ordertrail projections'))"))


@contextmanager
def reading(database: Database, *projections: Projection) -> Iterator[Connection]:
    """A transaction for queries of these projections; never on rows that another version of them made.

    Raises ``NotBuilt`` or ``NeedsRebuild``.
    """
    tables = [table for projection in projections for table in projection.tables.values()]
    try:
        with database.reading(*tables) as connection:
            for projection in projections:
                _require_fit(connection, projection)
            yield connection
    except DBAPIError as error:
        # A table of ours that is not there: then the registry says why.
        with database.reading() as connection:
            for projection in projections:
                _require_fit(connection, projection)
        raise DatabaseUnavailable(f"the read models in {database.place} failed: {error.orig}") from error


def _require_fit(connection: Connection, projection: Projection) -> None:
    if not inspect(connection).has_table(PROJECTIONS.name):
        raise NotBuilt(projection.name)
    found = checkpoint(connection, projection.name, "live")
    if found is None:
        raise NotBuilt(projection.name)
    if not found.fits(projection):
        raise NeedsRebuild(projection.name)
