"""REFUND-4: payouts are submitted, paid, failed and bounced; REFUND-5: which ones can be submitted."""

from book import Book
from owed_orders import REFUND, deferred, owed, owed_in_two, refund, report, statuses, submit


def test_refund_4_a_payout_goes_from_owed_to_submitted_to_paid_and_its_units_are_refunded():
    book = owed()
    assert statuses(book) == ("due", ["owed"])
    submit(book, "10:21")
    assert (statuses(book), book.states("O1")) == (("due", ["submitted"]), {"A": ["cancelled"]})
    assert report(book, "paid", "R1", "10:22")["status"] == "accepted"
    assert (statuses(book), book.states("O1")) == (("paid", ["paid"]), {"A": ["refunded"]})
    assert book.show("O1")["state"] == "refunded"


def test_refund_4_the_units_are_refunded_only_when_every_payout_is_paid():
    book = owed_in_two()
    report(book, "paid", "R1", "10:22", payment_id="G1")
    assert (statuses(book), book.states("O1")) == (("due", ["paid", "owed"]), {"A": ["cancelled"]})
    report(book, "paid", "R2", "10:23", payment_id="C1")
    assert (statuses(book), book.states("O1")) == (("paid", ["paid", "paid"]), {"A": ["refunded"]})


def test_refund_4_units_are_refunded_when_the_last_payout_was_paid_also_where_that_was_reported_first():
    book = owed_in_two()
    report(book, "paid", "R1", "10:30", payment_id="G1")
    report(book, "paid", "R2", "10:23", payment_id="C1")
    of_g1, of_c1 = (event for event in book.events("O1") if event["type"] == "payout-paid")
    refunded = book.events("O1")[-1]
    assert refunded["type"] == "items-refunded"
    assert of_c1["at"] < of_g1["at"] == refunded["at"]


def test_refund_4_a_submission_answers_with_an_idempotency_key_that_counts_the_attempts():
    book = owed()
    assert submit(book, "10:21")["idempotency_key"] == "O1:refund:1:P1:1"
    report(book, "failed", "R1", "10:22", reason="card-expired")
    assert statuses(book) == ("due", ["owed"])
    assert submit(book, "10:23")["idempotency_key"] == "O1:refund:1:P1:2"
    assert refund(book)["payouts"][0]["attempts"] == 2


def test_refund_4_a_bounced_credit_is_owed_again_but_its_units_stay_refunded():
    book = owed()
    submit(book, "10:21")
    report(book, "paid", "R1", "10:22")
    assert report(book, "failed", "R1", "+1d 09:00")["status"] == "accepted"
    assert (statuses(book), book.states("O1")) == (("due", ["owed"]), {"A": ["refunded"]})
    assert refund(book)["due_at"] == "2026-01-05T10:20:00Z"
    submit(book, "+1d 10:00")
    report(book, "paid", "R2", "+1d 11:00")
    assert statuses(book) == ("paid", ["paid"])


def test_refund_4_one_bounced_payout_of_two_is_owed_alone():
    book = owed_in_two()
    report(book, "paid", "R1", "10:22", payment_id="G1")
    report(book, "paid", "R2", "10:23", payment_id="C1")
    report(book, "failed", "R2", "+1d 09:00", payment_id="C1")
    assert statuses(book) == ("due", ["paid", "owed"])


def test_refund_4_failed_then_paid_under_one_reference_is_a_payment():
    book = owed()
    submit(book, "10:21")
    report(book, "failed", "R1", "10:22")
    assert report(book, "paid", "R1", "10:23")["status"] == "accepted"
    assert statuses(book) == ("paid", ["paid"])


def test_refund_4_paid_bounced_and_paid_again_under_one_reference_is_a_payment():
    book = owed()
    for minute, outcome in enumerate(["paid", "failed", "paid"], start=21):
        assert report(book, outcome, "R1", f"10:{minute}")["status"] == "accepted"
    assert statuses(book) == ("paid", ["paid"])


def test_refund_4_a_refund_of_nothing_is_paid_when_made_and_never_deferred():
    book = Book()
    book.place("O1", items={"A": 0, "B": 3000}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:20")
    assert (refund(book)["amount"], refund(book)["status"]) == (0, "paid")
    assert book.states("O1") == {"A": ["refunded"], "B": ["placed"]}


# REFUND-5: what can be submitted


def test_refund_5_a_deferred_refund_is_not_submitted():
    deferred().reject("submit-payout", "REFUND-5", refund_id=REFUND, payment_id="P1", at="10:21")


def test_refund_5_a_payout_is_submitted_once_until_it_failed():
    book = owed()
    submit(book, "10:21")
    book.reject("submit-payout", "REFUND-5", refund_id=REFUND, payment_id="P1", at="10:22")
    report(book, "paid", "R1", "10:23")
    book.reject("submit-payout", "REFUND-5", refund_id=REFUND, payment_id="P1", at="10:24")


def test_refund_5_a_payment_that_the_order_does_not_have_is_not_submitted():
    owed().reject("submit-payout", "REFUND-5", refund_id=REFUND, payment_id="P9", at="10:21")


def test_order_2_an_unknown_refund_is_not_submitted():
    book = owed()
    book.reject("submit-payout", "ORDER-2", refund_id="O1:refund:9", payment_id="P1", at="10:21")
    book.reject("submit-payout", "ORDER-2", refund_id="O9:refund:1", payment_id="P1", at="10:21")
