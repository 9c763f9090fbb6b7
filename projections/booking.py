"""What the ledger books for an event: accounts and amounts that sum to zero. Source: RULEBOOK section 11."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from ..domain import Event
from ..domain import events as e
from . import accounts
from .projection import Rows


class OrderRow(Struct, gc=False):
    """What an entry must know of its order."""

    order_id: str
    currency: str
    seller_id: str | None


class DeferredRow(Struct, gc=False):
    """A refund that waits to fall due."""

    refund_id: str
    amount: int


Postings = list[tuple[str, int, str | None]]
"""Accounts, amounts (debits positive), and the payment where it is one payment's money."""


def _placed(event: e.OrderPlaced, order: OrderRow, _: Rows) -> Postings:
    tax = sum(line.tax for line in event.items)
    paid = [(accounts.of_payment(payment.method), payment.amount, payment.payment_id) for payment in event.payments]
    total = sum(amount for _, amount, _ in paid)
    return [*paid, (accounts.of_seller(order.seller_id), tax - total, None), (accounts.TAX, -tax, None)]


def _owed(event: e.RefundOwed, order: OrderRow, rows: Rows) -> Postings:
    sold_by = accounts.of_seller(order.seller_id)
    if event.due_at is None:
        rows.put(DeferredRow(event.refund_id, event.amount))
    kept = [
        (accounts.FEES[deduction.kind] if order.seller_id is None else sold_by, -deduction.amount, None)
        for deduction in event.deductions
    ]
    return [
        (sold_by, event.value - event.tax, None),
        (accounts.TAX, event.tax, None),
        (accounts.DEFERRED if event.due_at is None else accounts.DUE, -event.amount, None),
        *kept,
    ]


def _released(event: e.RefundReleased | e.RefundTakenOver, _: OrderRow, rows: Rows) -> Postings:
    """A granted claim releases what it takes over, too (CLAIM-2)."""
    if isinstance(event, e.RefundTakenOver) and not event.was_deferred:
        return []
    deferred = rows.get(DeferredRow, event.refund_id)
    assert deferred is not None, "only a deferred refund is released"
    rows.delete(DeferredRow, event.refund_id)
    return [(accounts.DEFERRED, deferred.amount, None), (accounts.DUE, -deferred.amount, None)]


def _paid(event: e.PayoutPaid, _: OrderRow, __: Rows) -> Postings:
    amount, payment_id = event.amount, event.payment_id
    return [(accounts.DUE, amount, payment_id), (accounts.of_payment(event.method), -amount, payment_id)]


def _bounced(event: e.PayoutBounced, _: OrderRow, __: Rows) -> Postings:
    amount, payment_id = event.amount, event.payment_id
    return [(accounts.of_payment(event.method), amount, payment_id), (accounts.DUE, -amount, payment_id)]


def _unexpected(event: e.PaymentUnexpected, _: OrderRow, __: Rows) -> Postings:
    amount, payment_id = event.amount, event.payment_id
    return [(accounts.SUSPENSE, amount, payment_id), (accounts.of_payment(event.method), -amount, payment_id)]


RELEASES = (e.RefundReleased, e.RefundTakenOver)
BOOKED: dict[type[Event], Callable[[Any, OrderRow, Rows], Postings]] = {
    e.OrderPlaced: _placed,
    e.RefundOwed: _owed,
    e.RefundReleased: _released,
    e.RefundTakenOver: _released,
    e.PayoutPaid: _paid,
    e.PayoutBounced: _bounced,
    e.PaymentUnexpected: _unexpected,
}
