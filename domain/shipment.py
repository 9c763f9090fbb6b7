"""A parcel as it stands: an aggregate of its own, saved together with the orders whose units it holds."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct

from . import events as e
from .vocabulary import Carrier, Fulfiller, OrderUnits, Units

Effect = Literal["moved", "noted", "inferred"]


class Report(Struct, frozen=True, gc=False):
    """A line of the parcel's history: ``report`` is the command that said it, ``at`` when it happened."""

    at: datetime
    report: str
    effect: Effect


class Shipment(Struct, gc=False):
    """The folded parcel; ``state`` follows its units' names, plus ``unpacked`` and ``returned``."""

    shipment_id: str
    version: int
    buyer_id: str
    fulfilled_by: Fulfiller
    carrier: Carrier
    tracking_number: str | None
    mail_class: str | None
    packed_orders: tuple[str, ...]
    contents: dict[str, Units]
    """Units by order, as packed, less what was taken out."""
    last_move_at: datetime
    recorded_at: datetime
    state: str = "preparing"
    attempts: int = 0
    history: list[Report] = []

    def has_report(self, report: str, at: datetime) -> bool:
        """Whether the same report (same kind, same time) came before; an inferred step was no report."""
        return any(r.report == report and r.at == at and r.effect != "inferred" for r in self.history)

    def was_inferred(self, report: str, at: datetime) -> bool:
        """Whether a later report of that time has proven this step already."""
        return any(r.report == report and r.at == at and r.effect == "inferred" for r in self.history)


def fold_shipment(events: Iterable[e.Event], shipment: Shipment | None = None) -> Shipment | None:
    """The parcel that ``events`` make of ``shipment``; None for no events at all."""
    for event in events:
        if isinstance(event, e.ShipmentPacked):
            shipment = packed(event)
        elif shipment is not None and isinstance(event, e.ShipmentEvent):
            evolve_shipment(shipment, event)
    return shipment


def packed(event: e.ShipmentPacked) -> Shipment:
    """A new parcel."""
    return Shipment(
        shipment_id=event.shipment_id,
        version=event.version,
        buyer_id=event.buyer_id,
        fulfilled_by=event.fulfilled_by,
        carrier=event.carrier,
        tracking_number=event.tracking_number,
        mail_class=event.mail_class,
        packed_orders=tuple([content.order_id for content in event.contents]),
        contents={content.order_id: content.units for content in event.contents},
        last_move_at=event.at,
        recorded_at=event.recorded_at,
    )


def evolve_shipment(shipment: Shipment, event: e.ShipmentEvent) -> Shipment:
    """``shipment`` after ``event`` (changed in place)."""
    if isinstance(event, e.ShipmentMoved):
        shipment.state = event.state
        shipment.last_move_at = event.at
        effect: Effect = "inferred" if event.inferred else "moved"
        shipment.history.append(Report(event.at, event.report, effect))
        if isinstance(event, e.ShipmentAttempted):
            shipment.attempts += 1
        elif isinstance(event, e.ShipmentUnpacked):
            shipment.contents = {}
    elif isinstance(event, e.ReportNoted):
        shipment.history.append(Report(event.at, event.report, "noted"))
    elif isinstance(event, e.ContentsTakenOut):
        for content in event.contents:
            _take_out(shipment.contents, content)
    shipment.version = event.version
    shipment.recorded_at = event.recorded_at
    return shipment


def _take_out(contents: dict[str, Units], gone: OrderUnits) -> None:
    left = {
        item_id: [n for n in numbers if n not in gone.units.get(item_id, ())]
        for item_id, numbers in contents[gone.order_id].items()
    }
    contents[gone.order_id] = {item_id: numbers for item_id, numbers in left.items() if numbers}
    if not contents[gone.order_id]:
        del contents[gone.order_id]
