"""One command at a time, each durable when it returns: the engine, raw sqlite3, and a minimal `eventsourcing`.

Orders are placed, then all dispatched (packed in the same command), then all delivered. The three take turns, ten
commands at a time; each round is on fresh files, and a ratio is of one round.
"""

import gc
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from figures import Call, Figure, in_turns, ratios
from minimal import MinimalOrders
from rows import RawFile, RecordingStore, Transaction, require_same_rows
from trade import Command, Ticking, dispatch, place, scan

from ordertrail.application import Orders, Principal

BY = Principal("marketplace")
WARM_UP = 10
"""Orders whose whole life comes before the timing: the first placing keeps the policy, caches fill."""


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, orders = (1, 20) if quick else (7, 300)
    lives = durable_lives(orders)
    transactions = _transactions(folder / "recorded.db", lives)
    took: dict[str, list[float]] = {"engine": [], "raw": [], "minimal": []}
    for _ in range(rounds):
        for name, elapsed in _round(folder, lives, transactions).items():
            took[name].append(elapsed)
        require_same_rows(folder / "engine.db", folder / "raw.db")
        for file in folder.glob("*.db*"):
            file.unlink()
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


def _round(folder: Path, lives: Sequence[Command], transactions: Sequence[Transaction]) -> dict[str, float]:
    with (
        Orders.open(str(folder / "engine.db"), clock=Ticking()) as orders,
        closing(RawFile(folder / "raw.db")) as raw,
        MinimalOrders(folder / "minimal.db") as minimal,
    ):
        calls: dict[str, list[Call]] = {
            "engine": [partial(orders.handle, command, by=BY) for command in lives],
            "raw": [partial(raw.write, transaction) for transaction in transactions],
            "minimal": [_minimal_call(minimal, command) for command in lives],
        }
        in_turns({name: each[: 3 * WARM_UP] for name, each in calls.items()})
        gc.collect()
        return in_turns({name: each[3 * WARM_UP :] for name, each in calls.items()})


def _minimal_call(app: MinimalOrders, command: Command) -> Call:
    if command["command"] == "place-order":
        return partial(app.place, command)
    order_id = command["shipment_id"].removeprefix("S-")
    if command["command"] == "dispatch-shipment":
        return partial(app.dispatch, order_id, command)
    return partial(app.deliver, order_id)
