"""One SQLite file (or a database in memory): its connections, whether it is ours, and its failures in words."""

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Lock
from typing import Any, NoReturn, TypeVar

from eventsourcing.sqlite import SQLiteDatastore

from ..errors import Conflict, StoreError
from .address import SqliteAddress
from .records import FORMAT, TABLES, require_format

APPLICATION_ID = 0x4F54524C  # "OTRL" in the file's header says whose it is
CACHE_KIB = 64 * 1024  # of pages, per connection, filled as needed
IDLE_READERS = 16  # kept open for the next readers
R = TypeVar("R")
CONFLICTS = {sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY}


class SqliteFile(SQLiteDatastore):
    """One writing connection behind a lock, and reading ones that are used again.

    In place of the library's pool: taking a connection from that costs more than the statement which it is taken for.
    A database in memory has one connection only, because its readers would not wait for a writer but fail.
    """

    def __init__(self, address: SqliteAddress, *, create: bool, lock_seconds: float) -> None:
        self.place = address.place
        self.read_only = address.read_only
        self.lock_seconds = lock_seconds
        self._uri = address.uri
        self._create = create
        self._writing = Lock()
        self._writer: sqlite3.Connection | None = None
        self._readers: deque[sqlite3.Connection] = deque()
        self._closed = False
        super().__init__(address.uri, originator_id_type="text")
        self.in_memory = self.pool.is_sqlite_memory_mode

    def transaction(self, *, commit: bool) -> NoReturn:
        raise NotImplementedError("the library's own statements are overridden, by write() and query()")

    def write(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """What ``work`` gives, once what it wrote is committed; others who would write wait meanwhile."""
        with self._writing:
            connection = self._open_writer()
            # IMMEDIATE: a transaction that begins as a reader cannot wait for another process's writer.
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
        return result

    def query(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """All rows of one reading statement, as plain tuples."""
        if self.in_memory:
            with self._writing:
                return self._open_writer().execute(statement, values).fetchall()
        connection = self._take_reader()
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            self._give_back(connection)

    def query_leniently(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """As `query`, where texts may not be UTF-8: of such a one, the bytes come as lone surrogates."""
        self._require_open()
        with closing(self._connect()) as connection:
            connection.text_factory = lambda text: text.decode(errors="surrogateescape")
            connection.execute("PRAGMA cache_size=-2000")  # it is closed again: nobody profits from its memory
            return connection.execute(statement, values).fetchall()

    def prepare(self, create_statements: list[str]) -> None:
        """Make a new file ours (if asked to), leave ours as it is, refuse any other without having touched it."""
        with self._writing:
            connection = self._open_writer()
            until = time.monotonic() + self.lock_seconds
            while True:
                try:
                    return self._prepare(connection, create_statements)
                except sqlite3.OperationalError as error:
                    self._roll_back(connection)
                    # Changing to WAL does not wait for others who open the file at the same moment: ask again.
                    if _primary(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > until:
                        raise
                    time.sleep(0.01)

    def close(self) -> None:
        """Close every connection; the last one of all processes folds the write-ahead log into the file."""
        if self._closed:
            return
        self._closed = True
        while self._readers:
            self._readers.popleft().close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
        super().close()

    def _prepare(self, connection: sqlite3.Connection, create_statements: list[str]) -> None:
        ours = self._is_ours(connection)
        if not (ours or self._create or self.in_memory):
            raise StoreError(f"there is no store at {self.place}")
        if not (self.in_memory or self.read_only):
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            if mode != "wal":
                raise StoreError(f"{self.place} lies on a file system where SQLite has no write-ahead log")
        if ours:
            return
        connection.execute("BEGIN IMMEDIATE")
        if not self._is_ours(connection):  # another process may have been faster
            for statement in create_statements:
                connection.execute(statement)
            connection.execute("INSERT INTO meta (application, format) VALUES ('ordertrail', ?)", (FORMAT,))
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute("COMMIT")

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are there; False for an empty file; a StoreError for anything else."""
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not names and application_id in (0, APPLICATION_ID):
            return False
        if application_id != APPLICATION_ID or "meta" not in names:
            raise StoreError(f"{self.place} is not an ordertrail store, but another program's SQLite database")
        ((found,),) = connection.execute("SELECT format FROM meta").fetchall()
        require_format(self.place, found)
        if missing := TABLES - names:
            raise StoreError(f"{self.place} is damaged: it has no table {min(missing)}")
        return True

    def _take_reader(self) -> sqlite3.Connection:
        self._require_open()
        try:
            return self._readers.pop()  # the last one used has the warmest cache; a deque needs no lock
        except IndexError:
            return self._connect()

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if self._closed or len(self._readers) >= IDLE_READERS:
            connection.close()
        else:
            self._readers.append(connection)

    def _open_writer(self) -> sqlite3.Connection:
        self._require_open()
        if self._writer is None:
            self._writer = self._connect()
        return self._writer

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            try:
                connection.rollback()
            except sqlite3.Error:  # then the connection is of no use; closing it rolls back
                self._writer = None
                with suppress(sqlite3.Error):
                    connection.close()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError(f"{self.place} has been closed")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri, uri=True, timeout=self.lock_seconds, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA synchronous=FULL")  # what is acknowledged survives a power cut
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        return connection


def explain(error: BaseException, file: SqliteFile) -> StoreError:
    """One sentence for what SQLite reports, also where the library has wrapped it."""
    if isinstance(error, StoreError):
        return error
    if not isinstance(error, sqlite3.Error):
        return explain(error.__cause__, file) if error.__cause__ else StoreError(f"{file.place} failed: {error}")
    if getattr(error, "sqlite_errorcode", None) in CONFLICTS:
        return Conflict(f"{file.place} has this version of a stream, or this command_id, already ({error})")
    match _primary(error):
        case sqlite3.SQLITE_FULL:
            reason = "could not be written: the disk is full"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            reason = f"was locked by another process for longer than {file.lock_seconds:g} seconds"
        case sqlite3.SQLITE_NOTADB:
            reason = "is not an ordertrail store: it is not an SQLite database"
        case sqlite3.SQLITE_CORRUPT:
            reason = f"is damaged: {error}"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            reason = "could not be written: no permission"
        case sqlite3.SQLITE_CANTOPEN if file.read_only:
            reason = "could not be read: SQLite needs to write beside it, where there is no permission"
        case sqlite3.SQLITE_CANTOPEN:
            reason = "could not be opened: no permission, or no such folder"
        case sqlite3.SQLITE_IOERR:
            reason = f"could not be read or written: {error} ({getattr(error, 'sqlite_errorname', 'SQLITE_IOERR')})"
        case _:
            reason = f"failed: {error}"
    return StoreError(f"{file.place} {reason}")


def _primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code, without the details of the extended one."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
