"""Events folded to an order, all of them or as of a time. Rejects nothing and asks no policy: past facts survive."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from . import events as e
from .changes import CHANGES
from .order import Order
from .units import lay_out


def fold(events: Iterable[e.Event], order: Order | None = None) -> Order | None:
    """The order that ``events`` make of ``order``; None for no events at all."""
    for event in events:
        order = placed(cast(e.OrderPlaced, event)) if order is None else evolve(order, cast(e.OrderEvent, event))
    return order


def evolve(order: Order, event: e.OrderEvent) -> Order:
    """``order`` after ``event`` (changed in place)."""
    CHANGES[type(event)](order, event)
    take_note(order, event)
    return order


def take_note(order: Order, event: e.OrderEvent) -> None:
    """What any event leaves on its order: its version and its times."""
    order.version = event.version
    if event.at > order.latest_at:
        order.latest_at = event.at
    order.recorded_at = event.recorded_at


def fold_as_of(events: Iterable[e.Event], at: datetime) -> Order | None:
    """The order as of ``at`` by what is known now: the events that had happened by then.

    Reports may be learned late, so these need not be the first ones; what follows from something later is left out.
    """
    order: Order | None = None
    for event in events:
        if event.at > at:
            continue
        if isinstance(event, e.OrderPlaced):
            order = placed(event)
        elif order is not None and _follows(order, cast(e.OrderEvent, event)):
            evolve(order, cast(e.OrderEvent, event))
    return order


_NEEDS: dict[str, tuple[type[e.OrderEvent], ...]] = {
    "request_id": (e.CancellationRequested,),
    "return_id": (e.ReturnStarted,),
    "refund_id": (e.RefundOwed, e.PaymentUnexpected),
    "claim_id": (e.ClaimFiled,),
}


def _follows(order: Order, event: e.OrderEvent) -> bool:
    """Whether what the event is about exists already."""
    known: set[str] = {*order.requests, *order.returns, *order.refunds, *order.claims}
    return all(
        isinstance(event, makers) or (its_id := getattr(event, field, None)) is None or its_id in known
        for field, makers in _NEEDS.items()
    )


def placed(event: e.OrderPlaced) -> Order:
    """A new order; seller-fulfilled units start in the seller window."""
    items, units, whole = lay_out(event.items, "seller-window" if event.fulfilled_by == "seller" else "placed")
    return Order(
        order_id=event.order_id,
        version=event.version,
        buyer_id=event.buyer_id,
        seller_id=event.seller_id,
        fulfilled_by=event.fulfilled_by,
        currency=event.currency,
        placed_at=event.at,
        policy_version=event.policy_version,
        items=items,
        units=units,
        whole=whole,
        payments={payment.payment_id: payment for payment in event.payments},
        latest_at=event.at,
        recorded_at=event.recorded_at,
    )
