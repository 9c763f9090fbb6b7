"""`Orders.run`: a command log in batches, each answered after its commit, with the answers of one after the other."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from ordertrail.application import Orders, StoreError
from ordertrail.application.transaction import Transaction
from shop import Clock, cancelling, everything, line, packing, placing, scan

LOG = [
    line(placing(), "10:00"),
    line(placing("O2", seller="M1"), "10:01"),
    line(packing("pack"), "10:10"),
    line(scan("deliver", "deliver"), "10:20"),
    line(cancelling("cancel-2", "O2", {"A": 1}), "10:30"),
    line(scan("start-delivery", "late"), "10:15"),
    line(cancelling("cancel-1", "O1"), "10:40"),
    line(cancelling("too-late", "O2"), "10:41"),
]
STATUSES = ["accepted", "accepted", "accepted", "accepted", "accepted", "noted", "rejected", "rejected"]


@pytest.fixture
def batches_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordertrail.application.orders.BATCH_COMMANDS", 3)
    monkeypatch.setattr("ordertrail.application.orders.BATCH_SECONDS", 3600)


class Reader:
    """Lines with a count of how many have been taken."""

    def __init__(self, lines: Iterable[bytes | None]) -> None:
        self.lines = lines
        self.taken = 0

    def __iter__(self) -> Iterator[bytes | None]:
        for each in self.lines:
            self.taken += 1
            yield each


def without_positions(rows: dict[str, list[tuple[object, ...]]]) -> dict[str, list[tuple[object, ...]]]:
    """Positions only grow, and digests tell of them: PostgreSQL leaves out those of a transaction that failed."""
    return rows | {"stored_events": [row[1:-1] for row in rows["stored_events"]]}


def one_by_one(
    lines: Iterable[bytes], clock: Clock
) -> tuple[list[dict[str, object]], dict[str, list[tuple[object, ...]]]]:
    """The answers to commands given singly, and the store that they make."""
    with Orders.open("memory:", clock=clock) as orders:
        told = [result.to_dict() for each in lines for result in orders.run([each])]
        return [told_without_line(each) for each in told], everything(orders)


def told_without_line(told: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in told.items() if key != "line"}


def test_a_log_is_answered_line_by_line(orders: Orders) -> None:
    results = list(orders.run(LOG))
    assert [result.line for result in results] == list(range(1, 9))
    assert [result.status for result in results] == STATUSES


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_batch_answers_and_records_what_its_commands_would_one_by_one(
    size: int, orders: Orders, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ordertrail.application.orders.BATCH_COMMANDS", size)
    told = [told_without_line(result.to_dict()) for result in orders.run(LOG)]
    assert (told, everything(orders)) == one_by_one(LOG, clock)


@pytest.mark.usefixtures("batches_of_three")
def test_a_result_comes_after_its_commit(open_orders: Callable[..., Orders]) -> None:
    orders, witness = open_orders(), open_orders()
    committed = []
    for result in orders.run(LOG):
        entries = everything(witness)["journal"]
        committed.append(len(entries))
        assert result.command_id in {entry[1] for entry in entries}
        for event in result.events:
            if "order_id" in event:
                assert witness.show(event["order_id"])["version"] >= event["version"]
    assert committed == [3, 3, 3, 6, 6, 6, 8, 8]


@pytest.mark.usefixtures("batches_of_three")
def test_none_says_that_no_more_is_waiting(orders: Orders) -> None:
    reader = Reader([LOG[0], None, None, LOG[1], LOG[2], None, LOG[3]])
    results = orders.run(reader)
    assert (next(results).line, reader.taken) == (1, 2)
    assert [(next(results).line, reader.taken) for _ in range(2)] == [(2, 6), (3, 6)]
    assert [result.line for result in results] == [4]


def test_a_batch_that_takes_long_is_not_waited_for(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ordertrail.application.orders.BATCH_SECONDS", -1)
    reader = Reader(LOG)
    assert [(result.line, reader.taken) for result in orders.run(reader)] == [(n, n) for n in range(1, 9)]


def test_blank_lines_are_counted_and_passed_over(orders: Orders) -> None:
    lines = [b"", b"\n", LOG[0] + b"\n", b"  \t\r\n", None, LOG[1] + b"\r\n", b""]
    assert [(result.line, result.status) for result in orders.run(lines)] == [(3, "accepted"), (5, "accepted")]
    assert list(orders.run([])) == list(orders.run([None, b""])) == []


def test_invalid_lines_are_answered_in_their_place_and_stop_nothing(orders: Orders) -> None:
    bad = [b"{", b"[1]", b"\xff\xfe{}", b'{"command":"deliver","command_id":"x","shipment_id":"S1"}']
    lines = [bad[0], LOG[0], bad[1], bad[2], LOG[1], bad[3]]
    results = list(orders.run(lines))
    assert [(result.line, result.status) for result in results] == [
        (1, "invalid"),
        (2, "accepted"),
        (3, "invalid"),
        (4, "invalid"),
        (5, "accepted"),
        (6, "invalid"),
    ]
    assert results[-1].to_dict() == {
        "line": 6,
        "command": "deliver",
        "command_id": "x",
        "status": "invalid",
        "reason": "at: is missing",
    }
    assert len(everything(orders)["journal"]) == 2


# --- others who come first --------------------------------------------------------------------------------------------


def comes_first(monkeypatch: pytest.MonkeyPatch, rival: Orders, *lines: bytes) -> list[str]:
    """Between a batch's decisions and its commit, somebody else commits; how often the batch met a conflict."""
    append, waiting, met = Transaction.append, list(lines), list[str]()

    def after_the_rival(self: Transaction) -> None:
        if waiting:
            [result] = rival.run([waiting.pop(0)])
            assert result.status == "accepted"
        try:
            append(self)
        except StoreError as error:
            met.append(type(error).__name__)
            raise

    monkeypatch.setattr(Transaction, "append", after_the_rival)
    return met


RIVAL = line(cancelling("rival", "O1", actor="marketplace"), "10:05")


def test_where_somebody_came_first_a_batch_is_decided_anew_command_by_command(
    orders: Orders, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, rest = LOG[:2], [LOG[2], b"{", *LOG[3:]]
    expected, stored = one_by_one([*start, RIVAL, *rest], clock)
    list(orders.run(start))
    met = comes_first(monkeypatch, orders, RIVAL)
    results = list(orders.run(rest))
    assert met == ["Conflict"]
    assert [result.line for result in results] == list(range(1, 8))
    assert [told_without_line(result.to_dict()) for result in results] == expected[3:]
    assert results[0].rule == "PACK-1"
    assert without_positions(everything(orders)) == without_positions(stored)


def test_a_second_process_that_came_first_is_seen(
    open_orders: Callable[..., Orders], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, rival = open_orders(), open_orders()
    list(orders.run(LOG[:2]))
    met = comes_first(monkeypatch, rival, RIVAL)
    [result] = orders.run([LOG[2]])
    assert (result.rule, met) == ("PACK-1", ["Conflict"])


def test_a_no_is_decided_anew_too(open_orders: Callable[..., Orders], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rejected by what was only looked at, and accepted on what has changed meanwhile."""
    orders, rival = open_orders(), open_orders()
    list(orders.run(LOG[:3]))
    cancel = line(cancelling("c", items={"A": 1}), "10:12")
    assert orders.preview_line(cancel).status == "rejected"
    comes_first(monkeypatch, rival, line(scan("unpack-shipment", "unpack"), "10:11"))
    [result] = orders.run([cancel])
    assert result.status == "accepted"


def test_order_0_the_same_command_from_two_at_once_is_one(
    open_orders: Callable[..., Orders], monkeypatch: pytest.MonkeyPatch
) -> None:
    orders, rival = open_orders(), open_orders()
    list(orders.run(LOG[:2]))
    comes_first(monkeypatch, rival, LOG[2])
    assert [result.status for result in orders.run(LOG[2:4])] == ["duplicate", "accepted"]
    assert [row[1] for row in everything(orders)["journal"]] == ["place-O1", "place-O2", "pack", "deliver"]


def test_who_changes_orders_while_lines_are_read_is_seen(orders: Orders) -> None:
    def lines() -> Iterator[bytes | None]:
        yield LOG[0]
        yield None
        assert [result.status for result in orders.run([RIVAL])] == ["accepted"]
        yield LOG[2]

    assert [(r.line, r.rule) for r in orders.run(lines())] == [(1, None), (2, "PACK-1")]


# --- logs that end early ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("batches_of_three")
def test_who_stops_reading_results_has_whole_batches_and_may_go_on(orders: Orders, clock: Clock) -> None:
    results = orders.run(LOG)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(everything(orders)["journal"]) == 3
    assert [result.status for result in orders.run(LOG)] == ["duplicate"] * 3 + STATUSES[3:]
    assert everything(orders) == one_by_one(LOG, clock)[1]


@pytest.mark.usefixtures("batches_of_three")
def test_what_was_answered_before_the_store_failed_is_kept(open_orders: Callable[..., Orders]) -> None:
    orders = open_orders()
    results = orders.run(LOG)
    assert [next(results).status for _ in range(3)] == STATUSES[:3]
    orders.close()
    with pytest.raises(StoreError, match="closed"):
        next(results)
    assert [row[1] for row in everything(open_orders())["journal"]] == ["place-O1", "place-O2", "pack"]


def test_lines_that_cannot_be_read_any_more_leave_no_half_batch(orders: Orders) -> None:
    def lines() -> Iterator[bytes]:
        yield LOG[0]
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="gone"):
        list(orders.run(lines()))
    assert everything(orders)["journal"] == []
