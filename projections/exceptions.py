"""What a person must look at: goods that arrived after their refund, lost goods that turned up, money that nobody owed.

Overdue refunds belong to it too; they are judged at the time of the query, from the read model of the refunds.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, select

from ..domain import Event
from ..domain import events as e
from . import registry
from .database import Database
from .projection import ID, NUMBER, Projection, Rows, instant, microseconds
from .refunds import refunds

EXCEPTIONS = Table(
    "exceptions",
    MetaData(),
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", ID, nullable=False),
    Column("order_id", ID, nullable=False),
    Column("buyer_id", ID, nullable=False),
    Column("at_us", NUMBER, nullable=False),
    Column("amount", NUMBER, nullable=False),
)
Index("exceptions_at", EXCEPTIONS.c.at_us, EXCEPTIONS.c.position)
Index("exceptions_order", EXCEPTIONS.c.order_id, EXCEPTIONS.c.position)
Index("exceptions_buyer", EXCEPTIONS.c.buyer_id, EXCEPTIONS.c.position)


class ExceptionRow(Struct, gc=False):
    position: int
    kind: str
    order_id: str
    buyer_id: str
    at_us: int
    amount: int


_CONCERNS = {e.ExceptionRaised, e.PaymentUnexpected}


class Exceptions(Projection):
    """See the module."""

    name = "exceptions"
    version = 1
    tables: ClassVar = {ExceptionRow: EXCEPTIONS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[tuple[int, Any]] = [(position, event) for position, event in events if type(event) in _CONCERNS]
        for position, event in mine:
            kind = event.kind if isinstance(event, e.ExceptionRaised) else "unexpected-payment"
            at = microseconds(event.at)
            rows.add(ExceptionRow(position, kind, event.order_id, event.buyer_id, at, event.amount))


# --- queries ----------------------------------------------------------------------------------------------------------


class ListedException(Struct, frozen=True):
    """``amount`` in minor units: the value at risk, what moved unexpectedly, or what is overdue."""

    kind: str
    order_id: str
    at: datetime
    amount: int


def exceptions(
    database: Database,
    *,
    at: datetime,
    order_id: str | None = None,
    buyer_id: str | None = None,
    kind: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
) -> list[ListedException]:
    """In the order of their times; refunds are overdue as judged ``at`` that time.

    ``as_of``: by what had happened then.
    """
    column = EXCEPTIONS.c
    query = select(column.kind, column.order_id, column.at_us, column.amount).order_by(column.at_us, column.position)
    for name, value in (("order_id", order_id), ("buyer_id", buyer_id), ("kind", kind)):
        if value is not None:
            query = query.where(column[name] == value)
    if as_of is not None:
        query = query.where(column.at_us <= microseconds(as_of))
    with registry.reading(database, Exceptions()) as connection:
        rows = connection.execute(query.limit(limit)).all()
    found = [ListedException(row.kind, row.order_id, instant(row.at_us), row.amount) for row in rows]
    if kind in (None, "overdue-refund"):
        found += _overdue(database, at, order_id, buyer_id, as_of)
    return sorted(found, key=lambda each: each.at)[:limit]


def _overdue(
    database: Database, at: datetime, order_id: str | None, buyer_id: str | None, as_of: datetime | None
) -> list[ListedException]:
    found = []
    for refund in refunds(database, at=at, order_id=order_id, buyer_id=buyer_id, overdue=True, as_of=as_of):
        late = [p for p in refund.payouts if p.status != "paid" and p.promised_by is not None and p.promised_by < at]
        since = min(p.promised_by for p in late if p.promised_by is not None)
        found.append(ListedException("overdue-refund", refund.order_id, since, sum(p.amount for p in late)))
    return found
