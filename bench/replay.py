"""`audit replay` over a long log: beside a bare scan of the same rows, in two processes, and beside `eventsourcing`.

The log is made of lives that come to their end, told once by the engine and then copied under other ids; beside
`eventsourcing`, of the lives that its minimal application knows: placed, dispatched, delivered. Rows are warm: files
lie in the memory of the operating system, for all contenders.
"""

import heapq
import multiprocessing
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from figures import Figure, ratios, seconds
from memory import peak_megabytes
from minimal import MinimalOrder, MinimalOrders
from trade import BETWEEN_ORDERS, LIVES, NOW, START, Command, Life, dispatch, line, place, scan

from ordertrail.application import Orders
from ordertrail.application.audit.replay import replay
from ordertrail.application.audit.replay_scan import ROWS_AT_ONCE
from ordertrail.application.store import Store
from ordertrail.application.store.chain import EVENTS
from ordertrail.application.store.chain import START as START_DIGEST
from ordertrail.application.store.mapper import EventRow, to_event_row
from ordertrail.application.store.sqlite import INSERT_EVENT
from ordertrail.domain import Policy, default_policy_toml
from ordertrail.interfaces.auditing.bar import bar

MARK = "~"
"""Stands before every id of the told lives, and gives way to the number of the copy."""
AT_ONCE = 1_000
LAST_POSITION = 2**62
TWO = "notification_id, state"
ALL = "notification_id, originator_id, originator_version, topic, state"


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, orders, events, lives = (1, 20, 600, 30) if quick else (5, 2_000, 2_000_000, 2_000)
    short, long, same = folder / "short.db", folder / "long.db", folder / "same.db"
    told = _told(orders, LIVES)
    same_events = _copy(_told(lives, [_same]), same, 20 * lives)
    written = _copy(told, long, events)
    _copy(told, short, events // 4)
    one, two, bare, narrow, decoded = [], [], [], [], []
    for _ in range(rounds):
        bare.append(seconds([partial(_scan, long, ALL)]))
        narrow.append(seconds([partial(_scan, long, TWO)]))
        decoded.append(seconds([partial(_decode, long)]))
        one.append(_in_a_process(long, 1).seconds)
        two.append(_in_a_process(long, 2).seconds)
    minimal, minimal_events = _minimal(folder / "minimal.db", lives)
    minimal_rates, same_rates = [], []
    for _ in range(rounds):
        minimal_rates.append(minimal_events / seconds([partial(_load_all, minimal, lives)]))
        same_rates.append(same_events / _in_a_process(same, 1).seconds)
    minimal.close()
    rates = {name: [written / each for each in took] for name, took in (("one", one), ("bare", bare))}
    least, most = (_in_a_process(path, 1).megabytes for path in (short, long))
    return [
        Figure.of("replayed events, one process", rates["one"], "/s", note=f"{written:,} events"),
        Figure.of("rows of a bare scan", rates["bare"], "/s", note="the columns that a replay reads, by plain sqlite3"),
        Figure.of("replay / bare scan", ratios(bare, one), "×", limit=("≥", 0.4)),
        Figure.of("replay / bare scan of two columns", ratios(narrow, one), "×", note="position and state alone"),
        Figure.of("decoding alone / bare scan", ratios(bare, decoded), "×", note="nothing folded, nothing judged"),
        Figure.of("replay, two processes / one", ratios(one, two), "×", limit=("≥", 1.6), note="with their start"),
        Figure.of("events by minimal eventsourcing", minimal_rates, "/s", note=f"{lives:,} lives by repository.get"),
        Figure.of("events of the same lives, replayed", same_rates, "/s", note=f"{same_events:,} events"),
        Figure.of("replay / minimal eventsourcing", ratios(same_rates, minimal_rates), "×", limit=("≥", 10)),
        Figure("peak memory, 4 × the log / 1 ×", most / least, "×", limit=("≤", 1.1), note=f"{most:.0f} MB"),
    ]


# --- the log ----------------------------------------------------------------------------------------------------------


def _told(orders: int, kinds: Sequence[Callable[[str], Life]]) -> list[EventRow]:
    """The rows of so many lives of these kinds, which begin one after the other and go on side by side."""
    lives = (_steps(number, kinds[number % len(kinds)]) for number in range(orders))
    with Orders.open("memory:") as engine:
        for result in engine.run(line(*step) for step in heapq.merge(*lives, key=itemgetter(2))):
            assert result.status in ("accepted", "noted", "rejected"), result
        return [to_event_row(event) for _, event in engine.notifications(0, 10**9)]


def _same(order_id: str) -> Life:
    """What the minimal application knows of an order's life."""
    yield timedelta(0), place(order_id)
    yield timedelta(hours=1), dispatch(order_id)
    yield timedelta(hours=1), scan("deliver", order_id)


def _steps(number: int, life: Callable[[str], Life]) -> Iterator[tuple[Command, str, datetime]]:
    """A life as commands with their ids and times."""
    at = START + number * BETWEEN_ORDERS
    for step, (after, command) in enumerate(life(f"{MARK}{number}")):
        at += after
        yield command, f"{MARK}{number}-{step}", at + command.pop("at", NOW)


def _copy(told: list[EventRow], path: Path, events: int) -> int:
    """A store with at least so many events; how many it has."""
    with closing(Store.open(str(path))) as store:
        store.keep_policy(Policy.default().version, default_policy_toml())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    previous, first = START_DIGEST, 1
    for copy in count(1):
        if first > events:
            break
        new = f"{copy}."
        rows = [
            (stream.replace(MARK, new), *row, state.replace(MARK.encode(), new.encode()))
            for stream, *row, state in told
        ]
        linked = EVENTS.link(previous, range(first, first + len(rows)), rows)
        connection.executemany(INSERT_EVENT, linked)
        previous, first = linked[-1][-1], first + len(rows)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return first - 1


# --- the contenders ---------------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """How long a replay took, and the most that its process held in memory."""

    seconds: float
    megabytes: float


def _in_a_process(path: Path, workers: int) -> Run:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        return alone.submit(_replay, path, workers).result()


def _replay(path: Path, workers: int) -> Run:
    with bar("replaying") as progress:  # as the command line does it
        report = replay(str(path), workers=workers, progress=progress)
    assert report.found == 0, report.by_rule
    return Run(report.seconds, peak_megabytes())


def _scan(path: Path, columns: str) -> None:
    connection = sqlite3.connect(path)
    cursor = connection.execute(f"SELECT {columns} FROM stored_events ORDER BY notification_id")
    while cursor.fetchmany(AT_ONCE):
        pass
    connection.close()


def _decode(path: Path) -> None:
    """The log as a replay reads it, and no more."""
    with closing(Store.open(str(path), create=False)) as store:
        scan, after = store.scan(), 0
        while (chunk := scan.chunk(after, LAST_POSITION, ROWS_AT_ONCE)) is not None:
            assert chunk.events() is not None
            after = chunk.last


def _minimal(path: Path, lives: int) -> tuple[MinimalOrders, int]:
    """Orders that are placed, dispatched and delivered; and how many events that are."""
    application = MinimalOrders(path)
    for number in range(lives):
        order_id = f"O{number}"
        application.place(place(order_id))
        application.dispatch(order_id, dispatch(order_id))
        application.deliver(order_id)
    return application, 3 * lives


def _load_all(application: MinimalOrders, lives: int) -> None:
    for number in range(lives):
        application.repository.get(MinimalOrder.create_id(f"O{number}"))
