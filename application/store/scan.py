"""The events' rows as they lie in the store, for audits, which trust nothing in them.

Rows are given also where no event can be read from them; many sound ones are read at the least cost as a `Chunk`.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from eventsourcing.persistence import PersistenceError

from ...domain.events import Event, decode, streams_of
from ..errors import StoreError
from .records import EVENTS_TABLE, Records

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that no event or entry is."""
_COLUMNS = "notification_id, originator_id, originator_version, topic, state"
_ROWS = (
    f"SELECT {_COLUMNS} FROM {EVENTS_TABLE} WHERE notification_id > ? AND notification_id <= ? ORDER BY notification_id"
)


class Row(NamedTuple):
    """An event's row as stored: ``name`` is the stored name, such as ``order-placed``."""

    position: int
    stream: str
    version: int
    name: str
    state: bytes

    @property
    def whose(self) -> str:
        """The stream, in words: what lies there may be no text."""
        return self.stream if isinstance(self.stream, str) else bytes(self.stream).decode(errors="backslashreplace")

    def event(self) -> Event:
        """The event in it; raises ``ValueError`` with what is wrong, also where the columns tell of another event."""
        if not isinstance(self.state, bytes):
            raise ValueError("its state is not stored as bytes: whoever looks for it does not see it")
        try:
            event = decode(self.state)
        except (*UNREADABLE, TypeError) as error:
            raise ValueError(f"no event can be read from it: {error}") from error
        held, told = f"{event.type} {event.version} {event.stream}", f"{self.name} {self.version} {self.stream}"
        if held != told:
            raise ValueError(f"its columns say {told}, and it holds {held}")
        return event


Named = tuple[str, Event]
"""An event with the name of its stream."""


class Chunk(NamedTuple):
    """Rows next to each other, as the driver gives them."""

    rows: list[tuple[Any, ...]]

    @property
    def last(self) -> int:
        """The position of the last row."""
        position: int = self.rows[-1][0]
        return position

    def events(self) -> list[Named] | None:
        """The events with their streams, at the least cost; None where a row is not sound.

        What lies in a column as another type than the column's is not equal to what an event says.
        """
        _, streams, versions, names, states = zip(*self.rows, strict=True)
        if {*map(type, states)} != {bytes}:
            return None
        try:
            events = [decode(state) for state in states]
        except (*UNREADABLE, TypeError):
            return None
        held = streams_of(events)
        sound = (
            held == list(streams)
            and [event.version for event in events] == list(versions)
            and [event.type for event in events] == list(names)
        )
        return list(zip(held, events, strict=True)) if sound else None

    def each(self) -> Iterator[Row]:
        """Row by row, whatever they hold."""
        return map(Row._make, self.rows)


class Scan:
    """Reads the rows of positions after ``after`` and up to ``up_to``."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def chunk(self, after: int, up_to: int, limit: int) -> Chunk | None:
        """The first ``limit`` rows, whatever they hold; None where there are none."""
        rows = self._leniently(f"{_ROWS} LIMIT ?", after, up_to, limit)
        return Chunk(rows) if rows else None

    def rows(self, after: int, up_to: int) -> Iterator[Row]:
        """All rows, whatever they hold."""
        return Chunk(self._leniently(_ROWS, after, up_to)).each()

    def stream_rows(self, stream: str, before: int) -> Iterator[Row]:
        """A stream's rows of positions before ``before``, in the order of the log."""
        statement = f"SELECT {_COLUMNS} FROM {EVENTS_TABLE} WHERE originator_id = ? AND notification_id < ?"
        yield from map(Row._make, self._query(f"{statement} ORDER BY notification_id", stream, before))

    def position(self, stream: str, version: int) -> int:
        """Where an event lies; 0 for nowhere."""
        statement = f"SELECT notification_id FROM {EVENTS_TABLE} WHERE originator_id = ? AND originator_version = ?"
        return next((int(position) for (position,) in self._query(statement, stream, version)), 0)

    def last_version(self, stream: str) -> int:
        """The stream's greatest version; 0 for none."""
        statement = f"SELECT coalesce(max(originator_version), 0) FROM {EVENTS_TABLE} WHERE originator_id = ?"
        ((version,),) = self._query(statement, stream)
        return int(version)

    def first_position(self) -> int:
        """The position of the first row; 0 for none."""
        ((position,),) = self._query(f"SELECT coalesce(min(notification_id), 0) FROM {EVENTS_TABLE}")
        return int(position)

    def _leniently(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._query(statement, *values)
        except StoreError:  # perhaps only a text that is none
            return self._query(statement, *values, leniently=True)

    def _query(self, statement: str, *values: Any, leniently: bool = False) -> list[tuple[Any, ...]]:
        try:
            query = self._records.query_leniently if leniently else self._records.query
            return query(statement, *values)
        except (PersistenceError, sqlite3.Error) as error:
            raise self._records.explain(error) from error
