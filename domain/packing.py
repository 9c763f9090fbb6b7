"""Parcels before they leave: packing and unpacking (RULEBOOK section 3)."""

from collections.abc import Container, Sequence
from datetime import timedelta
from functools import partial

from . import events as e
from .admission import admit, known_order, known_shipment
from .case import Case
from .commands import Content, DispatchShipment, PackShipment, UnpackShipment
from .errors import Rejection
from .lifecycle import PACKABLE
from .order import Order
from .rules import Verdict, allowed, refused, rule
from .selection import check_known, choose
from .shipment import Shipment
from .units import Unit, numbers
from .vocabulary import OrderUnits, Role


def pack_shipment(case: Case, command: PackShipment | DispatchShipment, natural: Role | None = None) -> Shipment:
    """Pack units of one or several orders into a new parcel."""
    contents = command.contents or []
    for content in contents:
        check_known(known_order(case, content.order_id), content.items)
    orders = list({c.order_id: known_order(case, c.order_id) for c in contents}.values())
    shipment = case.shipment(command.shipment_id)
    touched = orders if shipment is None else [*orders, *case.packed_orders(shipment)]
    admit(case, command, touched, natural=natural or keeper(orders[0]))
    _one_destination(orders)
    chosen = _live_and_unpacked(case, command.shipment_id, contents)
    assert command.carrier is not None
    shipment = case.pack(
        command.shipment_id,
        "PACK-1",
        buyer_id=orders[0].buyer_id,
        contents=[OrderUnits(order.order_id, numbers(units)) for order, units in chosen],
        carrier=command.carrier,
        fulfilled_by=orders[0].fulfilled_by,
        tracking_number=command.tracking_number,
        mail_class=command.mail_class,
    )
    shared = _shared_terms(orders)
    for order, units in chosen:
        case.move(order, units, e.ItemsPacked, "PACK-1", shipment_id=shipment.shipment_id, lost_after=shared)
    return shipment


def _shared_terms(orders: Sequence[Order]) -> e.LostAfter | None:
    """When a parcel is taken as lost as a whole (LOST-1), where its orders' policies differ: at the earliest."""
    terms = {order.policy_version: order.rules.carriage for order in orders}
    if len(terms) == 1:
        return None
    return e.LostAfter(
        dispatch_days=min(carriage.lost_after_dispatch_days for carriage in terms.values()),
        turning_days=min(carriage.lost_after_turning_days for carriage in terms.values()),
    )


@rule(
    "COMBINED-2",
    "E",
    "Only orders of the same buyer, the same fulfiller (and, seller-fulfilled, the same seller) and the same currency "
    "share a parcel.",
)
def _one_destination(orders: Sequence[Order]) -> None:
    first = orders[0]
    for order in orders[1:]:
        for what, mine, its in (
            ("buyer", first.buyer_id, order.buyer_id),
            ("fulfiller", first.fulfilled_by, order.fulfilled_by),
            ("currency", first.currency, order.currency),
            ("seller", first.by_seller and first.seller_id, order.by_seller and order.seller_id),
        ):
            if mine != its:
                raise Rejection("COMBINED-2", f"orders {first.order_id} and {order.order_id} differ in their {what}")


@rule(
    "PACK-1",
    "E",
    "Only live units that are in no parcel are packed, and each into one parcel; a parcel is packed once.",
)
def _live_and_unpacked(case: Case, shipment_id: str, contents: Sequence[Content]) -> list[tuple[Order, list[Unit]]]:
    if case.shipment(shipment_id) is not None:
        raise Rejection("PACK-1", f"shipment {shipment_id} has been packed already")
    taken: dict[str, list[Unit]] = {}
    for content in contents:
        order = known_order(case, content.order_id)
        mine = taken.setdefault(order.order_id, [])
        named = {unit.index for unit in mine}
        mine += [c.unit for c in choose(order, content.items, partial(_packable, named))]
    return [(known_order(case, order_id), taken[order_id]) for order_id in sorted(taken)]


def _packable(named: Container[int], unit: Unit) -> Verdict:
    if unit.index in named:
        return refused("PACK-1", f"unit {unit.number} of item {unit.item_id} is named twice")
    if unit.state not in PACKABLE:
        return refused("PACK-1", f"unit {unit.number} of item {unit.item_id} is {unit.state}")
    return allowed("PACK-1")


@rule("PACK-2", "E", "A parcel not yet dispatched can be unpacked; its units go back to where their clock says.")
def unpack_shipment(case: Case, command: UnpackShipment) -> None:
    shipment = known_shipment(case, command.shipment_id)
    admit(case, command, case.packed_orders(shipment), natural=shipment_keeper(shipment))
    if shipment.state != "preparing":
        raise Rejection("PACK-2", f"shipment {shipment.shipment_id} is {shipment.state}")
    riders = case.riders(shipment)
    case.record_parcel(shipment, e.ShipmentUnpacked, "PACK-2", report=command.name)
    for order, units in riders:
        to = _where_the_clock_says(case, order)
        case.move(order, units, e.ItemsUnpacked, "PACK-2", shipment_id=shipment.shipment_id, to=to)


def _where_the_clock_says(case: Case, order: Order) -> str:
    if not order.by_seller:
        return "placed"
    # A report with an early clock does not open a window again that later events have left behind.
    now = max(case.at, order.latest_at)
    closes_at = order.placed_at + timedelta(minutes=order.rules.cancellation.seller_window_minutes)
    return "seller-window" if now <= closes_at else "with-seller"


def keeper(order: Order) -> Role:
    """Who keeps and packs the goods."""
    return "seller" if order.by_seller else "warehouse"


def shipment_keeper(shipment: Shipment) -> Role:
    """Who packs and receives a parcel."""
    return "seller" if shipment.fulfilled_by == "seller" else "warehouse"
