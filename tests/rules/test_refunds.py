"""REFUND-1 to REFUND-3: where a refund goes, when the buyer will have it, who pays and who processes it."""

import pytest

from book import Book

GIFT_THEN_CARD = [
    {"payment_id": "G1", "method": "gift-card", "amount": 1500},
    {"payment_id": "C1", "method": "credit-card", "amount": 3500},
]


def payouts(refund):
    return {payout["payment_id"]: payout["amount"] for payout in refund["payouts"]}


def refunds(book, order_id="O1"):
    return book.show(order_id)["refunds"]


def test_refund_1_a_refund_goes_to_the_payments_in_the_order_in_which_they_were_listed():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00", payments=list(reversed(GIFT_THEN_CARD)))
    book.accept("cancel-items", order_id="O1", items={"B": 1}, at="11:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="12:00")
    assert [payouts(refund) for refund in refunds(book)] == [{"C1": 3000}, {"C1": 500, "G1": 1500}]


def test_refund_1_a_deferred_refund_uses_up_its_payment_like_a_paid_one():
    book = Book()
    book.place("O1", items={"A": 1500, "B": 1500, "C": 2000}, at="10:00", payments=GIFT_THEN_CARD)
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="11:00")
    book.accept("cancel-items", order_id="O1", items={"B": 1}, at="12:00")
    assert [(refund["status"], payouts(refund)) for refund in refunds(book)] == [
        ("deferred", {"G1": 1500}),
        ("deferred", {"C1": 1500}),
    ]


def test_refund_1_a_failed_payout_stays_with_its_payment_and_frees_nothing():
    book = Book()
    book.place("O1", items={"A": 1500, "B": 3500}, at="10:00", payments=GIFT_THEN_CARD)
    book.ship("S1", contents={"O1": {"B": 1}}, at="11:00", kind="own")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="12:00")
    book.accept("submit-payout", refund_id="O1:refund:1", payment_id="G1", at="12:01")
    book.accept("report-payout", refund_id="O1:refund:1", payment_id="G1", outcome="failed", reference="R1", at="12:02")
    book.accept("lose-shipment", shipment_id="S1", at="13:00")
    assert [payouts(refund) for refund in refunds(book)] == [{"G1": 1500}, {"C1": 3500}]


def test_refund_1_store_credit_does_not_use_up_what_the_payments_have_left():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00", payments=GIFT_THEN_CARD)
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    for number, (item, refund_to) in enumerate([("A", "store-credit"), ("B", "original")], start=1):
        book.accept("start-return", order_id="O1", items={item: 1}, reason="damaged", refund_to=refund_to, at="13:00")
        book.accept(
            "receive-return",
            return_id=f"O1:return:{number}",
            at="14:00",
            received=[{"item_id": item, "quantity": 1, "condition": "opened"}],
        )
    assert [payouts(refund) for refund in refunds(book)] == [{"store-credit": 2000}, {"G1": 1500, "C1": 1500}]


def test_refund_1_what_is_deducted_leaves_room_in_the_payments():
    book = Book()
    book.place("O1", items={"A": 1500, "B": 3500}, at="10:00", payments=GIFT_THEN_CARD)
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    for number, (item, reason) in enumerate([("A", "changed-mind"), ("B", "late")], start=1):
        book.accept("start-return", order_id="O1", items={item: 1}, reason=reason, at="13:00")
        book.accept(
            "receive-return",
            return_id=f"O1:return:{number}",
            at="14:00",
            received=[{"item_id": item, "quantity": 1, "condition": "unopened"}],
        )
    assert [payouts(refund) for refund in refunds(book)] == [{"G1": 1000}, {"G1": 500, "C1": 3000}]


@pytest.mark.parametrize("way", [[("A", 1)] * 3, [("A", 2), ("A", 1)], [("A", 1), ("A", 2)], [("A", 3)]])
def test_refund_1_any_sequence_of_partial_refunds_adds_up_to_the_line_to_the_cent(way):
    book = Book()
    book.place(
        "O1", items={"A": {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}}, at="10:00"
    )
    for minute, (item, quantity) in enumerate(way, start=11):
        book.accept("cancel-items", order_id="O1", items={item: quantity}, at=f"10:{minute}")
    assert sum(refund["amount"] for refund in refunds(book)) == 1148


def cancelled_at(at, method):
    """The only payout of an order that is cancelled as a whole at the given time."""
    book = Book()
    book.place(
        "O1",
        items={"A": 2000},
        at="2026-01-01T00:00:00Z",
        payments=[{"payment_id": "P1", "method": method, "amount": 2000}],
    )
    book.accept("cancel-items", order_id="O1", items="all", at=at)
    (refund,) = refunds(book)
    assert refund["status"] == "due"
    return refund["payouts"][0]


@pytest.mark.parametrize(
    ("method", "promised_by"),
    [
        ("credit-card", "2026-01-12T10:30:00Z"),
        ("debit-card", "2026-01-19T10:30:00Z"),
        ("gift-card", "2026-01-05T13:30:00Z"),
        ("bank-transfer", "2026-01-19T10:30:00Z"),
        ("paypal", "2026-01-19T10:30:00Z"),
    ],
)
def test_refund_2_every_method_has_its_promised_time(method, promised_by):
    payout = cancelled_at("2026-01-05T10:30:00Z", method)
    assert (payout["method"], payout["status"], payout["promised_by"]) == (method, "owed", promised_by)


def test_refund_2_store_credit_takes_two_hours():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    book.accept("start-return", order_id="O1", items="all", reason="late", refund_to="store-credit", at="13:00")
    book.accept(
        "receive-return",
        return_id="O1:return:1",
        at="+5d 23:30",
        received=[{"item_id": "A", "quantity": 1, "condition": "unopened"}],
    )
    assert refunds(book)[0]["payouts"][0]["promised_by"] == "2026-01-11T01:30:00Z"


@pytest.mark.parametrize(
    ("due", "promised_by"),
    [
        ("2026-01-02T17:00:00Z", "2026-01-09T17:00:00Z"),  # a Friday
        ("2026-01-03T12:00:00Z", "2026-01-09T12:00:00Z"),  # a Saturday
        ("2026-01-04T23:59:59Z", "2026-01-09T23:59:59Z"),  # a Sunday
        ("2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z"),  # a Monday
        ("2026-01-08T09:15:00Z", "2026-01-15T09:15:00Z"),  # a Thursday
        ("2026-01-04T21:00:00-05:00", "2026-01-12T02:00:00Z"),  # a Sunday there, but a Monday in UTC
        ("2026-01-05T01:00:00+02:00", "2026-01-09T23:00:00Z"),  # a Monday there, but a Sunday in UTC
    ],
)
def test_refund_2_business_days_are_weekdays_counted_in_utc_from_the_due_time(due, promised_by):
    assert cancelled_at(due, "credit-card")["promised_by"] == promised_by


@pytest.mark.parametrize(
    ("due", "promised_by"),
    [
        ("2026-01-02T17:00:00Z", "2026-01-16T17:00:00Z"),
        ("2026-01-03T12:00:00Z", "2026-01-16T12:00:00Z"),
    ],
)
def test_refund_2_ten_business_days_are_two_weeks_of_weekdays(due, promised_by):
    assert cancelled_at(due, "debit-card")["promised_by"] == promised_by


def test_refund_2_a_deferred_refund_promises_nothing_until_it_falls_due():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="11:00")
    (refund,) = refunds(book)
    assert (refund["due_at"], refund["payouts"][0]["promised_by"]) == (None, None)
    book.ship("S1", contents={"O1": {"B": 1}}, at="+4d 17:00", kind="own")
    (refund,) = refunds(book)
    assert (refund["due_at"], refund["payouts"][0]["promised_by"]) == ("2026-01-09T17:00:00Z", "2026-01-16T17:00:00Z")


def test_partial_1_a_released_refund_never_falls_due_before_it_was_made():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    carrier = {"name": "Vans", "kind": "own"}
    contents = [{"order_id": "O1", "items": {"B": 1}}]
    book.accept("pack-shipment", shipment_id="S1", contents=contents, carrier=carrier, at="10:30")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="12:00")
    book.accept("dispatch-shipment", shipment_id="S1", at="11:00")
    (refund,) = refunds(book)
    assert (refund["status"], refund["due_at"]) == ("due", "2026-01-05T12:00:00Z")


@pytest.mark.parametrize(
    ("seller", "fulfilled_by", "funded_by", "processor"),
    [
        (None, "marketplace", "marketplace", "marketplace"),
        ("M1", "marketplace", "seller", "marketplace"),
        ("M1", "seller", "seller", "seller"),
    ],
)
def test_refund_3_who_sold_the_goods_funds_and_who_fulfilled_the_order_processes(
    seller, fulfilled_by, funded_by, processor
):
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", seller=seller, fulfilled_by=fulfilled_by)
    book.accept("cancel-items", order_id="O1", items="all", at="10:10")
    (refund,) = refunds(book)
    assert (refund["funded_by"], refund["processor"]) == (funded_by, processor)


def test_refund_1_no_unit_gets_a_second_refund():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept("cancel-items", order_id="O1", items="all", at="10:10")
    book.reject("cancel-items", "CANCEL-6", order_id="O1", items={"A": 1}, at="10:11")
    assert len(refunds(book)) == 1
