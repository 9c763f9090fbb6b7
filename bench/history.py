"""What a command costs as its own order's history grows: from the shelf, and folded anew from the store.

Two ways to grow old: a long order whose units are cancelled one by one (there are more refunds to look at each time),
and a short one whose only payout fails again and again (there are just more events).
"""

import gc
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path

from figures import Figure, ratios, seconds
from trade import START, Command, Ticking, cancel, line, place, report, submit

from ordertrail.application import Orders, Principal

BY = Principal("marketplace")
Life = Callable[[str], Iterator[Command]]


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    lengths = (5, 20) if quick else (5, 50, 500)
    rounds, orders = (1, 3) if quick else (5, 8)
    figures = []
    for name, life in (("units cancelled one by one", unit_by_unit), ("a payout that keeps failing", again_and_again)):
        stores = {
            length: _grown(folder / f"{life.__name__}-{length}.db", life, length, rounds * orders) for length in lengths
        }
        cold: dict[int, list[float]] = {length: [] for length in lengths}
        warm: dict[int, list[float]] = {length: [] for length in lengths}
        for number in range(rounds):
            ids = [f"O{n}" for n in range(number * orders, (number + 1) * orders)]
            for length, (path, commands) in stores.items():
                with Orders.open(str(path), clock=Ticking(START + timedelta(days=1, hours=number))) as engine:
                    for took, step in ((cold, 0), (warm, 1)):
                        calls = [_call(engine, life, order_id, commands + step) for order_id in ids]
                        gc.collect()
                        took[length].append(seconds(calls) / orders * 1e6)
        for way, took in (("folded anew", cold), ("from the shelf", warm)):
            figures += [Figure.of(f"{name}, {way}, {length} events", took[length], "µs") for length in lengths]
            longest, shortest = lengths[-1], lengths[0]
            times = ratios(took[longest], took[shortest])
            figures.append(Figure.of(f"{name}, {way}, {longest} events / {shortest}", times, "×"))
    return figures


def unit_by_unit(order_id: str) -> Iterator[Command]:
    yield place(order_id, quantity=500)
    while True:
        yield cancel(order_id, {"A": 1})


def again_and_again(order_id: str) -> Iterator[Command]:
    yield place(order_id, quantity=1)
    yield cancel(order_id)
    for attempt in range(1, 10**9):
        yield submit(order_id)
        yield report(order_id, "failed", f"R{attempt}")


def _grown(path: Path, life: Life, length: int, orders: int) -> tuple[Path, int]:
    """A store of orders with about so many events each; and how many commands made each of them."""
    commands = _commands_for(life, length)
    log = (
        line(command, f"O{number}-{step}", START + timedelta(seconds=step))
        for number in range(orders)
        for step, command in enumerate(islice(life(f"O{number}"), commands))
    )
    with Orders.open(str(path)) as engine:
        for result in engine.run(log):
            assert result.status == "accepted", result
    return path, commands


def _commands_for(life: Life, length: int) -> int:
    """How many commands of a life make so many events."""
    events = 0
    with Orders.open("memory:", clock=Ticking()) as engine:
        for step, command in enumerate(life("O"), 1):
            events += len(engine.handle({**command, "command_id": str(step)}, by=BY).events)
            if events >= length:
                return step
    raise AssertionError("a life ended before that")


def _call(engine: Orders, life: Life, order_id: str, step: int) -> Callable[[], object]:
    (command,) = islice(life(order_id), step, step + 1)
    return partial(_accepted, engine, {**command, "command_id": f"{order_id}-{step}"})


def _accepted(engine: Orders, command: Command) -> None:
    result = engine.handle(command, by=BY)
    assert result.status == "accepted", result
