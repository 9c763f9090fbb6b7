"""An order as of some time, beside the same order as it is now: both are folded from the events that the store has."""

import gc
from functools import partial
from pathlib import Path
from random import Random

from figures import Call, Figure, in_turns, ratios
from grown import grow

from ordertrail.application import Orders
from ordertrail.domain.events import OrderEvent


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    events, rounds, asked = (1_000, 1, 20) if quick else (100_000, 7, 500)
    store = folder / "store.db"
    grow(store, events)
    with Orders.open(str(store)) as orders:
        # Its last event is what an order is asked for: as of then it has all that it ever had.
        lives = {event.order_id: event for _, event in orders.notifications(0, 10**9) if isinstance(event, OrderEvent)}
        took: dict[str, list[float]] = {}
        for number in range(rounds):
            chosen = Random(number).sample(sorted(lives), min(asked, len(lives)))
            ways: dict[str, list[Call]] = {
                "now": [partial(orders.show, order_id) for order_id in chosen],
                "as_of": [partial(orders.show, order_id, as_of=lives[order_id].at) for order_id in chosen],
                "as_known_at": [
                    partial(orders.show, order_id, as_known_at=lives[order_id].recorded_at) for order_id in chosen
                ],
                "at_version": [
                    partial(orders.show, order_id, at_version=lives[order_id].version) for order_id in chosen
                ],
            }
            gc.collect()
            for way, elapsed in in_turns(ways).items():
                took.setdefault(way, []).append(elapsed / len(chosen) * 1e6)
    now = took.pop("now")
    note = f"a random order of {len(lives):,}"
    return [
        Figure.of("show", now, "µs", note=note),
        *(Figure.of(f"show, {way} / now", ratios(each, now), "×", limit=("≤", 2)) for way, each in took.items()),
    ]
