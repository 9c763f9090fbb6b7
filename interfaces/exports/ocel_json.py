"""OCEL 2.0 as JSON, made from the database: an object and an event a line, never more of them in memory at once."""

import sqlite3
from collections.abc import Iterator
from typing import Any

from msgspec.json import encode

from .ocel import EVENT_TYPES, OBJECT_TYPES, Kind
from .ocel_sqlite import table


def ocel_json(database: sqlite3.Connection) -> Iterator[str]:
    """The file in pieces: types, objects as they appear in the log, events in its order."""
    yield from _array('{"eventTypes":', (_type(name, kinds) for name, kinds in EVENT_TYPES.items()))
    yield from _array(',"objectTypes":', (_type(name, kinds) for name, kinds in OBJECT_TYPES.items()))
    yield from _array(',"objects":', _objects(database))
    yield from _array(',"events":', _events(database))
    yield "}\n"


def _array(name: str, elements: Iterator[dict[str, Any]]) -> Iterator[str]:
    yield f"{name}["
    separator = "\n"
    for element in elements:
        yield f"{separator}{encode(element).decode()}"
        separator = ",\n"
    yield "\n]"


def _type(name: str, kinds: dict[str, Kind]) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": attribute, "type": kind} for attribute, kind in kinds.items()]}


def _objects(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    values = {name: f"SELECT * FROM object_{table(name)} WHERE ocel_id = ? ORDER BY rowid" for name in OBJECT_TYPES}
    related = "SELECT ocel_target_id, ocel_qualifier FROM object_object WHERE ocel_source_id = ? ORDER BY 1, 2"
    for its_id, its_type in database.execute("SELECT ocel_id, ocel_type FROM object ORDER BY rowid"):
        attributes = [
            {"name": name, "time": at, "value": value}
            for _, at, changed, *row in database.execute(values[its_type], (its_id,))
            for name, value in _present(OBJECT_TYPES[its_type], row)
        ]
        relations = _relations(database, related, its_id)
        yield {"id": its_id, "type": its_type, "attributes": attributes, "relationships": relations}


def _events(database: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    values = {name: f"SELECT * FROM event_{table(name)} WHERE ocel_id = ?" for name in EVENT_TYPES}
    related = "SELECT ocel_object_id, ocel_qualifier FROM event_object WHERE ocel_event_id = ? ORDER BY 1, 2"
    for its_id, its_type in database.execute("SELECT ocel_id, ocel_type FROM event ORDER BY rowid"):
        _, at, *row = database.execute(values[its_type], (its_id,)).fetchone()
        attributes = [{"name": name, "value": value} for name, value in _present(EVENT_TYPES[its_type], row)]
        relations = _relations(database, related, its_id)
        yield {"id": its_id, "type": its_type, "time": at, "attributes": attributes, "relationships": relations}


def _present(kinds: dict[str, Kind], row: list[Any]) -> Iterator[tuple[str, Any]]:
    """The attributes that have a value."""
    for (name, kind), value in zip(kinds.items(), row, strict=True):
        if value is not None:
            yield name, bool(value) if kind == "boolean" else value


def _relations(database: sqlite3.Connection, statement: str, its_id: str) -> list[dict[str, str]]:
    return [{"objectId": other, "qualifier": qualifier} for other, qualifier in database.execute(statement, (its_id,))]
