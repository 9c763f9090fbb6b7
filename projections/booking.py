"""What the ledger books for an event, and as of when: accounts and amounts that sum to zero.

Reports are learned late, so what moves a refund may have happened before the refund was made. It counts from then on
only: at any moment the ledger owes what the refunds of that moment owe. Source: RULEBOOK section 11.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from ..domain import Event
from ..domain import events as e
from . import accounts
from .projection import Rows, microseconds
from .returns import made_us


class OrderRow(Struct, gc=False):
    """What an entry must know of its order."""

    order_id: str
    currency: str
    seller_id: str | None


class RefundRow(Struct, gc=False):
    """What an entry must know of its refund: ``deferred`` is the amount that waits to fall due.

    Nothing of it counts before ``since_us``; ``moved``, as JSON, is when its payouts' money moved last.
    """

    refund_id: str
    deferred: int
    since_us: int
    moved: str


Postings = list[tuple[str, int, str | None]]
"""Accounts, amounts (debits positive), and the payment where it is one payment's money."""


def _placed(event: e.OrderPlaced, order: OrderRow, _: RefundRow | None) -> Postings:
    tax = sum(line.tax for line in event.items)
    paid = [(accounts.of_payment(payment.method), payment.amount, payment.payment_id) for payment in event.payments]
    total = sum(amount for _, amount, _ in paid)
    return [*paid, (accounts.of_seller(order.seller_id), tax - total, None), (accounts.TAX, -tax, None)]


def _owed(event: e.RefundOwed, order: OrderRow, _: RefundRow | None) -> Postings:
    sold_by = accounts.of_seller(order.seller_id)
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


def _released(event: e.RefundReleased | e.RefundTakenOver, _: OrderRow, refund: RefundRow | None) -> Postings:
    """A granted claim releases what it takes over, too (CLAIM-2)."""
    if isinstance(event, e.RefundTakenOver) and not event.was_deferred:
        return []
    assert refund is not None, "only a refund that was made is released"
    return [(accounts.DEFERRED, refund.deferred, None), (accounts.DUE, -refund.deferred, None)]


def _paid(event: e.PayoutPaid, _: OrderRow, __: RefundRow | None) -> Postings:
    amount, payment_id = event.amount, event.payment_id
    return [(accounts.DUE, amount, payment_id), (accounts.of_payment(event.method), -amount, payment_id)]


def _bounced(event: e.PayoutBounced, _: OrderRow, __: RefundRow | None) -> Postings:
    amount, payment_id = event.amount, event.payment_id
    return [(accounts.of_payment(event.method), amount, payment_id), (accounts.DUE, -amount, payment_id)]


def _unexpected(event: e.PaymentUnexpected, _: OrderRow, __: RefundRow | None) -> Postings:
    amount, payment_id = event.amount, event.payment_id
    return [(accounts.SUSPENSE, amount, payment_id), (accounts.of_payment(event.method), -amount, payment_id)]


MOVES_REFUND = (e.RefundReleased, e.RefundTakenOver, e.PayoutPaid, e.PayoutBounced)
"""What happens to a refund that was made before."""
BOOKED: dict[type[Event], Callable[[Any, OrderRow, RefundRow | None], Postings]] = {
    e.OrderPlaced: _placed,
    e.RefundOwed: _owed,
    e.RefundReleased: _released,
    e.RefundTakenOver: _released,
    e.PayoutPaid: _paid,
    e.PayoutBounced: _bounced,
    e.PaymentUnexpected: _unexpected,
}


_encode = msgspec.json.Encoder().encode
_decode_moved = msgspec.json.Decoder(dict[str, int]).decode


def made(event: e.RefundOwed, rows: Rows) -> RefundRow:
    """The row of a new refund."""
    return RefundRow(event.refund_id, event.amount if event.due_at is None else 0, made_us(event, rows), "{}")


def counts_from(event: Any, refund: RefundRow) -> int:
    """From when on an event that moves a refund counts, which its row takes note of."""
    at_us = max(microseconds(event.at), refund.since_us)
    if isinstance(event, e.RefundOwed):
        return at_us
    if isinstance(event, e.RefundReleased | e.RefundTakenOver):
        at_us = max(at_us, microseconds(event.due_at))
        if refund.deferred:
            refund.deferred, refund.since_us = 0, at_us
        return at_us
    moved = _decode_moved(refund.moved)
    at_us = moved[event.payment_id] = max(at_us, moved.get(event.payment_id, 0))
    refund.moved = _encode(moved).decode()
    return at_us
