"""Refunds whose promised time has passed, the longest overdue first; read from the read model of the refunds."""

from datetime import datetime
from heapq import nsmallest
from typing import Any

from msgspec import Struct
from sqlalchemy import bindparam, select, tuple_

from .projection import instant, maybe_microseconds, microseconds
from .query import Query
from .readers import Reader
from .refund_story import told
from .refunds import REFUNDS, RefundRow, Refunds
from .understood import understood


class OverdueRefund(Struct, frozen=True):
    """``amount`` in minor units: the unpaid payouts whose promised time had passed, the first of them ``since``."""

    since: datetime
    refund_id: str
    order_id: str
    currency: str
    amount: int


_WHOSE: dict[str, Any] = {
    "order_id": REFUNDS.c.order_id == bindparam("order_id"),
    "buyer_id": REFUNDS.c.buyer_id == bindparam("buyer_id"),
    "seller_id": REFUNDS.c.seller_id == bindparam("seller_id"),
}
_LONGEST = (REFUNDS.c.next_promise_us, REFUNDS.c.refund_id)
_LATE_NOW = Query(
    select(REFUNDS).where(REFUNDS.c.next_promise_us < bindparam("moment")).order_by(*_LONGEST),
    **_WHOSE,
    after=tuple_(*_LONGEST) > tuple_(bindparam("after_us"), bindparam("after")),
)
_MADE_THEN = Query(select(REFUNDS).where(REFUNDS.c.made_us <= bindparam("until")), **_WHOSE)


def overdue_refunds(
    reader: Reader,
    *,
    at: datetime,
    order_id: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: tuple[int, str] | None = None,
) -> list[OverdueRefund]:
    """Overdue refunds, the longest overdue first; ``after`` the microseconds and the id of one."""
    moment, until = microseconds(at), maybe_microseconds(as_of)
    after_us, after_id = after or (None, None)
    asked: dict[str, Any] = {"order_id": order_id, "buyer_id": buyer_id, "seller_id": seller_id}
    if until is None:
        rows = _LATE_NOW.ask(reader, limit=limit, moment=moment, after_us=after_us, after=after_id, **asked)
    else:
        rows = _MADE_THEN.ask(reader, until=until, **asked)
    judged = understood(Refunds, (_late(RefundRow(*row), until, moment) for row in rows))
    found = (late for late in judged if late is not None)
    if until is None:
        return [*found]
    behind = (late for late in found if after is None or _longest_overdue(late) > after)
    return sorted(behind, key=_longest_overdue) if limit is None else nsmallest(limit, behind, _longest_overdue)


def _longest_overdue(late: OverdueRefund) -> tuple[int, str]:
    return microseconds(late.since), late.refund_id


def _late(row: RefundRow, until: int | None, moment: int) -> OverdueRefund | None:
    promised = [
        (payout.promised_us, payout.amount)
        for payout in told(row.made, row.story, until).payouts
        if payout.status != "paid" and payout.promised_us is not None and payout.promised_us < moment
    ]
    if not promised:
        return None
    since, amount = min(us for us, _ in promised), sum(amount for _, amount in promised)
    return OverdueRefund(instant(since), row.refund_id, row.order_id, row.currency, amount)
