"""The inbox of open cancellation requests: who must answer, until when. Deadlines are judged at the query's time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, or_, select

from ..domain import Event
from ..domain import events as e
from ..domain.order import counts
from . import registry
from .database import Database
from .projection import FIXED, ID, NUMBER, Projection, Rows, instant, maybe_instant, maybe_microseconds, microseconds

_METADATA = MetaData()
REQUESTS = Table(
    "inbox_requests",
    _METADATA,
    Column("request_id", ID, primary_key=True),
    Column("order_id", ID, nullable=False, info=FIXED),
    Column("buyer_id", ID, nullable=False, info=FIXED),
    Column("seller_id", ID, info=FIXED),
    Column("party", ID, nullable=False, info=FIXED),
    Column("asked_us", NUMBER, nullable=False, info=FIXED),
    Column("answer_by_us", NUMBER, info=FIXED),
    Column("closed_us", NUMBER),
    Column("items", Text, nullable=False, info=FIXED),
)
_OPEN = REQUESTS.c.closed_us.is_(None)
Index("inbox_requests_open", REQUESTS.c.request_id, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index("inbox_requests_order", REQUESTS.c.order_id)
Index("inbox_requests_seller", REQUESTS.c.seller_id, REQUESTS.c.request_id)
Index("inbox_requests_buyer", REQUESTS.c.buyer_id, REQUESTS.c.request_id)
SELLERS = Table(
    "inbox_sellers",
    _METADATA,
    Column("order_id", ID, primary_key=True),
    Column("seller_id", ID, nullable=False),
    sqlite_with_rowid=False,
)


class RequestRow(Struct, gc=False):
    """``items`` is JSON, as asked."""

    request_id: str
    order_id: str
    buyer_id: str
    seller_id: str | None
    party: str
    asked_us: int
    answer_by_us: int | None
    closed_us: int | None
    items: str


class SellerRow(Struct, gc=False):
    """Orders that a seller sold; the marketplace's have no row."""

    order_id: str
    seller_id: str


_CLOSES = (e.CancellationApproved, e.CancellationDeclined, e.CancellationLapsed)
_CONCERNS = {*_CLOSES, e.OrderPlaced, e.CancellationRequested}


class Inbox(Projection):
    """See the module."""

    name = "inbox"
    version = 1
    tables: ClassVar = {RequestRow: REQUESTS, SellerRow: SELLERS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        mine: list[Any] = [event for _, event in events if type(event) in _CONCERNS]
        rows.load(SellerRow, {event.order_id for event in mine if isinstance(event, e.CancellationRequested)})
        rows.load(RequestRow, {event.request_id for event in mine if isinstance(event, _CLOSES)})
        for event in mine:
            if isinstance(event, e.OrderPlaced):
                if event.seller_id is not None:
                    rows.put(SellerRow(event.order_id, event.seller_id))
            elif isinstance(event, e.CancellationRequested):
                seller = rows.get(SellerRow, event.order_id)
                rows.put(_asked(event, seller.seller_id if seller else None))
            else:
                request = rows.get(RequestRow, event.request_id)
                assert request is not None, "a request is asked before it is closed"
                request.closed_us = microseconds(event.at)
                rows.put(request)


def _asked(event: e.CancellationRequested, seller_id: str | None) -> RequestRow:
    return RequestRow(
        request_id=event.request_id,
        order_id=event.order_id,
        buyer_id=event.buyer_id,
        seller_id=seller_id,
        party=event.to,
        asked_us=microseconds(event.at),
        answer_by_us=maybe_microseconds(event.answer_by),
        closed_us=None,
        items=msgspec.json.encode(counts(event.units)).decode(),
    )


# --- queries ----------------------------------------------------------------------------------------------------------


class OpenRequest(Struct, frozen=True):
    """``to`` is who must answer; ``answer_by`` is the last moment to do so, if there is one."""

    request_id: str
    order_id: str
    to: str
    seller_id: str | None
    asked_at: datetime
    answer_by: datetime | None
    items: dict[str, int]


_decode_items = msgspec.json.Decoder(dict[str, int]).decode


def inbox(
    database: Database,
    *,
    at: datetime,
    order_id: str | None = None,
    buyer_id: str | None = None,
    seller_id: str | None = None,
    to: str | None = None,
    as_of: datetime | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> list[OpenRequest]:
    """Open requests by their ids; one whose time is over ``at`` that time is not open, whether or not it is recorded.

    ``as_of``: by what had happened then.
    """
    column = REQUESTS.c
    query = select(
        column.request_id,
        column.order_id,
        column.party,
        column.seller_id,
        column.asked_us,
        column.answer_by_us,
        column["items"],
    ).order_by(column.request_id)
    chosen = {"order_id": order_id, "buyer_id": buyer_id, "seller_id": seller_id, "party": to}
    for name, value in chosen.items():
        if value is not None:
            query = query.where(column[name] == value)
    if after is not None:
        query = query.where(column.request_id > after)
    if as_of is None:
        query = query.where(_OPEN)
    else:
        then = microseconds(as_of)
        query = query.where(column.asked_us <= then, or_(_OPEN, column.closed_us > then))
    query = query.where(or_(column.answer_by_us.is_(None), column.answer_by_us >= microseconds(at)))
    with registry.reading(database, Inbox()) as connection:
        found = connection.execute(query.limit(limit)).all()
    return [
        OpenRequest(request, order, party, seller, instant(asked), maybe_instant(answer_by), _decode_items(items))
        for request, order, party, seller, asked, answer_by, items in found
    ]
