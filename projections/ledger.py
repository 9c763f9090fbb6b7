"""The refund ledger: a journal in double entry, one entry for each event that moves money or an obligation.

Debits are positive, and every entry sums to zero in its currency. Entries are numbered in the order of the events, so
a ledger made anew is the same, entry for entry. Balances are sums over the journal. Source: RULEBOOK section 11.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Select, Table, func, select

from ..domain import Event
from ..domain import events as e
from . import accounts, registry
from .database import Database
from .projection import ID, NUMBER, Projection, Rows, instant, microseconds

_METADATA = MetaData()
ENTRIES = Table(
    "ledger_entries",
    _METADATA,
    Column("entry", NUMBER, primary_key=True, autoincrement=False),
    Column("position", NUMBER, nullable=False),
    Column("at_us", NUMBER, nullable=False),
    Column("order_id", ID, nullable=False),
    Column("event", ID, nullable=False),
    Column("refund_id", ID),
    Column("currency", ID, nullable=False),
)
Index("ledger_entries_order", ENTRIES.c.order_id, ENTRIES.c.entry)
POSTINGS = Table(
    "ledger_postings",
    _METADATA,
    Column("entry", NUMBER, primary_key=True, autoincrement=False),
    Column("line", NUMBER, primary_key=True, autoincrement=False),
    Column("account", ID, nullable=False),
    Column("amount", NUMBER, nullable=False),
    Column("currency", ID, nullable=False),
    sqlite_with_rowid=False,
)
ORDERS = Table(
    "ledger_orders",
    _METADATA,
    Column("order_id", ID, primary_key=True),
    Column("currency", ID, nullable=False),
    Column("seller_id", ID),
    sqlite_with_rowid=False,
)
DEFERRED = Table(
    "ledger_deferred",
    _METADATA,
    Column("refund_id", ID, primary_key=True),
    Column("amount", NUMBER, nullable=False),
    sqlite_with_rowid=False,
)


class EntryRow(Struct, gc=False):
    entry: int
    position: int
    at_us: int
    order_id: str
    event: str
    refund_id: str | None
    currency: str


class PostingRow(Struct, gc=False):
    entry: int
    line: int
    account: str
    amount: int
    currency: str


class OrderRow(Struct, gc=False):
    """What an entry must know of its order."""

    order_id: str
    currency: str
    seller_id: str | None


class DeferredRow(Struct, gc=False):
    """A refund that waits to fall due."""

    refund_id: str
    amount: int


Postings = list[tuple[str, int]]
"""Accounts and amounts, debits positive."""


class Ledger(Projection):
    """See the module."""

    name = "ledger"
    version = 1
    tables: ClassVar = {EntryRow: ENTRIES, PostingRow: POSTINGS, OrderRow: ORDERS, DeferredRow: DEFERRED}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        moving: list[tuple[int, Any]] = [(position, event) for position, event in events if type(event) in _BOOKED]
        rows.load(OrderRow, {event.order_id for _, event in moving if not isinstance(event, e.OrderPlaced)})
        rows.load(DeferredRow, {event.refund_id for _, event in moving if isinstance(event, _RELEASES)})
        number = rows.highest(EntryRow)
        for position, event in moving:
            if isinstance(event, e.OrderPlaced):
                order = OrderRow(event.order_id, event.currency, event.seller_id)
                rows.put(order)
            else:
                known = rows.get(OrderRow, event.order_id)
                assert known is not None, "an order is placed before anything happens to it"
                order = known
            postings = [(account, amount) for account, amount in _BOOKED[type(event)](event, order, rows) if amount]
            if not postings:
                continue
            number += 1
            at, refund_id = microseconds(event.at), getattr(event, "refund_id", None)
            rows.add(EntryRow(number, position, at, event.order_id, event.type, refund_id, order.currency))
            for line, (account, amount) in enumerate(postings, 1):
                rows.add(PostingRow(number, line, account, amount, order.currency))


def _placed(event: e.OrderPlaced, order: OrderRow, _: Rows) -> Postings:
    tax = sum(line.tax for line in event.items)
    paid = [(accounts.of_payment(payment.method), payment.amount) for payment in event.payments]
    total = sum(amount for _, amount in paid)
    return [*paid, (accounts.of_seller(order.seller_id), tax - total), (accounts.TAX, -tax)]


def _owed(event: e.RefundOwed, order: OrderRow, rows: Rows) -> Postings:
    sold_by = accounts.of_seller(order.seller_id)
    if event.due_at is None:
        rows.put(DeferredRow(event.refund_id, event.amount))
    kept = [
        (accounts.FEES[deduction.kind] if order.seller_id is None else sold_by, -deduction.amount)
        for deduction in event.deductions
    ]
    return [
        (sold_by, event.value - event.tax),
        (accounts.TAX, event.tax),
        (accounts.DEFERRED if event.due_at is None else accounts.DUE, -event.amount),
        *kept,
    ]


def _released(event: e.RefundReleased | e.RefundTakenOver, _: OrderRow, rows: Rows) -> Postings:
    """A granted claim releases what it takes over, too (CLAIM-2)."""
    if isinstance(event, e.RefundTakenOver) and not event.was_deferred:
        return []
    deferred = rows.get(DeferredRow, event.refund_id)
    assert deferred is not None, "only a deferred refund is released"
    rows.delete(DeferredRow, event.refund_id)
    return [(accounts.DEFERRED, deferred.amount), (accounts.DUE, -deferred.amount)]


def _paid(event: e.PayoutPaid, _: OrderRow, __: Rows) -> Postings:
    return [(accounts.DUE, event.amount), (accounts.of_payment(event.method), -event.amount)]


def _bounced(event: e.PayoutBounced, _: OrderRow, __: Rows) -> Postings:
    return [(accounts.of_payment(event.method), event.amount), (accounts.DUE, -event.amount)]


def _unexpected(event: e.PaymentUnexpected, _: OrderRow, __: Rows) -> Postings:
    return [(accounts.SUSPENSE, event.amount), (accounts.of_payment(event.method), -event.amount)]


_RELEASES = (e.RefundReleased, e.RefundTakenOver)
_BOOKED: dict[type[Event], Callable[[Any, OrderRow, Rows], Postings]] = {
    e.OrderPlaced: _placed,
    e.RefundOwed: _owed,
    e.RefundReleased: _released,
    e.RefundTakenOver: _released,
    e.PayoutPaid: _paid,
    e.PayoutBounced: _bounced,
    e.PaymentUnexpected: _unexpected,
}


# --- queries ----------------------------------------------------------------------------------------------------------


class Posting(Struct, frozen=True):
    """``amount`` in minor units, debits positive."""

    account: str
    amount: int
    currency: str


class Entry(Struct, frozen=True, omit_defaults=True):
    """An entry of the journal; ``position`` and ``event`` are those of the event that it books."""

    entry: int
    position: int
    at: datetime
    order_id: str
    event: str
    postings: list[Posting]
    refund_id: str | None = None


Balances = dict[str, dict[str, int]]
"""Amounts by currency and account, without accounts at zero."""


def entries(
    database: Database,
    *,
    order_id: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: int = 0,
) -> list[Entry]:
    """The journal in its order, from the entry ``after``; of what had happened by ``as_of``."""
    return [*each_entry(database, order_id=order_id, as_of=as_of, limit=limit, after=after)]


def each_entry(
    database: Database,
    *,
    order_id: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: int = 0,
) -> Iterator[Entry]:
    """As ``entries``, one by one, for a journal that does not fit into memory."""
    chosen = _filtered(select(ENTRIES), order_id, as_of).where(ENTRIES.c.entry > after).order_by(ENTRIES.c.entry)
    page = chosen.limit(limit).subquery()
    lines = (
        select(page.c.entry, page.c.position, page.c.at_us, page.c.order_id, page.c.event, page.c.refund_id)
        .add_columns(POSTINGS.c.account, POSTINGS.c.amount, POSTINGS.c.currency)
        .join(POSTINGS, POSTINGS.c.entry == page.c.entry)
        .order_by(page.c.entry, POSTINGS.c.line)
    )
    with registry.reading(database, Ledger()) as connection:
        current: Entry | None = None
        for row in connection.execution_options(yield_per=1000).execute(lines):
            number, position, at_us, of_order, event, refund_id, *posting = row
            if current is None or current.entry != number:
                if current is not None:
                    yield current
                current = Entry(number, position, instant(at_us), of_order, event, [], refund_id)
            current.postings.append(Posting(*posting))
        if current is not None:
            yield current


def balances(database: Database, *, order_id: str | None = None, as_of: datetime | None = None) -> Balances:
    """What lies on each account: the sums of the journal's postings."""
    columns = (POSTINGS.c.currency, POSTINGS.c.account, func.sum(POSTINGS.c.amount))
    sums: Select[Any] = select(*columns).select_from(POSTINGS)
    if order_id is not None or as_of is not None:
        sums = _filtered(sums.join(ENTRIES, ENTRIES.c.entry == POSTINGS.c.entry), order_id, as_of)
    sums = sums.group_by(POSTINGS.c.currency, POSTINGS.c.account).order_by(POSTINGS.c.currency, POSTINGS.c.account)
    result: Balances = {}
    with registry.reading(database, Ledger()) as connection:
        for currency, account, amount in connection.execute(sums):
            if amount:
                result.setdefault(currency, {})[account] = int(amount)
    return result


def _filtered(query: Select[Any], order_id: str | None, as_of: datetime | None) -> Select[Any]:
    if order_id is not None:
        query = query.where(ENTRIES.c.order_id == order_id)
    if as_of is not None:
        query = query.where(ENTRIES.c.at_us <= microseconds(as_of))
    return query
