"""Old logs stay readable: golden logs of every format that was ever stored fold to what they folded to then."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ordertrail.application.views import order_view, shipment_view
from ordertrail.domain import Event, decode, encode, fold
from ordertrail.domain.events import EVENT_TYPES, ItemsPacked, LostAfter
from ordertrail.domain.shipment import fold_shipment
from ordertrail.domain.upcasting import UPCASTS

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FOLDERS = sorted((path for path in GOLDEN.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def stored(folder: Path) -> list[bytes]:
    return (folder / "events.jsonl").read_bytes().splitlines()


def state_of(events: list[Event]) -> dict[str, Any]:
    order = fold(events) if events[0].stream.startswith("order:") else None
    if order is not None:
        return order_view(order)
    shipment = fold_shipment(events)
    assert shipment is not None
    return shipment_view(shipment)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"golden-log-{folder.name}")
def test_a_golden_log_folds_to_the_states_that_it_folded_to_when_it_was_stored(folder: Path) -> None:
    streams: dict[str, list[Event]] = {}
    for state in stored(folder):
        event = decode(state)
        streams.setdefault(event.stream, []).append(event)
    states = json.loads((folder / "states.json").read_text())
    assert streams.keys() == states.keys()
    for stream, events in streams.items():
        assert [event.version for event in events] == [*range(1, len(events) + 1)]
        assert state_of(events) == states[stream]


def test_the_newest_golden_log_is_of_todays_format_with_events_of_every_type() -> None:
    events = [(state, decode(state)) for state in stored(FOLDERS[-1])]
    assert {event.type for _, event in events} == set(EVENT_TYPES)
    for state, event in events:
        assert encode(event) == state


def test_every_earlier_schema_has_a_step_and_an_event_in_a_golden_log() -> None:
    earlier = {(name, schema) for name, kind in EVENT_TYPES.items() for schema in range(1, kind.current)}
    assert set(UPCASTS) == earlier
    raws = [msgspec.json.decode(state) for folder in FOLDERS for state in stored(folder)]
    assert earlier <= {(raw["type"], raw.get("schema", 1)) for raw in raws}


def test_an_earlier_event_is_brought_to_todays_shape_when_it_is_read() -> None:
    packed = [state for state in stored(GOLDEN / "1") if b'"lost_after_days":' in state]
    assert packed
    for state in packed:
        event = decode(state)
        assert isinstance(event, ItemsPacked)
        assert (event.schema, event.lost_after) == (2, LostAfter(dispatch_days=45, turning_days=30))
        assert decode(encode(event)) == event


@pytest.mark.parametrize("schema", [0, 3, "2"])
def test_an_event_of_a_schema_that_nobody_knows_is_refused(schema: Any) -> None:
    state = next(state for state in stored(FOLDERS[-1]) if b'"items-packed"' in state)
    with pytest.raises(msgspec.ValidationError, match="schema"):
        decode(msgspec.json.encode(msgspec.json.decode(state) | {"schema": schema}))
