"""OCEL 2.0 as a SQLite database, written event by event: memory stays flat, however long the log is.

Its tables keep the standard's constraints, with keys. Types without an event have tables too, so that a query that runs
on one export runs on every other.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Protocol

from ...domain import Event
from ...domain import events as e
from ...domain.admission import moment
from .ocel import EVENT_TYPES, OBJECT_TYPES, Change, Kind, Object, attributes, object_id, told

BEGINNING = "1970-01-01T00:00:00Z"
"""The standard's time of the attributes that an object begins with."""
CHUNK_EVENTS = 1_000
_PAGES_KIB = 32_768
_COLUMNS: dict[Kind, str] = {"string": "TEXT", "integer": "INTEGER", "boolean": "BOOLEAN", "time": "TIMESTAMP"}
_SCHEMA = """
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL);
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL REFERENCES event_map_type (ocel_type));
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL REFERENCES object_map_type (ocel_type));
CREATE TABLE event_object (
    ocel_event_id TEXT REFERENCES event (ocel_id),
    ocel_object_id TEXT REFERENCES object (ocel_id),
    ocel_qualifier TEXT,
    PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier)
) WITHOUT ROWID;
CREATE TABLE object_object (
    ocel_source_id TEXT REFERENCES object (ocel_id),
    ocel_target_id TEXT REFERENCES object (ocel_id),
    ocel_qualifier TEXT,
    PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier)
) WITHOUT ROWID;
"""
_RELATE = "INSERT INTO event_object SELECT ?, ocel_id, ? FROM object WHERE ocel_id = ?"
_LINK = """
INSERT OR IGNORE INTO object_object
SELECT source.ocel_id, target.ocel_id, ? FROM object AS source, object AS target
WHERE source.ocel_id = ? AND target.ocel_id = ?
"""
_CHANGE = """
INSERT OR REPLACE INTO object_{table} (ocel_id, ocel_time, ocel_changed_field, "{attribute}") VALUES (?, ?, ?, ?)
"""


class Log(Protocol):
    """The whole log by position, such as an ``Orders``."""

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]: ...
    def last_position(self) -> int: ...


@contextmanager
def ocel_database(path: str, log: Log, advance: Callable[[int, int], object]) -> Iterator[sqlite3.Connection]:
    """The log as a database in an empty file; a ``path`` of "" makes one that vanishes, and leaves nothing if killed.

    ``advance`` is told the position that is reached, and that of the last event.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Who is interrupted begins again: the file takes its name only once it is whole.
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(f"PRAGMA cache_size = -{_PAGES_KIB}")
        connection.execute("BEGIN")
        for statement in _schema():
            connection.execute(statement)
        writer = _Writer(connection)
        last = log.last_position()
        for position, event in _up_to(log, last):
            writer.write(position, event)
            advance(position, last)
        connection.execute("COMMIT")
        yield connection


def table(type_name: str) -> str:
    """What the standard calls a type's table, behind `event_` or `object_`: `ItemsDispatched`."""
    return "".join(part.capitalize() for part in type_name.split("-"))


def _schema() -> Iterator[str]:
    yield from (statement for statement in _SCHEMA.split(";") if statement.strip())
    for name, columns in EVENT_TYPES.items():
        yield f"INSERT INTO event_map_type VALUES ('{name}', '{table(name)}')"
        yield (
            f"CREATE TABLE event_{table(name)} (ocel_id TEXT PRIMARY KEY REFERENCES event (ocel_id),"
            f" ocel_time TIMESTAMP NOT NULL, {_columns(columns)})"
        )
    for name, columns in OBJECT_TYPES.items():
        yield f"INSERT INTO object_map_type VALUES ('{name}', '{table(name)}')"
        yield (
            f"CREATE TABLE object_{table(name)} (ocel_id TEXT NOT NULL REFERENCES object (ocel_id),"
            f" ocel_time TIMESTAMP NOT NULL, ocel_changed_field TEXT, {_columns(columns)})"
        )
        # An attribute has one value at a time: the last that is told of an instant.
        key = "(ocel_id, ocel_time, ocel_changed_field)"
        yield f"CREATE UNIQUE INDEX values_of_{table(name)} ON object_{table(name)} {key}"


def _columns(columns: dict[str, Kind]) -> str:
    return ", ".join(f'"{name}" {_COLUMNS[kind]}' for name, kind in columns.items())


def _up_to(log: Log, last: int) -> Iterator[tuple[int, Event]]:
    """The events up to a position: what is recorded meanwhile is left out."""
    position = 0
    while position < last:
        chunk = log.notifications(position, CHUNK_EVENTS)
        yield from ((position, event) for position, event in chunk if position <= last)
        position = chunk[-1][0] if chunk else last


class _Writer:
    """Writes events in the order of the log: objects are known before what is related to them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._of_event = {
            name: _insert(f"event_{table(name)}", 2 + len(columns)) for name, columns in EVENT_TYPES.items()
        }
        self._of_object = {
            name: _insert(f"object_{table(name)}", 3 + len(columns)) for name, columns in OBJECT_TYPES.items()
        }

    def write(self, position: int, event: Event) -> None:
        currency = self._currency(event) if "currency" in EVENT_TYPES[event.type] else None
        said = told(event, currency)
        event_id, at = str(position), moment(event.at)
        self._make(said.objects)
        self._execute("INSERT INTO event VALUES (?, ?)", (event_id, event.type))
        self._execute(self._of_event[event.type], (event_id, at, *attributes(event, position, currency)))
        about = [(event_id, qualifier, its_id) for its_id, qualifier in said.about.items()]
        self._connection.executemany(_RELATE, about)
        self._connection.executemany(_LINK, [(qualifier, source, target) for source, target, qualifier in said.links])
        self._change(at, said.changes)

    def _make(self, objects: Iterable[Object]) -> None:
        for made in objects:
            self._execute("INSERT INTO object VALUES (?, ?)", (made.id, made.type))
            self._execute(self._of_object[made.type], (made.id, BEGINNING, None, *made.attributes.values()))

    def _change(self, at: str, changes: Iterable[Change]) -> None:
        for change in changes:
            statement = _CHANGE.format(table=table(change.type), attribute=change.attribute)
            self._execute(statement, (change.id, at, change.attribute, change.value))

    def _currency(self, event: Event) -> str | None:
        """Its order's, which was placed earlier; None in a log that lacks the placing."""
        if isinstance(event, e.OrderPlaced):
            return event.currency
        order = object_id("order", event.order_id) if isinstance(event, e.OrderEvent) else None
        found = self._execute("SELECT currency FROM object_Order WHERE ocel_id = ?", (order,)).fetchone()
        return None if found is None else str(found[0])


def _insert(into: str, values: int) -> str:
    return f"INSERT INTO {into} VALUES ({', '.join('?' * values)})"
