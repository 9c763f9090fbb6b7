"""CLAIM-1: when the buyer of a seller-fulfilled order may claim."""

import pytest

from book import Book
from claimed_orders import claim, refuse_claim, request, seller_order


def test_claim_1_a_request_that_stayed_unanswered_is_a_ground_once_its_time_is_over():
    book = seller_order()
    request(book, "11:00")
    assert book.show("O1")["requests"][0]["answer_by"] == "2026-01-07T11:00:00Z"
    refuse_claim(book, "+2d 11:00")
    claim(book, "+2d 11:00:00.001")
    (filed,) = book.show("O1")["claims"]
    assert (filed["claim_id"], filed["status"], filed["items"]) == ("O1:claim:1", "open", {"A": 1})


def test_claim_1_a_declined_request_alone_is_no_ground():
    book = seller_order()
    request(book, "11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=False, at="12:00")
    refuse_claim(book, "+2d 12:00")


def test_claim_1_a_request_that_lapsed_by_a_dispatch_is_no_ground():
    book = seller_order()
    request(book, "11:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    assert book.show("O1")["requests"][0]["status"] == "lapsed"
    refuse_claim(book, "+2d 12:00")


@pytest.mark.parametrize("report", [None, "dispatch", "start-delivery", "refuse-delivery", "turn-back"])
def test_claim_1_what_is_undelivered_30_days_after_placing_may_be_claimed(report):
    book = seller_order()
    if report:
        book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    if report not in (None, "dispatch"):
        book.accept(report, shipment_id="S1", at="+1d 12:00")
    refuse_claim(book, "+30d 10:00")
    claim(book, "+30d 10:00:00.001")


def test_claim_1_delivered_units_are_not_undelivered():
    book = seller_order({"A": 2000, "B": 3000})
    book.ship("S1", contents={"O1": {"A": 1}}, at="12:00", kind="partner")
    book.accept("deliver", shipment_id="S1", at="+29d 12:00")
    refuse_claim(book, "+31d 10:00", {"A": 1})
    refuse_claim(book, "+31d 10:00", {"A": 1, "B": 1})
    claim(book, "+31d 10:00", "all")
    assert book.show("O1")["claims"][0]["items"] == {"B": 1}


def handed_over(items=None):
    """Delivered on day 1, return handed over on day 3 at 09:00."""
    book = seller_order(items)
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    book.accept("deliver", shipment_id="S1", at="+1d 12:00")
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+2d 09:00")
    book.accept("hand-over-return", return_id="O1:return:1", at="+3d 09:00")
    return book


def test_claim_1_a_return_handed_over_15_days_ago_and_not_received_is_a_ground():
    book = handed_over()
    refuse_claim(book, "+18d 09:00")
    claim(book, "+18d 09:00:00.001")


def test_claim_1_a_return_that_was_received_is_no_such_ground():
    book = handed_over()
    book.accept(
        "receive-return",
        return_id="O1:return:1",
        at="+18d 09:00",
        received=[{"item_id": "A", "quantity": 1, "condition": "unopened"}],
    )
    refuse_claim(book, "+18d 10:00")


def test_claim_1_a_return_that_was_not_handed_over_is_no_ground():
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    book.accept("deliver", shipment_id="S1", at="+1d 12:00")
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+2d 09:00")
    refuse_claim(book, "+40d 09:00")


def cancelled_by_seller(**order):
    """Cancelled by its seller on 2026-01-05 at 12:00: promised to the card by 2026-01-12 at 12:00 (day 7)."""
    book = seller_order(**order)
    book.accept("cancel-items", order_id="O1", items="all", at="12:00", actor="seller", actor_id="M1")
    return book


def test_claim_1_a_refund_unpaid_after_its_promised_time_is_a_ground():
    book = cancelled_by_seller()
    refuse_claim(book, "+7d 12:00")
    claim(book, "+7d 12:00:00.001")


def test_claim_1_a_submitted_payout_is_still_unpaid():
    book = cancelled_by_seller()
    book.accept("submit-payout", refund_id="O1:refund:1", payment_id="P1", at="13:00")
    claim(book, "+8d 00:00")


def test_claim_1_one_payout_overdue_counts_for_its_whole_refund():
    book = cancelled_by_seller(
        payments=[
            {"payment_id": "G1", "method": "gift-card", "amount": 1500},
            {"payment_id": "C1", "method": "credit-card", "amount": 500},
        ]
    )
    refuse_claim(book, "15:00")
    claim(book, "15:00:00.001")


def test_claim_1_a_paid_refund_leaves_nothing_to_claim():
    book = cancelled_by_seller()
    book.accept(
        "report-payout", refund_id="O1:refund:1", payment_id="P1", outcome="paid", reference="R1", at="+1d 12:00"
    )
    refuse_claim(book, "+31d 00:00")


def test_claim_1_no_ground_counts_while_a_refund_is_deferred_or_within_its_promised_time():
    book = seller_order({"A": 2000, "B": 3000})
    request(book, "11:00", {"A": 1})
    book.accept("pass-time", at="+3d 00:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="+3d 10:00", actor="seller", actor_id="M1")
    assert book.show("O1")["refunds"][0]["status"] == "deferred"
    refuse_claim(book, "+4d 10:00", {"A": 1})
    refuse_claim(book, "+33d 10:00:00.001", {"A": 1})  # released on Saturday 2026-02-07
    refuse_claim(book, "+39d 10:00", {"A": 1})  # promised by Friday 2026-02-13
    claim(book, "+39d 10:00:00.001", {"A": 1})


def test_claim_1_at_most_90_days_after_placing():
    book = seller_order({"A": {"quantity": 2, "unit_price": 2000}})
    claim(book, "+90d 10:00", {"A": 1})
    refuse_claim(book, "+90d 10:00:00.001", {"A": 1})


@pytest.mark.parametrize("seller", [None, "M1"])
def test_claim_1_the_guarantee_is_not_for_marketplace_fulfilled_orders(seller):
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", seller=seller, fulfilled_by="marketplace")
    refuse_claim(book, "+31d 10:00")
    refuse_claim(book, "+31d 10:00", {"A": 1})


def test_claim_1_without_any_ground_nothing_is_claimed():
    book = seller_order()
    refuse_claim(book, "11:00")
    refuse_claim(book, "11:00", {"A": 1})
    assert book.show("O1")["claims"] == []


def test_claim_1_a_unit_has_one_open_or_granted_claim():
    book = seller_order({"A": {"quantity": 2, "unit_price": 2000}})
    claim(book, "+31d 10:00", {"A": 1})
    refuse_claim(book, "+31d 11:00", {"A": 2})
    claim(book, "+31d 12:00", {"A": 1})
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+32d 10:00")
    refuse_claim(book, "+33d 10:00", {"A": 1})
    assert [each["claim_id"] for each in book.show("O1")["claims"]] == ["O1:claim:1", "O1:claim:2"]


def test_claim_1_a_refunded_unit_is_not_claimed():
    book = seller_order()
    claim(book, "+31d 10:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+32d 10:00")
    book.accept(
        "report-payout", refund_id="O1:refund:1", payment_id="P1", outcome="paid", reference="R1", at="+33d 10:00"
    )
    assert book.states("O1") == {"A": ["refunded"]}
    refuse_claim(book, "+34d 10:00")


def test_order_2_an_unknown_item_or_claim_does_not_exist():
    book = seller_order()
    refuse_claim(book, "+31d 10:00", {"X": 1}, rule="ORDER-2")
    refuse_claim(book, "+31d 10:00", {"A": 2}, rule="ORDER-2")
    book.reject("withdraw-claim", "ORDER-2", claim_id="O1:claim:1", at="+31d 10:00")
    book.reject("decide-claim", "ORDER-2", claim_id="O1:claim:1", approve=True, at="+31d 10:00")
