"""No query of one thing scans a table: SQLite's own plans say which index serves."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from event_logs import ListedLog
from ordertrail.projections import exceptions, inbox, ledger, orders, refunds, shipments
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner

AT = datetime(2026, 3, 1, tzinfo=UTC)
QUERIES: dict[str, Callable[[Database], Any]] = {
    "an order's entries": lambda d: ledger.entries(d, order_id="O1"),
    "an order's balances": lambda d: ledger.balances(d, order_id="O1"),
    "an order's refunds": lambda d: refunds.refunds(d, at=AT, order_id="O1"),
    "a seller's refunds": lambda d: refunds.refunds(d, at=AT, seller_id="M1", limit=10),
    "a method's refunds": lambda d: refunds.refunds(d, at=AT, method="gift-card", limit=10),
    "overdue refunds": lambda d: refunds.refunds(d, at=AT, overdue=True, limit=10),
    "a buyer's orders": lambda d: orders.orders(d, buyer_id="B1", after="O1", limit=10),
    "a seller's orders": lambda d: orders.orders(d, seller_id="M1", limit=10),
    "orders in a state": lambda d: orders.orders(d, state="placed", limit=10),
    "orders of a time": lambda d: orders.orders(d, placed_from=AT, limit=10),
    "a parcel": lambda d: shipments.shipments(d, shipment_id="S1"),
    "an order's parcels": lambda d: shipments.shipments(d, order_id="O1"),
    "a seller's parcels": lambda d: shipments.shipments(d, seller_id="M1", limit=10),
    "a seller's requests": lambda d: inbox.inbox(d, at=AT, seller_id="M1"),
    "an order's exceptions": lambda d: exceptions.exceptions(d, at=AT, order_id="O1"),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_an_index_serves(query: Callable[[Database], Any], tmp_path: Path) -> None:
    with Database.open(str(tmp_path / "read-models.db")) as database:
        Runner(ListedLog(), database, builtin_projections()).catch_up()
        asked: list[tuple[str, Any]] = []

        @event.listens_for(database.engine, "before_cursor_execute")
        def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            asked.append((statement, values))

        query(database)
        ours = [(s, v) for s, v in asked if s.startswith("SELECT") and "projections" not in s and "sqlite_" not in s]
        assert ours
        with database.reading() as connection:
            for statement, values in ours:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
                assert [row[3] for row in plan if row[3].startswith("SCAN") and "anon" not in row[3]] == []
