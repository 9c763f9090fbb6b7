"""What the passing of time does by itself (RULEBOOK TIME-1): recorded by whatever command comes next.

Deadlines are read off the order's state, never stored as promises: what has changed since cannot fire.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from operator import itemgetter
from typing import NamedTuple

from . import events as e
from .admission import is_ahead
from .carriage import move_parcel
from .case import Case
from .lifecycle import COMING_BACK, UNDER_WAY
from .order import Order
from .refunding import release, settle
from .returning import drop, write_off
from .rules import rule
from .units import Unit

Act = Callable[[Case, Order], None]


class Deadline(NamedTuple):
    """``at`` has passed strictly after it; ties go in the order of the units (``first_unit`` is an index)."""

    at: datetime
    order_id: str
    first_unit: int
    act: Act
    shipment_id: str | None = None


_WHEN = itemgetter(0, 1, 2)


def next_deadline(order: Order) -> Deadline | None:
    """The order's earliest deadline, or None; found once for each of its versions."""
    deadline: Deadline | None
    version, deadline = order.next_deadline
    if version != order.version:
        deadline = min(_deadlines(order), key=_WHEN, default=None)
        order.next_deadline = (order.version, deadline)
    return deadline


@rule(
    "TIME-1",
    "E",
    "Deadlines do not depend on a scheduler: whatever command comes next on an order first records the deadlines that "
    "have passed by its time, each at the deadline's own time, in the order of those times; pass-time does it for all.",
)
def catch_up(case: Case, order_ids: Iterable[str]) -> None:
    """Record the passed deadlines of these orders, and of those that share a parcel taken as lost."""
    involved = {order_id: order for order_id in order_ids if (order := case.order(order_id)) is not None}
    # A report from the future (TIME-3 rejects it) is no proof that its time has come.
    now = case.recorded_at if is_ahead(case) else case.at
    while True:
        passed = [d for order in involved.values() if (d := next_deadline(order)) is not None and d.at < now]
        if not passed:
            return
        first = min(passed, key=_WHEN)
        shipment = case.shipment(first.shipment_id) if first.shipment_id is not None else None
        if shipment is not None and (more := shipment.contents.keys() - involved.keys()):
            # Their own earlier deadlines come first.
            involved |= {order_id: order for order_id in sorted(more) if (order := case.order(order_id)) is not None}
            continue
        order = involved[first.order_id]
        version = order.version
        with case.clock(first.at):
            first.act(case, order)
            settle(case)
        if order.version == version:  # or it would pass again, for ever
            raise RuntimeError(f"a deadline of {first.order_id} changes nothing: its order and parcel are at odds")


def _deadlines(order: Order) -> Iterator[Deadline]:
    terms = order.rules
    yield from _of_units(order)
    for request in order.requests.values():
        if request.status == "open" and request.answer_by is not None:
            first = order.first_of(request.units)
            yield Deadline(request.answer_by, order.order_id, first, _unanswered(request.request_id))
    for a_return in order.returns.values():
        status = order.return_status(a_return)
        if status == "open":
            first = order.outstanding(a_return)[0].index
            yield Deadline(a_return.lapses_at, order.order_id, first, _lapse_return(a_return.return_id))
        elif status == "handed-over" and not order.by_seller and a_return.handed_over_at is not None:
            first = order.outstanding(a_return)[0].index
            lost_at = a_return.handed_over_at + timedelta(days=terms.returns.lost_after_hand_over_days)
            yield Deadline(lost_at, order.order_id, first, _lose_return(a_return.return_id))
    for refund in order.refunds.values():
        if refund.due_at is None:
            at = refund.made_at + timedelta(days=terms.cancellation.deferred_refund_days)
            yield Deadline(at, order.order_id, order.first_of(refund.units), _release(refund.refund_id))


def _of_units(order: Order) -> Iterator[Deadline]:
    if order.by_seller:
        waiting = next((unit for unit in order.units if unit.state == "seller-window"), None)
        if waiting is not None:
            closes_at = order.placed_at + timedelta(minutes=order.rules.cancellation.seller_window_minutes)
            yield Deadline(closes_at, order.order_id, waiting.index, _close_window)
        return
    together = None
    for unit in order.units:
        # Units in a parcel and in its state move together: what holds for the first of them holds for its neighbours.
        if (unit.shipment_id, unit.state) == together:
            continue
        together = (unit.shipment_id, unit.state)
        if (lost_at := _taken_as_lost_at(order, unit)) is not None and unit.shipment_id is not None:
            yield Deadline(lost_at, order.order_id, unit.index, _lose_parcel(unit.shipment_id), unit.shipment_id)


@rule(
    "LOST-1",
    "E",
    "No buyer waits for ever: marketplace-fulfilled units are taken as lost when they are under way 45 days after "
    "dispatch, refused or returning 30 days after they last turned, or of a return handed over 30 days ago and not "
    "received; a parcel as a whole, for all its orders.",
)
def _taken_as_lost_at(order: Order, unit: Unit) -> datetime | None:
    terms = order.rules.carriage
    shared = unit.lost_after
    if unit.state in UNDER_WAY and unit.dispatched_at is not None:
        days = terms.lost_after_dispatch_days if shared is None else shared.dispatch_days
        return unit.dispatched_at + timedelta(days=days)
    if unit.state in COMING_BACK and unit.turned_at is not None:
        days = terms.lost_after_turning_days if shared is None else shared.turning_days
        return unit.turned_at + timedelta(days=days)
    return None


def _close_window(case: Case, order: Order) -> None:
    units = [unit for unit in order.units if unit.state == "seller-window"]
    case.move(order, units, e.SellerWindowClosed, "SELLER-1")


def _unanswered(request_id: str) -> Act:
    return lambda case, order: case.lapse(order, order.requests[request_id], "unanswered")


def _lapse_return(return_id: str) -> Act:
    return lambda case, order: drop(case, order, order.returns[return_id], e.ReturnLapsed)


def _lose_return(return_id: str) -> Act:
    return lambda case, order: write_off(case, order, order.returns[return_id], "LOST-1")


def _release(refund_id: str) -> Act:
    return lambda case, order: release(case, order, order.refunds[refund_id])


def _lose_parcel(shipment_id: str) -> Act:
    def act(case: Case, _: Order) -> None:
        shipment = case.shipment(shipment_id)
        if shipment is not None:
            move_parcel(case, shipment, "lose", "lost-in-transit", rule_id="LOST-1")

    return act
