"""REFUND-5: a report that money moved is never refused; what nobody owes is recorded as unexpected."""

from book import Book
from owed_orders import deferred, owed, refund, report, statuses, submit


def test_refund_5_a_payment_of_an_owed_payout_proves_its_submission():
    book = owed()
    assert report(book, "paid", "R1", "10:22")["status"] == "accepted"
    assert (statuses(book), refund(book)["payouts"][0]["attempts"]) == (("paid", ["paid"]), 1)


def test_refund_5_the_same_payment_reported_again_is_noted():
    book = owed()
    report(book, "paid", "R1", "10:22")
    before = book.events("O1")
    assert report(book, "paid", "R1", "10:40")["status"] == "noted"
    assert (statuses(book), book.events("O1")) == (("paid", ["paid"]), before)


def test_refund_5_the_same_failure_reported_again_is_noted():
    book = owed()
    submit(book, "10:21")
    report(book, "failed", "R1", "10:22")
    assert report(book, "failed", "R1", "10:23")["status"] == "noted"
    assert statuses(book) == ("due", ["owed"])


def test_refund_5_the_same_bounce_reported_again_is_noted():
    book = owed()
    report(book, "paid", "R1", "10:22")
    report(book, "failed", "R1", "10:23")
    assert report(book, "failed", "R1", "10:24")["status"] == "noted"


def test_refund_5_a_second_payment_under_another_reference_is_unexpected_and_changes_no_refund():
    book = owed()
    report(book, "paid", "R1", "10:22")
    second = report(book, "paid", "R2", "10:23")
    assert (second["status"], len(second["events"])) == ("accepted", 1)
    assert (statuses(book), refund(book)["amount"]) == (("paid", ["paid"]), 2000)


def test_refund_5_an_unexpected_payment_reported_again_is_noted():
    book = owed()
    report(book, "paid", "R1", "10:22")
    report(book, "paid", "R2", "10:23")
    assert report(book, "paid", "R2", "10:24")["status"] == "noted"


def test_refund_5_a_failure_of_a_payout_paid_under_another_reference_is_noted():
    book = owed()
    report(book, "paid", "R1", "10:22")
    assert report(book, "failed", "R2", "10:23")["status"] == "noted"
    assert statuses(book) == ("paid", ["paid"])


def test_refund_5_a_payment_of_a_deferred_refund_is_unexpected_and_leaves_it_deferred():
    book = deferred()
    assert report(book, "paid", "R1", "10:22")["status"] == "accepted"
    assert statuses(book) == ("deferred", ["owed"])
    book.ship("S1", contents={"O1": {"B": 1}}, at="12:00", kind="own")
    assert statuses(book) == ("due", ["owed"])
    assert report(book, "paid", "R1", "12:01")["status"] == "noted"
    assert report(book, "paid", "R2", "12:02")["status"] == "accepted"
    assert statuses(book) == ("paid", ["paid"])


def test_refund_5_a_failure_of_a_deferred_refund_is_refused():
    book = deferred()
    assert report(book, "failed", "R1", "10:22")["rule"] == "REFUND-5"
    assert statuses(book) == ("deferred", ["owed"])


def test_refund_5_a_payment_of_another_amount_pays_the_payout_all_the_same():
    for amount in (1999, 2001):
        book = owed()
        assert report(book, "paid", "R1", "10:22", amount=amount)["status"] == "accepted"
        assert (statuses(book), refund(book)["amount"]) == (("paid", ["paid"]), 2000)


def test_refund_5_the_payouts_own_amount_is_the_default():
    stated, unstated = owed(), owed()
    report(stated, "paid", "R1", "10:22", amount=2000)
    report(unstated, "paid", "R1", "10:22")
    assert [event["type"] for event in stated.events("O1")] == [event["type"] for event in unstated.events("O1")]


def test_refund_5_a_payment_of_an_unknown_refund_of_a_known_order_is_unexpected():
    book = owed()
    assert report(book, "paid", "R1", "10:22", refund_id="O1:refund:9", amount=700)["status"] == "accepted"
    assert statuses(book) == ("due", ["owed"])
    assert report(book, "paid", "R1", "10:23", refund_id="O1:refund:9", amount=700)["status"] == "noted"


def test_order_2_a_payment_of_an_unknown_refund_needs_an_amount_and_a_known_payment():
    book = owed()
    assert report(book, "paid", "R1", "10:22", refund_id="O1:refund:9")["rule"] == "ORDER-2"
    assert report(book, "paid", "R2", "10:22", payment_id="P9", amount=700)["rule"] == "ORDER-2"
    assert report(book, "paid", "R3", "10:22", refund_id="O9:refund:1", amount=700)["rule"] == "ORDER-2"


def paid_by_gift_card_alone():
    """Of the order's two payments only the gift card G1 is owed the refund of A (500)."""
    book = Book()
    book.place(
        "O1",
        items={"A": 500, "B": 1500},
        at="10:00",
        payments=[
            {"payment_id": "G1", "method": "gift-card", "amount": 500},
            {"payment_id": "C1", "method": "credit-card", "amount": 1500},
        ],
    )
    book.ship("S1", contents={"O1": {"B": 1}}, at="10:10", kind="own")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:20")
    return book


def test_order_2_a_failure_of_a_payment_that_the_refund_does_not_pay_is_refused():
    book = paid_by_gift_card_alone()
    refused = report(book, "failed", "R1", "10:22", payment_id="C1")
    assert (refused["status"], refused["rule"]) == ("rejected", "ORDER-2")


def test_refund_5_a_payment_that_the_refund_does_not_pay_is_unexpected_if_it_says_its_amount():
    book = paid_by_gift_card_alone()
    assert report(book, "paid", "R1", "10:22", payment_id="C1")["rule"] == "ORDER-2"
    assert report(book, "paid", "R2", "10:22", payment_id="C1", amount=500)["status"] == "accepted"
    assert statuses(book) == ("due", ["owed"])
