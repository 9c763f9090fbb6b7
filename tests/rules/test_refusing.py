"""REFUSE-1 and REFUSE-2: parcels that are refused at the door, turned back or lost on their way."""

import pytest

from book import Book


def parcel(*, fulfilled_by="marketplace", kind="partner", mail_class=None, items=None):
    """One order in one parcel, dispatched at 12:00."""
    book = Book()
    seller = "M1" if fulfilled_by == "seller" else None
    book.place("O1", items=items or {"A": 2000}, at="10:00", seller=seller, fulfilled_by=fulfilled_by)
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind=kind, mail_class=mail_class)
    return book


def refund(book, order_id="O1", number=0):
    return book.show(order_id)["refunds"][number]


def to_shipped(book):
    """It is already."""


def to_out_for_delivery(book):
    book.accept("start-delivery", shipment_id="S1", at="+1d 09:00")


def to_returning(book):
    book.accept("turn-back", shipment_id="S1", at="+1d 09:00")


@pytest.mark.parametrize("reach", [to_shipped, to_out_for_delivery, to_returning])
def test_refuse_1_a_parcel_that_comes_can_be_refused_at_the_door(reach):
    book = parcel()
    reach(book)
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    assert book.states("O1") == {"A": ["refused"]}
    assert book.shipment("S1")["state"] == "refused"
    assert book.show("O1")["refunds"] == []


def test_refuse_1_the_refund_is_due_in_full_when_the_refused_parcel_is_received():
    book = parcel(items={"A": {"quantity": 1, "unit_price": 2000, "tax": 200, "shipping": 300, "discount": 100}})
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert book.states("O1") == {"A": ["returned"]}
    assert book.shipment("S1")["state"] == "returned"
    owed = refund(book)
    assert (owed["cause"], owed["rule"], owed["status"]) == ("refused", "REFUSE-1", "due")
    assert (owed["amount"], owed["deductions"], owed["items"]) == (2400, [], {"A": 1})
    assert owed["due_at"] == "2026-01-09T08:00:00Z"


def test_refuse_1_the_whole_parcel_goes_back_and_each_order_gets_its_own_refund():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000}, at="10:05")
    book.ship("S1", contents={"O1": "all", "O2": "all"}, at="12:00", kind="own")
    r = book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    assert r["order_ids"] == ["O1", "O2"]
    assert book.states("O1") == {"A": ["refused"]}
    assert book.states("O2") == {"B": ["refused"]}
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert [refund(book, "O1")["amount"], refund(book, "O2")["amount"]] == [2000, 3000]
    assert [refund(book, "O1")["refund_id"], refund(book, "O2")["refund_id"]] == ["O1:refund:1", "O2:refund:1"]


def test_refuse_1_a_refused_refund_is_not_deferred_while_other_units_are_unshipped():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.ship("S1", contents={"O1": {"A": 1}}, at="12:00", kind="own")
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert book.states("O1") == {"A": ["returned"], "B": ["placed"]}
    assert (refund(book)["status"], refund(book)["amount"]) == ("due", 2000)


def test_refuse_1_a_delivered_parcel_can_no_longer_be_refused_the_report_is_noted():
    book = parcel()
    book.accept("deliver", shipment_id="S1", at="+1d 15:00")
    before = book.events("O1")
    assert book.run("refuse-delivery", shipment_id="S1", at="+1d 15:30")["status"] == "noted"
    assert book.states("O1") == {"A": ["delivered"]}
    assert book.events("O1") == before
    assert book.shipment("S1")["history"][-1]["effect"] == "noted"


def test_refuse_1_the_same_refusal_reported_again_is_quiet():
    book = parcel()
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    before = book.shipment("S1")
    again = book.run("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    assert (again["status"], again["events"]) == ("noted", [])
    assert book.shipment("S1") == before


def test_refuse_1_a_refused_parcel_that_is_delivered_after_all_is_delivered():
    book = parcel()
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("deliver", shipment_id="S1", at="+1d 17:00")
    assert book.states("O1") == {"A": ["delivered"]}
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+31d 17:00")


def test_refuse_1_a_delivery_dated_before_the_refusal_is_noted():
    book = parcel()
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    assert book.run("deliver", shipment_id="S1", at="+1d 14:59")["status"] == "noted"
    assert book.states("O1") == {"A": ["refused"]}


def test_refuse_1_a_refusal_of_a_parcel_still_in_preparation_proves_its_dispatch():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept(
        "pack-shipment",
        shipment_id="S1",
        contents=[{"order_id": "O1", "items": "all"}],
        carrier={"name": "Vans", "kind": "own"},
        at="11:00",
    )
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    assert book.states("O1") == {"A": ["refused"]}
    assert "inferred" in [entry["effect"] for entry in book.shipment("S1")["history"]]


def test_refuse_1_refusing_an_unknown_parcel_is_order_2():
    parcel().reject("refuse-delivery", "ORDER-2", shipment_id="S9", at="+1d 15:00")


def test_refuse_1_seller_fulfilled_goods_are_refused_too_and_the_seller_processes_the_refund():
    book = parcel(fulfilled_by="seller")
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00", actor="seller", actor_id="M1")
    assert (refund(book)["cause"], refund(book)["amount"]) == ("refused", 2000)
    assert refund(book)["processor"] != "marketplace"


@pytest.mark.parametrize("mail_class", [None, "first-class", "parcel-post"])
def test_refuse_2_refusing_is_free_for_every_mail_class_under_the_default_policy(mail_class):
    book = parcel(mail_class=mail_class)
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert (refund(book)["amount"], refund(book)["deductions"]) == (2000, [])


def test_return_5_a_parcel_is_received_once():
    book = parcel()
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    book.reject("receive-return", "RETURN-5", shipment_id="S1", at="+4d 09:00")
    assert len(book.show("O1")["refunds"]) == 1


@pytest.mark.parametrize("report", [None, "start-delivery", "deliver"])
def test_return_5_a_parcel_that_is_not_coming_back_is_not_received(report):
    book = parcel()
    if report:
        book.accept(report, shipment_id="S1", at="+1d 15:00")
    book.reject("receive-return", "RETURN-5", shipment_id="S1", at="+4d 08:00")


def test_return_5_a_parcel_in_preparation_is_not_received():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept(
        "pack-shipment",
        shipment_id="S1",
        contents=[{"order_id": "O1", "items": "all"}],
        carrier={"name": "Vans", "kind": "own"},
        at="11:00",
    )
    book.reject("receive-return", "RETURN-5", shipment_id="S1", at="12:00")


def test_scan_1_a_parcel_turned_back_unasked_is_refunded_in_full_as_undeliverable():
    book = parcel(mail_class="parcel-post")
    book.accept("turn-back", shipment_id="S1", at="+1d 15:00")
    assert (book.states("O1"), book.show("O1")["refunds"]) == ({"A": ["returning"]}, [])
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    owed = refund(book)
    assert (owed["cause"], owed["rule"], owed["status"]) == ("undeliverable", "SCAN-1", "due")
    assert (owed["amount"], owed["deductions"]) == (2000, [])


@pytest.mark.parametrize("reach", [to_shipped, to_out_for_delivery, to_returning])
def test_scan_1_a_lost_parcel_is_refunded_in_full_and_at_once(reach):
    book = parcel()
    reach(book)
    book.accept("lose-shipment", shipment_id="S1", at="+2d 08:00")
    assert book.states("O1") == {"A": ["lost"]}
    owed = refund(book)
    assert (owed["cause"], owed["rule"], owed["status"]) == ("lost", "SCAN-1", "due")
    assert (owed["amount"], owed["due_at"]) == (2000, "2026-01-07T08:00:00Z")


def test_scan_1_what_was_reported_lost_and_turns_up_is_noted_and_makes_no_second_refund():
    book = parcel()
    book.accept("lose-shipment", shipment_id="S1", at="+2d 08:00")
    assert book.run("deliver", shipment_id="S1", at="+3d 08:00")["status"] == "noted"
    assert book.run("receive-return", shipment_id="S1", at="+3d 09:00")["status"] == "noted"
    assert book.states("O1") == {"A": ["lost"]}
    assert len(book.show("O1")["refunds"]) == 1


def test_cancel_4_units_turned_back_by_an_approval_are_refunded_as_cancelled_when_received():
    book = parcel(kind="partner")
    book.accept("request-cancellation", order_id="O1", items="all", at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="14:00")
    assert (book.states("O1"), book.show("O1")["refunds"]) == ({"A": ["returning"]}, [])
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    owed = refund(book)
    assert (owed["cause"], owed["rule"], owed["status"]) == ("cancelled", "CANCEL-4", "due")
    assert (owed["amount"], owed["due_at"]) == (2000, "2026-01-09T08:00:00Z")


def test_cancel_4_units_turned_back_are_due_on_receipt_even_while_others_are_unshipped():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.ship("S1", contents={"O1": {"A": 1}}, at="12:00", kind="partner")
    book.accept("request-cancellation", order_id="O1", items={"A": 1}, at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="14:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert (refund(book)["status"], refund(book)["amount"]) == ("due", 2000)
