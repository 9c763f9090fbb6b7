"""A reader that follows positions passes no gap, also where a writer with a lower position commits late.

On SQLite there is one writer. On PostgreSQL positions come from a sequence, which knows no transaction: what keeps
them in the order of the commits is the lock that every writer takes before it is given one.
"""

import threading
import time
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ordertrail.application import Orders
from ordertrail.application.store.postgres_database import postgres_address
from ordertrail.application.store.records import EVENTS_TABLE
from ordertrail.projections.database import Database
from ordertrail.projections.ledger import Ledger, entries
from ordertrail.projections.runner import Runner
from postgres import postgres_url  # noqa: F401
from shop import give, placing

pytestmark = pytest.mark.postgres


def connect(url: str) -> "psycopg.Connection[Any]":
    address = postgres_address(url, lock_seconds=60)
    connection = psycopg.connect(**address.parameters)
    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(address.schema)))
    connection.commit()
    return connection


def copied(orders: Orders, connection: "psycopg.Connection[Any]", order_id: str) -> int:
    """Write an order's placing with this connection, without a commit; its position."""
    ((_, event),) = orders.notifications(0, 1)
    columns = "originator_id, originator_version, topic, state, digest"
    state = sql.SQL(f"SELECT {columns} FROM {EVENTS_TABLE} WHERE notification_id = (SELECT min(notification_id) FROM ")
    row = connection.execute(state + sql.SQL(f"{EVENTS_TABLE})")).fetchone()
    assert row is not None
    state_of_its_own = row[3].replace(event.order_id.encode(), order_id.encode())  # type: ignore[attr-defined]
    values = (f"order:{order_id}", 1, row[2], state_of_its_own, bytes(32))
    made = connection.execute(
        f"INSERT INTO {EVENTS_TABLE} ({columns}) VALUES (%s, %s, %s, %s, %s) RETURNING notification_id", values
    ).fetchone()
    assert made is not None
    return int(made[0])


def test_a_reader_never_passes_a_lower_position_that_is_committed_late(postgres_url: str) -> None:  # noqa: F811
    with Orders.open(postgres_url) as orders, connect(postgres_url) as late, Database.open(postgres_url) as database:
        give(orders, placing("first"))
        runner = Runner(orders, database, [Ledger()])
        runner.catch_up()
        late.execute(f"LOCK TABLE {EVENTS_TABLE} IN EXCLUSIVE MODE")  # as the store does before it writes
        lower = copied(orders, late, "late!")
        other = threading.Thread(target=give, args=(orders, placing("early")))
        other.start()
        time.sleep(0.3)
        runner.catch_up()
        assert other.is_alive(), "who comes second waits for its position"
        assert [entry.order_id for entry in entries(database)] == ["first"]
        late.commit()
        other.join()
        runner.catch_up()
        assert [entry.order_id for entry in entries(database)] == ["first", "late!", "early"]
        positions = [entry.position for entry in entries(database)]
        assert positions == sorted(positions)
        assert lower in positions


def test_without_the_lock_the_same_interleaving_would_be_evil(postgres_url: str) -> None:  # noqa: F811
    """So the test before this one tests something: two writers that take no lock do hide an event from the reader."""
    with (
        Orders.open(postgres_url) as orders,
        connect(postgres_url) as late,
        connect(postgres_url) as early,
        Database.open(postgres_url) as database,
    ):
        give(orders, placing("first"))
        runner = Runner(orders, database, [Ledger()])
        assert copied(orders, late, "late!") < copied(orders, early, "early")
        early.commit()
        runner.catch_up()
        late.commit()
        runner.catch_up()
        assert [entry.order_id for entry in entries(database)] == ["first", "early"]
