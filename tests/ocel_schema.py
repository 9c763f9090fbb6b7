"""The structure of an OCEL 2.0 JSON file, as the standard's own schema gives it, and no looser in what it allows."""

from typing import Any

TEXT = {"type": "string", "minLength": 1}
TIME = {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
VALUE = {"type": ["string", "integer", "number", "boolean"]}


def record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = required | (optional or {})
    return {"type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def listed(element: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": element}


KINDS = {"enum": ["string", "time", "integer", "float", "boolean"]}
TYPES = listed(record({"name": TEXT, "attributes": listed(record({"name": TEXT, "type": KINDS}))}))
RELATIONS = {"relationships": listed(record({"objectId": TEXT, "qualifier": TEXT}))}
EVENT = record(
    {"id": TEXT, "type": TEXT, "time": TIME},
    {"attributes": listed(record({"name": TEXT, "value": VALUE})), **RELATIONS},
)
OBJECT = record(
    {"id": TEXT, "type": TEXT},
    {"attributes": listed(record({"name": TEXT, "value": VALUE, "time": TIME})), **RELATIONS},
)
OCEL = record({"eventTypes": TYPES, "objectTypes": TYPES, "events": listed(EVENT), "objects": listed(OBJECT)})
