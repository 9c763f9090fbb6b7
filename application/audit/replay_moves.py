"""What a replay asks of an event that moves units or a parcel: may it, from where they are? Nothing about money."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from ...domain import Order, Shipment, Unit
from ...domain import events as e
from ...domain.evolve import MOVES, take_note
from ...domain.lifecycle import STATES, destination
from ...domain.shipment import evolve_shipment
from ...domain.vocabulary import Units

Wrong = Sequence[tuple[str, str]]
"""What is wrong: rules (or invariants' names) with reasons."""
FINE: Wrong = ()
Check = Callable[[Any, Any], Wrong]
"""Judges an event by its aggregate as it was before it."""
Step = Callable[[Any, Any], Wrong]
"""Judges an event by its aggregate as it was before it, and lets it happen."""

LIFECYCLE = "lifecycle"
NUMBERING = "numbering"

_CARRIED = (
    e.ItemsDispatched,
    e.DeliveryStarted,
    e.AttemptFailed,
    e.ItemsDelivered,
    e.ItemsRefused,
    e.ItemsTurnedBack,
    e.ItemsLost,
    e.ItemsReturned,
)
"""What happens to units because it happens to their parcel."""
_PARCEL_TRIGGERS: dict[type[e.ShipmentMoved], str] = {
    e.ShipmentUnpacked: "unpack",
    e.ShipmentCancelled: "cancel",
    e.ShipmentDispatched: "dispatch",
    e.ShipmentOutForDelivery: "start-delivery",
    e.ShipmentAttempted: "fail-attempt",
    e.ShipmentDelivered: "deliver",
    e.ShipmentRefused: "refuse",
    e.ShipmentTurnedBack: "turn-back",
    e.ShipmentLost: "lose",
    e.ShipmentReturned: "receive",
}


def sources(trigger: str) -> frozenset[str]:
    """The states from which the lifecycle allows a trigger."""
    return frozenset(state for state in STATES if destination(trigger, state) is not None)


def pick(order: Order, units: Units) -> list[Unit]:
    """As ``Order.pick``, which trusts the events; raises ``LookupError`` for units that the order does not have."""
    if units == order.whole:
        return order.units
    everyone, items, picked = order.units, order.items, []
    for item_id, numbers in units.items():
        first, before = items[item_id].first, 0
        for number in numbers:
            unit = everyone[first + number - 1]
            # Beyond the line's end is a unit of another line, with another number.
            if unit.number != number or number <= before:
                raise LookupError(f"units {numbers} of {item_id}")
            picked.append(unit)
            before = number
    return picked


def named(unit: Unit) -> str:
    """A unit in words."""
    return f"unit {unit.number} of {unit.item_id}"


def numbered(order: Order, kind: str, its_id: str, before: Sequence[Any] | dict[str, Any]) -> Wrong:
    """Whether an id that the engine gave counts on from those before it (INTERFACE)."""
    expected = f"{order.order_id}:{kind}:{len(before) + 1}"
    return FINE if its_id == expected else [(NUMBERING, f"{kind} {its_id} should be {expected}")]


# --- units ------------------------------------------------------------------------------------------------------------


def _judge(trigger: str, *, carried: bool) -> Callable[[list[Unit], Any], Wrong]:
    legal = sources(trigger)

    def judge(units: list[Unit], event: Any) -> Wrong:
        for unit in units:
            if unit.state not in legal or (carried and unit.shipment_id != event.shipment_id):
                return [*_not_from(trigger, legal, units), *(_not_in(event.shipment_id, units) if carried else ())]
        return FINE if units else [(LIFECYCLE, f"{event.type} of no units")]

    return judge


def _moving(trigger: str) -> Check:
    """The check of a move that is more than one."""
    judge = _judge(trigger, carried=False)
    return lambda order, event: judge(pick(order, event.units), event)


def _move(kind: type[e.ItemsMoved], *, carried: bool = False) -> Step:
    """Most of what ever happens: units are picked once, judged, moved; ``carried``: they are in the event's parcel."""
    judge, move = _judge(kind.trigger, carried=carried), MOVES[kind]

    def step(order: Order, event: e.ItemsMoved) -> Wrong:
        units = pick(order, event.units)
        wrong = judge(units, event)
        move(units, event)
        take_note(order, event)
        return wrong

    return step


def _not_from(trigger: str, legal: frozenset[str], units: list[Unit]) -> Wrong:
    states = [state for state in STATES if state not in legal and any(unit.state == state for unit in units)]
    return [(LIFECYCLE, f"the lifecycle has no {trigger} from {state}") for state in states]


def _not_in(shipment_id: str | None, units: list[Unit]) -> Wrong:
    elsewhere = [unit for unit in units if unit.shipment_id != shipment_id]
    return [
        ("PACK-1", f"{named(unit)} is not in shipment {shipment_id}, but in {unit.shipment_id}") for unit in elsewhere
    ]


def _unpacked(order: Order, event: e.ItemsUnpacked) -> Wrong:
    wrong = {unit.state for unit in pick(order, event.units) if destination("unpack", unit.state, event.to) is None}
    return [(LIFECYCLE, f"the lifecycle has no unpack from {state} to {event.to}") for state in sorted(wrong)]


_close_window = _moving("close-seller-window")


def _window_closed(order: Order, event: e.SellerWindowClosed) -> Wrong:
    window = timedelta(minutes=order.rules.cancellation.seller_window_minutes)
    if event.at != order.placed_at + window:
        return [("SELLER-1", f"the window of {window} after {order.placed_at} did not close at {event.at}")]
    return _close_window(order, event)


# --- requests and claims ----------------------------------------------------------------------------------------------


def _requested(order: Order, event: e.CancellationRequested) -> Wrong:
    asked = [unit for unit in pick(order, event.units) if unit.request_id is not None]
    wrong = [("CANCEL-7", f"{named(unit)} is asked for already by {unit.request_id}") for unit in asked]
    hours = timedelta(hours=order.rules.cancellation.seller_answer_hours)
    answer_by = event.at + hours if event.to == "seller" else None
    if event.answer_by != answer_by:
        wrong.append(("SELLER-2", f"the {event.to} may answer until {event.answer_by}, and should until {answer_by}"))
    return [*numbered(order, "request", event.request_id, order.requests), *wrong]


def _request_closed(order: Order, event: Any) -> Wrong:
    request = order.requests[event.request_id]
    if request.status != "open":
        return [("ORDER-5", f"request {request.request_id} is already {request.status}")]
    if isinstance(event, e.CancellationLapsed) and event.because == "unanswered" and event.at != request.answer_by:
        return [("SELLER-2", f"request {request.request_id} lapsed at {event.at}, not at {request.answer_by}")]
    return FINE


def _claimed(order: Order, event: e.ClaimFiled) -> Wrong:
    claimed = [unit for unit in pick(order, event.units) if unit.claim_id is not None]
    again = [("CLAIM-1", f"{named(unit)} is claimed already by {unit.claim_id}") for unit in claimed]
    return [*numbered(order, "claim", event.claim_id, order.claims), *again]


def _claim_closed(order: Order, event: Any) -> Wrong:
    claim = order.claims[event.claim_id]
    return FINE if claim.status == "open" else [("ORDER-5", f"claim {claim.claim_id} is already {claim.status}")]


# --- returns ----------------------------------------------------------------------------------------------------------

_start_return = _moving("start-return")


def _return_started(order: Order, event: e.ReturnStarted) -> Wrong:
    wrong = [*numbered(order, "return", event.return_id, order.returns), *_start_return(order, event)]
    if wrong:
        return wrong
    last_closes_at = event.at
    for unit in pick(order, event.units):
        opens_at = unit.delivered_at or event.at
        closes_at = opens_at + order.rules.return_window(order.items[unit.item_id].line.category)
        if not opens_at <= event.at <= closes_at:
            wrong.append(("RETURN-1", f"the return window of {named(unit)} is from {opens_at} to {closes_at}"))
        last_closes_at = max(last_closes_at, closes_at)
    lapses_at = last_closes_at + timedelta(days=order.rules.returns.lapse_days)
    if not wrong and event.lapses_at != lapses_at:
        wrong.append(("RETURN-4", f"return {event.return_id} lapses at {event.lapses_at}, and should at {lapses_at}"))
    return wrong


def _of_return(trigger: str) -> Check:
    moving = _moving(trigger)

    def check(order: Order, event: Any) -> Wrong:
        a_return = order.returns[event.return_id]
        if a_return.closed == "withdrawn" or (a_return.closed and not isinstance(event, e.ReturnReceived)):
            return [("ORDER-5", f"return {a_return.return_id} is already {a_return.closed}")]
        strangers = [unit for unit in pick(order, event.units) if unit.return_id != event.return_id]
        if strangers:
            return [("RETURN-5", f"{named(unit)} is not in return {event.return_id}") for unit in strangers]
        if isinstance(event, e.ReturnLapsed) and event.at != a_return.lapses_at:
            return [("RETURN-4", f"return {a_return.return_id} lapsed at {event.at}, not at {a_return.lapses_at}")]
        return moving(order, event)

    return check


def _handed_over(order: Order, event: e.ReturnHandedOver) -> Wrong:
    status = order.return_status(order.returns[event.return_id])
    return FINE if status == "open" else [("ORDER-5", f"return {event.return_id} is already {status}")]


# --- parcels ----------------------------------------------------------------------------------------------------------


def _parcel_move(trigger: str) -> Step:
    legal = sources(trigger)

    def step(shipment: Shipment, event: e.ShipmentMoved) -> Wrong:
        legally = shipment.state in legal
        wrong = FINE if legally else [(LIFECYCLE, f"the lifecycle has no {trigger} from {shipment.state}")]
        evolve_shipment(shipment, event)
        return wrong

    return step


def _taken_out(shipment: Shipment, event: e.ContentsTakenOut) -> Wrong:
    return [
        ("PACK-1", f"unit {number} of {item_id} of order {content.order_id} is not in the parcel")
        for content in event.contents
        for item_id, numbers in content.units.items()
        for number in numbers
        if number not in shipment.contents.get(content.order_id, {}).get(item_id, ())
    ]


STEPS: dict[type[e.Event], Step] = {
    **{kind: _move(kind) for kind in (e.ItemsPacked, e.ItemsCancelled)},
    **{kind: _move(kind, carried=True) for kind in _CARRIED},
    **{kind: _parcel_move(trigger) for kind, trigger in _PARCEL_TRIGGERS.items()},
}
"""By event; of the others there are checks."""
CHECKS: dict[type[e.Event], Check] = {
    e.ItemsUnpacked: _unpacked,
    e.SellerWindowClosed: _window_closed,
    e.CancellationRequested: _requested,
    e.CancellationApproved: _request_closed,
    e.CancellationDeclined: _request_closed,
    e.CancellationLapsed: _request_closed,
    e.ClaimFiled: _claimed,
    e.ClaimGranted: _claim_closed,
    e.ClaimDenied: _claim_closed,
    e.ClaimWithdrawn: _claim_closed,
    e.ReturnStarted: _return_started,
    e.ReturnHandedOver: _handed_over,
    e.ReturnReceived: _of_return("receive"),
    e.ReturnWithdrawn: _of_return("drop-return"),
    e.ReturnLapsed: _of_return("drop-return"),
    e.ReturnLost: _of_return("lose"),
    e.ContentsTakenOut: _taken_out,
}
"""By event."""
