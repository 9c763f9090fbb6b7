"""The list of orders: whose, in which state, what is open; for those who look for an order, not for its whole story.

A unit's state is kept as one letter, in the order's sequence of units. What happened to the order is kept beside it as
a compact story, so that it can be told as of any time. Whether a request is open is a question for the query's time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, and_, bindparam, select

from ..domain import Event
from ..domain import events as e
from .asking import Asking
from .database import Database
from .order_story import (
    CLOSES,
    LETTERS,
    MOVES_TO,
    PAYS,
    is_unanswered,
    mask_of,
    move_step,
    moved,
    other_steps,
    short,
    state_of,
    still_open,
    told,
)
from .projection import FIXED, ID, NUMBER, Projection, Rows, instant, maybe_microseconds, microseconds
from .query import Query
from .story import by_row, joined
from .understood import understood

ORDERS = Table(
    "order_list",
    MetaData(),
    Column("order_id", ID, primary_key=True),
    Column("buyer_id", ID, nullable=False, info=FIXED),
    Column("seller_id", ID, info=FIXED),
    Column("fulfilled_by", ID, nullable=False, info=FIXED),
    Column("state", ID, nullable=False),
    Column("placed_us", NUMBER, nullable=False, info=FIXED),
    Column("currency", ID, nullable=False, info=FIXED),
    Column("total", NUMBER, nullable=False, info=FIXED),
    Column("open_requests", NUMBER, nullable=False),
    Column("refunds_owed", NUMBER, nullable=False),
    Column("requests", Text, nullable=False),
    Column("units", Text, nullable=False),
    Column("story", Text, nullable=False),
    Column("firsts", Text, nullable=False, info=FIXED),
)
Index("order_list_buyer", ORDERS.c.buyer_id, ORDERS.c.order_id)
Index("order_list_seller", ORDERS.c.seller_id, ORDERS.c.order_id)
Index("order_list_state", ORDERS.c.state, ORDERS.c.order_id)
Index("order_list_placed", ORDERS.c.placed_us)


class OrderRow(Struct, gc=False):
    """``firsts`` says, as JSON, where each item's units begin in ``units``.

    ``open_requests`` are those not recorded as closed. ``requests``, as JSON, are those that nobody has answered or
    overtaken, with the microseconds to answer by: whether their time is over is judged when somebody asks.
    """

    order_id: str
    buyer_id: str
    seller_id: str | None
    fulfilled_by: str
    state: str
    placed_us: int
    currency: str
    total: int
    open_requests: int
    refunds_owed: int
    requests: str
    units: str
    story: str
    firsts: str


_CONCERNS = {*MOVES_TO, *CLOSES, *PAYS, e.OrderPlaced, e.CancellationRequested, e.RefundOwed}
_encode = msgspec.json.Encoder().encode
_decode_requests = msgspec.json.Decoder(dict[str, int | None]).decode


class OrderList(Projection):
    """See the module."""

    name = "orders"
    version = 1
    tables: ClassVar = {OrderRow: ORDERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine = by_row("order_id", (event for _, event in events if type(event) in _CONCERNS))
        rows.load(OrderRow, [order_id for order_id, of_it in mine.items() if of_it[0].version > 1])
        for order_id, of_it in mine.items():
            order = _placed(of_it.pop(0)) if isinstance(of_it[0], e.OrderPlaced) else rows.get(OrderRow, order_id)
            assert order is not None, "an order is placed before anything happens to it"
            _tell_on(order, of_it)
            rows.put(order)


def _tell_on(order: OrderRow, happened: Iterable[Any]) -> None:
    units, steps = order.units, []
    for event in happened:
        if type(event) in MOVES_TO:
            mask = mask_of(event, units, order.firsts)
            units = moved(units, mask)
            steps.append(move_step(event, mask))
        else:
            _count(order, event)
            steps += other_steps(event)
    if units != order.units:
        order.units, order.state = units, state_of(units)
    order.story = joined(order.story, steps)


def _placed(event: e.OrderPlaced) -> OrderRow:
    state = _first_state(event.fulfilled_by)
    firsts, count = {}, 0
    for line in event.items:
        firsts[line.item_id] = count
        count += line.quantity
    return OrderRow(
        order_id=event.order_id,
        buyer_id=event.buyer_id,
        seller_id=event.seller_id,
        fulfilled_by=event.fulfilled_by,
        state=state,
        placed_us=microseconds(event.at),
        currency=event.currency,
        total=sum(line.total for line in event.items),
        open_requests=0,
        refunds_owed=0,
        requests="{}",
        units=LETTERS[state] * count,
        story="[]",
        firsts=_encode(firsts).decode(),
    )


def _count(order: OrderRow, event: Any) -> None:
    if isinstance(event, e.CancellationRequested):
        order.open_requests += 1
        asked = _decode_requests(order.requests) | {short(event, event.request_id): maybe_microseconds(event.answer_by)}
        order.requests = _encode(asked).decode()
    elif isinstance(event, CLOSES):
        order.open_requests -= 1
        if not is_unanswered(event):
            asked = _decode_requests(order.requests)
            del asked[short(event, event.request_id)]
            order.requests = _encode(asked).decode()
    elif isinstance(event, e.PayoutPaid):
        order.refunds_owed -= event.amount
    elif isinstance(event, e.RefundOwed | e.PayoutBounced):
        order.refunds_owed += event.amount


def _first_state(fulfilled_by: str) -> str:
    return "seller-window" if fulfilled_by == "seller" else "placed"


# --- queries ----------------------------------------------------------------------------------------------------------


class ListedOrder(Struct, frozen=True):
    """``refunds_owed`` is what is not yet paid of its refunds, deferred ones included, in minor units."""

    order_id: str
    buyer_id: str
    seller_id: str | None
    state: str
    placed_at: datetime
    total: int
    currency: str
    open_requests: int
    refunds_owed: int


_OTHER = ORDERS.alias().c
_PLACED = and_(_OTHER.placed_us >= bindparam("placed_from"), _OTHER.placed_us < bindparam("placed_before"))
_FAR_AWAY = 2**62
_WHICH: dict[str, Any] = {
    "order_id": ORDERS.c.order_id == bindparam("order_id"),
    "buyer_id": ORDERS.c.buyer_id == bindparam("buyer_id"),
    "seller_id": ORDERS.c.seller_id == bindparam("seller_id"),
    # Asked apart, so that the index on times serves although the answer is sorted by ids.
    "placed": ORDERS.c.order_id.in_(select(_OTHER.order_id).where(_PLACED)),
    "after": ORDERS.c.order_id > bindparam("after"),
}
_NOW = Query(
    select(
        ORDERS.c.order_id,
        ORDERS.c.buyer_id,
        ORDERS.c.seller_id,
        ORDERS.c.state,
        ORDERS.c.placed_us,
        ORDERS.c.total,
        ORDERS.c.currency,
        ORDERS.c.open_requests,
        ORDERS.c.refunds_owed,
        ORDERS.c.requests,
    ).order_by(ORDERS.c.order_id),
    **_WHICH,
    state=ORDERS.c.state == bindparam("state"),
)
_THEN = Query(
    select(ORDERS).where(ORDERS.c.placed_us <= bindparam("until")).order_by(ORDERS.c.order_id),
    **_WHICH,
)


def orders(
    database: Database,
    *,
    at: datetime | None = None,
    order_id: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    state: str | None = None,
    placed_from: datetime | None = None,
    placed_before: datetime | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[ListedOrder]:
    """Orders by their ids, beginning behind the id ``after``; ``as_of``: by what had happened then.

    Requests are open as judged ``at`` that time; without it ``as_of`` that time, or else as recorded.
    """
    until, judged = maybe_microseconds(as_of), maybe_microseconds(as_of if at is None else at)
    asked: dict[str, Any] = {
        "order_id": order_id,
        "buyer_id": buyer_id,
        "seller_id": seller_id,
        "placed": None if placed_from is None and placed_before is None else True,
        "placed_from": -_FAR_AWAY if placed_from is None else microseconds(placed_from),
        "placed_before": _FAR_AWAY if placed_before is None else microseconds(placed_before),
        "after": after,
    }
    with Asking(database, OrderList()) as reader:
        if until is None:
            rows = _NOW.ask(reader, limit=limit, state=state, **asked)
            return [*understood(OrderList, (_listed(row, judged) for row in rows))]
        rows = _THEN.ask(reader, until=until, **asked)
        then = understood(OrderList, (_told(OrderRow(*row), until, judged) for row in rows))
        return [*islice((order for order in then if state in (None, order.state)), limit)]


def _listed(row: tuple[Any, ...], judged: int | None) -> ListedOrder:
    order_id, buyer_id, seller_id, state, placed_us, total, currency, open_requests, refunds_owed, requests = row
    if judged is not None:
        open_requests = still_open(_decode_requests(requests), judged) if requests != "{}" else 0
    placed_at = instant(placed_us)
    return ListedOrder(order_id, buyer_id, seller_id, state, placed_at, total, currency, open_requests, refunds_owed)


def _told(row: OrderRow, until: int, judged: int | None) -> ListedOrder:
    """The order by what had happened ``until`` then."""
    then = told(LETTERS[_first_state(row.fulfilled_by)] * len(row.units), row.story, until)
    return ListedOrder(
        order_id=row.order_id,
        buyer_id=row.buyer_id,
        seller_id=row.seller_id,
        state=state_of(then.units),
        placed_at=instant(row.placed_us),
        total=row.total,
        currency=row.currency,
        open_requests=still_open(then.requests, until if judged is None else judged),
        refunds_owed=sum(then.owed.values()),
    )
