"""Whether a command costs more as the log grows: the same durable commands on a short and on a long log, in turns.

Each order is asked for once, so none lies on the shelf; which one is random over the whole log. The log's orders
were placed a thousand at a time, then dispatched, then delivered, so that an order's events lie far apart.
"""

import gc
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from figures import Call, Figure, in_turns, ratios
from trade import START, Command, Ticking, dispatch, line, place, scan, start_return

from ordertrail.application import Orders, Principal

CROWD = 1000
"""Orders that are under way together."""
BUYER = Principal("buyer")
MARKETPLACE = Principal("marketplace")


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    sizes = (1_000, 10_000) if quick else (10_000, 1_000_000)
    rounds, commands = (1, 10) if quick else (15, 60)
    shops = [Shop.built(folder / f"{size}.db", size) for size in sizes]
    short, long = shops
    took: dict[str, list[list[float]]] = {"return": [[], []], "place": [[], []]}
    for number in range(rounds + 1):
        for kind, sides in took.items():
            calls = {"short": short.calls(kind, commands), "long": long.calls(kind, commands)}
            gc.collect()
            elapsed = in_turns(calls)
            if number:  # the first opens connections
                for side, name in zip(sides, calls, strict=True):
                    side.append(elapsed[name] / commands * 1e6)
    for shop in shops:
        shop.orders.close()
    figures = []
    for name, told in (("return", "a return of a random old order"), ("place", "a new order")):
        at_short, at_long = took[name]
        figures += [
            Figure.of(f"{told}, at {short.events:,} events", at_short, "µs"),
            Figure.of(f"{told}, at {long.events:,} events", at_long, "µs"),
            Figure.of(f"{told}, long log / short", ratios(at_long, at_short), "×", limit=("≤", 1.2)),
        ]
    return figures


class Shop(NamedTuple):
    """An engine on a log of a certain length, whose orders are all delivered."""

    orders: Orders
    events: int
    unasked: Iterator[int]
    unplaced: Iterator[int]

    @classmethod
    def built(cls, path: Path, events: int) -> "Shop":
        made, commands = 0, 0
        with Orders.open(str(path)) as orders:
            while made < events:
                crowd = min(CROWD, events // 35)  # an order makes seven events
                first = commands // 3
                for result in orders.run(_crowd(first, crowd)):
                    assert result.status == "accepted", result
                    made += len(result.events)
                commands += 3 * crowd
        numbers = list(range(commands // 3))
        random.Random(7).shuffle(numbers)
        clock = Ticking(START + timedelta(seconds=commands))
        return cls(Orders.open(str(path), clock=clock), made, iter(numbers), iter(range(len(numbers), 10**9)))

    def calls(self, kind: str, count: int) -> list[Call]:
        if kind == "return":
            chosen = [next(self.unasked) for _ in range(count)]
            return [self._call(f"return-{n}", start_return(f"O{n}", {"A": 1}), BUYER) for n in chosen]
        chosen = [next(self.unplaced) for _ in range(count)]
        return [self._call(f"place-{n}", place(f"O{n}"), MARKETPLACE) for n in chosen]

    def _call(self, command_id: str, command: Command, by: Principal) -> Call:
        return partial(_accepted, self.orders, {**command, "command_id": command_id}, by)


def _crowd(first: int, count: int) -> Iterator[bytes]:
    """Orders from the number ``first`` on: all placed, then all dispatched, then all delivered, a second apart."""
    ids = [f"O{number}" for number in range(first, first + count)]
    commands = [
        *(place(order_id) for order_id in ids),
        *(dispatch(order_id) for order_id in ids),
        *(scan("deliver", order_id) for order_id in ids),
    ]
    for number, command in enumerate(commands, 3 * first):
        yield line(command, f"c-{number}", START + timedelta(seconds=number))


def _accepted(orders: Orders, command: Command, by: Principal) -> None:
    result = orders.handle(command, by=by)
    assert result.status == "accepted", result
