"""Run by a Python that has pm4py: what it reads from an OCEL 2.0 file, as one line of JSON behind all that it says."""

import json
import sys
import warnings
from numbers import Number
from typing import Any

import pm4py  # type: ignore[import-not-found]

EVENT, OBJECT = "ocel:eid", "ocel:oid"
QUALIFIER = "ocel:qualifier"


def read(path: str) -> dict[str, Any]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        log = pm4py.read_ocel2(path)
    found = {
        "events": rows(log.events, EVENT, "ocel:activity", "ocel:timestamp", "amount", "rule"),
        "objects": rows(log.objects, OBJECT, "ocel:type", "value", "currency", "state"),
        "about": rows(log.relations, EVENT, OBJECT, QUALIFIER),
        "links": rows(log.o2o, OBJECT, f"{OBJECT}_2", QUALIFIER),
        "changes": rows(log.object_changes, OBJECT, "ocel:field", "ocel:timestamp", "state"),
        "satisfied": [],
        "unsatisfied": [],
        "warned": [str(each.message) for each in warned if "unique" in str(each.message)],
    }
    if path.endswith(".sqlite"):
        from pm4py.objects.ocel.validation import ocel20_rel_validation  # type: ignore[import-not-found]

        found["satisfied"], found["unsatisfied"] = map(list, ocel20_rel_validation.apply(path))
    return found


def rows(frame: Any, *columns: str) -> list[list[Any]]:
    """Values in the order of the frame; times in UTC, numbers whole, what is absent as null."""
    return [[plain(value) for value in row] for row in frame[list(columns)].itertuples(index=False)]


def plain(value: Any) -> Any:
    if value is None or value != value:
        return None
    if hasattr(value, "tz_convert"):
        return value.tz_convert("UTC").isoformat()
    return int(value) if isinstance(value, Number) else str(value)


print(f"\n{json.dumps(read(sys.argv[1]))}")
