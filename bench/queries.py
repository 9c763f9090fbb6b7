"""Questions to read models of a long log, against the same asked by hand in SQL, through plain sqlite3.

Both give the same rows, with what is kept as JSON decoded (here by msgspec, into plain values); the engine's are typed,
with times for microseconds, and of a shape that was checked. The database is warm, and each question is asked of many
things in turns.
"""

import gc
import random
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from figures import Call, Figure, in_turns, ratios
from grown import grow
from read_models import catch_up

from ordertrail.application import Orders
from ordertrail.projections import ledger
from ordertrail.projections.database import Database
from ordertrail.projections.orders import orders
from ordertrail.projections.projection import instant
from ordertrail.projections.refunds import refunds
from ordertrail.projections.shipments import shipments

PAGE = 50
NOW = datetime(2500, 1, 1, tzinfo=UTC)
"""After everything."""


class Question(NamedTuple):
    """The same question to both; the one ``?`` of ``sql`` is what it is asked of, which ``keys`` selects."""

    keys: str
    ask: Callable[[Database, Any], Iterable[Any]]
    sql: str
    known_by: Callable[[Any], Iterable[Any]] = lambda row: [getattr(row, row.__struct_fields__[0])]
    """The first columns of the rows that make one of the answer."""


JSON_COLUMNS = {"packed", "taken_out", "history", "made", "story"}
LISTED = "order_id, buyer_id, seller_id, state, placed_us, total, currency, open_requests, refunds_owed"
JOURNAL = (
    "SELECT e.entry, e.position, e.at_us, e.order_id, e.event, e.refund_id, p.account, p.amount, p.currency"
    " FROM ledger_entries e JOIN ledger_postings p ON p.entry = e.entry"
)
BALANCES = (
    "SELECT p.account, p.currency, sum(p.amount) FROM ledger_postings p JOIN ledger_entries e ON e.entry = p.entry"
)
ORDER_IDS = "SELECT order_id FROM order_list"
QUESTIONS: Mapping[str, Question] = {
    "an order": Question(
        ORDER_IDS,
        lambda database, key: orders(database, order_id=key),
        f"SELECT {LISTED} FROM order_list WHERE order_id = ?",
    ),
    "a buyer's orders": Question(
        "SELECT DISTINCT buyer_id FROM order_list",
        lambda database, key: orders(database, buyer_id=key),
        f"SELECT {LISTED} FROM order_list WHERE buyer_id = ? ORDER BY order_id",
    ),
    f"{PAGE} orders of a seller": Question(
        "SELECT order_id FROM order_list WHERE seller_id = 'V1'",
        lambda database, key: orders(database, seller_id="V1", after=key, limit=PAGE),
        f"SELECT {LISTED} FROM order_list WHERE seller_id = 'V1' AND order_id > ? ORDER BY order_id LIMIT {PAGE}",
    ),
    f"{PAGE} orders in a state": Question(
        "SELECT order_id FROM order_list WHERE state = 'delivered'",
        lambda database, key: orders(database, state="delivered", after=key, limit=PAGE),
        f"SELECT {LISTED} FROM order_list WHERE state = 'delivered' AND order_id > ? ORDER BY order_id LIMIT {PAGE}",
    ),
    "a parcel": Question(
        "SELECT shipment_id FROM shipments",
        lambda database, key: shipments(database, shipment_id=key),
        "SELECT * FROM shipments WHERE shipment_id = ?",
    ),
    "an order's parcels": Question(
        ORDER_IDS,
        lambda database, key: shipments(database, order_id=key),
        "SELECT s.* FROM shipment_orders o JOIN shipments s ON s.shipment_id = o.shipment_id WHERE o.order_id = ?"
        " ORDER BY s.shipment_id",
    ),
    f"{PAGE} refunds of a seller": Question(
        "SELECT refund_id FROM refunds WHERE seller_id = 'V1'",
        lambda database, key: refunds(database, at=NOW, seller_id="V1", after=key, limit=PAGE),
        f"SELECT * FROM refunds WHERE seller_id = 'V1' AND refund_id > ? ORDER BY refund_id LIMIT {PAGE}",
    ),
    f"{PAGE} overdue refunds": Question(
        "SELECT next_promise_us FROM refunds WHERE next_promise_us IS NOT NULL",
        lambda database, key: refunds(database, at=instant(key), overdue=True, limit=PAGE),
        f"SELECT * FROM refunds WHERE next_promise_us < ? ORDER BY refund_id LIMIT {PAGE}",
    ),
    "an order's ledger": Question(
        ORDER_IDS,
        lambda database, key: ledger.entries(database, order_id=key),
        f"{JOURNAL} WHERE e.order_id = ? ORDER BY e.entry, p.line",
        known_by=lambda entry: [entry.entry] * len(entry.postings),
    ),
    "an order's balances": Question(
        ORDER_IDS,
        lambda database, key: ledger.balances(database, order_id=key).values(),
        f"{BALANCES} WHERE e.order_id = ? GROUP BY 1, 2 HAVING sum(p.amount) <> 0 ORDER BY 2, 1",
        known_by=list,
    ),
}


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    events, rounds, asked = (6_000, 1, 10) if quick else (1_000_000, 7, 100)
    store = folder / "store.db"
    events = grow(store, events)
    with Orders.open(str(store)) as engine, Database.open(str(store)) as database:
        catch_up(engine, database)
        connection = sqlite3.connect(store, isolation_level=None)
        connection.execute("PRAGMA cache_size=-65536")
        figures = [_compared(name, each, database, connection, rounds, asked) for name, each in QUESTIONS.items()]
        connection.close()
    return [Figure("events of the log", events, ""), *figures]


def _compared(
    name: str, question: Question, database: Database, connection: sqlite3.Connection, rounds: int, asked: int
) -> Figure:
    keys = [key for (key,) in connection.execute(question.keys)]
    chosen = random.Random(7).choices(keys, k=asked)
    rows = sum(_require_same(question, key, database, connection) for key in chosen)
    calls: dict[str, list[Call]] = {
        "engine": [partial(question.ask, database, key) for key in chosen],
        "raw": [partial(_fetch, connection, question.sql, key) for key in chosen],
    }
    took: dict[str, list[float]] = {"engine": [], "raw": []}
    for _ in range(rounds):
        gc.collect()
        for side, elapsed in in_turns(calls).items():
            took[side].append(elapsed / asked * 1e6)
    times = ratios(took["engine"], took["raw"])
    note = f"{min(took['engine']):,.0f} µs / {min(took['raw']):,.0f} µs at best, {rows / asked:.1f} rows"
    return Figure.of(f"{name}, engine / raw sqlite3", times, "×", limit=("≤", 3), note=note)


def _fetch(connection: sqlite3.Connection, sql: str, key: object) -> list[Any]:
    cursor = connection.execute(sql, (key,))
    in_json = [number for number, column in enumerate(cursor.description) if column[0] in JSON_COLUMNS]
    rows = cursor.fetchall()
    return [_decoded(row, in_json) for row in rows] if in_json else rows


def _decoded(row: tuple[Any, ...], in_json: list[int]) -> list[Any]:
    columns = list(row)
    for number in in_json:
        columns[number] = msgspec.json.decode(columns[number])
    return columns


def _require_same(question: Question, key: object, database: Database, connection: sqlite3.Connection) -> int:
    """How many rows both give; a comparison of different answers would mean nothing."""
    rows, answer = _fetch(connection, question.sql, key), question.ask(database, key)
    if [first for first, *_ in rows] != [known_by for row in answer for known_by in question.known_by(row)]:
        raise AssertionError(f"{question.sql} of {key} gives other rows than the engine")
    return len(rows)
