"""No query of some things reads a whole table, none sorts more than a page: the databases' own plans say so."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from event_logs import ListedLog
from ordertrail.projections import exceptions, inbox, ledger, orders, refunds, shipments
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.readers import Reader
from ordertrail.projections.runner import Runner
from postgres import fresh_schema

AT = datetime(2026, 3, 1, tzinfo=UTC)
LATER = datetime(2026, 4, 1, tzinfo=UTC)
WHOSE: list[dict[str, Any]] = [{"order_id": "O1"}, {"buyer_id": "B1"}, {"seller_id": "M1"}]
ASKED: dict[Callable[..., Any], list[dict[str, Any]]] = {
    orders.orders: [*WHOSE, {"state": "placed"}, {"placed_from": AT}, {"placed_before": AT, "placed_from": AT}],
    partial(refunds.refunds, at=LATER): [
        *WHOSE,
        {"refund_id": "O1:refund:1"},
        {"status": "due"},
        {"method": "gift-card"},
        {"overdue": True},
    ],
    shipments.shipments: [*WHOSE, {"shipment_id": "S1"}, {"state": "lost"}],
    partial(inbox.inbox, at=LATER): [*WHOSE, {"to": "seller"}, {}],
    partial(exceptions.exceptions, at=LATER): [*WHOSE, {"kind": "turned-up"}, {"kind": "overdue-refund"}],
    ledger.entries: [{"order_id": "O1"}, {"seller_id": "M1"}],
}
CURSORS: dict[Any, Any] = {exceptions.exceptions: "17:4", ledger.entries: 4}
OF_NOW_ONLY = (
    {"state": "placed"},
    {"state": "lost"},
    {"status": "due"},
    {"overdue": True},
    {"kind": "overdue-refund"},
    {},
)
"""Filters that are judged row by row where another time is asked for."""


READS_ON = re.compile(r"\((rowid|entry|order_id|refund_id|request_id|shipment_id)>")
"""From a cursor to the end of a table: no better than a scan for who asks for some."""


def name_of(query: Any) -> str:
    return str(getattr(query, "func", query).__name__)


def some_things() -> dict[str, Callable[[Database], Any]]:
    """Queries with a filter: a page, the next one, all, and as of a time."""
    found: dict[str, Callable[[Database], Any]] = {}
    for query, filters in ASKED.items():
        after = CURSORS.get(getattr(query, "func", query), "O1")
        for chosen in filters:
            name = f"{name_of(query)} by {' and '.join(chosen) or 'nothing'}"
            ways = {"a page": {"limit": 10}, "the next page": {"limit": 10, "after": after}, "all": {}}
            if chosen not in OF_NOW_ONLY:
                ways["as of a time"] = {"as_of": AT, "limit": 10, "after": after}
            for way, rest in ways.items():
                found[f"{name}, {way}"] = partial(query, **chosen, **rest)
    for chosen in ({"order_id": "O1"}, {"seller_id": "M1"}):
        found[f"balances by {next(iter(chosen))}"] = partial(ledger.balances, **chosen)
    return found


def by_key() -> dict[str, Callable[[Database], Any]]:
    """Queries without a filter, which read on in the order of their keys."""
    found: dict[str, Callable[[Database], Any]] = {}
    for query in ASKED:
        after = CURSORS.get(getattr(query, "func", query), "O1")
        found[f"{name_of(query)}, a page"] = partial(query, limit=10, after=after)
        found[f"{name_of(query)}, all"] = query
    return found


def asked(database: Database, query: Callable[[Database], Any]) -> list[tuple[str, Any]]:
    """The statements of a query, with their values."""
    sent: list[tuple[str, Any]] = []

    def note(reader: Reader, sql: str, values: Any, *, streamed: bool = False) -> Any:
        sent.append((sql, values))
        return rows(reader, sql, values, streamed=streamed)

    rows = Reader.rows
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Reader, "rows", note)
        query(database)
    ours = [
        (sql, values)
        for sql, values in sent
        if "projections" not in sql and "sqlite_" not in sql and "regclass" not in sql
    ]
    assert ours
    return ours


def plans(database: Database, query: Callable[[Database], Any]) -> list[str]:
    """The steps in which SQLite would answer it."""
    steps = []
    for statement, values in asked(database, query):
        with database.reading() as connection:
            steps += [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    return steps


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Empty read models in a SQLite file."""
    path: Path = tmp_path_factory.mktemp("plans") / "read-models.db"
    with Database.open(str(path)) as database:
        Runner(ListedLog(), database, builtin_projections()).catch_up()
        yield database


@pytest.mark.parametrize("query", some_things().values(), ids=some_things())
def test_an_index_serves_who_asks_for_some(query: Callable[[Database], Any], empty: Database) -> None:
    steps = plans(empty, query)
    scans = [step for step in steps if (step.startswith("SCAN") and "anon" not in step) or READS_ON.search(step)]
    assert [step for step in scans if "inbox_requests_open" not in step] == [], "that index holds the open ones alone"


FEW = ("balances", "exceptions by order_id", "exceptions by buyer_id")
"""Accounts are few, and so are an order's or a buyer's refunds."""
IN_ORDER = {name: query for name, query in (some_things() | by_key()).items() if not name.startswith(FEW)}


@pytest.mark.parametrize("query", IN_ORDER.values(), ids=IN_ORDER)
def test_nothing_is_sorted_that_lies_in_its_order(query: Callable[[Database], Any], empty: Database) -> None:
    assert [step for step in plans(empty, query) if "TEMP B-TREE" in step and "DISTINCT" not in step] == []


@pytest.mark.postgres
def test_an_index_serves_on_postgresql_too() -> None:
    with fresh_schema() as address, Database.open(address) as database:
        Runner(ListedLog(), database, builtin_projections()).catch_up()
        for name, query in some_things().items():
            for statement, values in asked(database, query):
                with database.reading() as connection:
                    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
                    plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
                assert [step for step in plan if "Seq Scan" in step] == [], (name, plan)
