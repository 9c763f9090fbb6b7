"""RULEBOOK section 4: which units a cancellation takes, and which rule answers where several would say no."""

import pytest

from book import Book


def pack(book, shipment_id, items, at="10:10"):
    contents = [{"order_id": "O1", "items": items}]
    carrier = {"name": "Vans", "kind": "own"}
    book.accept("pack-shipment", shipment_id=shipment_id, contents=contents, carrier=carrier, at=at)


def order(**items):
    book = Book()
    book.place("O1", items=items, at="10:00")
    return book


def ask(book, items, at="11:00"):
    return book.accept("request-cancellation", order_id="O1", items=items, at=at)


def test_cancel_1_all_means_the_units_that_can_be_cancelled_directly():
    book = order(A=2000, B=3000)
    pack(book, "S1", {"B": 1})
    book.accept("cancel-items", order_id="O1", items="all", at="11:00")
    assert book.states("O1") == {"A": ["cancelled"], "B": ["preparing"]}


def test_cancel_1_the_lowest_numbered_units_that_can_be_cancelled_directly_are_taken():
    book = order(A={"quantity": 4, "unit_price": 100})
    pack(book, "S1", {"A": 1})
    book.accept("cancel-items", order_id="O1", items={"A": 2}, at="11:00")
    assert book.states("O1") == {"A": ["preparing", "cancelled", "cancelled", "placed"]}


def test_cancel_5_all_means_every_unshipped_unit():
    book = order(A=2000, B=3000, C=100)
    pack(book, "S1", {"B": 1})
    book.ship("S2", contents={"O1": {"C": 1}}, at="10:20")
    book.accept("cancel-items", order_id="O1", items="all", actor="marketplace", at="11:00")
    assert book.states("O1") == {"A": ["cancelled"], "B": ["cancelled"], "C": ["shipped"]}


@pytest.mark.parametrize("command", ["cancel-items", "request-cancellation"])
def test_cancel_6_of_one_unit_rejects_the_others_that_could_go(command):
    book = order(A=2000, B=3000)
    book.ship("S1", contents={"O1": {"B": 1}}, at="10:20")
    book.accept("deliver", shipment_id="S1", at="10:30")
    book.reject(command, "CANCEL-6", order_id="O1", items={"A": 1, "B": 1}, at="11:00")
    assert book.states("O1") == {"A": ["placed"], "B": ["delivered"]}


def test_cancel_6_is_asked_before_cancel_8():
    book = order(A=2000, B=3000, C=100)
    book.ship("S1", contents={"O1": {"C": 1}}, at="10:20")
    book.accept("deliver", shipment_id="S1", at="10:30")
    pack(book, "S2", {"B": 1})
    items = {"A": 1, "B": 1, "C": 1}
    book.reject("request-cancellation", "CANCEL-6", order_id="O1", items=items, at="11:00")


def test_cancel_7_is_asked_before_cancel_8():
    book = order(A=2000, B=3000)
    pack(book, "S1", {"B": 1})
    ask(book, {"B": 1}, at="10:30")
    book.reject("request-cancellation", "CANCEL-7", order_id="O1", items={"A": 1, "B": 1}, at="11:00")


def test_cancel_8_is_asked_before_combined_1():
    book = order(A=2000, B=3000, C=100)
    pack(book, "S1", {"B": 1, "C": 1})
    book.reject("request-cancellation", "CANCEL-8", order_id="O1", items={"A": 1, "B": 1}, at="11:00")


def test_cancel_7_of_a_line_another_unit_is_taken_as_long_as_there_is_one():
    book = order(A={"quantity": 3, "unit_price": 100})
    pack(book, "S1", {"A": 1})
    pack(book, "S2", {"A": 1})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:20")
    ask(book, {"A": 1})
    ask(book, {"A": 1})
    book.reject("request-cancellation", "CANCEL-7", order_id="O1", items={"A": 1}, at="11:00")
    assert [request["items"] for request in book.show("O1")["requests"]] == [{"A": 1}, {"A": 1}]
    assert book.states("O1") == {"A": ["preparing", "preparing", "cancelled"]}


def test_cancel_1_the_refund_is_of_the_units_taken_to_the_cent():
    book = order(A={"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1})
    pack(book, "S1", {"A": 2})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="11:00")
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [382]


@pytest.mark.parametrize(("delivered", "placed"), [("A", "B"), ("B", "A")])
def test_the_orders_state_is_that_of_its_least_finished_unit(delivered, placed):
    book = order(A=2000, B=3000)
    book.ship("S1", contents={"O1": {delivered: 1}}, at="10:20")
    book.accept("deliver", shipment_id="S1", at="10:30")
    assert book.show("O1")["state"] == "placed"
    book.accept("cancel-items", order_id="O1", items={placed: 1}, at="11:00")
    assert book.show("O1")["state"] == "delivered"


def test_time_2_a_parcel_is_packed_and_reported_only_from_the_placing_of_all_its_orders_on():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000}, at="12:00")
    both = [{"order_id": "O1", "items": "all"}, {"order_id": "O2", "items": "all"}]
    fields = {"shipment_id": "S1", "contents": both, "carrier": {"name": "Vans", "kind": "own"}}
    book.reject("pack-shipment", "TIME-2", at="11:00", **fields)
    book.accept("pack-shipment", at="12:00", **fields)
    book.reject("deliver", "TIME-2", shipment_id="S1", at="11:59:59.999")
