"""One command at a time, each durable when it returns: the engine, raw sqlite3, and a minimal `eventsourcing`.

Orders are placed, then all dispatched (packed in the same command), then all delivered. The three take turns within a
round, each on a fresh file; a ratio is of one round.
"""

import gc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from figures import Figure, ratios, seconds
from minimal import MinimalOrders
from rows import RawFile, RecordingStore, Transaction, require_same_rows
from trade import Command, Ticking, dispatch, place, scan

from ordertrail.application import Orders, Principal

BY = Principal("marketplace")
WARM_UP = 10
"""Orders whose whole life comes before the timing: the first placing keeps the policy, caches fill."""

Call = Callable[[], object]


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, orders = (2, 20) if quick else (7, 300)
    lives = durable_lives(orders)
    transactions = _transactions(folder / "recorded.db", lives)
    took: dict[str, list[float]] = {"engine": [], "raw": [], "minimal": []}
    for number in range(rounds):
        turns = [_engine, _raw, _minimal]
        for turn in turns[number % 3 :] + turns[: number % 3]:
            name = turn.__name__.removeprefix("_")
            took[name].append(turn(folder / f"{name}-{number}.db", lives, transactions))
        require_same_rows(folder / f"engine-{number}.db", folder / f"raw-{number}.db")
    rate = {name: [3 * orders / each for each in times] for name, times in took.items()}
    rows = sum(len(rows) for transaction in transactions for _, rows in transaction.statements) / len(transactions)
    return [
        Figure.of("durable commands, engine", rate["engine"], "/s", note=f"{orders} orders a round"),
        Figure.of("durable commands, raw sqlite3", rate["raw"], "/s", note=f"the same rows, {rows:.1f} a command"),
        Figure.of("durable commands, minimal eventsourcing", rate["minimal"], "/s", note="no rules, no journal"),
        Figure.of("engine / raw sqlite3", ratios(rate["engine"], rate["raw"]), "×", limit=("≥", 0.6)),
        Figure.of("engine / minimal eventsourcing", ratios(rate["engine"], rate["minimal"]), "×", limit=("≥", 1.5)),
    ]


def durable_lives(orders: int) -> list[Command]:
    """Those of the warm-up, then those to be timed."""
    return [*_lives(0, WARM_UP), *_lives(WARM_UP, orders)]


def _lives(first: int, count: int) -> list[Command]:
    ids = [f"O{number}" for number in range(first, first + count)]
    commands = [
        *(place(order_id) for order_id in ids),
        *(dispatch(order_id) for order_id in ids),
        *(scan("deliver", order_id) for order_id in ids),
    ]
    return [{**command, "command_id": f"{first}-{number}"} for number, command in enumerate(commands)]


def _transactions(path: Path, lives: Sequence[Command]) -> list[Transaction]:
    """What the engine writes, one transaction a command; every command must be accepted."""
    orders, store = RecordingStore.orders(path)
    with orders:
        for command in lives:
            result = orders.handle(command, by=BY)
            assert result.status == "accepted", result
    assert len(store.transactions) == len(lives)
    return store.transactions


def _timed(calls: Sequence[Call]) -> float:
    for call in calls[: 3 * WARM_UP]:
        call()
    gc.collect()
    return seconds(calls[3 * WARM_UP :])


def _engine(path: Path, lives: Sequence[Command], _: Sequence[Transaction]) -> float:
    with Orders.open(str(path), clock=Ticking()) as orders:
        return _timed([partial(orders.handle, command, by=BY) for command in lives])


def _raw(path: Path, _: Sequence[Command], transactions: Sequence[Transaction]) -> float:
    raw = RawFile(path)
    try:
        return _timed([partial(raw.write, transaction) for transaction in transactions])
    finally:
        raw.close()


def _minimal(path: Path, lives: Sequence[Command], _: Sequence[Transaction]) -> float:
    with MinimalOrders(path) as app:
        return _timed([_minimal_call(app, command) for command in lives])


def _minimal_call(app: MinimalOrders, command: Command) -> Call:
    if command["command"] == "place-order":
        return partial(app.place, command)
    order_id = command["shipment_id"].removeprefix("S-")
    if command["command"] == "dispatch-shipment":
        return partial(app.dispatch, order_id, command)
    return partial(app.deliver, order_id)
