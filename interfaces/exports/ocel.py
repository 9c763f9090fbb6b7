"""What the log says in the words of OCEL 2.0: objects with their attributes, relations, and typed events.

An item is a unit, one piece of a line: every state, rule and refund is about units, and a line of three with one
cancelled and two delivered has no life that a process model could tell. Knows neither JSON nor SQLite.
"""

import types
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from ...domain import events as e
from ...domain.admission import moment
from ...domain.units import lay_out
from ...domain.vocabulary import Units
from ..moves import state_after

Kind = Literal["string", "integer", "boolean", "time"]
Value = str | int | bool | None

OBJECT_TYPES: dict[str, dict[str, Kind]] = {
    "order": {
        "order_id": "string",
        "buyer_id": "string",
        "seller_id": "string",
        "fulfilled_by": "string",
        "placed_at": "time",
        "currency": "string",
        "total": "integer",
        "policy_version": "string",
    },
    "item": {
        "order_id": "string",
        "item_id": "string",
        "number": "integer",
        "sku": "string",
        "title": "string",
        "category": "string",
        "value": "integer",
        "tax": "integer",
        "currency": "string",
        "state": "string",
        "opened": "boolean",
    },
    "shipment": {
        "shipment_id": "string",
        "buyer_id": "string",
        "fulfilled_by": "string",
        "carrier": "string",
        "carrier_kind": "string",
        "tracking_number": "string",
        "mail_class": "string",
        "state": "string",
    },
    "refund": {
        "refund_id": "string",
        "order_id": "string",
        "cause": "string",
        "rule": "string",
        "value": "integer",
        "tax": "integer",
        "amount": "integer",
        "currency": "string",
        "funded_by": "string",
        "processor": "string",
    },
    "return": {
        "return_id": "string",
        "order_id": "string",
        "reason": "string",
        "refund_to": "string",
        "lapses_at": "time",
    },
}
"""The attributes of each type of object; amounts are minor units."""

_KINDS: dict[Any, Kind] = {str: "string", int: "integer", bool: "boolean", datetime: "time"}
_NO_ATTRIBUTES = {"at", "schema"}
_RELATED = ("shipment_id", "refund_id", "return_id")


class Object(NamedTuple):
    """A new object; attributes by name, those that it lacks are None."""

    type: str
    id: str
    attributes: dict[str, Value]


class Change(NamedTuple):
    """From the event's time on, an attribute of an object has another value."""

    type: str
    id: str
    attribute: str
    value: Value


class Told(NamedTuple):
    """What one event adds. ``about``: qualifiers by the ids of the objects that it is about, each of them once.

    ``links``: an object, another, and how the first is related to it. What is named need not exist: a payment that
    nobody owed names a refund as the gateway spelled it.
    """

    objects: list[Object]
    changes: list[Change]
    about: dict[str, str]
    links: list[tuple[str, str, str]]


def attributes(event: e.Event, position: int, currency: str | None) -> list[Value]:
    """The values of an event's attributes, in the sequence of its type's in ``EVENT_TYPES``."""
    own = {"position": position, "currency": currency}
    return [own[name] if name in own else _value(getattr(event, name)) for name in EVENT_TYPES[event.type]]


def told(event: e.Event, currency: str | None) -> Told:
    """What an event says of objects; ``currency`` is its order's."""
    match event:
        case e.OrderPlaced():
            found = _placed(event)
        case e.ShipmentPacked():
            found = _packed(event)
        case e.RefundOwed():
            found = _owed(event, currency)
        case e.ReturnStarted():
            found = _return_started(event)
        case _:
            found = Told([], [], {}, [])
    found.about.update(_about(event))
    found.changes.extend(_changes(event))
    if isinstance(event, e.ItemsPacked):
        shipment = object_id("shipment", event.shipment_id or "")
        found.links.extend((item, shipment, "in") for item in items(event.order_id, event.units))
    return found


def object_id(kind: str, *ids: str) -> str:
    """An id that no two objects share, of whatever types: `item:O1/A/1`; a slash in an id is `%2F`, a percent `%25`."""
    return f"{kind}:" + "/".join(its_id.replace("%", "%25").replace("/", "%2F") for its_id in ids)


def items(order_id: str, units: Units) -> Iterator[str]:
    """The objects' ids of units."""
    for item_id, numbers in units.items():
        yield from (object_id("item", order_id, item_id, str(number)) for number in numbers)


def _placed(event: e.OrderPlaced) -> Told:
    order = object_id("order", event.order_id)
    lines, units, _ = lay_out(event.items, state_after(event) or "")
    total = sum(line.total for line in event.items)
    made = [Object("order", order, _own("order", event, placed_at=moment(event.at), total=total))]
    for unit in units:
        item = lines[unit.item_id]
        its_own = _own(
            "item",
            item.line,
            order_id=event.order_id,
            number=unit.number,
            value=item.value(unit.number),
            tax=item.tax(unit.number),
            currency=event.currency,
            state=unit.state,
            opened=False,
        )
        made.append(Object("item", object_id("item", event.order_id, unit.item_id, str(unit.number)), its_own))
    its_items = [each.id for each in made[1:]]
    return Told(made, [], dict.fromkeys(its_items, "moved"), [(item_id, order, "of") for item_id in its_items])


def _packed(event: e.ShipmentPacked) -> Told:
    carrier = {"carrier": event.carrier.name, "carrier_kind": event.carrier.kind}
    shipment = object_id("shipment", event.shipment_id)
    return Told([Object("shipment", shipment, _own("shipment", event, state="preparing", **carrier))], [], {}, [])


def _owed(event: e.RefundOwed, currency: str | None) -> Told:
    refund = object_id("refund", event.refund_id)
    links = [(refund, object_id("order", event.order_id), "of")]
    links += [(refund, item, "for") for item in items(event.order_id, event.units)]
    links += [(refund, object_id("return", event.return_id), "for")] if event.return_id is not None else []
    return Told([Object("refund", refund, _own("refund", event, currency=currency))], [], {}, links)


def _return_started(event: e.ReturnStarted) -> Told:
    a_return = object_id("return", event.return_id)
    links = [(a_return, object_id("order", event.order_id), "of")]
    links += [(a_return, item, "of") for item in items(event.order_id, event.units)]
    return Told([Object("return", a_return, _own("return", event))], [], {}, links)


def _about(event: e.Event) -> Iterator[tuple[str, str]]:
    """The order or shipment whose event it is, the others that it names, and its units: each object once."""
    subject = event.subject.removesuffix("_id")
    yield object_id(subject, getattr(event, event.subject)), subject
    for field in _RELATED:
        its_id = getattr(event, field, None)
        if field != event.subject and its_id is not None:
            yield object_id(field.removesuffix("_id"), its_id), field.removesuffix("_id")
    if isinstance(event, e.CancellationRequested):
        for others in event.accepted:
            yield from ((item, "accepted") for item in items(others.order_id, others.units))
    if isinstance(event, e.OrderEvent) and (units := getattr(event, "units", None)):
        qualifier = "about" if state_after(event) is None else "moved"
        yield from ((item, qualifier) for item in items(event.order_id, units))


def _changes(event: e.Event) -> Iterator[Change]:
    if isinstance(event, e.ShipmentMoved):
        yield Change("shipment", object_id("shipment", event.shipment_id), "state", event.state)
    if isinstance(event, e.RefundTakenOver):
        yield Change("refund", object_id("refund", event.refund_id), "processor", "marketplace")
    if isinstance(event, e.ReturnReceived):
        yield from (Change("item", item, "opened", True) for item in items(event.order_id, event.opened))
    if isinstance(event, e.OrderEvent) and (units := getattr(event, "units", None)):
        state = state_after(event)
        if state is not None:
            yield from (Change("item", item, "state", state) for item in items(event.order_id, units))


def _own(kind: str, source: Struct, **given: Value) -> dict[str, Value]:
    """An object's attributes: those given, else what the event or line calls by the same name."""
    names = OBJECT_TYPES[kind]
    return {name: given[name] if name in given else _value(getattr(source, name, None)) for name in names}


def _value(found: Any) -> Value:
    return moment(found) if isinstance(found, datetime) else found


def _event_types() -> dict[str, dict[str, Kind]]:
    """By stored name: every field that holds one value, the position in the log, and the currency of an amount."""
    return {name: dict(_event_attributes(kind)) for name, kind in sorted(e.EVENT_TYPES.items())}


def _event_attributes(kind: type[e.Event]) -> Iterator[tuple[str, Kind]]:
    yield "position", "integer"
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in _NO_ATTRIBUTES]
    for field in fields:
        if (its_kind := _kind(field.type)) is not None:
            yield field.name, its_kind
    if any(field.name == "amount" for field in fields):
        yield "currency", "string"


def _kind(annotation: Any) -> Kind | None:
    """The kind of a field that holds one value, which may be absent; None for lists and the like."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _KINDS[type(inner[0])]
    if origin is Annotated:
        return _kind(inner[0])
    if origin in (Union, types.UnionType):
        return _one(_kind(each) for each in inner if each is not type(None))
    return _KINDS.get(annotation)


def _one(kinds: Iterable[Kind | None]) -> Kind | None:
    found = {*kinds}
    return found.pop() if len(found) == 1 else None


EVENT_TYPES: dict[str, dict[str, Kind]] = _event_types()
"""The attributes of each type of event, by their stored names."""
