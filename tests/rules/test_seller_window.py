"""RULEBOOK section 4, seller-fulfilled: the half hour, the request, the refusal (SELLER-1, SELLER-2, SELLER-3)."""

import pytest

from book import Book

VANS = {"name": "Vans", "kind": "own"}
ALL = {"order_id": "O1", "items": "all"}


def seller_order():
    book = Book()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller", at="10:00")
    return book


def pack(book, at):
    book.accept("pack-shipment", shipment_id="S1", contents=[{"order_id": "O1", "items": "all"}], carrier=VANS, at=at)


def requested():
    book = seller_order()
    book.accept("request-cancellation", at="11:00", **ALL)
    return book


def status(book):
    return [request["status"] for request in book.show("O1")["requests"]]


@pytest.mark.parametrize("at", ["10:00", "10:15", "10:30", "10:30:00.000"])
@pytest.mark.parametrize("command", ["cancel-items", "request-cancellation"])
def test_seller_1_up_to_thirty_minutes_sharp_the_buyer_cancels_directly(command, at):
    book = seller_order()
    book.accept(command, at=at, **ALL)
    shown = book.show("O1")
    assert (shown["state"], shown["requests"]) == ("cancelled", [])
    assert (shown["refunds"][0]["status"], shown["refunds"][0]["rule"]) == ("due", "SELLER-1")


@pytest.mark.parametrize("at", ["10:30:00.001", "10:30:00.000001", "10:31", "+2d 10:00"])
def test_seller_2_a_moment_after_thirty_minutes_the_buyer_must_ask(at):
    book = seller_order()
    assert book.reject("cancel-items", "SELLER-2", at=at, **ALL)["advice"] == "request-cancellation"
    assert book.states("O1") == {"A": ["with-seller"]}
    book.accept("request-cancellation", at=at, **ALL)
    assert book.show("O1")["requests"][0]["to"] == "seller"
    assert book.states("O1") == {"A": ["with-seller"]}


@pytest.mark.parametrize("at", ["10:30", "10:30:00.001"])
def test_seller_1_the_window_holds_also_for_packed_units(at):
    book = seller_order()
    pack(book, at="10:10")
    if at == "10:30":
        book.accept("cancel-items", at=at, **ALL)
        assert book.states("O1") == {"A": ["cancelled"]}
    else:
        book.reject("cancel-items", "SELLER-2", at=at, **ALL)
        assert book.states("O1") == {"A": ["preparing"]}


def test_seller_1_asks_the_commands_time_not_whether_the_closing_is_already_recorded():
    book = seller_order()
    book.accept("pass-time", at="10:45")
    assert book.states("O1") == {"A": ["with-seller"]}
    book.accept("cancel-items", at="10:29", **ALL)
    assert book.states("O1") == {"A": ["cancelled"]}


@pytest.mark.parametrize(("at", "state"), [("10:30", "seller-window"), ("10:30:00.001", "with-seller")])
def test_seller_1_the_window_closes_strictly_after_its_end(at, state):
    book = seller_order()
    book.accept("pass-time", at=at)
    assert (book.states("O1"), book.show("O1")["state"]) == ({"A": [state]}, state)


def test_seller_1_the_closing_is_recorded_at_its_own_time_by_whatever_comes_next():
    book = seller_order()
    book.reject("cancel-items", "SELLER-2", at="11:00", **ALL)
    [closing] = [event for event in book.events("O1") if event["rule"] == "SELLER-1" and event["version"] > 1]
    assert closing["at"] == "2026-01-05T10:30:00Z"


@pytest.mark.parametrize("at", ["10:31", "11:00", "+2d 10:00"])
def test_seller_1_a_sellers_goods_that_the_marketplace_fulfils_have_no_window(at):
    book = Book()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="marketplace", at="10:00")
    book.accept("cancel-items", at=at, **ALL)
    assert book.show("O1")["refunds"][0]["rule"] == "CANCEL-1"


def test_seller_2_the_seller_has_forty_eight_hours_to_answer():
    [request] = requested().show("O1")["requests"]
    assert (request["to"], request["status"], request["items"]) == ("seller", "open", {"A": 1})
    assert (request["asked_at"], request["answer_by"]) == ("2026-01-05T11:00:00Z", "2026-01-07T11:00:00Z")


def test_seller_2_approved_the_unit_is_cancelled_and_the_seller_processes_the_refund():
    book = requested()
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="12:00")
    assert (book.states("O1"), status(book)) == ({"A": ["cancelled"]}, ["approved"])
    [refund] = book.show("O1")["refunds"]
    assert (refund["status"], refund["rule"], refund["amount"]) == ("due", "SELLER-2", 2000)
    assert refund["processor"] == "seller"


def test_seller_2_declined_the_seller_delivers():
    book = requested()
    book.accept("answer-cancellation", request_id="O1:request:1", approve=False, at="12:00")
    assert (book.states("O1"), status(book)) == ({"A": ["with-seller"]}, ["declined"])
    book.ship("S1", contents={"O1": "all"}, at="13:00")


@pytest.mark.parametrize("approve", [True, False])
def test_seller_2_at_forty_eight_hours_sharp_the_seller_still_answers(approve):
    book = requested()
    book.accept("answer-cancellation", request_id="O1:request:1", approve=approve, at="+2d 11:00")
    assert status(book) == ["approved" if approve else "declined"]


def test_seller_2_a_moment_after_forty_eight_hours_the_request_has_lapsed():
    book = requested()
    book.reject("answer-cancellation", "ORDER-5", request_id="O1:request:1", approve=True, at="+2d 11:00:00.001")
    assert (book.states("O1"), status(book)) == ({"A": ["with-seller"]}, ["lapsed"])
    [lapse] = [event for event in book.events("O1") if "lapsed" in event["type"]]
    assert (lapse["at"], lapse["rule"]) == ("2026-01-07T11:00:00Z", "SELLER-2")


@pytest.mark.parametrize(("at", "expected"), [("+2d 11:00", "open"), ("+2d 11:00:00.001", "lapsed")])
def test_seller_2_time_alone_lapses_the_request_strictly_after_its_end(at, expected):
    book = requested()
    book.accept("pass-time", at=at)
    assert status(book) == [expected]


def test_seller_2_after_a_lapse_the_buyer_may_ask_again():
    book = requested()
    book.accept("request-cancellation", at="+3d 10:00", **ALL)
    assert status(book) == ["lapsed", "open"]


def test_seller_2_packed_but_not_shipped_is_still_a_request_to_the_seller():
    book = seller_order()
    pack(book, at="10:40")
    book.reject("cancel-items", "SELLER-2", at="11:00", **ALL)
    book.accept("request-cancellation", at="11:00", **ALL)
    assert book.show("O1")["requests"][0]["to"] == "seller"


@pytest.mark.parametrize("at", ["10:20", "10:30", "10:31", "+2d 10:00"])
@pytest.mark.parametrize("out_for_delivery", [False, True])
@pytest.mark.parametrize("command", ["cancel-items", "request-cancellation"])
def test_seller_3_once_shipped_it_is_neither_cancelled_nor_requested_only_refused(command, out_for_delivery, at):
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="10:10")
    if out_for_delivery:
        book.accept("start-delivery", shipment_id="S1", at="10:15")
    states = book.states("O1")
    assert book.reject(command, "SELLER-3", at=at, **ALL)["advice"] == "refuse-delivery"
    assert (book.states("O1"), book.show("O1")["requests"]) == (states, [])


@pytest.mark.parametrize("out_for_delivery", [False, True])
def test_seller_3_refusing_the_delivery_starts_the_return_and_the_refund(out_for_delivery):
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="10:10")
    if out_for_delivery:
        book.accept("start-delivery", shipment_id="S1", at="11:00")
    book.accept("refuse-delivery", shipment_id="S1", at="12:00")
    book.accept("receive-return", shipment_id="S1", at="+2d 12:00")
    [refund] = book.show("O1")["refunds"]
    assert (refund["cause"], refund["amount"], refund["status"]) == ("refused", 2000, "due")


@pytest.mark.parametrize("command", ["cancel-items", "request-cancellation"])
def test_cancel_6_once_delivered_a_sellers_unit_is_returned_instead(command):
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="10:10")
    book.accept("deliver", shipment_id="S1", at="12:00")
    assert book.reject(command, "CANCEL-6", at="13:00", **ALL)["advice"] == "start-return"
