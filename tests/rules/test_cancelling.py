"""RULEBOOK section 4, marketplace-fulfilled: who may cancel what, directly or by asking (CANCEL-1 to CANCEL-6)."""

import pytest

from book import Book

VANS = {"name": "Vans", "kind": "own"}
BOTH = pytest.mark.parametrize("command", ["cancel-items", "request-cancellation"])


def pack(book, shipment_id, items, at="11:00", order_id="O1", carrier=VANS):
    contents = [{"order_id": order_id, "items": items}]
    book.accept("pack-shipment", shipment_id=shipment_id, contents=contents, carrier=carrier, at=at)


def order_in(state, kind="own", **fields):
    """One order O1 of one unit A at 2000, brought to the state; its parcel is S1."""
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", **fields)
    if state == "placed":
        return book
    pack(book, "S1", "all", carrier={"name": "Carrier", "kind": kind})
    if state == "preparing":
        return book
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    for report in {
        "shipped": [],
        "out-for-delivery": ["start-delivery"],
        "delivered": ["deliver"],
        "refused": ["refuse-delivery"],
        "returning": ["turn-back"],
        "lost": ["lose-shipment"],
        "returned": ["refuse-delivery", "receive-return"],
    }[state]:
        book.accept(report, shipment_id="S1", at="13:00" if report != "receive-return" else "13:30")
    return book


def ask(book, at="14:00", items="all", **fields):
    return book.accept("request-cancellation", order_id="O1", items=items, at=at, **fields)


def answer(book, approve=True, at="15:00", request_id="O1:request:1", **fields):
    return book.accept("answer-cancellation", request_id=request_id, approve=approve, at=at, **fields)


def requests(book):
    return [(request["to"], request["status"]) for request in book.show("O1")["requests"]]


@pytest.mark.parametrize("fields", [{}, {"reason": "changed-mind"}, {"reason": None}, {"accept_cascade": True}])
def test_cancel_1_the_buyer_cancels_a_placed_unit_directly_with_or_without_a_reason(fields):
    book = order_in("placed")
    result = book.accept("cancel-items", order_id="O1", items={"A": 1}, at="+3d 10:00", **fields)
    assert ("items-cancelled", "O1", "CANCEL-1") in [(e["type"], e["order_id"], e["rule"]) for e in result["events"]]
    shown = book.show("O1")
    assert shown["state"] == "cancelled"
    [refund] = shown["refunds"]
    assert (refund["refund_id"], refund["status"], refund["amount"]) == ("O1:refund:1", "due", 2000)
    assert (refund["cause"], refund["rule"], refund["items"]) == ("cancelled", "CANCEL-1", {"A": 1})


def test_cancel_1_holds_for_a_sellers_goods_that_the_marketplace_fulfils():
    book = order_in("placed", seller="M1")
    book.accept("cancel-items", order_id="O1", items="all", at="+3d 10:00")


def test_cancel_1_requesting_what_can_be_cancelled_directly_simply_cancels_it():
    book = order_in("placed")
    ask(book)
    assert (book.states("O1"), requests(book)) == ({"A": ["cancelled"]}, [])
    assert book.show("O1")["refunds"][0]["rule"] == "CANCEL-1"


@pytest.mark.parametrize(
    ("state", "kind", "rule"),
    [
        ("preparing", "own", "CANCEL-2"),
        ("preparing", "partner", "CANCEL-2"),
        ("shipped", "own", "CANCEL-3"),
        ("shipped", "partner", "CANCEL-4"),
        ("out-for-delivery", "own", "CANCEL-4"),
        ("out-for-delivery", "partner", "CANCEL-4"),
    ],
)
def test_cancel_2_3_4_a_packed_or_shipped_unit_is_not_cancelled_directly_but_can_be_asked_for(state, kind, rule):
    book = order_in(state, kind)
    before = book.show("O1")
    result = book.reject("cancel-items", rule, order_id="O1", items="all", at="14:00")
    assert result["advice"] == "request-cancellation"
    assert book.show("O1") == before
    ask(book)
    assert book.states("O1") == {"A": [state]}
    assert requests(book) == [("warehouse" if rule == "CANCEL-2" else "carrier", "open")]
    assert book.show("O1")["requests"][0]["answer_by"] is None
    assert book.show("O1")["refunds"] == []


def test_cancel_2_approved_by_the_warehouse_the_unit_is_cancelled():
    book = order_in("preparing")
    ask(book)
    answer(book)
    assert (book.states("O1"), requests(book)) == ({"A": ["cancelled"]}, [("warehouse", "approved")])
    [refund] = book.show("O1")["refunds"]
    assert (refund["status"], refund["rule"], refund["due_at"]) == ("due", "CANCEL-2", "2026-01-05T15:00:00Z")


def test_cancel_2_declined_the_parcel_goes_on():
    book = order_in("preparing")
    ask(book)
    answer(book, approve=False)
    assert (book.states("O1"), requests(book)) == ({"A": ["preparing"]}, [("warehouse", "declined")])
    book.accept("dispatch-shipment", shipment_id="S1", at="16:00")


def test_cancel_3_approved_an_own_carriers_parcel_is_cancelled_at_once_and_the_refund_does_not_wait():
    book = order_in("shipped", "own")
    ask(book)
    answer(book)
    assert book.states("O1") == {"A": ["cancelled"]}
    [refund] = book.show("O1")["refunds"]
    assert (refund["status"], refund["amount"], refund["rule"]) == ("due", 2000, "CANCEL-3")


@pytest.mark.parametrize(("state", "kind"), [("shipped", "partner"), ("out-for-delivery", "own")])
def test_cancel_4_approved_the_parcel_turns_back_and_the_refund_falls_due_when_it_is_received(state, kind):
    book = order_in(state, kind)
    ask(book)
    answer(book)
    assert (book.states("O1"), book.shipment("S1")["state"]) == ({"A": ["returning"]}, "returning")
    assert book.show("O1")["refunds"] == []
    book.accept("receive-return", shipment_id="S1", at="+5d 10:00")
    [refund] = book.show("O1")["refunds"]
    assert (refund["status"], refund["amount"]) == ("due", 2000)
    assert (refund["cause"], refund["rule"], refund["due_at"]) == ("cancelled", "CANCEL-4", "2026-01-10T10:00:00Z")


@pytest.mark.parametrize(("state", "kind"), [("shipped", "partner"), ("out-for-delivery", "own")])
def test_cancel_4_the_buyer_is_advised_to_refuse_the_parcel_if_it_comes(state, kind):
    book = order_in(state, kind)
    assert "refuse" in book.reject("cancel-items", "CANCEL-4", order_id="O1", items="all", at="14:00")["reason"]
    options = {option["action"]: option for option in book.options("O1", at="14:00")["options"]}
    assert options["refuse-delivery"]["allowed"]
    option = options["request-cancellation"]
    assert (option["allowed"], option["rule"], option["outcome"]) == (True, "CANCEL-4", "not-guaranteed")


def test_cancel_4_declined_it_goes_on_to_the_buyer_who_may_refuse_it():
    book = order_in("out-for-delivery")
    ask(book)
    answer(book, approve=False)
    book.accept("refuse-delivery", shipment_id="S1", at="16:00")
    assert book.states("O1") == {"A": ["refused"]}


def test_cancel_3_asked_while_shipped_but_approved_while_out_for_delivery_is_cancel_4():
    book = order_in("shipped", "own")
    ask(book)
    book.accept("start-delivery", shipment_id="S1", at="14:30")
    answer(book)
    assert book.states("O1") == {"A": ["returning"]}


def test_cancel_4_asked_while_out_for_delivery_but_approved_while_shipped_again_is_cancel_3():
    book = order_in("out-for-delivery", "own")
    ask(book)
    book.accept("fail-attempt", shipment_id="S1", at="14:30")
    answer(book)
    assert book.states("O1") == {"A": ["cancelled"]}
    assert book.show("O1")["refunds"][0]["rule"] == "CANCEL-3"


def test_cancel_3_back_in_shipped_after_a_failed_attempt_it_can_be_intercepted_again():
    book = order_in("out-for-delivery", "own")
    book.accept("fail-attempt", shipment_id="S1", at="13:30")
    book.reject("cancel-items", "CANCEL-3", order_id="O1", items="all", at="13:45")
    ask(book)
    answer(book)
    assert book.states("O1") == {"A": ["cancelled"]}


@pytest.mark.parametrize("state", ["placed", "preparing"])
def test_cancel_5_the_marketplace_cancels_what_is_not_shipped_without_asking_anybody(state):
    book = order_in(state)
    book.accept("cancel-items", order_id="O1", items="all", reason="fraud", actor="marketplace", at="14:00")
    assert book.states("O1") == {"A": ["cancelled"]}
    assert book.show("O1")["refunds"][0]["rule"] == "CANCEL-5"


@pytest.mark.parametrize("at", ["10:10", "10:31", "+9d 10:00"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("actor", ["marketplace", "seller"])
def test_cancel_5_marketplace_and_seller_cancel_a_seller_fulfilled_order_at_any_time(actor, packed, at):
    book = Book()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller", at="10:00")
    if packed:
        pack(book, "S1", "all", at="10:05")
    book.accept("cancel-items", order_id="O1", items="all", reason="out-of-stock", actor=actor, at=at)
    assert book.states("O1") == {"A": ["cancelled"]}


@pytest.mark.parametrize("state", ["shipped", "out-for-delivery"])
@pytest.mark.parametrize("actor", ["marketplace", "seller"])
def test_cancel_5_neither_cancels_what_is_under_way(actor, state):
    book = order_in(state, seller="M1", fulfilled_by="seller")
    book.reject("cancel-items", "CANCEL-5", order_id="O1", items="all", actor=actor, at="14:00")
    assert book.states("O1") == {"A": [state]}


@pytest.mark.parametrize("state", ["delivered", "refused", "returning", "returned", "lost"])
def test_cancel_6_answers_the_marketplaces_attempt_on_what_is_finished_or_coming_back(state):
    order_in(state).reject("cancel-items", "CANCEL-6", order_id="O1", items="all", actor="marketplace", at="14:00")


@BOTH
@pytest.mark.parametrize("state", ["refused", "returning", "returned", "lost"])
@pytest.mark.parametrize("items", ["all", {"A": 1}])
def test_cancel_6_what_is_finished_or_coming_back_is_neither_cancelled_nor_requested(command, state, items):
    book = order_in(state)
    before = book.show("O1")
    assert book.reject(command, "CANCEL-6", order_id="O1", items=items, at="14:00")["advice"] in ("wait", None)
    assert book.show("O1") == before


@BOTH
def test_cancel_6_a_cancelled_or_refunded_unit_is_not_cancelled_again(command):
    book = order_in("placed")
    book.accept("cancel-items", order_id="O1", items="all", at="10:05")
    book.reject(command, "CANCEL-6", order_id="O1", items="all", at="10:10")
    book.accept("report-payout", refund_id="O1:refund:1", payment_id="P1", outcome="paid", reference="R1", at="11:00")
    assert book.states("O1") == {"A": ["refunded"]}
    book.reject(command, "CANCEL-6", order_id="O1", items={"A": 1}, at="12:00")


@BOTH
@pytest.mark.parametrize(("at", "advised"), [("14:00", True), ("+30d 13:00", True), ("+30d 13:00:00.001", False)])
def test_cancel_6_a_delivered_unit_is_not_cancelled_but_can_be_returned_while_the_window_is_open(command, at, advised):
    advice = order_in("delivered").reject(command, "CANCEL-6", order_id="O1", items="all", at=at)["advice"]
    assert advice == "start-return" if advised else advice in ("wait", None)


@BOTH
def test_cancel_6_a_unit_in_return_is_not_cancelled_nor_advised_to_be_returned(command):
    book = order_in("delivered")
    book.accept("start-return", order_id="O1", items="all", reason="other", at="14:00")
    assert book.reject(command, "CANCEL-6", order_id="O1", items="all", at="15:00")["advice"] in ("wait", None)
