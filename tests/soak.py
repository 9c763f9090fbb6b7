"""Processes to be killed at any moment: writers that trade on shared orders, runners that follow, and rebuilds.

They are forked from a server that has imported everything before, so that a new one works after milliseconds. What
they leave behind is compared event by event and row by row.
"""

import multiprocessing
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from multiprocessing.context import ForkServerContext, ForkServerProcess
from random import Random
from typing import Any, ClassVar

from msgspec import Struct
from sqlalchemy import Column, MetaData, Table, select

from ordertrail.application import Orders, Principal
from ordertrail.application.errors import Conflict
from ordertrail.domain import Event
from ordertrail.projections import registry
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.ledger import Ledger
from ordertrail.projections.projection import ID, NUMBER, Projection, Rows
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner
from processes import PATIENCE
from shop import line, placing

PRELOADED = [
    "ordertrail.application.store.postgres",
    "ordertrail.projections.builtin",
    "ordertrail.projections.rebuild",
    "ordertrail.projections.runner",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
]

# --- a projection that sees all ---------------------------------------------------------------------------------------

_METADATA = MetaData()
SEEN = Table(
    "seen",
    _METADATA,
    Column("position", NUMBER, primary_key=True),
    Column("number", NUMBER, nullable=False),
    Column("stream", ID, nullable=False),
    Column("version", NUMBER, nullable=False),
)
STREAMS = Table("seen_streams", _METADATA, Column("stream", ID, primary_key=True), Column("last", NUMBER))


class SeenRow(Struct):
    position: int
    number: int
    stream: str
    version: int


class StreamRow(Struct):
    stream: str
    last: int


class Seen(Projection):
    """Every event in the sequence in which it was seen; fails where a stream's versions have a gap."""

    name = "seen"
    tables: ClassVar = {SeenRow: SEEN, StreamRow: STREAMS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        rows.load(StreamRow, {"", *(event.stream for _, event in events)})
        for position, event in events:
            assert position > rows.highest(SeenRow), "positions grow"
            number, version = (_next(rows, stream) for stream in ("", event.stream))
            assert version == event.version, f"{event.stream} goes from {version - 1} to {event.version}"
            rows.add(SeenRow(position, number, event.stream, version))


def _next(rows: Rows, stream: str) -> int:
    row = rows.get(StreamRow, stream) or StreamRow(stream, 0)
    row.last += 1
    rows.put(row)
    return row.last


def all_projections() -> list[Projection]:
    """Those that ordertrail brings, and `Seen`."""
    return [Seen(), *builtin_projections()]


# --- what the processes do --------------------------------------------------------------------------------------------

SECONDS_OF_TRADE = 0.5
"""So long do all writers trade on the same orders."""
ORDERS, PARCELS, BUYERS = 60, 30, 6
"""In that time; two orders of one buyer go into a parcel."""


def write(url: str, seed: int) -> None:
    """Trade for ever, in single commands and in batches, on orders that all writers share."""
    random = Random(seed)
    with Orders.open(url) as orders:
        for number in count():
            with suppress(Conflict):  # the others were quicker, thirty times
                if random.random() < 0.7:
                    command, by = trade(random, f"{seed}-{number}")
                    orders.handle(command, by=by)
                else:
                    batch = [trade(random, f"{seed}-{number}-{each}") for each in range(random.randint(1, 40))]
                    for _ in orders.run(_line(command, by) for command, by in batch):
                        pass


def trade(random: Random, command_id: str) -> tuple[dict[str, Any], Principal]:
    """Some command, and who gives it; many of them come too late or too early, and are rejected or noted."""
    tick = int(time.time() / SECONDS_OF_TRADE) - random.choice((0, 0, 0, 1, 2))
    number = random.randrange(ORDERS)
    order_id, buyer = f"O{tick}-{number}", Principal("buyer", f"B{number % BUYERS}")
    shipment_id, given = f"S{tick}-{number % PARCELS}", {"command_id": command_id}
    match random.randrange(10):
        case 0 | 1 | 2:
            seller = None if number % BUYERS else "M1"
            placed = placing(order_id, seller=seller, items={"A": 2000, "B": 1999})
            return placed | given | {"buyer_id": buyer.id}, Principal("marketplace")
        case 3 | 4:  # perhaps with another order of the same buyer
            packed = {number % PARCELS, number % PARCELS + random.choice((0, PARCELS))}
            contents = [{"order_id": f"O{tick}-{each}", "items": "all"} for each in sorted(packed)]
            carrier = {"name": "vans", "kind": random.choice(("own", "partner"))}
            fields = {"shipment_id": shipment_id, "contents": contents, "carrier": carrier}
            return {"command": "pack-shipment", **given, **fields}, Principal("marketplace")
        case 5 | 6 | 7:
            report = random.choice(("dispatch-shipment", "start-delivery", "deliver", "refuse-delivery", "turn-back"))
            return {"command": report, **given, "shipment_id": shipment_id}, Principal("carrier")
        case 8:
            asked = {"order_id": order_id, "items": random.choice(("all", {"A": 1})), "accept_cascade": True}
            return {"command": random.choice(("cancel-items", "request-cancellation")), **given, **asked}, buyer
        case _:
            items = random.choice(("all", {"B": 1}))
            return {"command": "start-return", **given, "order_id": order_id, "items": items, "reason": "late"}, buyer


def _line(command: dict[str, Any], by: Principal) -> bytes:
    actor = {"actor": by.role} | ({"actor_id": by.id} if by.id else {})
    return line(command | actor, datetime.now(UTC).isoformat())


def follow(url: str, seed: int) -> None:
    """Follow for ever, in batches of some size."""
    size = Random(seed).choice((1, 7, 1000, 5000))
    with Orders.open(url) as orders, Database.open(url) as database:
        Runner(orders, database, all_projections(), batch_events=size).run_forever(threading.Event())


def catch_up(url: str, size: int, _seed: int) -> None:
    """Follow to the end."""
    with Orders.open(url) as orders, Database.open(url) as database:
        Runner(orders, database, builtin_projections(), batch_events=size).catch_up()


def rebuild_ledger(url: str, size: int, _seed: int) -> None:
    """Rebuild it once."""
    with Orders.open(url) as orders, Database.open(url) as database:
        rebuild(orders, database, Ledger(), batch_events=size)


def rebuild_all(url: str, seed: int) -> None:
    """Rebuild one projection after the other for ever."""
    random = Random(seed)
    with Orders.open(url) as orders, Database.open(url) as database:
        while True:
            rebuild(orders, database, random.choice(all_projections()), batch_events=random.choice((50, 1000)))


# --- starting and killing them ----------------------------------------------------------------------------------------


class Crowd:
    """Processes by what they do; each has a seed of its own."""

    def __init__(self, context: ForkServerContext, random: Random) -> None:
        self.random = random
        self.kills: Counter[str] = Counter()
        self._context = context
        self._members: list[tuple[ForkServerProcess, Callable[..., None], tuple[Any, ...]]] = []

    def start(self, act: Callable[..., None], *arguments: Any) -> ForkServerProcess:
        """Call `act(*arguments, seed)` in a new process."""
        process = self._context.Process(target=act, args=(*arguments, self.random.getrandbits(60)), daemon=True)
        process.start()
        self._members.append((process, act, arguments))
        return process

    def kill_at_random(self, enough: Callable[[], bool]) -> None:
        """Kill one after the other until it is enough; another takes its place at once."""
        while not enough():
            time.sleep(self.random.uniform(0.02, 0.4))
            process, act, arguments = self.random.choice(self._members)
            self.kill(process)
            self.start(act, *arguments)

    def kills_until_done(
        self, act: Callable[..., None], *arguments: Any, seconds: float, seen: Callable[[], object]
    ) -> Iterator[int]:
        """Start it and kill it until it has come to its end; yields after each kill.

        In turns as soon as what is ``seen`` from outside changes, and at any moment, each time somewhat later.
        """
        for kills in count(1):
            before = seen()
            process = self.start(act, *arguments)
            if kills % 2:
                while process.is_alive() and seen() == before:
                    process.join(0.001)
            else:
                process.join(self.random.uniform(0, seconds * kills))
            process.kill()
            process.join(PATIENCE)
            assert process.exitcode in (0, -9), "a process failed by itself"
            if process.exitcode == 0:
                return
            yield kills

    def kill(self, process: ForkServerProcess) -> None:
        """With SIGKILL; it must not have ended by itself before."""
        process.kill()
        process.join(PATIENCE)
        assert process.exitcode == -9, "a process failed by itself"
        (member,) = (member for member in self._members if member[0] is process)
        self._members.remove(member)
        self.kills[member[1].__name__] += 1

    def end(self) -> None:
        """Kill all that are left."""
        for process, _, _ in list(self._members):
            self.kill(process)


@contextmanager
def crowd(seed: int) -> Iterator[Crowd]:
    """A crowd that does not outlive the test."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    members = Crowd(context, Random(seed))
    warming = context.Process(target=time.time, daemon=True)
    warming.start()
    warming.join()
    try:
        yield members
    finally:
        for process, _, _ in members._members:
            process.kill()


# --- what they left behind --------------------------------------------------------------------------------------------


def nothing_skipped_or_doubled(orders: Orders, database: Database) -> int:
    """Assert that `Seen` saw each event of the log once, in its sequence; how many."""
    query = select(SEEN.c.position, SEEN.c.stream, SEEN.c.version).order_by(SEEN.c.number)
    number = 0
    with registry.reading(database, Seen()) as connection:
        seen = connection.execution_options(yield_per=2000).execute(query)
        for position, event in whole_log(orders):
            number += 1
            assert tuple(next(seen, ())) == (position, event.stream, event.version)
        assert next(seen, None) is None, "an event that is not in the log"
        total = dict(connection.execute(select(STREAMS.c.stream, STREAMS.c.last)).all())
    assert total.pop("") == number == sum(total.values())
    return number


def whole_log(orders: Orders) -> Iterator[tuple[int, Event]]:
    """Every event, in pages."""
    position = 0
    while page := orders.notifications(position, 2000):
        yield from page
        position = page[-1][0]


def same_rows(one: Database, other: Database, projections: Iterable[Projection]) -> int:
    """Assert that two databases hold the same, row by row, without loading all of it; how many rows."""
    number = 0
    for projection in projections:
        with registry.reading(one, projection) as left, registry.reading(other, projection) as right:
            for table in projection.tables.values():
                query = select(table).order_by(*table.primary_key)
                pairs = (each.execution_options(yield_per=2000).execute(query) for each in (left, right))
                for ours, theirs in zip(*pairs, strict=True):
                    assert tuple(ours) == tuple(theirs), table.name
                    number += 1
    return number
