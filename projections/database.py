"""Where the read models live: by default in the database of the events, on connections of their own.

One definition of each table and query serves SQLite and PostgreSQL; what differs between the two is here.
"""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, Self, cast
from urllib.parse import parse_qsl

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool, StaticPool

from .errors import DatabaseUnavailable
from .readers import Readers

DEFAULT_SCHEMA = "ordertrail"
LOCK_SECONDS = 60
SQLITE_LOCKED, POSTGRES_LOCKED = "database is locked", "55P03"
SQLITE_FORBIDDEN = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}
FORBIDDEN = {"42501", "25006"}
"""PostgreSQL's insufficient_privilege and read_only_sql_transaction."""
PROGRAM_LIMIT = "54"
"""SQLSTATE's class."""
_MEMORY = ("memory:", ":memory:", "sqlite://", "sqlite:///:memory:")
_WRITES = "ordertrail_writes"


class Database:
    """Connections for those who write read models and for those who read them; threads may share it."""

    def __init__(self, engine: Engine, place: str, *, one_at_a_time: bool = False) -> None:
        self.engine = engine
        self.place = place
        self.turn: AbstractContextManager[Any] = RLock() if one_at_a_time else nullcontext()
        # One snapshot for all statements of a reader, as on SQLite; it is taken after the tables are locked.
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ") if self.is_postgres else engine
        self.readers = Readers(engine)

    @classmethod
    def open(cls, url: str) -> Self:
        """A store's address (a path, `sqlite:///path`, `postgresql://…?schema=…`), or one elsewhere.

        A store in memory cannot be shared: its read models get a memory of their own.
        """
        if url.startswith(("postgresql://", "postgres://")):
            return cls(*_postgres(url))
        if url in _MEMORY:
            return cls(_sqlite(f"file:projections-{uuid.uuid4()}?mode=memory"), "memory", one_at_a_time=True)
        path = Path(url.removeprefix("sqlite:///"))
        if not path.absolute().parent.is_dir():
            raise DatabaseUnavailable(f"{path} cannot be opened: there is no folder {path.parent}")
        return cls(_sqlite(f"{path.absolute().as_uri()}?mode=rwc"), str(path))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: all or nothing."""
        engine = self.engine.execution_options(**{_WRITES: True})
        with self.turn, self.in_words(), engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self, *tables: Table) -> Iterator[Connection]:
        """A transaction that reads, all of it as of one moment; nobody swaps these tables for others meanwhile."""
        with self.turn, self.in_words(), self._snapshots.connect() as connection, connection.begin():
            if self.is_postgres and tables:
                connection.execute(text(f"LOCK TABLE {', '.join(self.quoted(tables))} IN ACCESS SHARE MODE"))
            yield connection

    def quoted(self, tables: Iterable[Table]) -> list[str]:
        """Names as SQL has them, in the sequence of a swap: who locks in another one waits for us as we wait for it."""
        quote = self.engine.dialect.identifier_preparer.quote
        return [quote(name) for name in sorted(str(table.name) for table in tables)]

    @cached_property
    def driver_error(self) -> type[Exception]:
        """The base of the driver's errors."""
        return cast(type[Exception], self.engine.dialect.loaded_dbapi.Error)

    @cached_property
    def is_postgres(self) -> bool:
        """Else it is SQLite."""
        return self.engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Close every connection."""
        self.readers.close()
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def in_words(self) -> Iterator[None]:
        """Turns SQLAlchemy's errors into ours."""
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            if _is_about_statement(error.orig):
                raise
            said = str(error.orig).strip().splitlines()
            reason = said[0] if said else type(error.orig).__name__
            trouble = f"cannot be reached: {reason}"
            if reason == SQLITE_LOCKED or getattr(error.orig, "sqlstate", None) == POSTGRES_LOCKED:
                trouble = f"were locked by somebody else for longer than {LOCK_SECONDS} seconds"
            raise DatabaseUnavailable(f"the read models in {self.place} {trouble}") from error
        except PoolTimeout as error:
            raise DatabaseUnavailable(f"the read models in {self.place} have no free connection") from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable(f"the connection to the read models in {self.place} broke") from error
            raise


def is_forbidden(error: BaseException | None) -> bool:
    """Whether a driver's error is about permission: the database is there, and may not be written."""
    code = getattr(error, "sqlite_errorcode", None)
    return (code is not None and code & 0xFF in SQLITE_FORBIDDEN) or getattr(error, "sqlstate", None) in FORBIDDEN


def _is_about_statement(error: Any) -> bool:
    """Whether the database is there, and one statement failed: no such table, a key that is too long for an index."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR
    return (getattr(error, "sqlstate", None) or "").startswith(PROGRAM_LIMIT)


def _sqlite(uri: str) -> Engine:
    in_memory = "mode=memory" in uri

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)
        if not in_memory:
            _write_ahead(connection)
        # A power cut may take the last batches, rows and checkpoint together: they are made again from the events.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA temp_store=MEMORY")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool if in_memory else QueuePool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that begins as a reader cannot wait for another process's writer.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Changing to WAL does not wait for others who open a new file at the same moment: ask again."""
    until = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _postgres(url: str) -> tuple[Engine, str]:
    base, _, query = url.partition("?")
    schema = dict(parse_qsl(query)).get("schema") or DEFAULT_SCHEMA
    rest = "&".join(part for part in query.split("&") if part and not part.startswith("schema="))
    try:
        address: URL = make_url(f"{base}?{rest}" if rest else base).set(drivername="postgresql+psycopg")
        # Positional values, as on SQLite, so that rows are handed over as tuples.
        engine = create_engine(address, paramstyle="format", pool_pre_ping=True)
    except (ArgumentError, ValueError):
        raise DatabaseUnavailable("the postgresql:// address cannot be read") from None
    except ImportError as error:
        raise DatabaseUnavailable("postgresql:// needs psycopg: pip install 'ordertrail[postgres]'") from error

    @event.listens_for(engine, "connect")
    def look_into_schema(connection: Any, _record: Any) -> None:
        quoted = '"' + schema.replace('"', '""') + '"'
        with connection.cursor() as cursor:
            cursor.execute(f"SET search_path TO {quoted}")
            cursor.execute(f"SET lock_timeout TO '{LOCK_SECONDS}s'")
            # As on SQLite: a power cut may take the last batches, which are made again from the events.
            cursor.execute("SET synchronous_commit TO off")
        connection.commit()

    _make_schema(engine, schema)
    return engine, f"the PostgreSQL database {address.database or ''} (schema {schema})"


def _make_schema(engine: Engine, schema: str) -> None:
    """Two processes that create one at once would fail; those who find it there need no permission."""
    try:
        with engine.begin() as connection:
            if not connection.scalar(text("SELECT 1 FROM pg_namespace WHERE nspname = :name"), {"name": schema}):
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ordertrail projections'))"))
                quoted = '"' + schema.replace('"', '""') + '"'
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
    except OperationalError as error:
        reason = (str(error.orig).strip().splitlines() or ["it does not answer"])[0]
        raise DatabaseUnavailable(f"PostgreSQL cannot be reached: {reason}") from error
