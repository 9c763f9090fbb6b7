"""What a person must look at: goods that arrived after their refund, lost goods that turned up, money that nobody owed.

Overdue refunds belong to it too; they are judged at the time of the query, from the read model of the refunds.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, bindparam, select, tuple_

from ..domain import Event
from ..domain import events as e
from .asking import Asking
from .database import Database
from .overdue import OverdueRefund, overdue_refunds
from .projection import ID, NUMBER, Projection, Rows, instant, maybe_microseconds, microseconds
from .query import Query
from .readers import Reader
from .refunds import Refunds
from .understood import understood

_NO_POSITION = 2**63 - 1
_CURSOR = re.compile(r"(-?[0-9]{1,19}):(?:([0-9]{1,19})|(.*[^0-9].*))", re.DOTALL)
"""Microseconds, and the position of what was raised or the id of a refund that is overdue."""

_METADATA = MetaData()
EXCEPTIONS = Table(
    "exceptions",
    _METADATA,
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", ID, nullable=False),
    Column("order_id", ID, nullable=False),
    Column("buyer_id", ID, nullable=False),
    Column("seller_id", ID),
    Column("at_us", NUMBER, nullable=False),
    Column("amount", NUMBER, nullable=False),
    Column("currency", ID, nullable=False),
)
for _name in ("kind", "order_id", "buyer_id", "seller_id"):
    Index(f"exceptions_{_name.removesuffix('_id')}", EXCEPTIONS.c[_name], EXCEPTIONS.c.at_us, EXCEPTIONS.c.position)
Index("exceptions_at", EXCEPTIONS.c.at_us, EXCEPTIONS.c.position)
ORDERS = Table(
    "exception_orders",
    _METADATA,
    Column("order_id", ID, primary_key=True),
    Column("seller_id", ID),
    Column("currency", ID, nullable=False),
    sqlite_with_rowid=False,
)


class ExceptionRow(Struct, gc=False):
    position: int
    kind: str
    order_id: str
    buyer_id: str
    seller_id: str | None
    at_us: int
    amount: int
    currency: str


class OrderRow(Struct, gc=False):
    """What an exception must know of its order."""

    order_id: str
    seller_id: str | None
    currency: str


_CONCERNS = {e.OrderPlaced, e.ExceptionRaised, e.PaymentUnexpected}


class Exceptions(Projection):
    """See the module."""

    name = "exceptions"
    version = 1
    tables: ClassVar = {ExceptionRow: EXCEPTIONS, OrderRow: ORDERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[tuple[int, Any]] = [(position, event) for position, event in events if type(event) in _CONCERNS]
        rows.load(OrderRow, {event.order_id for _, event in mine if not isinstance(event, e.OrderPlaced)})
        for position, event in mine:
            if isinstance(event, e.OrderPlaced):
                rows.put(OrderRow(event.order_id, event.seller_id, event.currency))
                continue
            order = rows.get(OrderRow, event.order_id)
            assert order is not None, "an order is placed before anything happens to it"
            rows.add(
                ExceptionRow(
                    position=position,
                    kind=event.kind if isinstance(event, e.ExceptionRaised) else "unexpected-payment",
                    order_id=event.order_id,
                    buyer_id=event.buyer_id,
                    seller_id=order.seller_id,
                    at_us=microseconds(event.at),
                    amount=event.amount,
                    currency=order.currency,
                )
            )


# --- queries ----------------------------------------------------------------------------------------------------------


class ListedException(Struct, frozen=True):
    """``amount`` in minor units: the value at risk, what moved unexpectedly, or what is overdue.

    ``cursor`` is for ``after``.
    """

    kind: str
    order_id: str
    at: datetime
    amount: int
    currency: str
    cursor: str


OVERDUE = "overdue-refund"
_RAISED = Query(
    select(
        EXCEPTIONS.c.kind,
        EXCEPTIONS.c.order_id,
        EXCEPTIONS.c.at_us,
        EXCEPTIONS.c.amount,
        EXCEPTIONS.c.currency,
        EXCEPTIONS.c.position,
    ).order_by(EXCEPTIONS.c.at_us, EXCEPTIONS.c.position),
    order_id=EXCEPTIONS.c.order_id == bindparam("order_id"),
    buyer_id=EXCEPTIONS.c.buyer_id == bindparam("buyer_id"),
    seller_id=EXCEPTIONS.c.seller_id == bindparam("seller_id"),
    kind=EXCEPTIONS.c.kind == bindparam("kind"),
    until=EXCEPTIONS.c.at_us <= bindparam("until"),
    after=tuple_(EXCEPTIONS.c.at_us, EXCEPTIONS.c.position) > tuple_(bindparam("after_us"), bindparam("after")),
)


def exceptions(
    database: Database,
    *,
    at: datetime,
    order_id: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    kind: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[ListedException]:
    """In the order of their times, beginning behind the ``cursor`` of another; ``as_of``: by what had happened then.

    Refunds are overdue as judged ``at`` that time. Raises ``ValueError`` for an ``after`` that is no cursor.
    """
    whose: dict[str, Any] = {"order_id": order_id, "buyer_id": buyer_id, "seller_id": seller_id}
    behind = None if after is None else _place(after)
    needed = [Exceptions(), Refunds()] if kind in (None, OVERDUE) else [Exceptions()]
    with Asking(database, *needed) as reader:
        found = (
            []
            if kind == OVERDUE
            else _raised(reader, behind, limit=limit, **whose, kind=kind, until=maybe_microseconds(as_of))
        )
        if kind in (None, OVERDUE):
            late = None if behind is None else (behind[0], behind[2])
            overdue = overdue_refunds(reader, at=at, **whose, as_of=as_of, limit=limit, after=late)
            found += [_overdue(refund) for refund in overdue]
    return sorted(found, key=lambda each: _place(each.cursor))[:limit]


def _raised(reader: Reader, behind: tuple[int, int, str] | None, **asked: Any) -> list[ListedException]:
    after_us, after, _ = behind or (None, None, "")
    rows = _RAISED.ask(reader, after_us=after_us, after=after, **asked)
    told = (
        ListedException(kind, order_id, instant(us), amount, currency, f"{us}:{position}")
        for kind, order_id, us, amount, currency, position in rows
    )
    return [*understood(Exceptions, told)]


def _overdue(refund: OverdueRefund) -> ListedException:
    cursor = f"{microseconds(refund.since)}:{refund.refund_id}"
    return ListedException(OVERDUE, refund.order_id, refund.since, refund.amount, refund.currency, cursor)


def _place(cursor: str) -> tuple[int, int, str]:
    """Where a cursor stands: what was raised comes before what is overdue since the same time."""
    if found := _CURSOR.fullmatch(cursor):
        us, position, refund_id = int(found[1]), int(found[2] or _NO_POSITION), found[3] or ""
        if -(2**63) <= us < 2**63 and position < 2**63:  # what a database can compare
            return us, position, refund_id
    raise ValueError(f"{cursor!r} is no cursor of an exception")
