"""A story in a column: what happened to a row, as a JSON array that grows without being read.

A row that keeps one can be told as of any time, by what had happened until then.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode


def by_row(field: str, events: Iterable[Any]) -> dict[str, list[Any]]:
    """Each row's events, in their order: so a row is fetched, told on and written once, whatever happened to it."""
    found: dict[str, list[Any]] = {}
    id_of = attrgetter(field)
    for event in events:
        row_id = id_of(event)
        if row_id in found:
            found[row_id].append(event)
        else:
            found[row_id] = [event]
    return found


def appended(story: str, *steps: msgspec.Struct) -> str:
    """The array with more steps; ``story`` is ``[]`` where nothing has happened yet."""
    return joined(story, [as_json(step) for step in steps])


def joined(story: str, steps: Iterable[str]) -> str:
    """As ``appended``, of steps that are JSON already."""
    more = ",".join(steps)
    if not more:
        return story
    return f"{story[:-1]},{more}]" if len(story) > 2 else f"[{more}]"


def as_json(step: msgspec.Struct) -> str:
    """A step as it stands in the array."""
    return _encode(step).decode()
