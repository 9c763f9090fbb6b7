"""RETURN-5 and RETURN-6: what is received is what is refunded; what its carrier lost is refunded too."""

import pytest

from delivered_orders import delivered, receive, start, status


def test_return_5_a_receipt_may_be_partial_and_the_rest_stays_in_return():
    book = delivered()
    start(book)
    receive(book, ("A", 1, "unopened"), at="+4d 09:00")
    assert book.states("O1") == {"A": ["returned", "in-return", "in-return"]}
    assert (status(book), book.show("O1")["returns"][0]["received"]) == ("open", {"A": 1})
    receive(book, ("A", 2, "unopened"), at="+6d 09:00")
    assert (status(book), book.show("O1")["returns"][0]["received"]) == ("received", {"A": 3})
    refunds = book.show("O1")["refunds"]
    assert [(refund["amount"], refund["cause"], refund["rule"]) for refund in refunds] == [
        (2000, "returned", "RETURN-2"),
        (4000, "returned", "RETURN-2"),
    ]
    assert [refund["due_at"] for refund in refunds] == ["2026-01-09T09:00:00Z", "2026-01-11T09:00:00Z"]


def test_return_5_goods_can_be_received_without_any_hand_over():
    book = delivered()
    start(book)
    receive(book, ("A", 3, "unopened"), at="+4d 09:00")
    assert book.states("O1") == {"A": ["returned"] * 3}


@pytest.mark.parametrize(
    "received",
    [
        [{"item_id": "A", "quantity": 3, "condition": "unopened"}],
        [{"item_id": "B", "quantity": 1, "condition": "unopened"}],
        [
            {"item_id": "A", "quantity": 1, "condition": "unopened"},
            {"item_id": "B", "quantity": 1, "condition": "opened"},
        ],
        [
            {"item_id": "A", "quantity": 2, "condition": "unopened"},
            {"item_id": "A", "quantity": 1, "condition": "opened"},
        ],
    ],
)
def test_return_5_a_receipt_of_units_that_are_not_in_the_return_changes_nothing(received):
    book = delivered(items={"A": {"quantity": 3, "unit_price": 2000}, "B": 3000})
    start(book, {"A": 2})
    book.reject("receive-return", "RETURN-5", return_id="O1:return:1", received=received, at="+4d 09:00")
    assert book.states("O1") == {"A": ["in-return", "in-return", "delivered"], "B": ["delivered"]}


@pytest.mark.parametrize("ending", ["withdrawn", "received"])
def test_return_5_nothing_is_received_of_a_return_that_was_received_or_withdrawn(ending):
    book = delivered()
    start(book)
    if ending == "withdrawn":
        book.accept("withdraw-return", return_id="O1:return:1", at="+2d 09:00")
    else:
        receive(book, ("A", 3, "unopened"), at="+2d 09:00")
    book.reject(
        "receive-return",
        "RETURN-5",
        return_id="O1:return:1",
        at="+3d 09:00",
        received=[{"item_id": "A", "quantity": 1, "condition": "unopened"}],
    )


def test_return_5_goods_that_arrive_after_the_lapse_are_refunded_under_the_same_return():
    book = delivered()
    start(book, reason="changed-mind")
    book.accept("pass-time", at="+46d 00:00")
    assert status(book) == "lapsed"
    receive(book, ("A", 3, "unopened"), at="+50d 09:00")
    assert (status(book), book.states("O1")["A"]) == ("received", ["returned"] * 3)
    (refund,) = book.show("O1")["refunds"]
    assert (refund["amount"], refund["cause"], refund["due_at"]) == (5500, "returned", "2026-02-24T09:00:00Z")


def test_return_4_a_partly_received_return_lapses_for_its_rest_and_is_received_when_the_rest_comes():
    book = delivered()
    start(book)
    receive(book, ("A", 1, "unopened"), at="+4d 09:00")
    book.accept("pass-time", at="+46d 00:00")
    assert (status(book), book.states("O1")["A"]) == ("lapsed", ["returned", "delivered", "delivered"])
    receive(book, ("A", 1, "unopened"), at="+50d 09:00")
    assert status(book) == "lapsed"
    receive(book, ("A", 1, "unopened"), at="+51d 09:00")
    assert status(book) == "received"
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [2000, 2000, 2000]


# RETURN-6: lost on the way back


def handed_over(**fields):
    book = delivered()
    start(book, **fields)
    book.accept("hand-over-return", return_id="O1:return:1", at="+2d 09:00")
    return book


def test_return_6_a_return_that_its_carrier_lost_is_refunded_in_full_at_once():
    book = handed_over(reason="changed-mind")
    book.accept("lose-return", return_id="O1:return:1", at="+9d 09:00")
    assert (book.states("O1"), status(book)) == ({"A": ["lost"] * 3}, "lapsed")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["cause"], refund["rule"], refund["status"]) == ("lost", "RETURN-6", "due")
    assert (refund["amount"], refund["deductions"], refund["due_at"]) == (6000, [], "2026-01-14T09:00:00Z")


def test_return_6_a_return_that_was_not_handed_over_cannot_be_lost_by_a_carrier():
    book = delivered()
    start(book)
    book.reject("lose-return", "RETURN-6", return_id="O1:return:1", at="+2d 09:00")


@pytest.mark.parametrize("ending", ["withdrawn", "received", "lapsed"])
def test_order_5_a_closed_return_cannot_be_lost(ending):
    book = delivered()
    start(book)
    if ending == "withdrawn":
        book.accept("withdraw-return", return_id="O1:return:1", at="+2d 09:00")
    elif ending == "received":
        receive(book, ("A", 3, "unopened"), at="+2d 09:00")
    book.reject("lose-return", "ORDER-5", return_id="O1:return:1", at="+46d 09:00")


def test_return_6_only_what_was_not_received_is_lost():
    book = handed_over()
    receive(book, ("A", 2, "unopened"), at="+4d 09:00")
    book.accept("lose-return", return_id="O1:return:1", at="+9d 09:00")
    assert (book.states("O1"), status(book)) == ({"A": ["returned", "returned", "lost"]}, "received")
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [4000, 2000]


def test_return_6_goods_of_a_lost_return_that_arrive_are_noted():
    book = handed_over()
    book.accept("lose-return", return_id="O1:return:1", at="+9d 09:00")
    late = book.run(
        "receive-return",
        return_id="O1:return:1",
        at="+12d 09:00",
        received=[{"item_id": "A", "quantity": 3, "condition": "unopened"}],
    )
    assert late["status"] == "noted"
    assert (book.states("O1"), len(book.show("O1")["refunds"])) == ({"A": ["lost"] * 3}, 1)
