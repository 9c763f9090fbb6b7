"""Whatever the log, and however it falls into batches: the store says what a world of plain lists says."""

import json
import tempfile
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from book import Book
from lives import command_logs
from ordertrail.application import Orders
from ordertrail.application.store.records import EVENTS_TABLE

pytestmark = pytest.mark.slow


@st.composite
def logs_with_repeats(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A plausible log, with commands that come again later and with ids that are used for something else."""
    log, _ = draw(command_logs(max_size=30))
    again = draw(st.lists(st.sampled_from(log), max_size=4))
    clashes = draw(st.lists(st.sampled_from(log), max_size=2, unique_by=lambda raw: raw["command_id"]))
    for raw in again:
        place = draw(st.integers(log.index(raw) + 1, len(log)))
        log.insert(place, raw | {"at": log[place - 1]["at"]})
    for raw in clashes:
        place = draw(st.integers(log.index(raw) + 1, len(log)))
        clash = {"command": "cancel-items", "command_id": raw["command_id"], "order_id": "O1", "items": {"clash": 1}}
        log.insert(place, clash | {"at": log[place - 1]["at"]})
    return log


@given(
    log=logs_with_repeats(),
    batches=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 1)), min_size=1, max_size=12),
)
def test_two_processes_that_take_turns_in_any_batches_make_the_world_that_the_log_tells(
    log: list[dict[str, Any]], batches: list[tuple[int, int]]
) -> None:
    book = Book()
    expected = [book.run_raw(raw) for raw in log]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        both = [opened.enter_context(Orders.open(f"{folder}/orders.db")) for _ in range(2)]
        told: list[dict[str, Any]] = []
        for turn in range(len(log)):
            size, whose = batches[turn % len(batches)]
            lines = [json.dumps(raw).encode() for raw in log[len(told) : len(told) + size]]
            told += [result.to_dict() for result in both[whose].run(lines)]
        assert [{key: value for key, value in each.items() if key != "line"} for each in told] == expected
        for orders in both:
            agrees(orders, book)


def agrees(orders: Orders, book: Book) -> None:
    """The store has the book's events, byte for byte, its deadlines, and shows its orders."""
    query = orders._store._records.query
    rows = query(f"SELECT originator_id, originator_version, state FROM {EVENTS_TABLE} ORDER BY 1, 2")
    assert rows == [
        (stream, version, state)
        for stream, states in sorted(book.stored.items())
        for version, state in enumerate(states, 1)
    ]
    assert {order_id: None for (order_id,) in query("SELECT order_id FROM deadlines")} == dict.fromkeys(book.due)
    for stream in book.stored:
        kind, _, order_id = stream.partition(":")
        if kind == "order" and book.stored[stream]:
            assert orders.show(order_id) == book.show(order_id)
            for deadline in [book.due[order_id]] if order_id in book.due else []:
                assert orders.options(order_id, at=deadline) == book.options(order_id, at=deadline.isoformat())
