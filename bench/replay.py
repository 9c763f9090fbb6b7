"""`audit replay` over a long log: beside a bare scan of the same rows, in two processes, and beside `eventsourcing`.

The log is made of lives that come to their end, told once by the engine and then copied under other ids; beside
`eventsourcing`, which folds the very same events, of lives that are placed, dispatched and delivered. Rows are warm:
files lie in the memory of the operating system, for all contenders.
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

from bare import BareLives
from figures import Figure, ratios, seconds
from memory import peak_megabytes
from trade import BETWEEN_ORDERS, LIVES, NOW, START, Command, Life, dispatch, line, place, scan

from ordertrail.application import Orders
from ordertrail.application.audit.replay import replay
from ordertrail.application.audit.replay_scan import ROWS_AT_ONCE
from ordertrail.application.store import Store
from ordertrail.application.store.chain import EVENTS
from ordertrail.application.store.chain import START as START_DIGEST
from ordertrail.application.store.mapper import EventRow, to_event_row
from ordertrail.application.store.sqlite import INSERT_EVENT
from ordertrail.domain import Policy, decode, default_policy_toml
from ordertrail.interfaces.auditing.bar import bar

MARK = "~"
"""Stands before every id of the told lives, and gives way to the number of the copy."""
AT_ONCE = 1_000
LAST_POSITION = 2**62
TWO = "notification_id, state"
ALL = "notification_id, originator_id, originator_version, topic, state"


class Sizes(NamedTuple):
    """How much is measured."""

    rounds: int
    orders: int
    """Told, before they are copied."""
    events: int
    """Of the long log; the short one has a quarter."""
    lives: int
    """Told for the comparison with `eventsourcing`."""
    same_events: int
    """Of the log that such lives are copied to."""


USUAL = Sizes(5, 2_000, 2_000_000, 2_000, 2_000_000)
TINY = Sizes(1, 20, 600, 30, 600)


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    sizes = TINY if quick else USUAL
    return [*_against_scan(folder, sizes), *_against_library(folder, sizes)]


def _against_scan(folder: Path, sizes: Sizes) -> list[Figure]:
    short, long, told = folder / "short.db", folder / "long.db", _told(sizes.orders, LIVES)
    written = _copy(told, long, sizes.events)
    _copy(told, short, sizes.events // 4)
    one, two, bare, narrow, decoded, apart, together = [], [], [], [], [], [], []
    for _ in range(sizes.rounds):
        bare.append(seconds([partial(_scan, long, ALL)]))
        narrow.append(seconds([partial(_scan, long, TWO)]))
        decoded.append(seconds([partial(_decode, long)]))
        one.append(_in_a_process(long, 1).seconds)
        two.append(_in_a_process(long, 2).seconds)
        apart.append(2 * _in_a_process(short, 1).seconds)
        together.append(_side_by_side(short))
    rates = {name: [written / each for each in took] for name, took in (("one", one), ("bare", bare))}
    least, most = (_in_a_process(path, 1).megabytes for path in (short, long))
    return [
        Figure.of("replayed events, one process", rates["one"], "/s", note=f"{written:,} events"),
        Figure.of("rows of a bare scan", rates["bare"], "/s", note="the columns that a replay reads, by plain sqlite3"),
        Figure.of("replay / bare scan", ratios(bare, one), "×", limit=("≥", 0.4)),
        Figure.of("replay / bare scan of two columns", ratios(narrow, one), "×", note="position and state alone"),
        Figure.of("decoding alone / bare scan", ratios(bare, decoded), "×", note="nothing folded, nothing judged"),
        Figure.of("replay, two processes / one", ratios(one, two), "×", limit=("≥", 1.6), note="with their start"),
        Figure.of("two replays side by side / one by one", ratios(apart, together), "×", note="what two cores give"),
        Figure("peak memory, 4 × the log / 1 ×", most / least, "×", limit=("≤", 1.1), note=f"{most:.0f} MB"),
    ]


def _against_library(folder: Path, sizes: Sizes) -> list[Figure]:
    same, told = folder / "same.db", _told(sizes.lives, [_same])
    written = _copy(told, same, sizes.same_events)
    library_rates, one, two = [], [], []
    with closing(BareLives(folder / "bare.db")) as library:
        kept = library.keep(decode(state) for *_, state in told)
        for _ in range(sizes.rounds):
            library_rates.append(kept / seconds([library.load_all]))
            one.append(written / _in_a_process(same, 1).seconds)
            two.append(written / _in_a_process(same, 2).seconds)
    return [
        Figure.of("events by bare eventsourcing", library_rates, "/s", note=f"{sizes.lives:,} lives by repository.get"),
        Figure.of("events of the same lives, replayed", one, "/s", note=f"{written:,} events"),
        Figure.of("replay in one process / bare eventsourcing", ratios(one, library_rates), "×", limit=("≥", 10)),
        Figure.of("replay in two processes / bare eventsourcing", ratios(two, library_rates), "×", limit=("≥", 10)),
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
    """A life of which every event is known to `BareLives`."""
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


def _side_by_side(path: Path) -> float:
    """How long two replays of the same log take that know nothing of each other."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        return max(run.seconds for run in pool.map(_replay, [path, path], [1, 1]))


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
