"""A small shop on a store, for application tests: a clock that stands still, short commands, all rows to compare."""

import json
from datetime import datetime
from typing import Any

from book import when
from ordertrail.application import Orders, Principal, Result
from ordertrail.application.store.records import TABLES

MARKETPLACE = Principal("marketplace")
SYSTEM = Principal("system")
WAREHOUSE = Principal("warehouse")
CARRIER = Principal("carrier")
BUYER = Principal("buyer", "B1")
SELLER = Principal("seller", "M1")
PARTNER = {"name": "post", "kind": "partner"}


def instant(text: str) -> datetime:
    """As `book.when` reads it: ``10:30``, ``+3d 10:30``, or RFC 3339."""
    return datetime.fromisoformat(when(text))


class Clock:
    """Tells the time that it was set to."""

    def __init__(self, text: str = "10:00") -> None:
        self.now = instant(text)

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> None:
        self.now = instant(text)


def placing(order_id: str = "O1", *, seller: str | None = None, items: dict[str, int] | None = None) -> dict[str, Any]:
    """One order of the buyer B1, a unit of each item at its price; with a ``seller``, fulfilled by it."""
    items = items or {"A": 2000, "B": 3000}
    return {
        "command": "place-order",
        "command_id": f"place-{order_id}",
        "order_id": order_id,
        "buyer_id": "B1",
        "seller_id": seller,
        "fulfilled_by": "seller" if seller else "marketplace",
        "currency": "USD",
        "items": [{"item_id": i, "sku": f"sku-{i}", "quantity": 1, "unit_price": p} for i, p in items.items()],
        "payments": [{"payment_id": "P1", "method": "credit-card", "amount": sum(items.values())}],
    }


def cancelling(command_id: str, order_id: str = "O1", items: Any = "all", **fields: Any) -> dict[str, Any]:
    return {"command": "cancel-items", "command_id": command_id, "order_id": order_id, "items": items, **fields}


def packing(command_id: str, shipment_id: str = "S1", order_id: str = "O1", items: Any = "all") -> dict[str, Any]:
    contents = [{"order_id": order_id, "items": items}]
    packed = {"shipment_id": shipment_id, "contents": contents, "carrier": PARTNER}
    return {"command": "pack-shipment", "command_id": command_id, **packed}


def scan(command: str, command_id: str, at: str | None = None, shipment_id: str = "S1") -> dict[str, Any]:
    """A carrier's report."""
    report = {"command": command, "command_id": command_id, "shipment_id": shipment_id}
    return report if at is None else report | {"at": when(at)}


def line(command: dict[str, Any], at: str) -> bytes:
    """A command as it stands in a log."""
    return json.dumps(command | {"at": when(at)}).encode()


def give(orders: Orders, command: dict[str, Any], by: Principal = MARKETPLACE) -> Result:
    """Handle a command that must be accepted."""
    result = orders.handle(command, by=by)
    assert result.status == "accepted", result
    return result


def everything(orders: Orders) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    query = orders._store._records.query
    return {table: query(f"SELECT * FROM {table} ORDER BY 1, 2") for table in sorted(TABLES)}


def learned(orders: Orders, order_id: str = "O1") -> list[tuple[str, datetime, datetime]]:
    """Of every event: what, when it happened, when it was learned."""
    events = orders._store.events(f"order:{order_id}")
    return [(event.type, event.at, event.recorded_at) for event in events]
