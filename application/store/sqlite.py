"""The store on SQLite: the library's recorder, with our rows in the transaction of its events."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteFactory
from eventsourcing.utils import Environment

from ..errors import StoreError
from .chain import CHAINS, EVENTS, JOURNAL, START
from .entries import COLUMNS, JournalEntry, microseconds, to_row
from .loading import Load, Loading
from .mapper import EventRow
from .records import EVENTS_TABLE, Records, require_rows
from .sqlite_file import SqliteFile, explain

NO_LIMIT = 2**63 - 1
WITH_GAPS = 1  # in the file's header: its events came from a database that leaves gaps between positions
R = TypeVar("R")

# AUTOINCREMENT: the number of a row that is gone is never given again, so a reader's checkpoint stays true.
CREATE_STATEMENTS = [
    "CREATE TABLE meta (application TEXT NOT NULL, format INTEGER NOT NULL)",
    f"CREATE TABLE {EVENTS_TABLE} (notification_id INTEGER PRIMARY KEY AUTOINCREMENT, originator_id TEXT NOT NULL,"
    " originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL, digest BLOB NOT NULL,"
    " UNIQUE (originator_id, originator_version))",
    "CREATE TABLE journal (entry INTEGER PRIMARY KEY AUTOINCREMENT, command_id TEXT NOT NULL, command BLOB NOT NULL,"
    " outcome BLOB NOT NULL, status TEXT NOT NULL, at_us INTEGER NOT NULL, recorded_at_us INTEGER NOT NULL,"
    " basis BLOB NOT NULL, attempts BLOB NOT NULL, reused INTEGER NOT NULL, digest BLOB NOT NULL)",
    "CREATE UNIQUE INDEX journal_command_id ON journal (command_id) WHERE reused = 0",
    "CREATE INDEX journal_reused_command_id ON journal (command_id) WHERE reused = 1",
    "CREATE TABLE attempts (order_id TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (order_id, entry))"
    " WITHOUT ROWID",
    "CREATE TABLE deadlines (order_id TEXT PRIMARY KEY NOT NULL, due_us INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE INDEX deadlines_due ON deadlines (due_us, order_id)",
    "CREATE TABLE policies (version TEXT PRIMARY KEY NOT NULL, content TEXT NOT NULL, sha256 TEXT NOT NULL)"
    " WITHOUT ROWID",
]

# Of each chain the greatest number, the greatest that was ever given, and the last row's digest. Which positions were
# given, nobody knows where they came from a database that leaves gaps.
SELECT_HEADS = "SELECT " + ", ".join(
    f"coalesce((SELECT max({chain.number}) FROM {chain.table}), 0),"
    f" CASE WHEN {chain is JOURNAL:d} OR (SELECT user_version FROM pragma_user_version) <> {WITH_GAPS}"
    f" THEN coalesce((SELECT seq FROM sqlite_sequence WHERE name = '{chain.table}'), 0) END,"
    f" (SELECT CAST(digest AS BLOB) FROM {chain.table} ORDER BY {chain.number} DESC LIMIT 1)"
    for chain in CHAINS
)
# For whoever appends, with less to look up. The greatest number ever given is not the last row's where rows are gone:
# they leave a gap that nothing closes.
SELECT_LAST = "SELECT " + ", ".join(
    f"(SELECT seq FROM sqlite_sequence WHERE name = '{chain.table}'),"
    f" (SELECT CAST(digest AS BLOB) FROM {chain.table} ORDER BY {chain.number} DESC LIMIT 1)"
    for chain in CHAINS
)
INSERT_EVENT = f"INSERT INTO {EVENTS_TABLE} (notification_id, {EVENTS.columns}, digest) VALUES (?,?,?,?,?,?)"
INSERT_ENTRY = f"INSERT INTO journal (entry, {COLUMNS}, digest) VALUES (?,?,?,?,?,?,?,?,?,?,?)"
INSERT_ATTEMPT = "INSERT INTO attempts (order_id, entry) VALUES (?,?)"
SET_DEADLINE = (
    "INSERT INTO deadlines (order_id, due_us) VALUES (?,?)"
    " ON CONFLICT (order_id) DO UPDATE SET due_us = excluded.due_us"
)
DROP_DEADLINE = "DELETE FROM deadlines WHERE order_id = ?"
SELECT_EVENTS = (
    f"SELECT originator_id, originator_version, topic, state FROM {EVENTS_TABLE}"
    " WHERE originator_id = ? AND originator_version > ? AND originator_version <= ? ORDER BY originator_version "
)
# CROSS JOIN: what is asked for is the outer loop, each a look-up in an index.
SELECT_ENTRIES = (
    f"SELECT {COLUMNS} FROM json_each(?) AS asked CROSS JOIN journal"
    " WHERE journal.command_id = asked.value AND journal.reused = 0"
)
SELECT_STATES = (
    f"SELECT state FROM json_each(?) AS asked CROSS JOIN {EVENTS_TABLE}"
    " WHERE originator_id = json_extract(asked.value, '$[0]')"
    " AND originator_version > json_extract(asked.value, '$[1]') ORDER BY originator_id, originator_version"
)
SELECT_TRIED = (
    "SELECT asked.value AS order_id, journal.entry FROM journal, json_each(CAST(journal.attempts AS TEXT)) AS asked"
    " WHERE journal.attempts <> x'5b5d'"
)
SELECT_NOTIFICATIONS = (
    f"SELECT originator_id, originator_version, topic, state, notification_id FROM {EVENTS_TABLE}"
    " WHERE notification_id >= ? AND notification_id <= ? ORDER BY notification_id LIMIT ?"
)


class SqliteRecorder(SQLiteApplicationRecorder, Records):
    """Events, journal, attempts and deadlines in one transaction; rows are read as plain tuples."""

    datastore: SqliteFile
    select_entries = SELECT_ENTRIES
    select_states = SELECT_STATES
    select_heads = SELECT_HEADS
    select_tried = SELECT_TRIED

    @property
    def place(self) -> str:
        return self.datastore.place

    def create_table(self) -> None:
        self.datastore.prepare(CREATE_STATEMENTS)

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
        journal = [to_row(entry) for entry in entries]

        def work(connection: sqlite3.Connection) -> Sequence[int]:
            if unchanged:
                self.require_unchanged(lambda *asked: connection.execute(asked[0], asked[1:]).fetchone(), unchanged)
            positions, numbers = self._insert_linked(connection, events, journal)
            if any(entry.attempts for entry in entries):
                attempts = [(order_id, n) for n, e in zip(numbers, entries, strict=True) for order_id in e.attempts]
                self._insert(connection, INSERT_ATTEMPT, "attempts", attempts)
            if deadlines:
                due = [(order_id, microseconds(at)) for order_id, at in deadlines.items() if at is not None]
                self._insert(connection, SET_DEADLINE, "deadlines", due)
                if len(due) < len(deadlines):
                    gone = [(order_id,) for order_id, at in deadlines.items() if at is None]
                    connection.executemany(DROP_DEADLINE, gone)
            return positions

        return self.datastore.write(work)

    def _insert_linked(
        self, connection: sqlite3.Connection, events: Sequence[EventRow], journal: Sequence[tuple[Any, ...]]
    ) -> tuple[range, range]:
        """Insert events and entries as the next ones of their chains; their numbers."""
        if not (events or journal):
            return range(0), range(0)
        ((position, event_digest, entry, entry_digest),) = connection.execute(SELECT_LAST)
        positions, numbers = _after(position or 0, len(events)), _after(entry or 0, len(journal))
        linked = EVENTS.link(event_digest or START, positions, events)
        self._insert(connection, INSERT_EVENT, EVENTS_TABLE, linked)
        linked = JOURNAL.link(entry_digest or START, numbers, journal)
        self._insert(connection, INSERT_ENTRY, "journal", linked)
        return positions, numbers

    def _insert(
        self, connection: sqlite3.Connection, statement: str, table: str, rows: Sequence[tuple[Any, ...]]
    ) -> None:
        if not rows:
            return
        # executemany costs more
        cursor = connection.execute(statement, rows[0]) if len(rows) == 1 else connection.executemany(statement, rows)
        require_rows(self.place, table, cursor.rowcount, len(rows))

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
        return [StoredEvent(*row) for row in self.datastore.query(statement, values)]

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
        return [Notification(*row) for row in self.datastore.query(SELECT_NOTIFICATIONS, values)]

    def max_notification_id(self) -> int:
        ((last,),) = self.query(f"SELECT coalesce(max(notification_id), 0) FROM {EVENTS_TABLE}")
        return int(last)

    def load(self, work: Load[R]) -> R:
        def load(connection: sqlite3.Connection) -> R:
            loading = SqliteLoading(connection, self.place)
            loading.require_empty(self.place)
            return work(loading)

        return self.datastore.write(load)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.datastore.query(statement, values)

    def query_leniently(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.datastore.query_leniently(statement, values)

    def insert(self, statement: str, *values: Any) -> int:
        return self.datastore.write(lambda connection: connection.execute(statement, values).rowcount)

    def explain(self, error: Exception) -> StoreError:
        return explain(error, self.datastore)


def _after(last: int, count: int) -> range:
    return range(last + 1, last + 1 + count)


class SqliteLoading(Loading):
    """Rows of another store, on the connection that writes."""

    select_states = SELECT_STATES

    def __init__(self, connection: sqlite3.Connection, place: str) -> None:
        self._connection = connection
        self._place = place

    def insert(self, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
        values = ",".join("?" * (columns.count(",") + 1))
        cursor = self._connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({values})", rows)
        require_rows(self._place, table, max(cursor.rowcount, 0), len(rows))

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(statement, values).fetchall()

    def number_after(self, position: int, *, gaps: bool) -> None:  # noqa: ARG002 - AUTOINCREMENT knows the position
        if gaps:
            self._connection.execute(f"PRAGMA user_version={WITH_GAPS}")


class SqliteFactory(SQLiteFactory):
    """Makes the recorder on a file that the store has opened."""

    application_recorder_class = SqliteRecorder

    def __init__(self, env: Environment, file: SqliteFile) -> None:
        super().__init__(env)
        self.datastore = file
