"""What a replay asks of an event that owes or moves money: does it add up to the cent, and is it owed at all?"""

from ...domain import Order, Unit
from ...domain import events as e
from ...domain.lifecycle import destination
from ...domain.order import Payout
from ...domain.vocabulary import STORE_CREDIT
from .replay_moves import FINE, LIFECYCLE, Check, Wrong, named, numbered, pick

AMOUNTS = "amounts"


def placed(event: e.OrderPlaced) -> Wrong:
    """An order is fully paid (ORDER-3)."""
    total = paid = 0
    for line in event.items:
        total += line.total
    for payment in event.payments:
        paid += payment.amount
    if total != paid:
        return [("ORDER-3", f"the payments add up to {paid}, the items to {total}")]
    if len(event.items) > len({line.item_id for line in event.items}):
        return [("ORDER-3", "an item's id occurs twice")]
    if len(event.payments) > len({payment.payment_id for payment in event.payments}):
        return [("ORDER-3", "a payment's id occurs twice")]
    return FINE


# --- what is owed -----------------------------------------------------------------------------------------------------


def _owed(order: Order, event: e.RefundOwed) -> Wrong:
    units = pick(order, event.units)
    wrong = [*_adds_up(order, event, units), *_to_whom(order, event)]
    if numbering := numbered(order, "refund", event.refund_id, order.refunds):
        wrong += numbering
    for unit in units:
        if unit.refund_id is not None:
            wrong.append(("REFUND-1", f"{named(unit)} is refunded already by {unit.refund_id}"))
    if (event.rule == "PARTIAL-1") != (event.due_at is None):
        wrong.append(("PARTIAL-1", f"a refund by {event.rule} that is {'due' if event.due_at else 'deferred'}"))
    processor = "marketplace" if event.cause == "claim" else order.fulfilled_by
    if event.processor != processor or event.funded_by != order.sold_by:
        wrong.append(("REFUND-3", f"funded by the {event.funded_by} and processed by the {event.processor}"))
    return wrong


def _adds_up(order: Order, event: e.RefundOwed, units: list[Unit]) -> Wrong:
    value = tax = kept = paid = 0
    for unit in units:
        item = order.items[unit.item_id]
        value += item.value(unit.number)
        tax += item.tax(unit.number)
    for deduction in event.deductions:
        kept += deduction.amount
    for payout in event.payouts:
        paid += payout.amount
    if event.value == value and event.tax == tax and event.amount == value - kept == paid >= 0 and units:
        if all(payout.amount > 0 for payout in event.payouts):
            return FINE
        return [(AMOUNTS, "a payout of nothing")]
    wrong = []
    if not units:
        wrong.append((AMOUNTS, f"refund {event.refund_id} is for no units"))
    if (event.value, event.tax) != (value, tax):
        wrong.append((AMOUNTS, f"the units are worth {value} (tax {tax}), not {event.value} (tax {event.tax})"))
    if event.amount != event.value - kept or event.amount < 0:
        wrong.append((AMOUNTS, f"{event.value} less {kept} that is kept is not {event.amount}"))
    if event.amount != paid:
        wrong.append((AMOUNTS, f"the payouts add up to {paid}, the refund to {event.amount}"))
    return wrong


def _to_whom(order: Order, event: e.RefundOwed) -> Wrong:
    wrong = []
    for payout in event.payouts:
        payment = order.payments.get(payout.payment_id)
        if payment is None and payout.payment_id != STORE_CREDIT:
            wrong.append(("REFUND-1", f"the order has no payment {payout.payment_id}"))
        elif payment is not None:
            back = order.paid_back(payment.payment_id) + payout.amount
            if back > payment.amount:
                wrong.append(("REFUND-1", f"payment {payment.payment_id} of {payment.amount} would get back {back}"))
        promised = None if event.due_at is None else order.rules.promised_by(payout.method, event.due_at)
        if payout.promised_by != promised:
            wrong.append(
                ("REFUND-2", f"payout {payout.payment_id} is promised by {payout.promised_by}, not {promised}")
            )
    return wrong


def _fell_due(order: Order, event: e.RefundReleased | e.RefundTakenOver) -> Wrong:
    refund = order.refunds[event.refund_id]
    was_deferred = isinstance(event, e.RefundReleased) or event.was_deferred
    wrong = []
    if was_deferred != (refund.due_at is None) or refund.status == "paid":
        wrong.append((event.rule, f"refund {refund.refund_id} is {refund.status}"))
    if event.due_at < refund.made_at:
        wrong.append((event.rule, f"refund {refund.refund_id} falls due before it was made"))
    owed = {payout.payment_id for payout in refund.payouts.values() if payout.status == "owed"}
    if event.promises.keys() != owed:
        wrong.append(("REFUND-2", f"promises for {sorted(event.promises)}, and owed are {sorted(owed)}"))
    return wrong


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


CHECKS: dict[type[e.Event], Check] = {
    e.RefundOwed: _owed,
    e.RefundReleased: _fell_due,
    e.RefundTakenOver: _fell_due,
    e.PayoutSubmitted: _submitted,
    e.PayoutPaid: _reported("submitted"),
    e.PayoutFailed: _reported("submitted"),
    e.PayoutBounced: _reported("paid"),
    e.ItemsRefunded: _refunded,
    e.ExceptionRaised: _raised,
}
"""By event."""
