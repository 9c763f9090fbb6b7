"""RULEBOOK section 4: what shares a parcel shares its fate, if whoever cancels has accepted that (COMBINED-1)."""

import pytest

from book import Book

O2B = [{"order_id": "O2", "item_id": "B", "quantity": 1}]
MARKETPLACE = {}
SELLER = {"seller": "M1", "fulfilled_by": "seller"}


def pack(book, shipment_id="S1", at="10:10", kind="own", **orders):
    contents = [{"order_id": order_id, "items": items} for order_id, items in orders.items()]
    carrier = {"name": "Carrier", "kind": kind}
    book.accept("pack-shipment", shipment_id=shipment_id, contents=contents, carrier=carrier, at=at)


def two_orders(kind="own", state="preparing", **by):
    """Orders O1 (A at 2000) and O2 (B at 3000) of one buyer in the parcel S1."""
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", **by)
    book.place("O2", items={"B": 3000}, at="10:00", **by)
    pack(book, kind=kind, O1="all", O2="all")
    if state != "preparing":
        book.accept("dispatch-shipment", shipment_id="S1", at="10:15")
    if state == "out-for-delivery":
        book.accept("start-delivery", shipment_id="S1", at="10:20")
    return book


def ask(book, at="11:00", order_id="O1", items="all"):
    fields = {"order_id": order_id, "items": items, "accept_cascade": True}
    return book.accept("request-cancellation", at=at, **fields)


def approve(book, at="12:00", request_id="O1:request:1", **fields):
    return book.accept("answer-cancellation", request_id=request_id, approve=True, at=at, **fields)


def states(book):
    return [book.show(order_id)["state"] for order_id in ("O1", "O2")]


def refunds(book, order_id):
    keys = ("refund_id", "amount", "status", "rule")
    return [tuple(refund[key] for key in keys) for refund in book.show(order_id)["refunds"]]


@pytest.mark.parametrize("accepted", [{}, {"accept_cascade": False}, {"accept_cascade": None}])
def test_combined_1_worked_example_5_without_acceptance_the_request_is_rejected_and_names_the_other(accepted):
    book = two_orders()
    fields = {"order_id": "O1", "items": {"A": 1}, "at": "11:00"}
    result = book.reject("request-cancellation", "COMBINED-1", **fields, **accepted)
    assert result["cascade"] == O2B
    assert (states(book), book.show("O1")["requests"]) == (["preparing", "preparing"], [])
    assert book.show("O2")["version"] == 2


def test_combined_1_worked_example_5_approved_both_orders_are_cancelled_at_once_with_a_refund_each():
    book = two_orders()
    ask(book)
    result = approve(book)
    assert result["order_ids"] == ["O1", "O2"]
    assert {event.get("order_id") for event in result["events"]} >= {"O1", "O2"}
    assert states(book) == ["cancelled", "cancelled"]
    assert refunds(book, "O1") == [("O1:refund:1", 2000, "due", "CANCEL-2")]
    assert refunds(book, "O2") == [("O2:refund:1", 3000, "due", "CANCEL-2")]
    assert book.shipment("S1")["state"] == "cancelled"
    assert book.show("O1")["items"][0]["units"][0]["shipment_id"] == "S1"


def test_combined_1_worked_example_5_approved_for_the_units_only_the_rest_goes_on():
    book = two_orders()
    ask(book)
    approve(book, scope="units")
    assert states(book) == ["cancelled", "preparing"]
    assert (refunds(book, "O1"), refunds(book, "O2")) == ([("O1:refund:1", 2000, "due", "CANCEL-2")], [])
    assert book.show("O1")["items"][0]["units"][0]["shipment_id"] is None
    assert book.shipment("S1")["contents"] == O2B
    book.accept("dispatch-shipment", shipment_id="S1", at="13:00")
    assert states(book) == ["cancelled", "shipped"]


def test_combined_1_declined_nothing_goes():
    book = two_orders()
    ask(book)
    book.accept("answer-cancellation", request_id="O1:request:1", approve=False, at="12:00")
    assert states(book) == ["preparing", "preparing"]


def test_combined_1_the_request_shows_what_was_asked_not_what_goes_along():
    book = two_orders()
    ask(book)
    assert book.show("O1")["requests"][0]["items"] == {"A": 1}
    assert book.show("O2")["requests"] == []


def test_combined_1_other_units_of_the_same_line_and_order_go_along_too():
    book = Book()
    book.place("O1", items={"A": {"quantity": 3, "unit_price": 100}, "B": 500}, at="10:00")
    pack(book, O1="all")
    fields = {"order_id": "O1", "items": {"A": 1}, "at": "11:00"}
    assert book.reject("request-cancellation", "COMBINED-1", **fields)["cascade"] == [
        {"order_id": "O1", "item_id": "A", "quantity": 2},
        {"order_id": "O1", "item_id": "B", "quantity": 1},
    ]
    book.accept("request-cancellation", order_id="O1", items="all", at="11:05")


def test_combined_1_a_parcel_asked_for_whole_needs_no_acceptance_and_units_in_no_parcel_go_nowhere():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    pack(book, O1={"B": 1})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="11:00")
    book.accept("request-cancellation", order_id="O1", items={"B": 1}, at="11:00")
    approve(book)
    assert book.show("O1")["state"] == "cancelled"


@pytest.mark.parametrize("by", [{"actor": "buyer"}, {"actor": "seller"}, {"actor": "marketplace"}])
def test_combined_1_a_direct_cancellation_of_packed_units_takes_the_whole_parcel_once_accepted(by):
    book = two_orders(**SELLER)
    fields = {"order_id": "O1", "items": "all", "at": "10:20"} | by
    assert book.reject("cancel-items", "COMBINED-1", **fields)["cascade"] == O2B
    assert states(book) == ["preparing", "preparing"]
    book.accept("cancel-items", **fields, accept_cascade=True)
    assert states(book) == ["cancelled", "cancelled"]
    rule = "SELLER-1" if by["actor"] == "buyer" else "CANCEL-5"
    assert refunds(book, "O2") == [("O2:refund:1", 3000, "due", rule)]


def test_combined_1_is_asked_after_the_rules_of_cancelling():
    book = two_orders()
    book.reject("cancel-items", "CANCEL-2", order_id="O1", items="all", at="11:00")


def test_combined_1_an_intercepted_parcel_is_cancelled_whole():
    book = two_orders(kind="own", state="shipped")
    fields = {"order_id": "O1", "items": "all", "at": "11:00"}
    assert book.reject("request-cancellation", "COMBINED-1", **fields)["cascade"] == O2B
    ask(book)
    approve(book)
    assert states(book) == ["cancelled", "cancelled"]
    assert refunds(book, "O2") == [("O2:refund:1", 3000, "due", "CANCEL-3")]


@pytest.mark.parametrize(("kind", "state"), [("partner", "shipped"), ("own", "out-for-delivery")])
def test_combined_1_under_cancel_4_the_rest_turns_back_too_and_each_order_is_refunded_on_receipt(kind, state):
    book = two_orders(kind=kind, state=state)
    book.reject("request-cancellation", "COMBINED-1", order_id="O1", items="all", at="11:00")
    ask(book)
    approve(book)
    assert states(book) == ["returning", "returning"]
    assert refunds(book, "O1") == refunds(book, "O2") == []
    book.accept("receive-return", shipment_id="S1", at="+3d 10:00")
    assert refunds(book, "O1") == [("O1:refund:1", 2000, "due", "CANCEL-4")]
    assert [refund[:3] for refund in refunds(book, "O2")] == [("O2:refund:1", 3000, "due")]


@pytest.mark.parametrize(("kind", "state"), [("own", "shipped"), ("partner", "shipped"), ("own", "out-for-delivery")])
def test_combined_1_after_dispatch_units_cannot_be_taken_out(kind, state):
    book = two_orders(kind=kind, state=state)
    ask(book)
    fields = {"request_id": "O1:request:1", "approve": True, "scope": "units", "at": "12:00"}
    book.reject("answer-cancellation", "COMBINED-1", **fields)
    assert (states(book), book.show("O1")["requests"][0]["status"]) == ([state, state], "open")
    approve(book, at="12:30", scope="parcel")


def repacked_with_more():
    """A's request accepted nothing else (its parcel held A alone); now A shares the parcel S2 with O2's B."""
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000}, at="10:00")
    pack(book, O1="all")
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.accept("unpack-shipment", shipment_id="S1", at="11:10")
    pack(book, "S2", at="11:20", O1="all", O2="all")
    return book


def test_combined_1_an_approval_that_would_take_a_unit_nobody_accepted_is_rejected_and_lists_it():
    book = repacked_with_more()
    fields = {"request_id": "O1:request:1", "approve": True, "at": "12:00"}
    assert book.reject("answer-cancellation", "COMBINED-1", **fields)["cascade"] == O2B
    assert (states(book), book.show("O1")["requests"][0]["status"]) == (["preparing", "preparing"], "open")


def test_combined_1_then_the_answer_may_be_for_the_units_alone_or_no():
    book = repacked_with_more()
    approve(book, scope="units")
    assert states(book) == ["cancelled", "preparing"]
    book = repacked_with_more()
    book.accept("answer-cancellation", request_id="O1:request:1", approve=False, at="12:00")
    assert states(book) == ["preparing", "preparing"]


def test_combined_1_only_the_units_that_were_not_accepted_are_listed():
    book = two_orders()
    book.place("O3", items={"C": 100}, at="10:30")
    ask(book)
    book.accept("unpack-shipment", shipment_id="S1", at="11:10")
    pack(book, "S2", at="11:20", O1="all", O2="all", O3="all")
    fields = {"request_id": "O1:request:1", "approve": True, "at": "12:00"}
    listed = book.reject("answer-cancellation", "COMBINED-1", **fields)["cascade"]
    assert listed == [{"order_id": "O3", "item_id": "C", "quantity": 1}]


def test_combined_1_a_request_made_before_packing_covers_what_was_accepted_and_no_more():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00", **SELLER)
    book.accept("request-cancellation", order_id="O1", items={"A": 1}, at="10:40")
    pack(book, at="10:50", O1="all")
    fields = {"request_id": "O1:request:1", "approve": True, "at": "11:00"}
    listed = book.reject("answer-cancellation", "COMBINED-1", **fields)["cascade"]
    assert listed == [{"order_id": "O1", "item_id": "B", "quantity": 1}]


def test_combined_1_a_unit_taken_out_no_longer_goes_along():
    book = two_orders()
    ask(book)
    approve(book, scope="units")
    book.accept("request-cancellation", order_id="O2", items="all", at="13:00")


def test_combined_1_the_parcel_whose_last_unit_was_taken_out_is_cancelled():
    book = two_orders()
    ask(book)
    approve(book, scope="units")
    ask(book, order_id="O2", at="13:00")
    approve(book, request_id="O2:request:1", scope="units", at="14:00")
    assert book.shipment("S1")["state"] == "cancelled"
    assert book.shipment("S1")["contents"] == []


def test_combined_1_a_unit_that_would_go_along_may_have_a_request_of_its_own_which_lapses_when_it_goes():
    book = two_orders()
    ask(book)
    ask(book, order_id="O2", at="11:30")
    approve(book)
    assert states(book) == ["cancelled", "cancelled"]
    assert book.show("O1")["requests"][0]["status"] == "approved"
    assert book.show("O2")["requests"][0]["status"] == "lapsed"


def test_combined_1_the_others_refund_is_deferred_where_more_of_that_order_is_unshipped():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000, "C": 100}, at="10:00")
    pack(book, O1="all", O2={"B": 1})
    ask(book)
    approve(book)
    assert refunds(book, "O1") == [("O1:refund:1", 2000, "due", "CANCEL-2")]
    assert refunds(book, "O2") == [("O2:refund:1", 3000, "deferred", "PARTIAL-1")]
