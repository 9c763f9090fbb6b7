"""Whom the read models know, for audits that look for what the log does not have."""

from collections.abc import Iterator

from sqlalchemy import Column, func, select

from . import registry
from .database import Database
from .exceptions import EXCEPTIONS, Exceptions
from .inbox import REQUESTS, Inbox
from .ledger import ENTRIES, POSTINGS, Ledger
from .orders import ORDERS, OrderList
from .projection import Projection
from .refunds import REFUNDS, Refunds
from .shipments import SHIPMENTS, Shipments

_ABOUT: dict[type[Projection], Column[str]] = {
    OrderList: ORDERS.c.order_id,
    Refunds: REFUNDS.c.order_id,
    Ledger: ENTRIES.c.order_id,
    Inbox: REQUESTS.c.order_id,
    Exceptions: EXCEPTIONS.c.order_id,
    Shipments: SHIPMENTS.c.shipment_id,
}


def ids_known(database: Database, projection: Projection) -> Iterator[str]:
    """Every order or shipment that a read model has rows of."""
    with registry.reading(database, projection) as connection:
        yield from connection.execute(select(_ABOUT[type(projection)]).distinct()).scalars()


def count_known(database: Database, projection: Projection) -> int:
    """How many orders or shipments those are."""
    with registry.reading(database, projection) as connection:
        found = connection.scalar(select(func.count(_ABOUT[type(projection)].distinct())))
        return int(found or 0)


def ids_unlisted(database: Database, projection: Projection) -> list[str]:
    """The orders that a read model has rows of and the list of orders has not."""
    mine = _ABOUT[type(projection)]
    with registry.reading(database, projection, OrderList()) as connection:
        return [*connection.scalars(select(mine).where(mine.not_in(select(ORDERS.c.order_id))).distinct())]


def loose_postings(database: Database) -> int:
    """Postings that belong to no entry of the ledger; balances count them all the same."""
    loose = select(func.count()).select_from(POSTINGS).where(POSTINGS.c.entry.not_in(select(ENTRIES.c.entry)))
    with registry.reading(database, Ledger()) as connection:
        return int(connection.scalar(loose) or 0)
