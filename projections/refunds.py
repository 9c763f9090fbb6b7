"""Refunds: what is deferred, due, paid, by which promised time; overdue is judged at the time of the query.

A refund is kept as it was made, with the story of what happened to it since, so that it can be told as of any time.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, bindparam, or_, select

from ..domain import Event
from ..domain import events as e
from .asking import Asking
from .database import Database
from .projection import FIXED, ID, NUMBER, Projection, Rows, maybe_instant, maybe_microseconds, microseconds
from .query import Query
from .refund_story import STEPS, as_made, encoded, step, told
from .returns import ReturnRow, begin, load_returns, made_us, returns_table
from .story import appended, by_row
from .understood import understood

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
_BY_PROMISE = (REFUNDS.c.next_promise_us, REFUNDS.c.refund_id)
Index("refunds_promised", *_BY_PROMISE, sqlite_where=_PROMISED, postgresql_where=_PROMISED)
Index("refunds_seller_promised", REFUNDS.c.seller_id, *_BY_PROMISE, sqlite_where=_PROMISED, postgresql_where=_PROMISED)
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
RETURNS = returns_table("refund_returns", _METADATA)


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


_CONCERNS = {*STEPS, e.OrderPlaced, e.ReturnStarted, e.RefundOwed}


class Refunds(Projection):
    """See the module."""

    name = "refunds"
    version = 1
    tables: ClassVar = {RefundRow: REFUNDS, MethodRow: METHODS, OrderRow: SELLERS, ReturnRow: RETURNS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[Any] = [event for _, event in events if type(event) in _CONCERNS]
        owed = [event for event in mine if isinstance(event, e.RefundOwed)]
        rows.load(OrderRow, {event.order_id for event in owed})
        load_returns(owed, rows)
        rows.load(RefundRow, {event.refund_id for event in mine if type(event) in STEPS})
        for event in mine:
            if isinstance(event, e.OrderPlaced):
                rows.put(OrderRow(event.order_id, event.seller_id, event.currency))
            elif isinstance(event, e.ReturnStarted):
                begin(event, rows)
            elif isinstance(event, e.RefundOwed):
                order = rows.get(OrderRow, event.order_id)
                assert order is not None, "an order is placed before anything happens to it"
                rows.put(_made(event, order, made_us(event, rows)))
                methods = dict.fromkeys(payout.method for payout in event.payouts)
                rows.add(*[MethodRow(method, event.refund_id) for method in methods])
        for refund_id, happened in by_row("refund_id", (event for event in mine if type(event) in STEPS)).items():
            row = rows.get(RefundRow, refund_id)
            assert row is not None, "a refund is owed before anything happens to it"
            row.story = appended(row.story, *map(step, happened))
            refund = told(row.made, row.story, None)
            row.status, row.next_promise_us = refund.status(), refund.next_promise_us()
            rows.put(row)


def _made(event: e.RefundOwed, order: OrderRow, since_us: int) -> RefundRow:
    refund = as_made(event)
    return RefundRow(
        refund_id=event.refund_id,
        order_id=event.order_id,
        seller_id=order.seller_id,
        buyer_id=event.buyer_id,
        currency=order.currency,
        status=refund.status(),
        next_promise_us=refund.next_promise_us(),
        made_us=since_us,
        made=encoded(refund),
        story="[]",
    )


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


_LATE = REFUNDS.alias().c
_REFUNDS = Query(
    select(REFUNDS).order_by(REFUNDS.c.refund_id),
    refund_id=REFUNDS.c.refund_id == bindparam("refund_id"),
    order_id=REFUNDS.c.order_id == bindparam("order_id"),
    seller_id=REFUNDS.c.seller_id == bindparam("seller_id"),
    buyer_id=REFUNDS.c.buyer_id == bindparam("buyer_id"),
    method=REFUNDS.c.refund_id.in_(select(METHODS.c.refund_id).where(METHODS.c.method == bindparam("method"))),
    status=REFUNDS.c.status == bindparam("status"),
    # Asked apart, so that the index on promises serves although the answer is sorted by ids.
    overdue=REFUNDS.c.refund_id.in_(select(_LATE.refund_id).where(_LATE.next_promise_us < bindparam("moment"))),
    in_time=or_(REFUNDS.c.next_promise_us.is_(None), REFUNDS.c.next_promise_us >= bindparam("moment")),
    until=REFUNDS.c.made_us <= bindparam("until"),
    after=REFUNDS.c.refund_id > bindparam("after"),
)


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
    moment, until = microseconds(at), maybe_microseconds(as_of)
    with Asking(database, Refunds()) as reader:
        rows = _REFUNDS.ask(
            reader,
            limit=limit if until is None else None,
            refund_id=refund_id,
            order_id=order_id,
            seller_id=seller_id,
            buyer_id=buyer_id,
            method=method,
            status=status if until is None else None,
            overdue=overdue or None if until is None else None,
            in_time=overdue is False or None if until is None else None,
            moment=moment,
            until=until,
            after=after,
        )
        listed = understood(Refunds, (_listed(RefundRow(*row), until, moment) for row in rows))
        wanted = (r for r in listed if status in (None, r.status) and overdue in (None, r.overdue))
        return [*islice(wanted, limit)]


def _listed(row: RefundRow, until: int | None, moment: int) -> ListedRefund:
    refund = told(row.made, row.story, until)
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
