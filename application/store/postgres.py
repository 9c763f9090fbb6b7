"""The store on PostgreSQL: the library's recorder, with our rows in the transaction of its events."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache, cached_property
from typing import Any, TypeVar, cast
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import Notification, OperationalError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder
from eventsourcing.postgres import PostgresFactory as LibraryFactory
from eventsourcing.utils import Environment
from psycopg import sql
from psycopg.types.json import Jsonb

from ..errors import StoreError
from .chain import CHAINS
from .entries import COLUMNS, JournalEntry
from .loading import Load
from .mapper import EventRow
from .postgres_append import APPEND, CREATE_CHAINED, rows_of
from .postgres_database import Connection, PostgresDatabase, explain
from .postgres_loading import load
from .records import EVENTS_TABLE, Records, require_rows

R = TypeVar("R")
RECONNECTIONS = 3

# COLLATE "C": ids are compared and sorted by code point, as everywhere else.
CREATE_STATEMENTS = [
    "CREATE TABLE meta (application text NOT NULL, format integer NOT NULL)",
    f'CREATE TABLE {EVENTS_TABLE} (notification_id bigserial PRIMARY KEY, originator_id text COLLATE "C" NOT NULL,'
    " originator_version bigint NOT NULL, topic text NOT NULL, state bytea NOT NULL, digest bytea NOT NULL,"
    " UNIQUE (originator_id, originator_version))",
    'CREATE TABLE journal (entry bigint PRIMARY KEY, command_id text COLLATE "C" NOT NULL, command bytea NOT NULL,'
    " outcome bytea NOT NULL, status text NOT NULL, at_us bigint NOT NULL, recorded_at_us bigint NOT NULL,"
    " basis bytea NOT NULL, attempts bytea NOT NULL, reused smallint NOT NULL, digest bytea NOT NULL)",
    "CREATE UNIQUE INDEX journal_command_id ON journal (command_id) WHERE reused = 0",
    "CREATE INDEX journal_reused_command_id ON journal (command_id) WHERE reused = 1",
    'CREATE TABLE attempts (order_id text COLLATE "C", entry bigint REFERENCES journal, PRIMARY KEY (order_id, entry))',
    'CREATE TABLE deadlines (order_id text COLLATE "C" PRIMARY KEY, due_us bigint NOT NULL)',
    "CREATE INDEX deadlines_due ON deadlines (due_us, order_id)",
    'CREATE TABLE policies (version text COLLATE "C" PRIMARY KEY, content text NOT NULL, sha256 text NOT NULL)',
    *CREATE_CHAINED,
]

SELECT_EVENTS = (
    f"SELECT originator_id, originator_version, topic, state FROM {EVENTS_TABLE}"
    " WHERE originator_id = %s AND originator_version > %s AND originator_version <= %s ORDER BY originator_version "
)
SELECT_ENTRIES = (
    f"SELECT {COLUMNS} FROM jsonb_array_elements_text(?::text::jsonb) AS asked (id)"
    " JOIN journal ON journal.command_id = asked.id AND journal.reused = 0"
)
SELECT_STATES = (
    f"SELECT state FROM jsonb_array_elements(?::text::jsonb) AS asked (pair) JOIN {EVENTS_TABLE}"
    " ON originator_id = pair->>0 AND originator_version > (pair->>1)::bigint"
    " ORDER BY originator_id, originator_version"
)
# Which positions were given, PostgreSQL knows, but not whether their transactions were committed.
SELECT_HEADS = "SELECT " + ", ".join(
    f"(SELECT coalesce(max({chain.number}), 0) FROM {chain.table}), NULL::bigint,"
    f" (SELECT digest FROM {chain.table} ORDER BY {chain.number} DESC LIMIT 1)"
    for chain in CHAINS
)
SELECT_TRIED = (
    "SELECT order_id, entry FROM journal, jsonb_array_elements_text(convert_from(attempts, 'UTF8')::jsonb) AS order_id"
    " WHERE attempts <> '\\x5b5d'"
)
SELECT_NOTIFICATIONS = (
    f"SELECT originator_id, originator_version, topic, state, notification_id FROM {EVENTS_TABLE}"
    " WHERE notification_id >= %s AND notification_id <= %s ORDER BY notification_id LIMIT %s"
)
NO_LIMIT = 2**63 - 1


class PostgresRecorder(PostgresApplicationRecorder, Records):
    """Events, journal, attempts and deadlines in one transaction.

    The library retries whatever fails ten times; here only what a fresh connection can mend, and never a commit.
    """

    datastore: PostgresDatabase
    select_entries = SELECT_ENTRIES
    select_states = SELECT_STATES
    select_heads = SELECT_HEADS
    select_tried = SELECT_TRIED

    @property
    def place(self) -> str:
        return self.datastore.address.place

    def create_table(self) -> None:
        pass  # done before the pool was opened, on a connection whose failure is reported at once

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        rows = [(str(e.originator_id), e.originator_version, e.topic, e.state) for e in stored_events]
        return self.append(rows, [], {}, {})

    def append(
        self,
        events: Sequence[EventRow],
        entries: Sequence[JournalEntry],
        deadlines: Mapping[str, datetime | None],
        unchanged: Mapping[str, int],
    ) -> Sequence[int]:
        rows = rows_of(events, entries, deadlines)
        return self._connected(lambda connection: self._append(connection, rows, unchanged))

    def _append(
        self, connection: Connection, rows: Mapping[str, list[Any]], unchanged: Mapping[str, int]
    ) -> Sequence[int]:
        """One transaction in three round trips (lock, insert, commit), and one more if streams must be unchanged."""
        document = Jsonb(rows, dumps=msgspec.json.encode)  # bytes become base64
        try:
            connection.execute(self._begin)
            self.require_unchanged(
                lambda *asked: connection.execute(_with_placeholders(asked[0]).encode(), asked[1:]).fetchone(),
                unchanged,
            )
            ((positions, *made),) = connection.execute(APPEND.encode(), (document,), prepare=True, binary=True)
            for table, count in zip(
                ("events", "journal", "attempts", "deadlines"), (len(positions), *made), strict=True
            ):
                require_rows(self.place, table, count, len(rows[table]))
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
        try:
            connection.execute("COMMIT")
        except psycopg.OperationalError as error:
            raise StoreError(
                f"{self.place} was lost during a commit: whether it was recorded shows when the command is sent again"
            ) from error
        return cast(Sequence[int], positions)

    @cached_property
    def _begin(self) -> bytes:
        # The events' table is locked before anything is written: journal and events have one commit order, and who
        # follows the positions never passes over one that is committed later.
        statements = sql.SQL(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {seconds};"
            " LOCK TABLE {table} IN EXCLUSIVE MODE; NOTIFY {channel}"
        ).format(
            seconds=sql.Literal(f"{self.datastore.lock_timeout}s"),
            table=sql.Identifier(self.events_table_name),
            channel=sql.Identifier(self.channel_name),
        )
        return statements.as_bytes()

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        statement = SELECT_EVENTS
        if desc:
            statement += "DESC "
        if limit is not None:
            statement += f"LIMIT {limit:d}"
        values = (originator_id, gt or 0, NO_LIMIT if lte is None else lte)
        return [StoredEvent(*row) for row in self._select(statement, values)]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        if topics:
            raise NotImplementedError("notifications are not filtered by topic here")
        first = 0 if start is None else start if inclusive_of_start else start + 1
        values = (first, NO_LIMIT if stop is None else stop, limit)
        return [Notification(*row) for row in self._select(SELECT_NOTIFICATIONS, values)]

    def max_notification_id(self) -> int | None:
        return self.query(f"SELECT max(notification_id) FROM {EVENTS_TABLE}")[0][0]  # type: ignore[no-any-return]

    def load(self, work: Load[R]) -> R:
        return load(self.datastore, self.select_states, work)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._select(_with_placeholders(statement), values)

    def insert(self, statement: str, *values: Any) -> int:
        return self._connected(lambda connection: connection.execute(_with_placeholders(statement), values).rowcount)

    def explain(self, error: Exception) -> StoreError:
        if self.datastore.pool.closed:
            return StoreError(f"{self.place} has been closed")
        return explain(error, self.datastore.address)

    def _select(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return self._connected(
            lambda connection: connection.execute(statement.encode(), values, prepare=True, binary=True).fetchall()
        )

    def _connected(self, work: Callable[[Connection], R]) -> R:
        """Do it on a connection of the pool; where that turns out to be dead, on fresh ones."""
        for attempt in range(RECONNECTIONS):
            lost = False
            try:
                with self.datastore.get_connection() as connection:
                    try:
                        return work(connection)
                    except psycopg.OperationalError:
                        lost = connection.closed
                        raise
            except OperationalError:
                if not lost or attempt == RECONNECTIONS - 1:
                    raise
                self.datastore.pool.check()  # a server that was restarted has left only dead ones
                time.sleep(0.2 * attempt)
        raise AssertionError("unreachable")


@cache
def _with_placeholders(statement: str) -> str:
    return statement.replace("?", "%s")


class PostgresFactory(LibraryFactory):
    """Makes the recorder on a database that the store has opened."""

    application_recorder_class = PostgresRecorder

    def __init__(self, env: Environment, database: PostgresDatabase, *, create: bool) -> None:
        # The base class wants settings to make a database of its own, which is never opened.
        settings = {f"POSTGRES_{name}": "" for name in ("DBNAME", "HOST", "PORT", "USER", "PASSWORD")}
        super().__init__(Environment("", {**env, **settings}))
        self.datastore = database
        if create:
            database.prepare(CREATE_STATEMENTS)
        else:
            database.require_store()
