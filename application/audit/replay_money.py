"""What a replay asks of an event that takes or moves money: does it add up to the cent, and may it move?"""

from ...domain import Order
from ...domain import events as e
from ...domain.lifecycle import destination
from ...domain.money import CURRENCIES
from ...domain.order import Payout
from ...domain.vocabulary import STORE_CREDIT
from .replay_due import released, taken_over
from .replay_moves import FINE, LIFECYCLE, Check, Wrong, named, pick
from .replay_owed import AMOUNTS


def placed(event: e.OrderPlaced) -> Wrong:
    """An order is fully paid (ORDER-3), in a currency that there is."""
    total = paid = 0
    for line in event.items:
        goods = line.unit_price * line.quantity
        total += goods + line.tax + line.shipping - line.discount
        if line.discount > goods:
            return [("ORDER-3", f"the discount of {line.item_id} is {line.discount}, its price {goods}")]
    for payment in event.payments:
        paid += payment.amount
    if total != paid:
        return [("ORDER-3", f"the payments add up to {paid}, the items to {total}")]
    if len(event.items) > 1 and len(event.items) > len({line.item_id for line in event.items}):
        return [("ORDER-3", "an item's id occurs twice")]
    if len(event.payments) > 1 and len(event.payments) > len({payment.payment_id for payment in event.payments}):
        return [("ORDER-3", "a payment's id occurs twice")]
    if event.currency not in CURRENCIES:
        return [(AMOUNTS, f"there is no currency {event.currency}")]
    if event.fulfilled_by == "seller" and event.seller_id is None:
        return [("REFUND-3", "a seller fulfils it, and no seller sold it")]
    return FINE


# --- what moves -------------------------------------------------------------------------------------------------------


def _payout(order: Order, event: e.PayoutSubmitted | e.PayoutPaid | e.PayoutFailed | e.PayoutBounced) -> Payout:
    return order.refunds[event.refund_id].payouts[event.payment_id]


def _submitted(order: Order, event: e.PayoutSubmitted) -> Wrong:
    payout = _payout(order, event)
    attempt = payout.attempts + 1
    key = f"{event.refund_id}:{event.payment_id}:{attempt}"
    if payout.status != "owed" or order.refunds[event.refund_id].due_at is None:
        return [("REFUND-5", f"the payout is {payout.status} and its refund {order.refunds[event.refund_id].status}")]
    if (event.attempt, event.idempotency_key) != (attempt, key):
        return [("REFUND-4", f"attempt {event.attempt} with key {event.idempotency_key}, not {attempt} with {key}")]
    return FINE


def _reported(before: str) -> Check:
    """The check of the gateway's word on a payout that is ``before``."""

    def check(order: Order, event: e.PayoutPaid | e.PayoutFailed | e.PayoutBounced) -> Wrong:
        payout = _payout(order, event)
        if payout.status != before:
            return [("REFUND-4", f"{event.type} of a payout that is {payout.status}, not {before}")]
        if not isinstance(event, e.PayoutFailed) and (event.amount, event.method) != (payout.amount, payout.method):
            moved, owed = f"{event.amount} by {event.method}", f"{payout.amount} by {payout.method}"
            return [("REFUND-5", f"{moved} moved for a payout of {owed}")]
        return FINE

    return check


def _refunded(order: Order, event: e.ItemsRefunded) -> Wrong:
    refund = order.refunds[event.refund_id]
    if refund.status != "paid":
        return [("REFUND-4", f"units are refunded, but refund {refund.refund_id} is {refund.status}")]
    wrong = []
    for unit in pick(order, event.units):
        settled = destination("refund", unit.state) or (
            refund.cause == "claim" and destination("settle-claim", unit.state)
        )
        if unit.refund_id != refund.refund_id:
            wrong.append(("REFUND-4", f"{named(unit)} is not in refund {refund.refund_id}"))
        elif not settled:
            wrong.append((LIFECYCLE, f"the lifecycle has no refund from {unit.state}"))
    return wrong


def _raised(order: Order, event: e.ExceptionRaised) -> Wrong:
    value = sum(order.value(unit) for unit in pick(order, event.units))
    return FINE if event.amount == value else [(AMOUNTS, f"{event.amount} is at risk, and the units are worth {value}")]


def _unexpected(order: Order, event: e.PaymentUnexpected) -> Wrong:
    """Why nobody owed it; how much moved is the gateway's word alone."""
    refund = order.refunds.get(event.refund_id)
    payout = refund.payouts.get(event.payment_id) if refund is not None else None
    if refund is None or payout is None:
        because = {"unknown-payout"}
    elif refund.due_at is None:
        because = {"deferred"}
    else:
        because = {"already-paid", "other-amount"} if payout.status == "paid" else set()
    if event.because not in because:
        state = "unknown" if payout is None else payout.status
        return [("REFUND-5", f"unexpected because {event.because}, and the payout is {state}")]
    method = _method(order, event.payment_id)
    if event.method != method:
        return [("REFUND-5", f"it moved by {event.method}, and {event.payment_id} is {method}")]
    return FINE


def _method(order: Order, payment_id: str) -> str | None:
    """How money moves to and from a payment; store credit is known by the refunds that go there."""
    payment = order.payments.get(payment_id)
    if payment is not None:
        return payment.method
    known = any(payment_id in refund.payouts for refund in order.refunds.values())
    return STORE_CREDIT if known and payment_id == STORE_CREDIT else None


CHECKS: dict[type[e.Event], Check] = {
    e.RefundReleased: released,
    e.RefundTakenOver: taken_over,
    e.PayoutSubmitted: _submitted,
    e.PayoutPaid: _reported("submitted"),
    e.PayoutFailed: _reported("submitted"),
    e.PayoutBounced: _reported("paid"),
    e.ItemsRefunded: _refunded,
    e.ExceptionRaised: _raised,
    e.PaymentUnexpected: _unexpected,
}
"""By event."""
