"""`Orders.run` over a long log of mixed kinds, which commits in batches: its speed, and that its memory stays flat.

The speed is measured in turns with plain sqlite3, which writes the same rows in the same batches by `executemany`. The
memory is the highest that a process of its own ever held; the shorter log is long enough to fill every cache.
"""

import gc
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from figures import Figure, ratios, seconds
from memory import in_its_own_process, peak_megabytes
from rows import RawFile, RecordingStore, require_same_rows
from trade import command_log
from yardstick import on_reference, slowness

from ordertrail.application import Orders


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, round_lines, lines = (1, 600, 500) if quick else (5, 20_000, 100_000)
    return [*_speed(folder, rounds, round_lines), *_memory(folder, lines)]


def _speed(folder: Path, rounds: int, count: int) -> list[Figure]:
    log = list(islice(command_log(), count))
    orders, store = RecordingStore.orders(folder / "recorded.db")
    with orders:
        statuses = _apply(orders, log)
    engine, raw, slow = [], [], []
    for number in range(rounds):
        slow.append(slowness())
        ours, plain = folder / f"engine-{number}.db", folder / f"raw-{number}.db"
        with Orders.open(str(ours)) as orders:
            gc.collect()
            engine.append(count / seconds([partial(_apply, orders, log)]))
        file = RawFile(plain)
        gc.collect()
        raw.append(count / seconds([partial(file.write, batch) for batch in store.transactions]))
        file.close()
        require_same_rows(ours, plain)
        ours.unlink()
        plain.unlink()
    mixture = ", ".join(f"{100 * share / count:.0f} % {status}" for status, share in statuses.most_common())
    return [
        Figure.of("commands of a log, engine", engine, "/s", note=mixture),
        on_reference("commands of a log", engine, slow, 8_000),
        Figure.of("commands of a log, raw sqlite3", raw, "/s", note="the same rows in the same batches"),
        Figure.of("engine / raw sqlite3, in batches", ratios(engine, raw), "×"),
    ]


class Journey(NamedTuple):
    """What a process of its own says of one long log."""

    rate: float
    peak_megabytes: float


def _memory(folder: Path, lines: int) -> list[Figure]:
    found, slow = [], []
    for times in (1, 4):
        log = folder / f"{times}.jsonl"
        with log.open("wb") as file:
            file.writelines(islice(command_log(), times * lines))
        slow.append(slowness())
        found.append(in_its_own_process(_journey, log, folder / f"{times}.db", times * lines))
    short, long = found
    return [
        Figure(f"a log of {lines:,} commands", short.rate, "/s", note="in a process of its own"),
        Figure(f"a log of {4 * lines:,} commands", long.rate, "/s", note="in a process of its own"),
        on_reference(f"a log of {4 * lines:,} commands", [long.rate], slow[1:], 8_000),
        Figure(f"peak memory, {lines:,} commands", short.peak_megabytes, "MB"),
        Figure(f"peak memory, {4 * lines:,} commands", long.peak_megabytes, "MB"),
        Figure("peak memory, 4 × the log / 1 ×", long.peak_megabytes / short.peak_megabytes, "×", limit=("≤", 1.1)),
    ]


def _journey(log: Path, store: Path, count: int) -> Journey:
    with Orders.open(str(store)) as orders, log.open("rb") as lines:
        started = perf_counter()
        _apply(orders, lines)
        return Journey(count / (perf_counter() - started), peak_megabytes())


def _apply(orders: Orders, log: Iterable[bytes]) -> Counter[str]:
    statuses: Counter[str] = Counter()
    for result in orders.run(log):
        statuses[result.status] += 1
    assert "invalid" not in statuses
    return statuses
