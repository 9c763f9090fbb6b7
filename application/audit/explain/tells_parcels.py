"""Sentences about the order and its parcels."""

from ....domain import events as e
from .prose import WHO, listed, method
from .recorded import Given, Passed
from .told import Told, on


@on(e.OrderPlaced)
def _placed(told: Told[e.OrderPlaced]) -> str:
    paid = [f"{told.voice.money(payment.amount)} by {method(payment.method)}" for payment in told.event.payments]
    how = f", and you paid {listed(paid)}" if paid else ", and there was nothing to pay"
    return f"order {told.event.order_id} was placed on {told.when}{how}"


@on(e.SellerWindowClosed)
def _window_closed(told: Told[e.SellerWindowClosed]) -> str:
    return (
        f"your time to cancel {told.units} without asking the seller ended on {told.when}, "
        f"{told.after} after the order was placed"
    )


@on(e.ItemsMoved)
def _moved(told: Told[e.ItemsMoved]) -> str:
    """Where there is nothing more to say."""
    what = f"{told.units} {told.was} {_MOVES[told.event.trigger]}"
    if told.event.inferred:
        return f"{what} on {told.when} or before, as a later report shows"
    return f"{what} on {told.when}"


_MOVES = {
    "pack": "packed",
    "unpack": "taken out of the parcel again",
    "dispatch": "handed to the carrier",
    "start-delivery": "taken out for delivery",
    "deliver": "delivered",
    "refuse": "refused at the door",
    "turn-back": "sent back",
    "lose": "lost",
    "receive": "received back",
    "cancel": "cancelled",
}


@on(e.AttemptFailed)
def _attempted(told: Told[e.AttemptFailed]) -> str:
    return f"an attempt to deliver {told.units} failed on {told.when}"


@on(e.ItemsTurnedBack)
def _turned_back(told: Told[e.ItemsTurnedBack]) -> str:
    why = "called back because of the cancellation" if told.event.requested else "sent back as undeliverable"
    return f"{told.units} {told.was} {why} on {told.when}"


@on(e.ItemsLost)
def _lost(told: Told[e.ItemsLost]) -> str:
    units = told.units
    if isinstance(told.cause, Passed):
        turned = told.cause.number.name.endswith("turning_days")
        since = "turning back" if turned else "leaving"
        shared = "" if told.cause.number.parcel is None else ", which is the time for all orders in its parcel"
        return f"{units} {told.was} taken as lost on {told.when}, {told.after} after {since}{shared}"
    return f"{units} {told.was} reported lost on {told.when}"


@on(e.ItemsCancelled)
def _cancelled(told: Told[e.ItemsCancelled]) -> str:
    units, when = told.units, told.when
    taken_out = ", and taken out of the parcel" if told.event.taken_out else ""
    given = told.cause if isinstance(told.cause, Given) else None
    about = _order_named(given)
    if about is not None and about != told.event.order_id:
        return (
            f"{units} {told.was} cancelled on {when}, because the rest of the parcel was cancelled: "
            f"{'they were' if told.was == 'were' else 'it was'} packed together with order {about}"
        )
    if given is not None and given.command in ("cancel-items", "request-cancellation"):
        return f"{WHO[told.event.actor]} cancelled {units} on {when}{told.reason}{taken_out}"
    return f"{units} {told.was} cancelled on {when}{taken_out}"


def _order_named(given: Given | None) -> str | None:
    """The order that a command was given for, where that is in it."""
    if given is None:
        return None
    request_id = given.content.get("request_id")
    named: str | None = given.content.get("order_id") if request_id is None else request_id.rpartition(":request:")[0]
    return named


@on(e.ItemsRefunded)
def _refunded(told: Told[e.ItemsRefunded]) -> str:
    return f"refund {told.event.refund_id} for {told.units} was settled on {told.when}"
