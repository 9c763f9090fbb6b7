"""The events' rows as they lie in the store, for audits, which trust nothing in them.

`chunk` gives many sound rows at the least cost; `rows` gives any, also those that no event can be read from.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from eventsourcing.persistence import PersistenceError

from ...domain.events import Event, decode, decode_array, streams_of
from ..errors import StoreError
from .records import EVENTS_TABLE, Records

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bytes that no event or entry is."""
_COLUMNS = "notification_id, originator_id, originator_version, topic, state"


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


_decode_versions = msgspec.json.Decoder(list[int]).decode
Named = tuple[str, Event]
"""An event with the name of its stream."""


class Chunk(NamedTuple):
    """Rows next to each other, joined by the database column by column: one costs little until it is decoded."""

    rows: int
    last: int
    """The position of the last row."""
    oddities: int
    """How many rows have a value of another type than its column's."""
    states: bytes
    streams: bytes
    versions: bytes
    names: bytes

    def events(self) -> list[Named] | None:
        """The events with their streams; None where a row is not sound, or is of an earlier schema."""
        try:
            events = decode_array(b"[[%b]]" % self.states)
            versions = _decode_versions(b"[%b]" % self.versions)
        except UNREADABLE:
            return None
        streams = streams_of(events)
        sound = (
            not self.oddities
            and len(events) == self.rows
            and _lines(streams) == self.streams
            and [event.version for event in events] == versions
            and _lines([event.type for event in events]) == self.names
        )
        return list(zip(streams, events, strict=True)) if sound else None


def _lines(values: list[str]) -> bytes:
    return "\n".join(values).encode()


class Scan:
    """Reads the rows of positions after ``after`` and up to ``up_to``."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def chunk(self, after: int, up_to: int, limit: int) -> Chunk | None:
        """The first ``limit`` rows; None where there are none."""
        ((count, *rows),) = self._query(self._records.select_chunk, after, up_to, limit)
        return Chunk(count, *rows) if count else None

    def rows(self, after: int, up_to: int) -> Iterator[Row]:
        """All rows, whatever they hold."""
        statement = f"SELECT {_COLUMNS} FROM {EVENTS_TABLE} WHERE notification_id > ? AND notification_id <= ?"
        statement += " ORDER BY notification_id"
        try:
            found = self._query(statement, after, up_to)
        except StoreError:  # perhaps only a text that is none
            found = self._query(statement, after, up_to, leniently=True)
        yield from map(Row._make, found)

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

    def _query(self, statement: str, *values: Any, leniently: bool = False) -> list[tuple[Any, ...]]:
        try:
            query = self._records.query_leniently if leniently else self._records.query
            return query(statement, *values)
        except (PersistenceError, sqlite3.Error) as error:
            raise self._records.explain(error) from error
