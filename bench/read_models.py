"""Read models made from the events: caught up from nothing, and rebuilt; all of those that ordertrail brings.

Plain sqlite3 writes the very same rows in the same transactions, into another copy of the store, in turns. Memory is
the highest that a process of its own ever held; the shorter log is long enough to fill every cache.
"""

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from figures import Figure, ratios, seconds
from grown import grow
from memory import in_its_own_process, peak_megabytes
from recording import recorded
from rows import RawFile, require_same_rows
from yardstick import on_reference, slowness

from ordertrail.application import Orders
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner

TABLES = [table.name for projection in builtin_projections() for table in projection.tables.values()]
Work = Callable[[Orders, Database], None]


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    events, rounds, remembered = (1_000, 1, 1_000) if quick else (60_000, 5, 400_000)
    store, caught_up = folder / "store.db", folder / "caught-up.db"
    events = grow(store, events)
    figures = _compared("catch-up", catch_up, store, events, rounds)
    shutil.copy(store, caught_up)
    with _opened(caught_up) as opened:
        catch_up(*opened)
    return [*figures, *_compared("rebuild", rebuild_all, caught_up, events, rounds), *_memory(folder, remembered)]


def measure_memory(folder: Path, *, quick: bool) -> list[Figure]:
    """The memory alone, of logs so long that nobody would wait for them every time."""
    return _memory(folder, 1_000 if quick else 1_250_000)


def catch_up(orders: Orders, database: Database) -> None:
    """Follow to the end of the log."""
    Runner(orders, database, builtin_projections()).catch_up()


def rebuild_all(orders: Orders, database: Database) -> None:
    """Make all of them anew from the first event."""
    rebuild(orders, database, *builtin_projections())


def _compared(name: str, work: Work, store: Path, events: int, rounds: int) -> list[Figure]:
    copy, ours, plain = (store.with_name(f"{name}-{side}.db") for side in ("recorded", "ours", "plain"))
    shutil.copy(store, copy)
    with recorded() as recording, _opened(copy) as opened:
        work(*opened)
    copy.unlink()
    engine, raw, slow = [], [], []
    for _ in range(rounds):
        shutil.copy(store, ours)
        slow.append(slowness())
        with _opened(ours) as opened:
            gc.collect()
            engine.append(events / seconds([partial(work, *opened)]))
        shutil.copy(store, plain)
        file = RawFile(plain, recording.pragmas, tables=())
        gc.collect()
        raw.append(events / seconds([partial(recording.write, file)]))
        file.close()
        require_same_rows(ours, plain, TABLES)
        ours.unlink()
        plain.unlink()
    rows = f"the same {recording.rows:,} rows in the same {len(recording.transactions)} transactions"
    return [
        Figure.of(f"{name}, events", engine, "/s", note=f"six read models, {events:,} events"),
        on_reference(f"{name}, events", engine, slow, 30_000),
        Figure.of(f"{name}, raw sqlite3", raw, "/s", note=rows),
        Figure.of(f"{name}, engine / raw sqlite3", ratios(engine, raw), "×", limit=("≥", 0.3)),
    ]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Orders, Database]]:
    """A store, with its read models beside the events."""
    with Orders.open(str(path)) as orders, Database.open(str(path)) as database:
        yield orders, database


class Journey(NamedTuple):
    """What a process of its own says of one long log."""

    rate: float
    peak_megabytes: float


def _memory(folder: Path, events: int) -> list[Figure]:
    sizes: list[int] = []
    found: list[Journey] = []
    for size in (lambda: events, lambda: 4 * sizes[0]):
        store = folder / f"log-{len(sizes)}.db"
        sizes.append(grow(store, size()))
        found.append(in_its_own_process(_journey, store, sizes[-1]))
        store.unlink()
    short, long = found
    return [
        *(
            Figure(f"catch-up of {size:,} events", journey.rate, "/s", note="in a process of its own")
            for size, journey in zip(sizes, found, strict=True)
        ),
        Figure(f"peak memory, {sizes[0]:,} events", short.peak_megabytes, "MB"),
        Figure(f"peak memory, {sizes[1]:,} events", long.peak_megabytes, "MB"),
        Figure("peak memory, 4 × the events / 1 ×", long.peak_megabytes / short.peak_megabytes, "×", limit=("≤", 1.1)),
    ]


def _journey(store: Path, events: int) -> Journey:
    with _opened(store) as opened:
        started = perf_counter()
        catch_up(*opened)
        return Journey(events / (perf_counter() - started), peak_megabytes())
