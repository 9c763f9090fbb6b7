"""What a replay asks of a whole order, and of a whole parcel, once all that happened to it is known.

What each event must respect has been asked of each event already; here is what only the end shows.
"""

from collections.abc import Iterator

from ...domain import Order, Shipment, Unit
from ...domain.lifecycle import COMING_BACK, PACKABLE, UNDER_WAY, UNSHIPPED
from .replay_moves import named, pick

CONSISTENCY = "consistency"
WITH_PARCEL = UNDER_WAY | COMING_BACK | {"preparing"}
"""States that a unit shares with its parcel."""
_GOING_ON = UNSHIPPED | {"shipped", "out-for-delivery"}
"""States that no unit is in, or comes back to, once its cancellation was approved."""
_TO_BE_REFUNDED = frozenset({"cancelled", "returned", "lost", "refunded"})


def judge_order(order: Order) -> list[tuple[str, str]]:
    """What is wrong with an order after its last event, its parcels left aside."""
    wrong = []
    for unit in order.units:
        if unit.state != "delivered" and (reason := _misplaced(order, unit)):
            wrong.append((CONSISTENCY, f"{named(unit)} is {unit.state} {reason}"))
    if order.refunds:
        wrong += _refunds(order)
    if order.requests or order.claims:
        wrong += _questions(order)
    return wrong


def parcels_of(order: Order) -> list[str]:
    """The shipments that an order's units are in, as long as they go where these go."""
    riding = {unit.shipment_id for unit in order.units if unit.state in WITH_PARCEL and unit.shipment_id is not None}
    return sorted(riding) if riding else []


def _misplaced(order: Order, unit: Unit) -> str:
    """What a unit in its state lacks, or has too much; empty for nothing."""
    state = unit.state
    if state in _TO_BE_REFUNDED:
        return "without a refund" if unit.refund_id is None else ""
    if state in WITH_PARCEL:
        return "in no parcel" if unit.shipment_id is None else ""
    if state in PACKABLE:
        return f"in parcel {unit.shipment_id}" if unit.shipment_id is not None else ""
    over = unit.return_id is None or order.returns[unit.return_id].closed
    return "but its return is over" if over else ""


def _refunds(order: Order) -> Iterator[tuple[str, str]]:
    for refund in order.refunds.values():
        status = refund.status
        if status == "paid" and any(unit.state != "refunded" for unit in order.pick(refund.units)):
            yield "REFUND-4", f"refund {refund.refund_id} is paid, but not all of its units are refunded"
        if status == "deferred" and not order.has_unshipped():
            yield "PARTIAL-1", f"refund {refund.refund_id} is deferred, but nothing of the order is unshipped"


def _questions(order: Order) -> Iterator[tuple[str, str]]:
    """What is open is about units that still wait for it; what was granted has happened."""
    for request in order.requests.values():
        possible = UNDER_WAY if request.to == "carrier" else UNSHIPPED
        for unit in order.pick(request.units) if request.status == "open" else ():
            if unit.request_id != request.request_id or unit.state not in possible:
                yield CONSISTENCY, f"request {request.request_id} is open, but {named(unit)} is {unit.state}"
        for unit in order.pick(request.units) if request.status == "approved" else ():
            if unit.state in _GOING_ON:
                yield request.rule, f"request {request.request_id} is approved, but {named(unit)} is {unit.state}"
    for claim in order.claims.values():
        holds = claim.status in ("open", "granted")
        for unit in order.pick(claim.units):
            if (unit.claim_id == claim.claim_id) != holds:
                yield CONSISTENCY, f"claim {claim.claim_id} is {claim.status}, {named(unit)} is claimed: {not holds}"
            if claim.status == "granted" and unit.refund_id is None:
                yield "CLAIM-2", f"claim {claim.claim_id} is granted, but {named(unit)} has no refund"


def judge_riders(order: Order, shipment_id: str, parcel: Shipment | None) -> Iterator[tuple[str, str]]:
    """What is wrong with the units under way in a parcel: it has them, and they are where it is."""
    if parcel is None:
        yield CONSISTENCY, f"there is no shipment {shipment_id}"
        return
    contents = parcel.contents.get(order.order_id, {})
    for unit in order.units:
        if unit.shipment_id != shipment_id or unit.state not in WITH_PARCEL:
            continue
        if unit.number not in contents.get(unit.item_id, ()):
            yield "PACK-1", f"{named(unit)} is {unit.state}, but not in shipment {shipment_id}"
        elif unit.state != parcel.state:
            yield CONSISTENCY, f"{named(unit)} is {unit.state}, its shipment {shipment_id} is {parcel.state}"


def judge_parcel(shipment: Shipment, order_id: str, order: Order | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a parcel under way and its share of an order: nothing of it has arrived without it."""
    if order is None:
        yield CONSISTENCY, f"there is no order {order_id}, of which it holds units"
        return
    try:
        units = pick(order, shipment.contents[order_id])
    except LookupError:
        yield "PACK-1", f"it holds units that order {order_id} does not have"
        return
    for unit in units:
        if unit.shipment_id == shipment.shipment_id and unit.state == "delivered":
            yield CONSISTENCY, f"{named(unit)} of order {order_id} is delivered, it is {shipment.state}"
