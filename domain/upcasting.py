"""Stored events of earlier shapes, brought to today's when they are read; the stored row is never changed.

An event whose shape changes gets the next ``schema``: its class says ``current = 2``, and here stands how a stored
event of schema 1 becomes one of schema 2. Steps are applied one after the other, so each knows two neighbours only.
"""

from collections.abc import Callable
from typing import Any

Raw = dict[str, Any]
"""An event's JSON, decoded into plain values."""


def _named_terms(event: Raw) -> Raw:
    """``items-packed`` 2: the two terms after which a shared parcel is taken as lost have names."""
    if "lost_after_days" in event:
        after_dispatch, after_turning = event.pop("lost_after_days")
        event["lost_after"] = {"dispatch_days": after_dispatch, "turning_days": after_turning}
    return event


UPCASTS: dict[tuple[str, int], Callable[[Raw], Raw]] = {("items-packed", 1): _named_terms}
"""By stored name and schema: the step to the next schema."""


def upcast(event: Raw, current: int) -> Raw:
    """The event in the shape of the schema ``current``; raises ``KeyError`` where a step is missing."""
    for schema in range(event.get("schema", 1), current):
        event = UPCASTS[event["type"], schema](event)
        event["schema"] = schema + 1
    return event
