"""Parcels: where they are, what is in them, and what carriers said of them, reports that changed nothing included."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, select

from ..domain import Event
from ..domain import events as e
from ..domain.vocabulary import OrderUnits
from . import registry
from .database import Database
from .orders import ORDERS, OrderList
from .projection import FIXED, ID, NUMBER, Projection, Rows, instant, microseconds

_METADATA = MetaData()
SHIPMENTS = Table(
    "shipments",
    _METADATA,
    Column("shipment_id", ID, primary_key=True),
    Column("buyer_id", ID, nullable=False, info=FIXED),
    Column("state", ID, nullable=False),
    Column("carrier", Text, nullable=False, info=FIXED),
    Column("tracking_number", Text, info=FIXED),
    Column("mail_class", Text, info=FIXED),
    Column("packed_us", NUMBER, nullable=False, info=FIXED),
    Column("packed", Text, nullable=False, info=FIXED),
    Column("taken_out", Text, nullable=False),
    Column("history", Text, nullable=False),
)
Index("shipments_buyer", SHIPMENTS.c.buyer_id, SHIPMENTS.c.shipment_id)
Index("shipments_state", SHIPMENTS.c.state, SHIPMENTS.c.shipment_id)
PACKED_ORDERS = Table(
    "shipment_orders",
    _METADATA,
    Column("order_id", ID, primary_key=True),
    Column("shipment_id", ID, primary_key=True),
    sqlite_with_rowid=False,
)


class ShipmentRow(Struct, gc=False):
    """``packed``, ``taken_out`` and ``history`` are JSON: contents, contents with a time, reports with their states."""

    shipment_id: str
    buyer_id: str
    state: str
    carrier: str
    tracking_number: str | None
    mail_class: str | None
    packed_us: int
    packed: str
    taken_out: str
    history: str


class PackedOrderRow(Struct, gc=False):
    order_id: str
    shipment_id: str


class _Said(Struct, frozen=True, array_like=True, gc=False):
    """A line of ``history``; ``state`` is the parcel's from then on, if it moved."""

    at_us: int
    report: str
    effect: str
    state: str | None = None
    attempt: bool = False


class _Taken(Struct, frozen=True, array_like=True, gc=False):
    at_us: int
    contents: list[OrderUnits]


_encode = msgspec.json.Encoder().encode
_decode_packed = msgspec.json.Decoder(list[OrderUnits]).decode
_decode_taken = msgspec.json.Decoder(list[_Taken]).decode
_decode_history = msgspec.json.Decoder(list[_Said]).decode


_CONCERNS = {kind for kind in e.EVENT_TYPES.values() if issubclass(kind, e.ShipmentEvent)}


class Shipments(Projection):
    """See the module."""

    name = "shipments"
    version = 1
    tables: ClassVar = {ShipmentRow: SHIPMENTS, PackedOrderRow: PACKED_ORDERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[Any] = [event for _, event in events if type(event) in _CONCERNS]
        rows.load(ShipmentRow, {event.shipment_id for event in mine if event.version > 1})
        for event in mine:
            if isinstance(event, e.ShipmentPacked):
                rows.put(_packed(event))
                for order_id in dict.fromkeys(content.order_id for content in event.contents):
                    rows.add(PackedOrderRow(order_id, event.shipment_id))
                continue
            shipment = rows.get(ShipmentRow, event.shipment_id)
            assert shipment is not None, "a parcel is packed before anything happens to it"
            at = microseconds(event.at)
            if isinstance(event, e.ShipmentMoved):
                shipment.state = event.state
                attempt = isinstance(event, e.ShipmentAttempted)
                said = _Said(at, event.report, "inferred" if event.inferred else "moved", event.state, attempt)
                shipment.history = _appended(shipment.history, said)
            elif isinstance(event, e.ReportNoted):
                shipment.history = _appended(shipment.history, _Said(at, event.report, "noted"))
            elif isinstance(event, e.ContentsTakenOut):
                shipment.taken_out = _appended(shipment.taken_out, _Taken(at, event.contents))
            rows.put(shipment)


def _packed(event: e.ShipmentPacked) -> ShipmentRow:
    return ShipmentRow(
        shipment_id=event.shipment_id,
        buyer_id=event.buyer_id,
        state="preparing",
        carrier=event.carrier.name,
        tracking_number=event.tracking_number,
        mail_class=event.mail_class,
        packed_us=microseconds(event.at),
        packed=_encode(event.contents).decode(),
        taken_out="[]",
        history="[]",
    )


def _appended(array: str, item: Struct) -> str:
    """A JSON array with one more item, without reading what is in it."""
    return f"{array[:-1]}{',' if array != '[]' else ''}{_encode(item).decode()}]"


# --- queries ----------------------------------------------------------------------------------------------------------


class Content(Struct, frozen=True):
    order_id: str
    item_id: str
    quantity: int


class Report(Struct, frozen=True):
    """``effect``: moved, noted or inferred."""

    at: datetime
    report: str
    effect: str


class ListedShipment(Struct, frozen=True):
    """``attempts`` are the failed ones; ``contents`` as packed, less what was taken out."""

    shipment_id: str
    state: str
    carrier: str
    tracking_number: str | None
    mail_class: str | None
    attempts: int
    contents: list[Content]
    history: list[Report]


def shipments(
    database: Database,
    *,
    shipment_id: str | None = None,
    order_id: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    state: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[ListedShipment]:
    """Parcels by their ids, beginning behind the id ``after``; ``as_of``: by what had happened then."""
    column = SHIPMENTS.c
    query = select(SHIPMENTS).order_by(column.shipment_id)
    if shipment_id is not None:
        query = query.where(column.shipment_id == shipment_id)
    if buyer_id is not None:
        query = query.where(column.buyer_id == buyer_id)
    if after is not None:
        query = query.where(column.shipment_id > after)
    if order_id is not None:
        packed = select(PACKED_ORDERS.c.shipment_id).where(PACKED_ORDERS.c.order_id == order_id)
        query = query.where(column.shipment_id.in_(packed))
    if seller_id is not None:
        of_seller = ORDERS.join(PACKED_ORDERS, PACKED_ORDERS.c.order_id == ORDERS.c.order_id)
        packed = select(PACKED_ORDERS.c.shipment_id).select_from(of_seller).where(ORDERS.c.seller_id == seller_id)
        query = query.where(column.shipment_id.in_(packed))
    if as_of is not None:
        query = query.where(column.packed_us <= microseconds(as_of))
    elif state is not None:
        query = query.where(column.state == state)
    limited = query.limit(limit) if as_of is None or state is None else query
    until = None if as_of is None else microseconds(as_of)
    asked = (Shipments(), OrderList()) if seller_id is not None else (Shipments(),)
    found: list[ListedShipment] = []
    with registry.reading(database, *asked) as connection:
        for row in connection.execute(limited):
            listed = _listed(ShipmentRow(*row), until)
            if state is None or listed.state == state:
                found.append(listed)
            if len(found) == limit:
                break
    return found


def _listed(row: ShipmentRow, until: int | None) -> ListedShipment:
    """The parcel, by what had happened ``until`` then."""
    history = [said for said in _decode_history(row.history) if until is None or said.at_us <= until]
    state = next((said.state for said in reversed(history) if said.state is not None), "preparing")
    taken = [taken for taken in _decode_taken(row.taken_out) if until is None or taken.at_us <= until]
    return ListedShipment(
        shipment_id=row.shipment_id,
        state=state,
        carrier=row.carrier,
        tracking_number=row.tracking_number,
        mail_class=row.mail_class,
        attempts=sum(said.attempt for said in history),
        contents=[] if state == "unpacked" else [*_contents(row, taken)],
        history=[Report(instant(said.at_us), said.report, said.effect) for said in history],
    )


def _contents(row: ShipmentRow, taken: list[_Taken]) -> Iterator[Content]:
    gone: set[tuple[Any, ...]] = {
        (out.order_id, item_id, number)
        for each in taken
        for out in each.contents
        for item_id, numbers in out.units.items()
        for number in numbers
    }
    for content in sorted(_decode_packed(row.packed), key=lambda content: content.order_id):
        for item_id, numbers in content.units.items():
            left = sum((content.order_id, item_id, number) not in gone for number in numbers)
            if left:
                yield Content(content.order_id, item_id, left)
