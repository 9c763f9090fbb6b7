"""TIME-3: only reports may bring a time of their own, at most 5 minutes ahead of the clock."""

from datetime import timedelta
from typing import Any

import pytest

from book import when
from ordertrail.application import Orders, Principal
from shop import (
    BUYER,
    CARRIER,
    MARKETPLACE,
    SELLER,
    WAREHOUSE,
    Clock,
    cancelling,
    give,
    instant,
    learned,
    line,
    packing,
    placing,
    scan,
)

TICK = timedelta(microseconds=1)
Step = tuple[dict[str, Any], Principal]
PACK: Step = (packing("pack"), WAREHOUSE)
DISPATCH: Step = (scan("dispatch-shipment", "dispatch"), CARRIER)
DELIVER: Step = (scan("deliver", "deliver"), CARRIER)
REFUSE: Step = (scan("refuse-delivery", "refuse"), CARRIER)
RETURN: Step = (
    {"command": "start-return", "command_id": "back", "order_id": "O1", "items": "all", "reason": "other"},
    BUYER,
)
HAND_OVER = {"command": "hand-over-return", "command_id": "hand-over", "return_id": "O1:return:1"}
RECEIVE = {
    "command": "receive-return",
    "command_id": "receive",
    "return_id": "O1:return:1",
    "received": [{"item_id": "A", "quantity": 1, "condition": "unopened"}],
}
PAID = {
    "command": "report-payout",
    "command_id": "paid",
    "refund_id": "O1:refund:1",
    "payment_id": "P1",
    "outcome": "paid",
    "reference": "R1",
}
REPORTS: dict[str, tuple[list[Step], dict[str, Any], Principal]] = {
    "pack-shipment": ([], packing("report"), WAREHOUSE),
    "unpack-shipment": ([PACK], scan("unpack-shipment", "report"), WAREHOUSE),
    "dispatch-shipment": ([PACK], scan("dispatch-shipment", "report"), CARRIER),
    "start-delivery": ([PACK, DISPATCH], scan("start-delivery", "report"), CARRIER),
    "fail-attempt": ([PACK, DISPATCH], scan("fail-attempt", "report"), CARRIER),
    "deliver": ([PACK, DISPATCH], scan("deliver", "report"), CARRIER),
    "refuse-delivery": ([PACK, DISPATCH], scan("refuse-delivery", "report"), CARRIER),
    "turn-back": ([PACK, DISPATCH], scan("turn-back", "report"), CARRIER),
    "lose-shipment": ([PACK, DISPATCH], scan("lose-shipment", "report"), CARRIER),
    "receive-return of a parcel": ([PACK, DISPATCH, REFUSE], scan("receive-return", "report"), WAREHOUSE),
    "hand-over-return": ([PACK, DISPATCH, DELIVER, RETURN], HAND_OVER, CARRIER),
    "hand-over-return by the marketplace": ([PACK, DISPATCH, DELIVER, RETURN], HAND_OVER, MARKETPLACE),
    "receive-return": ([PACK, DISPATCH, DELIVER, RETURN], RECEIVE, WAREHOUSE),
    "lose-return": (
        [PACK, DISPATCH, DELIVER, RETURN, (HAND_OVER, CARRIER)],
        {"command": "lose-return", "command_id": "lose", "return_id": "O1:return:1"},
        CARRIER,
    ),
    "report-payout": ([(cancelling("cancel"), BUYER)], PAID, MARKETPLACE),
}


@pytest.mark.parametrize("report", REPORTS)
def test_time_3_a_report_may_be_earlier_and_is_learned_when_it_comes(report: str, clock: Clock) -> None:
    before, command, reporter = REPORTS[report]
    with Orders.open("memory:", clock=clock) as orders:
        give(orders, placing())
        for step, by in before:
            clock.now += timedelta(minutes=1)
            give(orders, step, by)
        known = len(learned(orders))
        happened = clock.now + timedelta(minutes=1)
        clock.set("18:00")
        give(orders, command | {"at": happened.isoformat()}, by=reporter)
        news = learned(orders)[known:]
        assert news, "it changes the order"
        assert {(at, recorded_at) for _, at, recorded_at in news} == {(happened, instant("18:00"))}


@pytest.mark.parametrize(
    ("steps", "command", "by"),
    [
        ([], cancelling("c"), BUYER),
        ([], cancelling("c"), MARKETPLACE),
        ([PACK, DISPATCH, DELIVER], RETURN[0], BUYER),
        ([PACK, DISPATCH, DELIVER, RETURN], HAND_OVER, BUYER),
        (
            [(cancelling("cancel"), BUYER)],
            {"command": "submit-payout", "command_id": "s", "refund_id": "O1:refund:1", "payment_id": "P1"},
            MARKETPLACE,
        ),
    ],
    ids=["a buyer's cancelling", "the marketplace's", "start-return", "a buyer's hand-over", "submit-payout"],
)
@pytest.mark.parametrize("at", ["10:02", "+1d 10:00"])
def test_time_3_what_a_person_does_happens_when_it_is_given(
    steps: list[Step], command: dict[str, Any], by: Principal, at: str, clock: Clock
) -> None:
    with Orders.open("memory:", clock=clock) as orders:
        give(orders, placing())
        for step, who in steps:
            give(orders, step, who)
        known = len(learned(orders))
        clock.set("18:00")
        give(orders, command | {"at": when(at)}, by=by)
        assert {event[1:] for event in learned(orders)[known:]} == {(instant("18:00"), instant("18:00"))}


def shipped(orders: Orders) -> None:
    give(orders, placing())
    give(orders, *PACK)
    give(orders, *DISPATCH)


def test_time_3_a_report_without_a_time_is_of_now(orders: Orders, clock: Clock) -> None:
    shipped(orders)
    clock.set("12:00")
    give(orders, *DELIVER)
    assert learned(orders)[-1] == ("items-delivered", instant("12:00"), instant("12:00"))


def test_time_3_five_minutes_ahead_sharp_is_accepted(orders: Orders, clock: Clock) -> None:
    shipped(orders)
    clock.set("12:00")
    give(orders, scan("deliver", "d", at="12:05"), by=CARRIER)
    assert learned(orders)[-1] == ("items-delivered", instant("12:05"), instant("12:00"))


def test_time_3_a_microsecond_more_is_rejected(orders: Orders, clock: Clock) -> None:
    shipped(orders)
    clock.set("12:00")
    known = learned(orders)
    result = orders.handle(scan("deliver", "d", at="12:05:00.000001"), by=CARRIER)
    assert (result.status, result.rule) == ("rejected", "TIME-3")
    assert "2026-01-05T12:05:00.000001Z" in (result.reason or "")
    assert learned(orders) == known
    assert orders.timeline("O1")[-1].rule == "TIME-3"


def test_time_3_in_a_log_its_own_times_are_the_clock(orders: Orders, clock: Clock) -> None:
    shipped(orders)
    report = line(scan("deliver", "d"), "+9d 10:00")
    assert orders.preview_line(report).status == "accepted"
    [result] = orders.run([report])
    assert result.status == "accepted"
    assert learned(orders)[-1] == ("items-delivered", instant("+9d 10:00"), instant("+9d 10:00"))
    assert clock.now == instant("10:00")


@pytest.mark.parametrize("offset", ["+02:00", "-07:30"])
def test_times_are_brought_to_utc(offset: str, orders: Orders, clock: Clock) -> None:
    shipped(orders)
    clock.set("+1d 10:00")
    give(orders, scan("deliver", "d", at=f"2026-01-05T20:00:00{offset}"), by=CARRIER)
    at = learned(orders)[-1][1]
    assert at == instant(f"2026-01-05T20:00:00{offset}")
    assert at.utcoffset() == timedelta(0)


@pytest.mark.parametrize("now", ["10:24", "10:29", "10:30"])
def test_time_3_a_rejected_report_from_the_future_records_no_deadline_that_the_clock_has_not_passed(
    now: str, orders: Orders, clock: Clock
) -> None:
    give(orders, placing(seller="M1"))
    give(orders, packing("p", items={"A": 1}), by=SELLER)
    clock.set(now)
    known = learned(orders)
    assert orders.handle(scan("deliver", "d", at="+9d 10:00"), by=CARRIER).rule == "TIME-3"
    assert learned(orders) == known, "the window closes at 10:30"


def test_time_3_a_rejected_report_from_the_future_records_the_deadlines_that_the_clock_has_passed(
    orders: Orders, clock: Clock
) -> None:
    give(orders, placing(seller="M1"))
    give(orders, packing("p", items={"A": 1}), by=SELLER)
    clock.set("10:31")
    assert orders.handle(scan("deliver", "d", at="+9d 10:00"), by=CARRIER).rule == "TIME-3"
    assert learned(orders)[-1] == ("seller-window-closed", instant("10:30"), instant("10:31"))


def test_a_report_of_before_the_placing_is_rejected_by_time_2(orders: Orders, clock: Clock) -> None:
    shipped(orders)
    clock.set("12:00")
    early = scan("deliver", "d", at=(instant("10:00") - TICK).isoformat())
    assert orders.handle(early, by=CARRIER).rule == "TIME-2"
    give(orders, scan("deliver", "e", at="10:00"), by=CARRIER)


def test_a_clock_that_goes_back_learns_nothing_before_what_was_known(orders: Orders, clock: Clock) -> None:
    give(orders, placing())
    clock.set("09:59")
    assert orders.handle(cancelling("c"), by=BUYER).rule == "TIME-2"
    clock.set("12:00")
    give(orders, cancelling("d", items={"A": 1}), by=BUYER)
    clock.set("11:00")
    give(orders, cancelling("e", items={"B": 1}), by=BUYER)
    recorded = [event[2] for event in learned(orders)]
    assert recorded == sorted(recorded)
