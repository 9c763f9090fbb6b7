"""What a replay asks of an event that moves units or a parcel: may it, from where they are? Nothing about money."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from ...domain import Order, Shipment, Unit
from ...domain import events as e
from ...domain.evolve import take_note
from ...domain.lifecycle import STATES, destination
from ...domain.moves import MOVES
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


def pick(order: Order, units: Units) -> Sequence[Unit]:
    """The units that ``units`` names, only to be looked at; raises ``LookupError`` for those that the order lacks."""
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


def _judge(trigger: str, *, carried: bool) -> Callable[[Sequence[Unit], Any], Wrong]:
    legal = sources(trigger)

    def judge(units: Sequence[Unit], event: Any) -> Wrong:
        for unit in units:
            if unit.state not in legal or (carried and unit.shipment_id != event.shipment_id):
                return [*_not_from(trigger, legal, units), *(_not_in(event.shipment_id, units) if carried else ())]
        return FINE if units else [(LIFECYCLE, f"{event.type} of no units")]

    return judge


def moving(trigger: str) -> Check:
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


def _not_from(trigger: str, legal: frozenset[str], units: Sequence[Unit]) -> Wrong:
    states = [state for state in STATES if state not in legal and any(unit.state == state for unit in units)]
    return [(LIFECYCLE, f"the lifecycle has no {trigger} from {state}") for state in states]


def _not_in(shipment_id: str | None, units: Sequence[Unit]) -> Wrong:
    elsewhere = [unit for unit in units if unit.shipment_id != shipment_id]
    return [
        ("PACK-1", f"{named(unit)} is not in shipment {shipment_id}, but in {unit.shipment_id}") for unit in elsewhere
    ]


def _unpacked(order: Order, event: e.ItemsUnpacked) -> Wrong:
    wrong = {unit.state for unit in pick(order, event.units) if destination("unpack", unit.state, event.to) is None}
    return [(LIFECYCLE, f"the lifecycle has no unpack from {state} to {event.to}") for state in sorted(wrong)]


_close_window = moving("close-seller-window")


def _window_closed(order: Order, event: e.SellerWindowClosed) -> Wrong:
    window = timedelta(minutes=order.rules.cancellation.seller_window_minutes)
    if event.at != order.placed_at + window:
        return [("SELLER-1", f"the window of {window} after {order.placed_at} did not close at {event.at}")]
    return _close_window(order, event)


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
"""By event, of most of what happens."""
CHECKS: dict[type[e.Event], Check] = {
    e.ItemsUnpacked: _unpacked,
    e.SellerWindowClosed: _window_closed,
    e.ContentsTakenOut: _taken_out,
}
"""By event, of the rest."""
