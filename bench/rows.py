"""The rows that the engine writes, transaction by transaction, and plain sqlite3 writing the same ones.

What is compared with is thus the storage itself: same schema, same pragmas, same transactions, values ready-made.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from trade import Ticking

from ordertrail.application import Orders
from ordertrail.application.store import JournalEntry, Store
from ordertrail.application.store.chain import EVENTS, JOURNAL, START
from ordertrail.application.store.entries import microseconds, to_row
from ordertrail.application.store.mapper import to_event_row
from ordertrail.application.store.sqlite import (
    CREATE_STATEMENTS,
    DROP_DEADLINE,
    INSERT_ATTEMPT,
    INSERT_ENTRY,
    INSERT_EVENT,
    SET_DEADLINE,
)
from ordertrail.application.store.sqlite_file import CACHE_KIB
from ordertrail.domain import Event, default_policy_toml

Row = tuple[Any, ...]
PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", f"PRAGMA cache_size=-{CACHE_KIB}")
COMPARED = ("stored_events", "journal", "attempts", "deadlines")


class Transaction(NamedTuple):
    """Statements with all rows of theirs, in the order in which they were written."""

    statements: list[tuple[str, list[Row]]]


class RecordingStore(Store):
    """A store that remembers what it wrote."""

    transactions: list[Transaction]
    _entries: int
    _digests: tuple[bytes, bytes]  # of the last event and of the last entry

    def append(
        self,
        events: Sequence[Event],
        entries: Sequence[JournalEntry],
        deadlines: Mapping[str, datetime | None],
        **more: Any,
    ) -> Sequence[int]:
        positions = super().append(events, entries, deadlines, **more)
        numbers = range(self._entries + 1, self._entries + 1 + len(entries))
        self._entries += len(entries)
        event_digest, entry_digest = self._digests
        linked = EVENTS.link(event_digest, positions, [to_event_row(event) for event in events])
        linked_entries = JOURNAL.link(entry_digest, numbers, [to_row(entry) for entry in entries])
        self._digests = (
            linked[-1][-1] if linked else event_digest,
            linked_entries[-1][-1] if linked_entries else entry_digest,
        )
        numbered = zip(numbers, entries, strict=True)
        written = [
            (INSERT_EVENT, linked),
            (INSERT_ENTRY, linked_entries),
            (INSERT_ATTEMPT, [(order_id, number) for number, entry in numbered for order_id in entry.attempts]),
            (SET_DEADLINE, [(order_id, microseconds(at)) for order_id, at in deadlines.items() if at is not None]),
            (DROP_DEADLINE, [(order_id,) for order_id, at in deadlines.items() if at is None]),
        ]
        if any(rows for _, rows in written):
            self.transactions.append(Transaction([(statement, rows) for statement, rows in written if rows]))
        return positions

    @classmethod
    def orders(cls, path: Path) -> tuple[Orders, Self]:
        """The engine on a new file, and the store that remembers what it makes of it."""
        store = cls.open(str(path))
        store.transactions, store._entries, store._digests = [], 0, (START, START)
        return Orders(store, default_policy_toml(), Ticking()), store


class RawFile:
    """Plain sqlite3 in immediate transactions; unless told otherwise as careful as the engine, and with its tables."""

    def __init__(self, path: Path, pragmas: Iterable[str] = PRAGMAS, tables: Iterable[str] = CREATE_STATEMENTS) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for statement in (*pragmas, *tables):
            self._connection.execute(statement)

    def write(self, transaction: Transaction) -> None:
        """One transaction, durable when this returns."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        for statement, rows in transaction.statements:
            if len(rows) == 1:
                connection.execute(statement, rows[0])
            else:
                connection.executemany(statement, rows)
        connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


def require_same_rows(one: Path, other: Path, tables: Iterable[str] = COMPARED) -> None:
    """A comparison of writers that wrote different things would mean nothing."""
    if any(_digest(one, table) != _digest(other, table) for table in tables):
        raise AssertionError(f"{one.name} and {other.name} hold different rows")


def _digest(path: Path, table: str) -> str:
    digest = hashlib.sha256()
    connection = sqlite3.connect(path)
    for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2"):
        digest.update(repr(row).encode())
    connection.close()
    return digest.hexdigest()
