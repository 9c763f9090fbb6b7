"""Parcels: where they are, what is in them, and what carriers said of them, reports that changed nothing included."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, bindparam, select

from ..domain import Event
from ..domain import events as e
from ..domain.vocabulary import OrderUnits
from .asking import Asking
from .database import Database
from .orders import ORDERS, OrderList
from .projection import FIXED, ID, NUMBER, Projection, Rows, instant, maybe_microseconds, microseconds
from .query import Query
from .story import appended, by_row
from .understood import understood

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


class Said(Struct, frozen=True, array_like=True, gc=False):
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
_decode_history = msgspec.json.Decoder(list[Said]).decode


_CONCERNS = {kind for kind in e.EVENT_TYPES.values() if issubclass(kind, e.ShipmentEvent)}


class Shipments(Projection):
    """See the module."""

    name = "shipments"
    version = 1
    tables: ClassVar = {ShipmentRow: SHIPMENTS, PackedOrderRow: PACKED_ORDERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine = by_row("shipment_id", (event for _, event in events if type(event) in _CONCERNS))
        rows.load(ShipmentRow, [shipment_id for shipment_id, of_it in mine.items() if of_it[0].version > 1])
        for shipment_id, of_it in mine.items():
            shipment = None
            if isinstance(of_it[0], e.ShipmentPacked):
                packed = of_it.pop(0)
                shipment = _packed(packed)
                order_ids = dict.fromkeys(content.order_id for content in packed.contents)
                rows.add(*[PackedOrderRow(order_id, shipment_id) for order_id in order_ids])
            shipment = shipment or rows.get(ShipmentRow, shipment_id)
            assert shipment is not None, "a parcel is packed before anything happens to it"
            _tell_on(shipment, of_it)
            rows.put(shipment)


def _tell_on(shipment: ShipmentRow, happened: Iterable[Any]) -> None:
    said, taken = [], []
    for event in happened:
        at = microseconds(event.at)
        if isinstance(event, e.ShipmentMoved):
            shipment.state = event.state
            attempt = isinstance(event, e.ShipmentAttempted)
            said.append(Said(at, event.report, "inferred" if event.inferred else "moved", event.state, attempt))
        elif isinstance(event, e.ReportNoted):
            said.append(Said(at, event.report, "noted"))
        elif isinstance(event, e.ContentsTakenOut):
            taken.append(_Taken(at, event.contents))
    shipment.history = appended(shipment.history, *said)
    shipment.taken_out = appended(shipment.taken_out, *taken)


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


_OF_SELLER = ORDERS.join(PACKED_ORDERS, PACKED_ORDERS.c.order_id == ORDERS.c.order_id)
_PACKED_OF_ORDER = select(PACKED_ORDERS.c.shipment_id).where(PACKED_ORDERS.c.order_id == bindparam("order_id"))
_PACKED_OF_SELLER = (
    select(PACKED_ORDERS.c.shipment_id).select_from(_OF_SELLER).where(ORDERS.c.seller_id == bindparam("seller_id"))
)
_SHIPMENTS = Query(
    select(SHIPMENTS).order_by(SHIPMENTS.c.shipment_id),
    shipment_id=SHIPMENTS.c.shipment_id == bindparam("shipment_id"),
    order_id=SHIPMENTS.c.shipment_id.in_(_PACKED_OF_ORDER),
    buyer_id=SHIPMENTS.c.buyer_id == bindparam("buyer_id"),
    seller_id=SHIPMENTS.c.shipment_id.in_(_PACKED_OF_SELLER),
    state=SHIPMENTS.c.state == bindparam("state"),
    until=SHIPMENTS.c.packed_us <= bindparam("until"),
    after=SHIPMENTS.c.shipment_id > bindparam("after"),
)


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
    until = maybe_microseconds(as_of)
    asked = (Shipments(), OrderList()) if seller_id is not None else (Shipments(),)
    with Asking(database, *asked) as reader:
        rows = _SHIPMENTS.ask(
            reader,
            limit=limit if until is None or state is None else None,
            shipment_id=shipment_id,
            order_id=order_id,
            buyer_id=buyer_id,
            seller_id=seller_id,
            state=state if until is None else None,
            until=until,
            after=after,
        )
        listed = understood(Shipments, (_listed(ShipmentRow(*row), until) for row in rows))
        return [*islice((shipment for shipment in listed if state in (None, shipment.state)), limit)]


def _listed(row: ShipmentRow, until: int | None) -> ListedShipment:
    """The parcel, by what had happened ``until`` then."""
    history = [said for said in _decode_history(row.history) if until is None or said.at_us <= until]
    state = state_by(history)
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


def state_by(history: Sequence[Said]) -> str:
    """Where a parcel is by what was said of it."""
    return next((said.state for said in reversed(history) if said.state is not None), "preparing")


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
