"""The list of orders: whose, in which state, what is open; for those who look for an order, not for its whole story.

A unit's state is kept as one letter, in the order's sequence of units, so that the order's state is the least letter.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, select

from ..domain import Event
from ..domain import events as e
from ..domain.lifecycle import MOVES, RANK, STATES
from ..domain.vocabulary import Units
from . import registry
from .database import Database
from .projection import FIXED, ID, NUMBER, Projection, Rows, instant, microseconds

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
    Column("units", Text, nullable=False),
    Column("firsts", Text, nullable=False, info=FIXED),
)
Index("order_list_buyer", ORDERS.c.buyer_id, ORDERS.c.order_id)
Index("order_list_seller", ORDERS.c.seller_id, ORDERS.c.order_id)
Index("order_list_state", ORDERS.c.state, ORDERS.c.order_id)
Index("order_list_placed", ORDERS.c.placed_us)


class OrderRow(Struct, gc=False):
    """``firsts`` says, as JSON, where each item's units begin in ``units``."""

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
    units: str
    firsts: str


_LETTERS = {state: chr(ord("a") + rank) for state, rank in RANK.items()}
_STATES = dict(zip(_LETTERS.values(), STATES, strict=True))
_DESTINATIONS = {move.trigger: move.dest for move in MOVES}
_TO: dict[Any, str] = {
    e.ItemsRefunded: "refunded",
    e.ReturnStarted: "in-return",
    e.ReturnWithdrawn: "delivered",
    e.ReturnLapsed: "delivered",
    e.ReturnReceived: "returned",
    e.ReturnLost: "lost",
} | {kind: _DESTINATIONS[kind.trigger] for kind in e.ItemsMoved.__subclasses__()}
_CLOSES = (e.CancellationApproved, e.CancellationDeclined, e.CancellationLapsed)
_CONCERNS = {*_TO, *_CLOSES, e.OrderPlaced, e.CancellationRequested, e.RefundOwed, e.PayoutPaid, e.PayoutBounced}
_decode_firsts = msgspec.json.Decoder(dict[str, int]).decode


class OrderList(Projection):
    """See the module."""

    name = "orders"
    version = 1
    tables: ClassVar = {OrderRow: ORDERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[Any] = [event for _, event in events if type(event) in _CONCERNS]
        rows.load(OrderRow, {event.order_id for event in mine if event.version > 1})
        for event in mine:
            if isinstance(event, e.OrderPlaced):
                rows.put(_placed(event))
                continue
            order = rows.get(OrderRow, event.order_id)
            assert order is not None, "an order is placed before anything happens to it"
            dest = _TO.get(type(event))
            if dest is not None:
                _move(order, event.units, event.to if isinstance(event, e.ItemsUnpacked) else dest)
            elif isinstance(event, e.CancellationRequested):
                order.open_requests += 1
            elif isinstance(event, _CLOSES):
                order.open_requests -= 1
            else:
                order.refunds_owed += -event.amount if isinstance(event, e.PayoutPaid) else event.amount
            rows.put(order)


def _placed(event: e.OrderPlaced) -> OrderRow:
    state = "seller-window" if event.fulfilled_by == "seller" else "placed"
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
        units=_LETTERS[state] * count,
        firsts=msgspec.json.encode(firsts).decode(),
    )


def _move(order: OrderRow, moved: Units, state: str) -> None:
    letters, letter, firsts = list(order.units), _LETTERS[state], _decode_firsts(order.firsts)
    for item_id, numbers in moved.items():
        before_first = firsts[item_id] - 1
        for number in numbers:
            letters[before_first + number] = letter
    order.units = "".join(letters)
    order.state = _STATES[min(letters)]


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


def orders(
    database: Database,
    *,
    order_id: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    state: str | None = None,
    placed_from: datetime | None = None,
    placed_before: datetime | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[ListedOrder]:
    """Orders by their ids, beginning behind the id ``after``."""
    column = ORDERS.c
    query = select(
        column.order_id,
        column.buyer_id,
        column.seller_id,
        column.state,
        column.placed_us,
        column.total,
        column.currency,
        column.open_requests,
        column.refunds_owed,
    ).order_by(column.order_id)
    for name, value in (("order_id", order_id), ("buyer_id", buyer_id), ("seller_id", seller_id), ("state", state)):
        if value is not None:
            query = query.where(column[name] == value)
    if placed_from is not None or placed_before is not None:
        # Asked apart, so that the index on times serves although the answer is sorted by ids.
        then = ORDERS.alias().c
        placed = select(then.order_id)
        if placed_from is not None:
            placed = placed.where(then.placed_us >= microseconds(placed_from))
        if placed_before is not None:
            placed = placed.where(then.placed_us < microseconds(placed_before))
        query = query.where(column.order_id.in_(placed))
    if after is not None:
        query = query.where(column.order_id > after)
    with registry.reading(database, OrderList()) as connection:
        found = connection.execute(query.limit(limit)).all()
    return [ListedOrder(*row[:4], instant(row[4]), *row[5:]) for row in found]
