"""RULEBOOK section 4: the refund of a partial cancellation waits for the rest to ship (PARTIAL-1)."""

import pytest

from book import Book

ZERO = {"A": 2000, "B": {"quantity": 1, "unit_price": 0}}


def order(items=None, **fields):
    book = Book()
    book.place("O1", items=items or {"A": 2000, "B": 3000}, at="10:00", **fields)
    return book


def pack(book, items, at="10:10", shipment_id="S1"):
    contents = [{"order_id": "O1", "items": items}]
    carrier = {"name": "Vans", "kind": "own"}
    book.accept("pack-shipment", shipment_id=shipment_id, contents=contents, carrier=carrier, at=at)


def cancel(book, items, at="10:20", **fields):
    return book.accept("cancel-items", order_id="O1", items=items, at=at, **fields)


def refunds(book):
    return [(refund["amount"], refund["status"], refund["rule"]) for refund in book.show("O1")["refunds"]]


def due_at(book):
    return [refund["due_at"] for refund in book.show("O1")["refunds"]]


def test_partial_1_worked_example_2_the_refund_is_deferred_until_the_rest_is_dispatched():
    book = order()
    cancel(book, {"A": 1})
    assert refunds(book) == [(2000, "deferred", "PARTIAL-1")]
    assert due_at(book) == [None]
    pack(book, {"B": 1}, at="11:00")
    assert refunds(book) == [(2000, "deferred", "PARTIAL-1")]
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    assert refunds(book) == [(2000, "due", "PARTIAL-1")]
    assert due_at(book) == ["2026-01-05T12:00:00Z"]


def test_partial_1_worked_example_3_a_partial_refund_goes_to_the_first_payments_first():
    payments = [
        {"payment_id": "P1", "method": "gift-card", "amount": 1500},
        {"payment_id": "P2", "method": "credit-card", "amount": 3500},
    ]
    book = order(payments=payments)
    cancel(book, {"A": 1}, at="10:20")
    cancel(book, {"B": 1}, at="10:25")
    payouts = [[(p["payment_id"], p["amount"]) for p in refund["payouts"]] for refund in book.show("O1")["refunds"]]
    assert payouts == [[("P1", 1500), ("P2", 500)], [("P2", 3000)]]


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("placed", "deferred"),
        ("preparing", "deferred"),
        ("shipped", "due"),
        ("out-for-delivery", "due"),
        ("delivered", "due"),
        ("cancelled", "due"),
    ],
)
def test_partial_1_only_unshipped_units_that_are_left_defer_the_refund(rest, status):
    book = order()
    if rest == "cancelled":
        cancel(book, {"B": 1}, at="10:15")
    elif rest != "placed":
        pack(book, {"B": 1})
    if rest in ("shipped", "out-for-delivery", "delivered"):
        book.accept("dispatch-shipment", shipment_id="S1", at="10:11")
    if rest == "out-for-delivery":
        book.accept("start-delivery", shipment_id="S1", at="10:12")
    if rest == "delivered":
        book.accept("deliver", shipment_id="S1", at="10:12")
    cancel(book, {"A": 1})
    assert refunds(book)[-1] == (2000, status, "PARTIAL-1" if status == "deferred" else "CANCEL-1")


@pytest.mark.parametrize("at", ["10:20", "10:40"])
def test_partial_1_units_in_the_seller_window_or_with_the_seller_defer_the_refund(at):
    book = order(seller="M1", fulfilled_by="seller")
    cancel(book, {"A": 1}, at=at, actor="seller")
    assert book.states("O1")["B"] == ["seller-window" if at == "10:20" else "with-seller"]
    assert refunds(book) == [(2000, "deferred", "PARTIAL-1")]


def test_partial_1_other_units_of_the_same_line_defer_it_too():
    book = order({"A": {"quantity": 2, "unit_price": 100}})
    cancel(book, {"A": 1})
    assert refunds(book) == [(100, "deferred", "PARTIAL-1")]


def test_partial_1_cancelling_everything_at_once_defers_nothing():
    book = order()
    cancel(book, "all")
    assert refunds(book) == [(5000, "due", "CANCEL-1")]


def test_partial_1_the_last_cancellation_releases_the_earlier_ones_in_the_order_of_their_making():
    book = order({"A": 100, "B": 200, "C": 300})
    cancel(book, {"B": 1}, at="10:20")
    cancel(book, {"A": 1}, at="10:25")
    assert [refund[:2] for refund in refunds(book)] == [(200, "deferred"), (100, "deferred")]
    cancel(book, {"C": 1}, at="10:30")
    assert refunds(book) == [(200, "due", "PARTIAL-1"), (100, "due", "PARTIAL-1"), (300, "due", "CANCEL-1")]
    assert due_at(book) == ["2026-01-05T10:30:00Z"] * 3


def test_partial_1_only_the_last_of_several_dispatches_releases():
    book = order({"A": 100, "B": 200, "C": 300})
    cancel(book, {"A": 1})
    book.ship("S1", contents={"O1": {"B": 1}}, at="11:00")
    assert refunds(book) == [(100, "deferred", "PARTIAL-1")]
    book.ship("S2", contents={"O1": {"C": 1}}, at="12:00")
    assert due_at(book) == ["2026-01-05T12:00:00Z"]


def test_partial_1_unpacking_keeps_it_deferred():
    book = order()
    pack(book, {"B": 1})
    cancel(book, {"A": 1})
    book.accept("unpack-shipment", shipment_id="S1", at="11:00")
    assert refunds(book) == [(2000, "deferred", "PARTIAL-1")]


@pytest.mark.parametrize("report", ["start-delivery", "deliver", "refuse-delivery", "turn-back"])
def test_partial_1_an_inferred_dispatch_releases_too(report):
    book = order()
    pack(book, {"B": 1})
    cancel(book, {"A": 1})
    book.accept(report, shipment_id="S1", at="12:00")
    assert refunds(book)[0] == (2000, "due", "PARTIAL-1")
    assert due_at(book)[0] == "2026-01-05T12:00:00Z"


def test_partial_1_a_refund_does_not_fall_due_before_it_was_made():
    book = order()
    pack(book, {"B": 1})
    cancel(book, {"A": 1}, at="12:00")
    book.accept("dispatch-shipment", shipment_id="S1", at="11:00")
    assert due_at(book) == ["2026-01-05T12:00:00Z"]


@pytest.mark.parametrize(("at", "status"), [("+30d 10:20", "deferred"), ("+30d 10:20:00.001", "due")])
def test_partial_1_thirty_days_after_its_cancellation_it_is_released_anyway(at, status):
    book = order()
    cancel(book, {"A": 1}, at="10:20")
    book.accept("pass-time", at=at)
    assert refunds(book) == [(2000, status, "PARTIAL-1")]
    assert due_at(book) == ["2026-02-04T10:20:00Z" if status == "due" else None]


def test_partial_1_each_deferred_refund_has_its_own_thirty_days():
    book = order({"A": 100, "B": 200, "C": 300})
    cancel(book, {"A": 1}, at="10:20")
    cancel(book, {"B": 1}, at="+5d 10:20")
    book.accept("pass-time", at="+31d 10:00")
    assert [refund[:2] for refund in refunds(book)] == [(100, "due"), (200, "deferred")]
    book.accept("pass-time", at="+36d 10:00")
    assert due_at(book) == ["2026-02-04T10:20:00Z", "2026-02-09T10:20:00Z"]


def test_partial_1_a_settled_claim_releases():
    book = order(seller="M1", fulfilled_by="seller")
    cancel(book, {"A": 1}, at="10:10")
    book.accept("file-claim", order_id="O1", items={"B": 1}, at="+30d 10:02")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+30d 10:03")
    assert [refund[:2] for refund in refunds(book)] == [(2000, "deferred"), (3000, "due")]
    paid = {"refund_id": "O1:refund:2", "payment_id": "P1", "outcome": "paid", "reference": "R1"}
    book.accept("report-payout", at="+30d 10:04", **paid)
    assert book.states("O1") == {"A": ["cancelled"], "B": ["refunded"]}
    assert (refunds(book)[0][1], due_at(book)[0]) == ("due", "2026-02-04T10:04:00Z")


def test_partial_1_an_interception_is_deferred_while_others_are_unshipped():
    book = order()
    book.ship("S1", contents={"O1": {"A": 1}}, kind="own", at="11:00")
    book.accept("request-cancellation", order_id="O1", items={"A": 1}, at="12:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="13:00")
    assert refunds(book) == [(2000, "deferred", "PARTIAL-1")]
    cancel(book, {"B": 1}, at="14:00")
    assert [refund[1] for refund in refunds(book)] == ["due", "due"]


@pytest.mark.parametrize("report", ["refuse-delivery", "turn-back"])
def test_partial_1_is_only_about_cancelled_units_so_what_comes_back_is_due_though_others_are_unshipped(report):
    book = order()
    book.ship("S1", contents={"O1": {"A": 1}}, kind="partner", at="11:00")
    book.accept(report, shipment_id="S1", at="12:00")
    book.accept("receive-return", shipment_id="S1", at="13:00")
    assert book.states("O1")["B"] == ["placed"]
    assert [refund[:2] for refund in refunds(book)] == [(2000, "due")]


def test_partial_1_an_approved_turning_back_is_due_on_receipt_though_others_are_unshipped():
    book = order()
    book.ship("S1", contents={"O1": {"A": 1}}, kind="partner", at="11:00")
    book.accept("request-cancellation", order_id="O1", items={"A": 1}, at="12:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="13:00")
    book.accept("receive-return", shipment_id="S1", at="+2d 10:00")
    assert refunds(book) == [(2000, "due", "CANCEL-4")]


def test_partial_1_a_refund_of_nothing_is_paid_when_made_and_never_deferred():
    book = order(ZERO)
    cancel(book, {"B": 1})
    assert [refund[:2] for refund in refunds(book)] == [(0, "paid")]
    assert book.states("O1") == {"A": ["placed"], "B": ["refunded"]}
