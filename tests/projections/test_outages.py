"""A database that goes away, or that somebody else locks: one sentence, and afterwards the runner goes on."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from event_logs import all_rows
from ordertrail.application import Orders, StoreError
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.errors import DatabaseUnavailable
from ordertrail.projections.ledger import Ledger
from ordertrail.projections.runner import Runner
from postgres import Server, stoppable_server
from processes import postgres_schema
from shop import Clock, give, placing

PATIENCE = 60


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with stoppable_server() as server:
        yield server


@contextmanager
def following(runner: Runner) -> Iterator[None]:
    """It runs for ever, meanwhile."""
    stop = threading.Event()
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        yield
        assert thread.is_alive()
    finally:
        stop.set()
        thread.join()


def is_one_sentence(said: str) -> None:
    assert len(said.splitlines()) == 1, said
    assert len(said) < 300, said
    assert "sqlalche.me" not in said
    assert "postgres:" not in said


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.parametrize("away", ["read models", "store"])
def test_a_server_that_is_stopped_and_comes_back_stops_no_runner(away: str, server: Server, tmp_path: Path) -> None:
    on_server = f"{server.address}&schema=away_{away[0]}"
    on_disk = f"sqlite:///{tmp_path / 'here.db'}"
    store, read_models = (on_disk, on_server) if away == "read models" else (on_server, on_disk)
    projections = builtin_projections()
    with Orders.open(store, clock=Clock()) as orders, Database.open(read_models) as database:
        runner = Runner(orders, database, projections)
        with following(runner):
            for number in range(20):
                give(orders, placing(f"before-{number}"))
            assert runner.wait_for(orders.last_position(), timeout=PATIENCE)
            server.stop()
            try:
                with pytest.raises((DatabaseUnavailable, StoreError)) as failed:
                    runner.wait_for(10**9, timeout=PATIENCE)
                is_one_sentence(str(failed.value))
                assert "PostgreSQL database" in str(failed.value)
                if away == "read models":
                    give(orders, placing("meanwhile"))
                time.sleep(1.5)  # it has tried again, in vain
            finally:
                server.start()
            give(orders, placing("after"))
            assert runner.wait_for(orders.last_position(), timeout=PATIENCE)
        with Database.open("memory:") as alone:
            Runner(orders, alone, projections).catch_up()
            assert all_rows(database, projections) == all_rows(alone, projections)


@contextmanager
def locked(address: str) -> Iterator[None]:
    """As a program that has forgotten its transaction."""
    if address.startswith("postgresql://"):
        with postgres_schema(address) as connection, connection.transaction():
            connection.execute("LOCK TABLE projections, ledger_entries IN ACCESS EXCLUSIVE MODE")
            yield
    else:
        with closing(sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


def test_a_database_that_somebody_has_locked_for_long_is_one_sentence(
    orders: Orders, database: Database, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(orders, placing("first"))
    Runner(orders, database, [Ledger()]).catch_up()
    give(orders, placing("second"))
    monkeypatch.setattr("ordertrail.projections.database.LOCK_SECONDS", 1)
    with Database.open(address) as impatient:
        runner = Runner(orders, impatient, [Ledger()])
        with locked(address), pytest.raises(DatabaseUnavailable, match="were locked by somebody else") as failed:
            runner.catch_up()
        is_one_sentence(str(failed.value))
        with following(runner):
            with locked(address):
                time.sleep(1.5)
            assert runner.wait_for(orders.last_position(), timeout=PATIENCE)


def test_many_who_open_a_new_database_at_once_wait_for_each_other(tmp_path: Path) -> None:
    def look(path: Path, all_here: threading.Barrier) -> None:
        with Database.open(str(path)) as database:
            all_here.wait(PATIENCE)
            with database.reading():
                pass

    for number in range(50):
        with ThreadPoolExecutor(8) as threads:
            path, all_here = tmp_path / f"{number}.db", threading.Barrier(8)
            for looked in [threads.submit(look, path, all_here) for _ in range(8)]:
                looked.result()


def test_read_models_that_more_ask_for_than_there_are_connections_say_so(
    orders: Orders, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.1)
    give(orders, placing("first"))
    with pytest.raises(DatabaseUnavailable, match="no free connection"):
        ask(database, 30)


def ask(database: Database, readers: int) -> None:
    """So many readers at once."""
    with database.reading():
        if readers:
            ask(database, readers - 1)
