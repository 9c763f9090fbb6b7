"""The refund ledger: a journal in double entry, one entry for each event that moves money or an obligation.

Debits are positive, and every entry sums to zero in its currency. Entries are numbered in the order of the events, so
a ledger made anew is the same, entry for entry. Balances are sums over the journal. Source: RULEBOOK section 11.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, bindparam, func, select

from ..domain import Event
from ..domain import events as e
from .asking import Asking
from .booking import BOOKED, MOVES_REFUND, OrderRow, RefundRow, counts_from, made
from .database import Database
from .projection import ID, NUMBER, Projection, Rows, instant, maybe_microseconds, microseconds
from .query import Query
from .readers import Row
from .returns import ReturnRow, begin, load_returns, returns_table
from .understood import understood

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
    Column("seller_id", ID),
    Column("currency", ID, nullable=False),
)
Index("ledger_entries_order", ENTRIES.c.order_id, ENTRIES.c.entry)
_SOLD = ENTRIES.c.seller_id.is_not(None)
Index("ledger_entries_seller", ENTRIES.c.seller_id, ENTRIES.c.entry, sqlite_where=_SOLD, postgresql_where=_SOLD)
POSTINGS = Table(
    "ledger_postings",
    _METADATA,
    Column("entry", NUMBER, primary_key=True, autoincrement=False),
    Column("line", NUMBER, primary_key=True, autoincrement=False),
    Column("account", ID, nullable=False),
    Column("amount", NUMBER, nullable=False),
    Column("currency", ID, nullable=False),
    Column("payment_id", ID),
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
REFUNDS = Table(
    "ledger_refunds",
    _METADATA,
    Column("refund_id", ID, primary_key=True),
    Column("deferred", NUMBER, nullable=False),
    Column("since_us", NUMBER, nullable=False),
    Column("moved", Text, nullable=False),
    sqlite_with_rowid=False,
)
RETURNS = returns_table("ledger_returns", _METADATA)


class EntryRow(Struct, gc=False):
    entry: int
    position: int
    at_us: int
    order_id: str
    event: str
    refund_id: str | None
    seller_id: str | None
    currency: str


class PostingRow(Struct, gc=False):
    """``payment_id``: whose money moved, where it is one payment's."""

    entry: int
    line: int
    account: str
    amount: int
    currency: str
    payment_id: str | None


_CONCERNS = {*BOOKED, e.ReturnStarted}


class Ledger(Projection):
    """See the module."""

    name = "ledger"
    version = 1
    tables: ClassVar = {
        EntryRow: ENTRIES,
        PostingRow: POSTINGS,
        OrderRow: ORDERS,
        RefundRow: REFUNDS,
        ReturnRow: RETURNS,
    }

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        moving: list[tuple[int, Any]] = [(position, event) for position, event in events if type(event) in _CONCERNS]
        _load(moving, rows)
        number = rows.highest(EntryRow)
        for position, event in moving:
            if isinstance(event, e.ReturnStarted):
                begin(event, rows)
                continue
            order = _order(event, rows)
            refund = _refund(event, rows)
            postings = [posting for posting in BOOKED[type(event)](event, order, refund) if posting[1]]
            at_us = microseconds(event.at) if refund is None else counts_from(event, refund)
            if refund is not None:
                rows.put(refund)
            if not postings:
                continue
            number += 1
            currency = order.currency
            about = (event.order_id, event.type, getattr(event, "refund_id", None), order.seller_id, currency)
            rows.add(EntryRow(number, position, at_us, *about))
            rows.add(
                *[
                    PostingRow(number, line, account, amount, currency, payment_id)
                    for line, (account, amount, payment_id) in enumerate(postings, 1)
                ]
            )


def _load(moving: Sequence[tuple[int, Any]], rows: Rows) -> None:
    rows.load(OrderRow, {event.order_id for _, event in moving if not isinstance(event, e.OrderPlaced)})
    rows.load(RefundRow, {event.refund_id for _, event in moving if isinstance(event, MOVES_REFUND)})
    load_returns((event for _, event in moving), rows)


def _order(event: Any, rows: Rows) -> OrderRow:
    if isinstance(event, e.OrderPlaced):
        order = OrderRow(event.order_id, event.currency, event.seller_id)
        rows.put(order)
        return order
    known = rows.get(OrderRow, event.order_id)
    assert known is not None, "an order is placed before anything happens to it"
    return known


def _refund(event: Any, rows: Rows) -> RefundRow | None:
    """The refund that an event makes or moves; None where it is about none."""
    if isinstance(event, e.RefundOwed):
        return made(event, rows)
    if not isinstance(event, MOVES_REFUND):
        return None
    known = rows.get(RefundRow, event.refund_id)
    assert known is not None, "a refund is owed before anything happens to it"
    return known


# --- queries ----------------------------------------------------------------------------------------------------------


class Posting(Struct, frozen=True):
    """``amount`` in minor units, debits positive; ``payment_id`` where it is one payment's money."""

    account: str
    amount: int
    currency: str
    payment_id: str | None = None


class Entry(Struct, frozen=True):
    """An entry of the journal; ``position`` and ``event`` are those of the event that it books."""

    entry: int
    position: int
    at: datetime
    order_id: str
    event: str
    refund_id: str | None
    postings: list[Posting]


Balances = dict[str, dict[str, int]]
"""Amounts by currency and account, without accounts at zero."""


_BOOKED_LINES = ENTRIES.join(POSTINGS, POSTINGS.c.entry == ENTRIES.c.entry)
_WHOSE: dict[str, Any] = {
    "order_id": ENTRIES.c.order_id == bindparam("order_id"),
    "seller_id": ENTRIES.c.seller_id == bindparam("seller_id"),
    "until": ENTRIES.c.at_us <= bindparam("until"),
}
_AFTER = ENTRIES.c.entry > bindparam("after")
_NUMBERS = Query(select(ENTRIES.c.entry).order_by(ENTRIES.c.entry), **_WHOSE, after=_AFTER)
_LINES = Query(
    select(
        ENTRIES.c.entry,
        ENTRIES.c.position,
        ENTRIES.c.at_us,
        ENTRIES.c.order_id,
        ENTRIES.c.event,
        ENTRIES.c.refund_id,
        POSTINGS.c.account,
        POSTINGS.c.amount,
        POSTINGS.c.currency,
        POSTINGS.c.payment_id,
    )
    .select_from(_BOOKED_LINES)
    .order_by(ENTRIES.c.entry, POSTINGS.c.line),
    **_WHOSE,
    after=_AFTER,
    last=ENTRIES.c.entry <= bindparam("last"),
)
_SUMS = (
    select(POSTINGS.c.currency, POSTINGS.c.account, func.sum(POSTINGS.c.amount))
    .group_by(POSTINGS.c.currency, POSTINGS.c.account)
    .order_by(POSTINGS.c.currency, POSTINGS.c.account)
)
_ALL_BALANCES = Query(_SUMS)
_BALANCES = Query(_SUMS.select_from(_BOOKED_LINES), **_WHOSE)
_USES = Query(
    select(
        POSTINGS.c.account,
        POSTINGS.c.currency,
        func.sum(POSTINGS.c.amount),
        func.min(ENTRIES.c.at_us),
        func.max(ENTRIES.c.at_us),
        func.max(ENTRIES.c.entry),
    )
    .select_from(_BOOKED_LINES)
    .group_by(POSTINGS.c.account, POSTINGS.c.currency)
    .order_by(POSTINGS.c.account, POSTINGS.c.currency),
    **_WHOSE,
)


def entries(
    database: Database,
    *,
    order_id: str | None = None,
    seller_id: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: int = 0,
) -> list[Entry]:
    """The journal in its order, beginning behind the number ``after``; ``as_of``: of what had happened by then.

    A seller's entries are those of the orders that it sold.
    """
    return [*each_entry(database, order_id=order_id, seller_id=seller_id, as_of=as_of, limit=limit, after=after)]


def each_entry(
    database: Database,
    *,
    order_id: str | None = None,
    seller_id: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: int = 0,
) -> Iterator[Entry]:
    """As ``entries``, one by one, for a journal that does not fit into memory."""
    asked: dict[str, Any] = {
        "order_id": order_id,
        "seller_id": seller_id,
        "until": maybe_microseconds(as_of),
        "after": after or None,
    }
    with Asking(database, Ledger()) as reader:
        last = None
        if limit is not None:
            # The page's last entry is asked for first: so lines come as they lie, and none is sorted.
            last = max((number for (number,) in _NUMBERS.ask(reader, limit=limit, **asked)), default=0)
        yield from understood(Ledger, _together(_LINES.ask(reader, last=last, **asked)))


def _together(lines: Iterable[Row]) -> Iterator[Entry]:
    """Entries of the lines, of which those of an entry follow each other."""
    current: Entry | None = None
    for number, position, at_us, of_order, event, refund_id, *line in lines:
        if current is None or current.entry != number:
            if current is not None:
                yield current
            current = Entry(number, position, instant(at_us), of_order, event, refund_id, [])
        current.postings.append(Posting(*line))
    if current is not None:
        yield current


def balances(
    database: Database,
    *,
    order_id: str | None = None,
    seller_id: str | None = None,
    as_of: datetime | None = None,
) -> Balances:
    """What lies on each account: the sums of the journal's postings."""
    asked: dict[str, Any] = {"order_id": order_id, "seller_id": seller_id, "until": maybe_microseconds(as_of)}
    sums = _BALANCES if any(value is not None for value in asked.values()) else _ALL_BALANCES
    result: Balances = {}
    with Asking(database, Ledger()) as reader:
        for currency, account, amount in sums.ask(reader, **asked):
            if amount:
                result.setdefault(currency, {})[account] = int(amount)
    return result


class AccountUse(Struct, frozen=True):
    """What the journal holds of an account in one currency: its balance, the first and last time, the last entry."""

    account: str
    currency: str
    balance: int
    first_at: datetime
    last_at: datetime
    last_entry: int


def accounts_used(
    database: Database,
    *,
    order_id: str | None = None,
    seller_id: str | None = None,
    as_of: datetime | None = None,
) -> list[AccountUse]:
    """Every account of ``entries``, also those at zero, by name and currency; all of one moment."""
    asked: dict[str, Any] = {"order_id": order_id, "seller_id": seller_id, "until": maybe_microseconds(as_of)}
    with Asking(database, Ledger()) as reader:
        uses = (
            AccountUse(account, currency, int(balance), instant(first_us), instant(last_us), last_entry)
            for account, currency, balance, first_us, last_us, last_entry in _USES.ask(reader, **asked)
        )
        return [*understood(Ledger, uses)]
