"""The inbox of open cancellation requests: who must answer, until when. Deadlines are judged at the query's time."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, ClassVar

import msgspec
from msgspec import Struct
from sqlalchemy import Column, Index, MetaData, Table, Text, bindparam, or_, select

from ..domain import Event
from ..domain import events as e
from ..domain.units import counts
from .asking import Asking
from .database import Database
from .projection import FIXED, ID, NUMBER, Projection, Rows, instant, maybe_instant, maybe_microseconds, microseconds
from .query import Query
from .understood import understood

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
_CLOSED = REQUESTS.c.closed_us.is_not(None)
Index("inbox_requests_open", REQUESTS.c.request_id, sqlite_where=_OPEN, postgresql_where=_OPEN)
for _name in ("buyer_id", "seller_id", "party"):
    _columns = (REQUESTS.c[_name], REQUESTS.c.request_id)
    Index(f"inbox_requests_{_name.removesuffix('_id')}", *_columns, sqlite_where=_OPEN, postgresql_where=_OPEN)
Index(
    "inbox_requests_closed", REQUESTS.c.closed_us, REQUESTS.c.request_id, sqlite_where=_CLOSED, postgresql_where=_CLOSED
)
Index("inbox_requests_order", REQUESTS.c.order_id, REQUESTS.c.request_id)
SELLERS = Table(
    "inbox_sellers",
    _METADATA,
    Column("order_id", ID, primary_key=True),
    Column("seller_id", ID, nullable=False),
    sqlite_with_rowid=False,
)


class RequestRow(Struct, gc=False):
    """``items`` is JSON, as asked. One that nobody answered is closed just after its deadline, recorded or not."""

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
                unanswered = isinstance(event, e.CancellationLapsed) and event.because == "unanswered"
                request.closed_us = microseconds(event.at) + unanswered
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
_LATER = REQUESTS.alias().c
_REQUESTS = Query(
    select(
        REQUESTS.c.request_id,
        REQUESTS.c.order_id,
        REQUESTS.c.party,
        REQUESTS.c.seller_id,
        REQUESTS.c.asked_us,
        REQUESTS.c.answer_by_us,
        REQUESTS.c["items"],
    )
    .where(REQUESTS.c.asked_us <= bindparam("until"))
    .where(or_(REQUESTS.c.answer_by_us.is_(None), REQUESTS.c.answer_by_us >= bindparam("moment")))
    .order_by(REQUESTS.c.request_id),
    order_id=REQUESTS.c.order_id == bindparam("order_id"),
    buyer_id=REQUESTS.c.buyer_id == bindparam("buyer_id"),
    seller_id=REQUESTS.c.seller_id == bindparam("seller_id"),
    to=REQUESTS.c.party == bindparam("to"),
    after=REQUESTS.c.request_id > bindparam("after"),
    still_open=_OPEN,
    closed_later=REQUESTS.c.request_id.in_(select(_LATER.request_id).where(_LATER.closed_us > bindparam("until"))),
)


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
    """Requests by their ids, beginning behind the id ``after``, that were open ``at`` that time.

    They had been asked, were neither answered nor overtaken, and their time was not over, whether or not anybody had
    recorded that: exactly at its deadline a request is open. ``as_of`` an earlier time: by what had happened then.
    """
    moment = microseconds(at)
    asked: dict[str, Any] = {
        "order_id": order_id,
        "buyer_id": buyer_id,
        "seller_id": seller_id,
        "to": to,
        "after": after,
        "moment": moment,
        "until": moment if as_of is None else min(moment, microseconds(as_of)),
    }
    with Asking(database, Inbox()) as reader:
        # Asked apart, so that an index serves each; those closed since then are few, unless that was long ago.
        found = [
            *_REQUESTS.ask(reader, limit=limit, still_open=True, **asked),
            *_REQUESTS.ask(reader, limit=limit, closed_later=True, **asked),
        ]
    rows = sorted(found, key=itemgetter(0))[:limit]
    return [*understood(Inbox, (_told(*row) for row in rows))]


def _told(
    request: str, order: str, party: str, seller: str | None, asked_us: int, answer_by_us: int | None, items: str
) -> OpenRequest:
    by = maybe_instant(answer_by_us)
    return OpenRequest(request, order, party, seller, instant(asked_us), by, _decode_items(items))
