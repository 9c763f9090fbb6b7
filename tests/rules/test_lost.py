"""LOST-1: no buyer waits for ever."""

import pytest

from book import Book


def shipped(*, fulfilled_by="marketplace", at="12:00"):
    book = Book()
    seller = "M1" if fulfilled_by == "seller" else None
    book.place("O1", items={"A": 2000}, at="10:00", seller=seller, fulfilled_by=fulfilled_by)
    book.ship("S1", contents={"O1": "all"}, at=at, kind="own")
    return book


def handed_over_return(*, fulfilled_by="marketplace", quantity=1):
    """Delivered on day 1, return started on day 2, handed over on day 3 at 09:00."""
    book = Book()
    seller = "M1" if fulfilled_by == "seller" else None
    book.place(
        "O1",
        items={"A": {"quantity": quantity, "unit_price": 2000}},
        at="10:00",
        seller=seller,
        fulfilled_by=fulfilled_by,
    )
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="+1d 12:00")
    book.accept("start-return", order_id="O1", items="all", reason="changed-mind", at="+2d 09:00")
    book.accept("hand-over-return", return_id="O1:return:1", at="+3d 09:00")
    return book


def assert_lost_strictly_after(book, instant):
    """Exactly at its deadline nothing is lost; a millisecond later everything is."""
    before = book.states("O1")
    book.accept("pass-time", at=instant)
    assert book.states("O1") == before
    book.accept("pass-time", at=f"{instant}:00.001")
    assert set(book.states("O1")["A"]) == {"lost"}


def test_lost_1_a_shipped_parcel_is_taken_as_lost_strictly_after_45_days():
    assert_lost_strictly_after(shipped(), "+45d 12:00")


def test_lost_1_the_refund_is_due_in_full_at_the_deadlines_own_time():
    book = shipped()
    book.accept("pass-time", at="+60d 00:00")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["cause"], refund["rule"], refund["status"]) == ("lost", "LOST-1", "due")
    assert (refund["amount"], refund["deductions"]) == (2000, [])
    assert refund["due_at"] == "2026-02-19T12:00:00Z"
    assert refund["payouts"][0]["promised_by"] == "2026-02-26T12:00:00Z"
    assert book.shipment("S1")["state"] == "lost"


def test_lost_1_out_for_delivery_counts_from_the_dispatch():
    book = shipped()
    book.accept("start-delivery", shipment_id="S1", at="+44d 09:00")
    assert_lost_strictly_after(book, "+45d 12:00")


def test_lost_1_a_failed_attempt_does_not_start_the_days_again():
    book = shipped()
    book.accept("start-delivery", shipment_id="S1", at="+43d 09:00")
    book.accept("fail-attempt", shipment_id="S1", at="+43d 15:00")
    assert_lost_strictly_after(book, "+45d 12:00")


def test_lost_1_an_inferred_dispatch_counts_like_a_reported_one():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept(
        "pack-shipment",
        shipment_id="S1",
        contents=[{"order_id": "O1", "items": "all"}],
        carrier={"name": "Vans", "kind": "own"},
        at="11:00",
    )
    book.accept("start-delivery", shipment_id="S1", at="+2d 09:00")
    assert_lost_strictly_after(book, "+47d 09:00")


def test_lost_1_a_packed_parcel_that_was_never_dispatched_is_not_taken_as_lost():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept(
        "pack-shipment",
        shipment_id="S1",
        contents=[{"order_id": "O1", "items": "all"}],
        carrier={"name": "Vans", "kind": "own"},
        at="11:00",
    )
    book.accept("pass-time", at="+80d 00:00")
    assert book.states("O1") == {"A": ["preparing"]}


@pytest.mark.parametrize("report", ["refuse-delivery", "turn-back"])
def test_lost_1_what_was_turned_is_taken_as_lost_strictly_after_30_days(report):
    book = shipped()
    book.accept(report, shipment_id="S1", at="+3d 15:00")
    assert_lost_strictly_after(book, "+33d 15:00")


def test_lost_1_the_30_days_count_from_the_last_turn():
    book = shipped()
    book.accept("turn-back", shipment_id="S1", at="+1d 09:00")
    book.accept("refuse-delivery", shipment_id="S1", at="+5d 09:00")
    assert_lost_strictly_after(book, "+35d 09:00")


def test_lost_1_a_parcel_on_its_way_back_no_longer_counts_from_its_dispatch():
    book = shipped()
    book.accept("refuse-delivery", shipment_id="S1", at="+40d 09:00")
    assert_lost_strictly_after(book, "+70d 09:00")


def test_lost_1_a_parcel_turned_back_by_an_approval_counts_from_the_approval():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    book.accept("request-cancellation", order_id="O1", items="all", at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="+1d 14:00")
    assert_lost_strictly_after(book, "+31d 14:00")


def test_lost_1_a_return_handed_over_30_days_ago_and_not_received_is_taken_as_lost():
    assert_lost_strictly_after(handed_over_return(), "+33d 09:00")


def test_lost_1_a_lost_return_is_refunded_in_full_without_deductions():
    book = handed_over_return()
    book.accept("pass-time", at="+34d 00:00")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["cause"], refund["rule"], refund["amount"]) == ("lost", "LOST-1", 2000)
    assert (refund["deductions"], refund["due_at"]) == ([], "2026-02-07T09:00:00Z")
    assert book.show("O1")["returns"][0]["status"] == "lapsed"


def test_lost_1_only_the_rest_of_a_partly_received_return_is_taken_as_lost():
    book = handed_over_return(quantity=2)
    book.accept(
        "receive-return",
        return_id="O1:return:1",
        at="+5d 09:00",
        received=[{"item_id": "A", "quantity": 1, "condition": "unopened"}],
    )
    book.accept("pass-time", at="+34d 00:00")
    assert book.states("O1") == {"A": ["returned", "lost"]}
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [1500, 2000]
    assert book.show("O1")["returns"][0]["status"] == "received"


def test_lost_1_delivery_exactly_at_the_deadline_is_still_in_time():
    book = shipped()
    book.accept("deliver", shipment_id="S1", at="+45d 12:00")
    assert book.states("O1") == {"A": ["delivered"]}


def test_lost_1_delivery_after_the_deadline_is_noted_once_the_loss_is_recorded():
    book = shipped()
    assert book.run("deliver", shipment_id="S1", at="+45d 12:00:00.001")["status"] == "noted"
    assert book.states("O1") == {"A": ["lost"]}
    assert len(book.show("O1")["refunds"]) == 1


def test_lost_1_a_delivery_dated_earlier_that_is_learned_after_the_loss_is_noted():
    book = shipped()
    book.accept("pass-time", at="+46d 00:00")
    assert book.run("deliver", shipment_id="S1", at="+44d 12:00")["status"] == "noted"
    assert book.states("O1") == {"A": ["lost"]}


def test_lost_1_a_lost_parcel_that_arrives_at_the_warehouse_is_noted():
    book = shipped()
    book.accept("turn-back", shipment_id="S1", at="+1d 09:00")
    book.accept("pass-time", at="+32d 00:00")
    assert book.run("receive-return", shipment_id="S1", at="+33d 00:00")["status"] == "noted"
    assert book.states("O1") == {"A": ["lost"]}
    assert len(book.show("O1")["refunds"]) == 1


def combined():
    book = Book()
    book.place("O1", items={"A": 2000, "C": 100}, at="10:00")
    book.place("O2", items={"B": 3000}, at="10:05")
    book.ship("S1", contents={"O1": {"A": 1}, "O2": {"B": 1}}, at="12:00", kind="own")
    return book


def test_lost_1_a_parcel_is_lost_as_a_whole_for_all_its_orders():
    book = combined()
    book.accept("pass-time", at="+46d 00:00")
    assert book.states("O1") == {"A": ["lost"], "C": ["placed"]}
    assert book.states("O2") == {"B": ["lost"]}
    assert [book.show(order)["refunds"][0]["amount"] for order in ("O1", "O2")] == [2000, 3000]


def test_lost_1_a_command_on_one_order_of_the_parcel_records_the_loss_for_the_other_too():
    book = combined()
    book.accept("cancel-items", order_id="O1", items={"C": 1}, at="+46d 00:00")
    assert book.states("O1") == {"A": ["lost"], "C": ["cancelled"]}
    assert book.states("O2") == {"B": ["lost"]}
    assert book.show("O2")["refunds"][0]["due_at"] == "2026-02-19T12:00:00Z"


def test_lost_1_an_open_request_to_the_carrier_lapses_with_the_loss():
    book = shipped()
    book.accept("request-cancellation", order_id="O1", items="all", at="+40d 13:00")
    book.accept("pass-time", at="+46d 00:00")
    assert book.show("O1")["requests"][0]["status"] == "lapsed"
    book.reject("answer-cancellation", "ORDER-5", request_id="O1:request:1", approve=True, at="+46d 01:00")


@pytest.mark.parametrize("report", [None, "start-delivery", "refuse-delivery", "turn-back"])
def test_lost_1_seller_fulfilled_parcels_are_never_taken_as_lost(report):
    book = shipped(fulfilled_by="seller")
    if report:
        book.accept(report, shipment_id="S1", at="+1d 09:00")
    before = book.states("O1")
    book.accept("pass-time", at="+85d 00:00")
    assert book.states("O1") == before
    assert book.show("O1")["refunds"] == []


def test_lost_1_seller_fulfilled_returns_are_never_taken_as_lost():
    book = handed_over_return(fulfilled_by="seller")
    book.accept("pass-time", at="+85d 00:00")
    assert book.states("O1") == {"A": ["in-return"]}


def test_lost_1_goods_of_a_seller_fulfilled_by_the_marketplace_are_taken_as_lost():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", seller="M1", fulfilled_by="marketplace")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    assert_lost_strictly_after(book, "+45d 12:00")
