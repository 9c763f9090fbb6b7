"""Filters that one read model does not know, asked of another: rows are found by their order's parcel or buyer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..projections import ledger
from ..projections.database import Database
from ..projections.orders import ListedOrder, orders
from ..projections.shipments import shipments


def orders_in(
    database: Database, shipment_id: str, *, order_id: str | None, as_of: datetime | None, **chosen: Any
) -> Iterator[ListedOrder]:
    """The orders that have something in a parcel, by their ids."""
    held = shipments(database, shipment_id=shipment_id, as_of=as_of)
    for its_id in sorted({content.order_id for shipment in held for content in shipment.contents}):
        if order_id in (None, its_id):
            yield from orders(database, order_id=its_id, as_of=as_of, **chosen)


def entries_of_buyer(
    database: Database, buyer_id: str, *, order_id: str | None, limit: int | None, **chosen: Any
) -> list[ledger.Entry]:
    """The journal of a buyer's orders."""
    found = [
        entry
        for order in orders(database, buyer_id=buyer_id, order_id=order_id)
        for entry in ledger.entries(database, order_id=order.order_id, limit=limit, **chosen)
    ]
    return sorted(found, key=lambda entry: entry.entry)[:limit]


def balances_of_buyer(database: Database, buyer_id: str, *, order_id: str | None, **chosen: Any) -> ledger.Balances:
    """What lies on each account for a buyer's orders."""
    sums: Counter[tuple[str, str]] = Counter()
    for order in orders(database, buyer_id=buyer_id, order_id=order_id):
        for currency, accounts in ledger.balances(database, order_id=order.order_id, **chosen).items():
            sums.update({(currency, account): amount for account, amount in accounts.items()})
    result: ledger.Balances = {}
    for (currency, account), amount in sorted(sums.items()):
        if amount:
            result.setdefault(currency, {})[account] = amount
    return result
