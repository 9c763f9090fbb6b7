"""`timeline`: an order's history in words, with what was tried in vain, each where it belongs."""

import json
from typing import Any

import pytest

from ordertrail.application import Orders, TimelineEntry
from shop import BUYER, CARRIER, SELLER, WAREHOUSE, Clock, cancelling, give, instant, line, packing, placing, scan


def told(entries: list[TimelineEntry]) -> list[tuple[str, str | None, str]]:
    """Of each entry: its first words, its rule, its status."""
    return [(entry.what.partition(":")[0].partition(" of ")[0], entry.rule, entry.status) for entry in entries]


def test_a_history_in_words_with_the_attempts_where_they_were_made(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    clock.set("10:10")
    give(orders, cancelling("c1", items={"A": 1}, reason="mistake"), by=BUYER)
    clock.set("10:31")
    assert orders.handle(cancelling("c2", items={"B": 1}), by=BUYER).rule == "SELLER-2"
    clock.set("10:32")
    give(orders, packing("pack", items={"B": 1}), by=SELLER)
    clock.set("10:40")
    give(orders, scan("deliver", "deliver"), by=CARRIER)
    assert orders.handle(scan("start-delivery", "late", at="10:35"), by=CARRIER).status == "noted"
    entries = orders.timeline("O1")
    assert told(entries) == [
        ("order placed", "ORDER-1", "recorded"),
        ("items cancelled", "SELLER-1", "recorded"),
        ("refund O1", "PARTIAL-1", "recorded"),
        ("seller window closed", "SELLER-1", "recorded"),
        ("cancel-items", "SELLER-2", "rejected"),
        ("items packed", "PACK-1", "recorded"),
        ("items dispatched", "SCAN-2", "recorded"),
        ("items delivered", "SCAN-1", "recorded"),
        ("refund O1", "PARTIAL-1", "recorded"),
        ("start-delivery S1", None, "noted"),
    ]
    assert [entry.version for entry in entries if entry.status == "recorded"] == list(range(1, 9))
    tried = entries[4]
    assert (tried.at, tried.recorded_at) == (instant("10:31"), instant("10:31"))
    assert (tried.who, tried.command_id, tried.version) == ("buyer B1", "c2", None)
    assert tried.what == "cancel-items of 1 × B: the seller window closed at 2026-01-05T10:30:00Z"


def test_time_1_a_deadline_has_its_own_time_and_is_learned_when_somebody_comes(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    asked = {"command": "request-cancellation", "command_id": "r", "order_id": "O1", "items": {"A": 1}}
    clock.set("11:00")
    give(orders, asked, by=BUYER)
    clock.set("+9d 12:00")
    answer = {"command": "answer-cancellation", "command_id": "a", "request_id": "O1:request:1", "approve": True}
    assert orders.handle(answer, by=SELLER).rule == "ORDER-5"
    entries = {entry.what.partition(":")[0]: entry for entry in orders.timeline("O1")}
    closed, lapsed = entries["seller window closed"], entries["request O1"]
    assert (closed.at, closed.recorded_at, closed.who) == (instant("10:30"), instant("11:00"), "system")
    assert (lapsed.at, lapsed.recorded_at, lapsed.who) == (instant("+2d 11:00"), instant("+9d 12:00"), "system")
    assert lapsed.what == "request O1:request:1 lapsed: unanswered"
    assert [entry.status for entry in orders.timeline("O1")][-2:] == ["recorded", "rejected"]


def test_a_late_report_stands_where_it_was_learned_with_the_time_at_which_it_happened(
    orders: Orders, clock: Clock
) -> None:
    give(orders, placing())
    give(orders, packing("pack"), by=WAREHOUSE)
    clock.set("+3d 10:00")
    give(orders, scan("deliver", "deliver", at="+1d 10:00"), by=CARRIER)
    last = orders.timeline("O1")[-1]
    assert (last.at, last.recorded_at, last.who) == (instant("+1d 10:00"), instant("+3d 10:00"), "carrier")
    assert last.what == "items delivered: 1 × A, 1 × B (parcel S1)"
    assert "inferred" in orders.timeline("O1")[-2].what


def test_an_attempt_through_a_parcel_is_shown_by_every_order_in_it(orders: Orders) -> None:
    for order_id in ("O1", "O2", "O3"):
        give(orders, placing(order_id))
    packed = packing("pack")
    packed["contents"] = [{"order_id": order_id, "items": "all"} for order_id in ("O1", "O2")]
    give(orders, packed, by=WAREHOUSE)
    assert orders.handle(scan("deliver", "d"), by=BUYER).rule == "AUTH-1"
    for order_id, attempts in (("O1", 1), ("O2", 1), ("O3", 0)):
        assert [e.status for e in orders.timeline(order_id)].count("rejected") == attempts


def test_several_attempts_in_a_row_keep_their_order_and_repeats_are_not_told_again(
    orders: Orders,
) -> None:
    give(orders, placing())
    give(orders, cancelling("all"), by=BUYER)
    for _ in range(2):
        for name in ("c3", "c1", "c2"):
            orders.handle(cancelling(name, items={"A": 1}), by=BUYER)
    entries = orders.timeline("O1")
    assert [entry.command_id for entry in entries if entry.status == "rejected"] == ["c3", "c1", "c2"]
    assert [entry.status for entry in entries][-3:] == ["rejected"] * 3


def test_order_0_a_used_id_is_told_as_an_attempt_beside_the_first(orders: Orders) -> None:
    give(orders, placing())
    give(orders, cancelling("mine", items={"A": 1}), by=BUYER)
    orders.handle(cancelling("mine", items={"B": 1}), by=BUYER)
    assert [(entry.rule, entry.status) for entry in orders.timeline("O1")] == [
        ("ORDER-1", "recorded"),
        ("CANCEL-1", "recorded"),
        ("PARTIAL-1", "recorded"),
        ("ORDER-0", "rejected"),
    ]


def test_a_first_placing_that_was_rejected_leaves_no_order(orders: Orders) -> None:
    wrong = placing() | {"payments": [{"payment_id": "P1", "method": "credit-card", "amount": 1}]}
    assert orders.handle(wrong, by=BUYER).status == "rejected"
    give(orders, placing() | {"command_id": "again"})
    assert [entry.rule for entry in orders.timeline("O1")] == ["ORDER-1"]


def test_who_acted_in_a_log_is_the_natural_one_where_none_is_named(orders: Orders) -> None:
    lines = [line(placing(), "10:00"), line(cancelling("c", items={"A": 1}), "10:01")]
    assert [result.status for result in orders.run(lines)] == ["accepted", "accepted"]
    assert [entry.who for entry in orders.timeline("O1")] == ["marketplace", "buyer", "buyer"]


@pytest.mark.parametrize(
    ("seller", "command", "who"),
    [
        (None, packing("again", "S2"), "warehouse"),
        ("M1", packing("again", "S2"), "seller"),
        (None, {"command": "unpack-shipment", "shipment_id": "S1"}, "warehouse"),
        ("M1", {"command": "receive-return", "shipment_id": "S1"}, "seller"),
        (None, {"command": "deliver", "shipment_id": "S1"}, "carrier"),
        (None, placing() | {"command_id": "again"}, "marketplace"),
        (None, {"command": "file-claim", "order_id": "O1", "items": "all"}, "buyer"),
        ("M1", {"command": "submit-payout", "refund_id": "O1:refund:1", "payment_id": "P2"}, "seller"),
        (None, {"command": "submit-payout", "refund_id": "O1:refund:1", "payment_id": "P2"}, "marketplace"),
        (None, {"command": "answer-cancellation", "request_id": "O1:request:1", "approve": True}, "carrier"),
        ("M1", {"command": "answer-cancellation", "request_id": "O1:request:1", "approve": True}, "seller"),
    ],
    ids=lambda value: value["command"] if isinstance(value, dict) else None,
)
def test_auth_1_who_tried_in_vain_is_the_natural_one_where_none_is_named(
    seller: str | None, command: dict[str, Any], who: str, orders: Orders
) -> None:
    """A is cancelled; B's cancellation was asked and lapsed, for its parcel was delivered. Then comes the attempt."""
    asked = {"command": "request-cancellation", "command_id": "r", "order_id": "O1", "items": {"B": 1}}
    sent = scan("dispatch-shipment", "sent")
    life = [
        (placing(seller=seller), "10:00"),
        (cancelling("c", items={"A": 1}), "10:01"),
        (packing("pack", items={"B": 1}), "11:00"),
        *([(asked, "11:10"), (sent, "12:00")] if seller else [(sent, "12:00"), (asked, "12:10")]),
        (scan("deliver", "came"), "13:00"),
    ]
    lines = [line(given, at) for given, at in life]
    assert {result.status for result in orders.run(lines)} == {"accepted"}
    [result] = orders.run([line({"command_id": "tried"} | command, "13:00")])
    assert result.status in ("rejected", "noted")
    assert orders.timeline("O1")[-1].who == who


def test_refund_3_who_tried_to_pay_is_told_as_of_then(orders: Orders) -> None:
    """The seller processed the refund when it was tried; now the marketplace has taken it over (CLAIM-2)."""
    pay = {"command": "submit-payout", "refund_id": "O1:refund:1", "payment_id": "P2"}
    life = [
        (placing(seller="M1"), "10:00"),
        (cancelling("c"), "10:01"),
        (pay | {"command_id": "before"}, "10:02"),
        ({"command": "file-claim", "command_id": "f", "order_id": "O1", "items": "all"}, "+20d 10:00"),
        ({"command": "decide-claim", "command_id": "d", "claim_id": "O1:claim:1", "approve": True}, "+20d 11:00"),
        (pay | {"command_id": "after"}, "+20d 12:00"),
    ]
    told = [result.status for result in orders.run([line(given, at) for given, at in life])]
    assert told == ["accepted", "accepted", "rejected", "accepted", "accepted", "rejected"]
    assert [e.who for e in orders.timeline("O1") if e.status == "rejected"] == ["seller", "marketplace"]


def test_amounts_are_told_in_the_currencys_digits(orders: Orders) -> None:
    life = [(placing() | {"currency": "JPY"}, "10:00"), (cancelling("c"), "10:01")]
    assert {result.status for result in orders.run([line(given, at) for given, at in life])} == {"accepted"}
    placed, _, owed = orders.timeline("O1")
    assert placed.what == "order placed: 1 × A, 1 × B, 5,000 JPY paid"
    assert owed.what == "refund O1:refund:1 of 5,000 JPY due for 1 × A, 1 × B (cancelled): 5,000 JPY to P1"


def test_an_entry_as_json(orders: Orders) -> None:
    give(orders, placing())
    entry = orders.timeline("O1")[0].to_dict()
    assert json.loads(json.dumps(entry)) == {
        "at": "2026-01-05T10:00:00Z",
        "recorded_at": "2026-01-05T10:00:00Z",
        "who": "marketplace",
        "what": "order placed: 1 × A, 1 × B, 50.00 USD paid",
        "rule": "ORDER-1",
        "status": "recorded",
        "version": 1,
        "command_id": "place-O1",
    }
