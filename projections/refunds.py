"""Refunds: what is deferred, due, paid, by which promised time; overdue is judged at the time of the query.

A refund is kept as it was made, with the story of what happened to it since, so that it can be told as of any time.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, select

from ..domain import Event
from ..domain import events as e
from ..domain.order import counts
from . import registry
from .database import Database
from .projection import FIXED, ID, NUMBER, Projection, Rows, maybe_instant, maybe_microseconds, microseconds

_METADATA = MetaData()
REFUNDS = Table(
    "refunds",
    _METADATA,
    Column("refund_id", ID, primary_key=True),
    Column("order_id", ID, nullable=False, info=FIXED),
    Column("seller_id", ID, info=FIXED),
    Column("buyer_id", ID, nullable=False, info=FIXED),
    Column("currency", ID, nullable=False, info=FIXED),
    Column("status", ID, nullable=False),
    Column("next_promise_us", NUMBER),
    Column("made_us", NUMBER, nullable=False, info=FIXED),
    Column("made", Text, nullable=False, info=FIXED),
    Column("story", Text, nullable=False),
)
Index("refunds_order", REFUNDS.c.order_id, REFUNDS.c.refund_id)
Index("refunds_seller", REFUNDS.c.seller_id, REFUNDS.c.refund_id)
Index("refunds_buyer", REFUNDS.c.buyer_id, REFUNDS.c.refund_id)
Index("refunds_status", REFUNDS.c.status, REFUNDS.c.refund_id)
_PROMISED = REFUNDS.c.next_promise_us.is_not(None)
Index("refunds_promised", REFUNDS.c.next_promise_us, sqlite_where=_PROMISED, postgresql_where=_PROMISED)
METHODS = Table(
    "refund_methods",
    _METADATA,
    Column("method", ID, primary_key=True),
    Column("refund_id", ID, primary_key=True),
    sqlite_with_rowid=False,
)
SELLERS = Table(
    "refund_orders",
    _METADATA,
    Column("order_id", ID, primary_key=True),
    Column("seller_id", ID),
    Column("currency", ID, nullable=False),
    sqlite_with_rowid=False,
)


class RefundRow(Struct, gc=False):
    """``next_promise_us`` is the first promised time of what is unpaid; ``made`` and ``story`` are JSON."""

    refund_id: str
    order_id: str
    seller_id: str | None
    buyer_id: str
    currency: str
    status: str
    next_promise_us: int | None
    made_us: int
    made: str
    story: str


class MethodRow(Struct, gc=False):
    method: str
    refund_id: str


class OrderRow(Struct, gc=False):
    order_id: str
    seller_id: str | None
    currency: str


class _Payout(Struct, array_like=True, gc=False):
    payment_id: str
    method: str
    amount: int
    promised_us: int | None
    status: str = "owed"
    attempts: int = 0


class _Refund(Struct, array_like=True, gc=False):
    """As it was made, or as it is when its story has been told."""

    cause: str
    rule: str
    funded_by: str
    processor: str
    amount: int
    items: dict[str, int]
    deductions: list[e.Deduction]
    due_us: int | None
    payouts: list[_Payout]

    def status(self) -> str:
        if self.due_us is None:
            return "deferred"
        return "paid" if all(payout.status == "paid" for payout in self.payouts) else "due"

    def next_promise_us(self) -> int | None:
        unpaid = [p.promised_us for p in self.payouts if p.status != "paid" and p.promised_us is not None]
        return min(unpaid, default=None)


class _Step(Struct, array_like=True, gc=False):
    """What happened to a refund: it fell due or was taken over (with promises), or a payout has another status."""

    at_us: int
    kind: str
    due_us: int | None = None
    promises: dict[str, int] | None = None
    payment_id: str | None = None
    attempts: int | None = None


_encode = msgspec.json.Encoder().encode
_decode_made = msgspec.json.Decoder(_Refund).decode
_decode_story = msgspec.json.Decoder(list[_Step]).decode
_STATUS_AFTER: dict[type[Event], str] = {
    e.PayoutSubmitted: "submitted",
    e.PayoutPaid: "paid",
    e.PayoutFailed: "owed",
    e.PayoutBounced: "owed",
}
_STEPS = {*_STATUS_AFTER, e.RefundReleased, e.RefundTakenOver}


class Refunds(Projection):
    """See the module."""

    name = "refunds"
    version = 1
    tables: ClassVar = {RefundRow: REFUNDS, MethodRow: METHODS, OrderRow: SELLERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[Any] = [
            event for _, event in events if (kind := type(event)) in _STEPS or kind in (e.OrderPlaced, e.RefundOwed)
        ]
        rows.load(OrderRow, {event.order_id for event in mine if isinstance(event, e.RefundOwed)})
        rows.load(RefundRow, {event.refund_id for event in mine if type(event) in _STEPS})
        for event in mine:
            if isinstance(event, e.OrderPlaced):
                rows.put(OrderRow(event.order_id, event.seller_id, event.currency))
            elif isinstance(event, e.RefundOwed):
                order = rows.get(OrderRow, event.order_id)
                assert order is not None, "an order is placed before anything happens to it"
                rows.put(_owed(event, order))
                for method in dict.fromkeys(payout.method for payout in event.payouts):
                    rows.add(MethodRow(method, event.refund_id))
            else:
                row = rows.get(RefundRow, event.refund_id)
                assert row is not None, "a refund is owed before anything happens to it"
                row.story = f"{row.story[:-1]}{',' if row.story != '[]' else ''}{_encode(_step(event)).decode()}]"
                refund = _told(row, None)
                row.status, row.next_promise_us = refund.status(), refund.next_promise_us()
                rows.put(row)


def _owed(event: e.RefundOwed, order: OrderRow) -> RefundRow:
    refund = _Refund(
        cause=event.cause,
        rule=event.rule,
        funded_by=event.funded_by,
        processor=event.processor,
        amount=event.amount,
        items=counts(event.units),
        deductions=event.deductions,
        due_us=maybe_microseconds(event.due_at),
        payouts=[_Payout(p.payment_id, p.method, p.amount, maybe_microseconds(p.promised_by)) for p in event.payouts],
    )
    return RefundRow(
        refund_id=event.refund_id,
        order_id=event.order_id,
        seller_id=order.seller_id,
        buyer_id=event.buyer_id,
        currency=order.currency,
        status=refund.status(),
        next_promise_us=refund.next_promise_us(),
        made_us=microseconds(event.at),
        made=_encode(refund).decode(),
        story="[]",
    )


def _step(event: Any) -> _Step:
    at = microseconds(event.at)
    status = _STATUS_AFTER.get(type(event))
    if status is not None:
        attempts = event.attempt if isinstance(event, e.PayoutSubmitted) else None
        return _Step(at, status, payment_id=event.payment_id, attempts=attempts)
    promises = {payment_id: microseconds(promised_by) for payment_id, promised_by in event.promises.items()}
    kind = "taken-over" if isinstance(event, e.RefundTakenOver) else "released"
    return _Step(at, kind, microseconds(event.due_at), promises)


def _told(row: RefundRow, until: int | None) -> _Refund:
    """The refund by what had happened ``until`` then."""
    refund = _decode_made(row.made)
    payouts = {payout.payment_id: payout for payout in refund.payouts}
    for step in _decode_story(row.story):
        if until is not None and step.at_us > until:
            continue
        if step.payment_id is not None:
            payout = payouts[step.payment_id]
            payout.status = step.kind
            payout.attempts = payout.attempts if step.attempts is None else step.attempts
            continue
        refund.due_us = step.due_us
        if step.kind == "taken-over":
            refund.processor = "marketplace"
        for payment_id, promised_us in (step.promises or {}).items():
            payouts[payment_id].promised_us = promised_us
    return refund


# --- queries ----------------------------------------------------------------------------------------------------------


class ListedPayout(Struct, frozen=True):
    payment_id: str
    method: str
    amount: int
    status: str
    promised_by: datetime | None
    attempts: int


class ListedRefund(Struct, frozen=True):
    """A refund as `show` tells it, and whose it is; ``overdue``: an unpaid payout's promised time had passed."""

    refund_id: str
    order_id: str
    seller_id: str | None
    currency: str
    status: str
    cause: str
    rule: str
    funded_by: str
    processor: str
    amount: int
    items: dict[str, int]
    deductions: list[e.Deduction]
    due_at: datetime | None
    payouts: list[ListedPayout]
    overdue: bool


def refunds(
    database: Database,
    *,
    at: datetime,
    refund_id: str | None = None,
    order_id: str | None = None,
    seller_id: str | None = None,
    buyer_id: str | None = None,
    status: str | None = None,
    method: str | None = None,
    overdue: bool | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[ListedRefund]:
    """Refunds by their ids, beginning behind the id ``after``.

    Whether one is overdue is judged ``at`` that time; ``as_of``: by what had happened then.
    """
    column, moment = REFUNDS.c, microseconds(at)
    query = select(REFUNDS).order_by(column.refund_id)
    chosen = {"refund_id": refund_id, "order_id": order_id, "seller_id": seller_id, "buyer_id": buyer_id}
    for name, value in chosen.items():
        if value is not None:
            query = query.where(column[name] == value)
    if after is not None:
        query = query.where(column.refund_id > after)
    if method is not None:
        query = query.where(column.refund_id.in_(select(METHODS.c.refund_id).where(METHODS.c.method == method)))
    until = None if as_of is None else microseconds(as_of)
    if until is not None:
        query = query.where(column.made_us <= until)
    else:
        if status is not None:
            query = query.where(column.status == status)
        if overdue is True:
            # Asked apart, so that the index on promises serves although the answer is sorted by ids.
            late = REFUNDS.alias().c
            query = query.where(column.refund_id.in_(select(late.refund_id).where(late.next_promise_us < moment)))
    found: list[ListedRefund] = []
    with registry.reading(database, Refunds()) as connection:
        if until is None and overdue is not False:
            query = query.limit(limit)
        for row in connection.execute(query):
            listed = _listed(RefundRow(*row), until, moment)
            if status in (None, listed.status) and overdue in (None, listed.overdue):
                found.append(listed)
            if len(found) == limit:
                break
    return found


def _listed(row: RefundRow, until: int | None, moment: int) -> ListedRefund:
    refund = _told(row, until)
    promise = refund.next_promise_us()
    return ListedRefund(
        refund_id=row.refund_id,
        order_id=row.order_id,
        seller_id=row.seller_id,
        currency=row.currency,
        status=refund.status(),
        cause=refund.cause,
        rule=refund.rule,
        funded_by=refund.funded_by,
        processor=refund.processor,
        amount=refund.amount,
        items=refund.items,
        deductions=refund.deductions,
        due_at=maybe_instant(refund.due_us),
        payouts=[
            ListedPayout(p.payment_id, p.method, p.amount, p.status, maybe_instant(p.promised_us), p.attempts)
            for p in refund.payouts
        ],
        overdue=promise is not None and promise < moment,
    )
