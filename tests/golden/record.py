#!/usr/bin/env python3
"""Records a golden log: what today's code stores, and what it folds to. Kept for ever, so that old logs stay readable.

    python tests/golden/record.py 2          # a new folder, tests/golden/2; never one that is there
    python tests/golden/record.py --states   # folds the logs of all folders again, after a view has gained a field

A folder holds `events.jsonl` (each event as stored, in the log's order) and `states.json` (what `show` and `shipments`
say of each stream). Record one before the shape of an event changes, and another one after.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from ordertrail.application import Orders  # noqa: E402
from ordertrail.application.views import order_view, shipment_view  # noqa: E402
from ordertrail.domain import Event, decode, default_policy_toml, encode, fold  # noqa: E402
from ordertrail.domain.events import EVENT_TYPES  # noqa: E402
from ordertrail.domain.shipment import fold_shipment  # noqa: E402

OTHER_TERMS = default_policy_toml().replace('version = "1"', 'version = "sooner"')
COMBINED = """
{"command": "place-order", "command_id": "g1", "at": "2026-02-02T10:00:00Z", "order_id": "G1", "buyer_id": "G"}
{"command": "place-order", "command_id": "g2", "at": "2026-02-02T10:01:00Z", "order_id": "G2", "buyer_id": "G"}
{"command": "dispatch-shipment", "command_id": "g3", "at": "2026-02-02T12:00:00Z", "shipment_id": "GS",
 "contents": [{"order_id": "G1", "items": "all"}, {"order_id": "G2", "items": "all"}],
 "carrier": {"name": "post", "kind": "partner"}}
{"command": "lose-shipment", "command_id": "g4", "at": "2026-02-09T10:00:00Z", "shipment_id": "GS"}
{"command": "receive-return", "command_id": "g5", "at": "2026-02-19T10:00:00Z", "shipment_id": "GS"}
"""
GOODS: dict[str, Any] = {
    "fulfilled_by": "marketplace",
    "currency": "KWD",
    "items": [
        {"item_id": "A", "sku": "LAMP", "quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}
    ],
    "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 1148}],
}


def lived() -> list[Event]:
    """Events of every type: a simulated week, and a parcel of two orders under different policies, lost and found."""
    from recorded_log import recorded_log

    with Orders.open("memory:") as orders:
        for _ in orders.run(recorded_log(80).splitlines()):
            pass
        week = [event for _, event in orders.notifications(0, 100_000)]
    first, second, *rest = [json.loads(line) for line in COMBINED.replace("\n ", " ").strip().splitlines()]
    store = HERE / "recording.db"
    try:
        with Orders.open(str(store)) as orders:
            require_accepted(orders, first | GOODS)
        other = store.with_suffix(".toml")
        other.write_text(OTHER_TERMS)
        with Orders.open(str(store), policy=other) as orders:
            for raw in (second | GOODS, *rest):
                require_accepted(orders, raw)
            found = [event for _, event in orders.notifications(0, 100_000)]
    finally:
        for left in HERE.glob("recording.*"):
            left.unlink()
    return enough(week) + found


def require_accepted(orders: Orders, raw: dict[str, Any]) -> None:
    (result,) = orders.run([json.dumps(raw).encode()])
    assert result.status in ("accepted", "noted"), result


def enough(events: list[Event]) -> list[Event]:
    """The events of a few buyers who together met every type: all of theirs, in their order."""
    types: dict[str, set[str]] = defaultdict(set)
    for event in events:
        types[event.buyer_id].add(event.type)
    chosen: set[str] = set()
    missing = set().union(*types.values())
    while missing:
        best = max(sorted(types), key=lambda buyer: len(types[buyer] & missing))
        chosen.add(best)
        missing -= types[best]
    return [event for event in events if event.buyer_id in chosen]


def states(stored: list[bytes]) -> dict[str, Any]:
    """What each stream of a log folds to, as the interface shows it."""
    streams: dict[str, list[Event]] = defaultdict(list)
    for state in stored:
        event = decode(state)
        streams[event.stream].append(event)
    return {stream: state_of(streams[stream]) for stream in sorted(streams)}


def state_of(events: list[Event]) -> dict[str, Any]:
    if events[0].stream.startswith("order:"):
        order = fold(events)
        assert order is not None
        return order_view(order)
    shipment = fold_shipment(events)
    assert shipment is not None
    return shipment_view(shipment)


def write_states(folder: Path) -> None:
    told = states((folder / "events.jsonl").read_bytes().splitlines())
    lines = ",\n".join(f"{json.dumps(stream)}: {json.dumps(state)}" for stream, state in told.items())
    (folder / "states.json").write_text(f"{{\n{lines}\n}}\n")


def main(asked: str) -> None:
    if asked == "--states":
        for folder in sorted(path for path in HERE.iterdir() if path.is_dir() and path.name.isdigit()):
            write_states(folder)
        return
    folder = HERE / str(int(asked))
    events = lived()
    missing = set(EVENT_TYPES) - {event.type for event in events}
    assert not missing, f"no event is of type {missing}"
    folder.mkdir()  # never over one that is there
    (folder / "events.jsonl").write_bytes(b"".join(encode(event) + b"\n" for event in events))
    write_states(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
