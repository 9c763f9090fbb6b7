"""Connections of the driver for those who read: taken from SQLAlchemy once, kept open, and given from hand to hand.

Taking a connection from SQLAlchemy's pool for each question costs more than a question about one row.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import StaticPool

IDLE_READERS = 16
STREAMED_AT_ONCE = 1000
Row = tuple[Any, ...]


class Reader:
    """A connection; between ``begin`` and ``end`` everything it reads is as of one moment."""

    def __init__(self, engine: Engine) -> None:
        pooled: Any = engine.raw_connection()
        self.dialect = engine.dialect
        self.fitting: dict[type, int] = {}
        """Classes of projections whose rows were seen to fit, and at which version of the database's schema."""
        self._is_postgres = engine.dialect.name == "postgresql"
        self._pooled: Any = None
        self._cursors: list[Any] = []
        self._connection: Any = pooled.driver_connection
        if isinstance(engine.pool, StaticPool):
            self._pooled = pooled  # the only connection to a database in memory
        else:
            pooled.detach()
        if self._is_postgres:
            self._connection.autocommit = True

    def begin(self, tables: Sequence[str]) -> None:
        """A transaction, in which nobody swaps these tables (quoted names) for others."""
        if self._is_postgres:
            lock = f"; LOCK TABLE {', '.join(tables)} IN ACCESS SHARE MODE" if tables else ""
            self._connection.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ{lock}")
        else:
            self._connection.execute("BEGIN")

    def end(self) -> None:
        """The end of the transaction, and of what is not read to its end."""
        while self._cursors:
            self._cursors.pop().close()
        self._connection.execute("COMMIT")

    def schema_version(self) -> int | None:
        """What changes whenever any table is made, renamed or dropped; None where there is no such thing."""
        if self._is_postgres:
            return None
        (version,) = self._connection.execute("PRAGMA schema_version").fetchone()
        return int(version)

    def has_table(self, name: str) -> bool:
        """Whether there is such a table."""
        if self._is_postgres:
            sql = "SELECT to_regclass(%s) IS NOT NULL"
        else:
            sql = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = ?)"
        ((found,),) = self.rows(sql, (name,))
        return bool(found)

    def rows(self, sql: str, values: Row, *, streamed: bool = False) -> Iterable[Row]:
        """Rows one by one; ``streamed``: perhaps more than memory should hold, so never all at once."""
        if streamed and self._is_postgres:
            cursor = self._connection.cursor(name=f"ordertrail_{len(self._cursors)}")
            cursor.itersize = STREAMED_AT_ONCE
            cursor.execute(sql, values)
        else:
            cursor = self._connection.execute(sql, values)
        self._cursors.append(cursor)
        return cursor  # type: ignore[no-any-return]

    def close(self) -> None:
        """Close the connection, whatever is under way on it; in memory only that is ended."""
        with suppress(Exception):  # it may be dead
            self._connection.rollback() if self._pooled else self._connection.close()


class Readers:
    """As many readers as there are threads that read at once; each is taken and given back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[Reader] = deque()

    def begun(self, tables: Sequence[str]) -> Reader:
        """A reader in a transaction, in which nobody swaps these tables for others.

        An idle one may have died, with its server: then the others are no better, and a new one it shall be.
        """
        try:
            reader = self._idle.pop()
        except IndexError:
            return self._new(tables)
        try:
            reader.begin(tables)
        except self._engine.dialect.loaded_dbapi.Error:
            reader.close()
            self.close()
            return self._new(tables)
        return reader

    def give_back(self, reader: Reader) -> None:
        """For the next one who asks; its transaction is over."""
        if len(self._idle) < IDLE_READERS:
            self._idle.append(reader)
        else:
            reader.close()

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop().close()

    def _new(self, tables: Sequence[str]) -> Reader:
        reader = Reader(self._engine)
        try:
            reader.begin(tables)
        except BaseException:
            reader.close()
            raise
        return reader
