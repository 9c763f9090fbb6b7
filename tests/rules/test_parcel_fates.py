"""RULEBOOK sections 4, 5 and 8: parcels some of whose units have left their fate by a claim; and what SCAN-3 lists."""

import pytest

from book import Book


def both(book, command, **fields):
    contents = [{"order_id": "O1", "items": "all"}, {"order_id": "O2", "items": "all"}]
    book.accept(
        command, shipment_id="S1", contents=contents, carrier={"name": "Vans", "kind": "own"}, at="10:10", **fields
    )


def claimed(state, paid=True):
    """Two orders of one buyer and seller in the parcel S1; O2's unit B is claimed, granted and (if asked) refunded."""
    book = Book()
    for order_id, items in (("O1", {"A": 2000}), ("O2", {"B": 3000})):
        book.place(order_id, items=items, seller="M1", fulfilled_by="seller", at="10:00")
    both(book, "pack-shipment" if state == "preparing" else "dispatch-shipment")
    book.accept("file-claim", order_id="O2", items="all", at="+30d 11:00")
    book.accept("decide-claim", claim_id="O2:claim:1", approve=True, at="+30d 12:00")
    if paid:
        payout = {"refund_id": "O2:refund:1", "payment_id": "P1", "outcome": "paid", "reference": "R1"}
        book.accept("report-payout", at="+30d 13:00", **payout)
    return book


def states(book):
    return [book.show(order_id)["state"] for order_id in ("O1", "O2")]


def approve(book, **fields):
    return book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="+30d 15:00", **fields)


def ask(book, **fields):
    return book.accept("request-cancellation", order_id="O1", items="all", at="+30d 14:00", **fields)


@pytest.mark.parametrize("scope", ["parcel", "units"])
def test_combined_1_a_settled_unit_does_not_go_along_and_the_emptied_parcel_is_cancelled(scope):
    book = claimed("preparing")
    ask(book)
    approve(book, scope=scope)
    assert states(book) == ["cancelled", "refunded"]
    assert book.shipment("S1")["state"] == "cancelled"
    assert len(book.show("O2")["refunds"]) == 1


def test_combined_1_a_unit_under_a_granted_claim_goes_along_but_is_refunded_once():
    book = claimed("preparing", paid=False)
    fields = {"order_id": "O1", "items": "all", "at": "+30d 14:00"}
    listed = book.reject("request-cancellation", "COMBINED-1", **fields)["cascade"]
    assert listed == [{"order_id": "O2", "item_id": "B", "quantity": 1}]
    ask(book, accept_cascade=True)
    approve(book)
    assert states(book) == ["cancelled", "cancelled"]
    assert [refund["cause"] for refund in book.show("O2")["refunds"]] == ["claim"]


def test_pack_2_unpacking_leaves_a_settled_unit_settled():
    book = claimed("preparing")
    book.accept("unpack-shipment", shipment_id="S1", at="+30d 14:00")
    assert states(book) == ["with-seller", "refunded"]


@pytest.mark.parametrize("paid", [True, False])
def test_scan_1_dispatch_and_delivery_move_what_still_goes_with_the_parcel(paid):
    book = claimed("preparing", paid=paid)
    book.accept("dispatch-shipment", shipment_id="S1", at="+30d 14:00")
    assert states(book) == ["shipped", "refunded" if paid else "shipped"]
    book.accept("deliver", shipment_id="S1", at="+30d 15:00")
    assert states(book) == ["delivered", "refunded" if paid else "delivered"]


def exceptions(book, order_id):
    """What SCAN-3 recorded: its kind and the value at risk."""
    return [
        (event["kind"], event["amount"])
        for event in book.events(order_id)
        if event["rule"] == "SCAN-3" and "amount" in event
    ]


@pytest.mark.parametrize("paid", [True, False])
def test_scan_3_delivering_units_settled_or_under_refund_is_an_exception_of_their_value(paid):
    book = claimed("shipped", paid=paid)
    book.accept("deliver", shipment_id="S1", at="+30d 14:00")
    assert (exceptions(book, "O1"), exceptions(book, "O2")) == ([], [("delivered-after-refund", 3000)])


def test_scan_3_delivering_what_was_intercepted_is_one_exception_an_order_and_report():
    book = Book()
    book.place("O1", items={"A": 2000, "B": {"quantity": 2, "unit_price": 50, "tax": 7}}, at="10:00")
    book.place("O2", items={"C": 3000}, at="10:00")
    both(book, "dispatch-shipment")
    book.accept("request-cancellation", order_id="O1", items="all", accept_cascade=True, at="11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="12:00")
    book.run("deliver", shipment_id="S1", at="13:00")
    assert exceptions(book, "O1") == [("delivered-after-refund", 2107)]
    assert exceptions(book, "O2") == [("delivered-after-refund", 3000)]
    book.run("deliver", shipment_id="S1", at="13:00")
    assert len(exceptions(book, "O1")) == 1
    assert states(book) == ["cancelled", "cancelled"]


def test_scan_3_a_delivery_of_a_lost_parcel_is_noted_and_an_exception():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="11:00")
    book.accept("lose-shipment", shipment_id="S1", at="12:00")
    assert book.run("deliver", shipment_id="S1", at="13:00")["status"] == "noted"
    assert (book.states("O1"), exceptions(book, "O1")) == ({"A": ["lost"]}, [("delivered-after-refund", 2000)])


def test_scan_3_an_ordinary_delivery_is_no_exception():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="11:00")
    book.accept("deliver", shipment_id="S1", at="12:00")
    assert exceptions(book, "O1") == []


@pytest.mark.parametrize("state", ["preparing", "shipped"])
def test_combined_1_a_request_may_span_parcels_and_takes_the_rest_of_each(state):
    book = Book()
    book.place("O1", items={"A": {"quantity": 2, "unit_price": 100}}, at="10:00")
    for number in (2, 3):
        book.place(f"O{number}", items={"B": 3000}, at="10:00")
        contents = [{"order_id": "O1", "items": {"A": 1}}, {"order_id": f"O{number}", "items": "all"}]
        command = "pack-shipment" if state == "preparing" else "dispatch-shipment"
        carrier = {"name": "Vans", "kind": "own"}
        book.accept(command, shipment_id=f"S{number}", contents=contents, carrier=carrier, at="11:00")
    fields = {"order_id": "O1", "items": "all", "at": "12:00"}
    assert book.reject("request-cancellation", "COMBINED-1", **fields)["cascade"] == [
        {"order_id": "O2", "item_id": "B", "quantity": 1},
        {"order_id": "O3", "item_id": "B", "quantity": 1},
    ]
    book.accept("request-cancellation", **fields, accept_cascade=True)
    result = book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="13:00")
    assert result["order_ids"] == ["O1", "O2", "O3"]
    assert [book.show(order_id)["state"] for order_id in ("O1", "O2", "O3")] == ["cancelled"] * 3


def test_combined_1_a_direct_cancellation_takes_along_what_could_not_be_cancelled_directly_itself():
    book = Book()
    book.place("O2", items={"B": 3000}, seller="M1", fulfilled_by="seller", at="09:00")
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller", at="10:00")
    both(book, "pack-shipment")
    book.reject("cancel-items", "SELLER-2", order_id="O2", items="all", accept_cascade=True, at="10:20")
    book.accept("cancel-items", order_id="O1", items="all", accept_cascade=True, at="10:20")
    assert states(book) == ["cancelled", "cancelled"]
    assert book.show("O2")["refunds"][0]["rule"] == "SELLER-1"
