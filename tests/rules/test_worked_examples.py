"""The worked examples of the rulebook about refunds, to the cent."""

import pytest

from book import Book

REFUND = "O1:refund:1"


def payouts(book, number=0):
    return {payout["payment_id"]: payout["amount"] for payout in book.show("O1")["refunds"][number]["payouts"]}


def test_worked_example_1_split_cents():
    book = Book()
    book.place(
        "O1",
        items={"A": {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}},
        at="10:00",
        payments=[{"payment_id": "P1", "method": "credit-card", "amount": 1148}],
    )
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    assert [entry["value"] for entry in book.show("O1")["items"][0]["units"]] == [383, 765]
    book.accept("cancel-items", order_id="O1", items={"A": 2}, at="10:20")
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [383, 765]
    assert book.show("O1")["total"] == 383 + 765 == 1148


def test_worked_example_1_the_third_unit_is_worth_a_cent_less():
    book = Book()
    book.place(
        "O1", items={"A": {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}}, at="10:00"
    )
    for minute in (10, 20, 30):
        book.accept("cancel-items", order_id="O1", items={"A": 1}, at=f"10:{minute}")
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [383, 383, 382]


def test_worked_example_2_partial_cancel():
    book = Book()
    book.place(
        "O1",
        items={"A": 2000, "B": 3000},
        at="10:00",
        payments=[{"payment_id": "P1", "method": "credit-card", "amount": 5000}],
    )
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["status"], refund["amount"], refund["rule"]) == ("deferred", 2000, "PARTIAL-1")
    book.accept(
        "pack-shipment",
        shipment_id="S1",
        contents=[{"order_id": "O1", "items": {"B": 1}}],
        carrier={"name": "Vans", "kind": "own"},
        at="11:00",
    )
    assert book.show("O1")["refunds"][0]["status"] == "deferred"
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["status"], refund["amount"], refund["due_at"]) == ("due", 2000, "2026-01-05T12:00:00Z")


def test_worked_example_3_two_payments():
    book = Book()
    book.place(
        "O1",
        items={"A": 2000, "B": 3000},
        at="10:00",
        payments=[
            {"payment_id": "G1", "method": "gift-card", "amount": 1500},
            {"payment_id": "C1", "method": "credit-card", "amount": 3500},
        ],
    )
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    book.accept("cancel-items", order_id="O1", items={"B": 1}, at="10:20")
    assert (payouts(book, 0), payouts(book, 1)) == ({"G1": 1500, "C1": 500}, {"C1": 3000})


@pytest.mark.parametrize(
    ("reason", "condition", "refund_to", "amount"),
    [
        ("changed-mind", "unopened", "original", 4500),
        ("changed-mind", "unopened", "store-credit", 5000),
        ("changed-mind", "opened", "original", 2500),
        ("changed-mind", "opened", "store-credit", 3000),
        ("damaged", "opened", "original", 5000),
        ("damaged", "opened", "store-credit", 5000),
    ],
)
def test_worked_example_6_changed_mind(reason, condition, refund_to, amount):
    book = Book()
    book.place(
        "O1",
        items={"A": {"quantity": 1, "unit_price": 4000, "tax": 400, "shipping": 600}},
        at="10:00",
        payments=[{"payment_id": "P1", "method": "credit-card", "amount": 5000}],
    )
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    book.accept("start-return", order_id="O1", items="all", reason=reason, refund_to=refund_to, at="+1d 10:00")
    book.accept(
        "receive-return",
        return_id="O1:return:1",
        at="+4d 10:00",
        received=[{"item_id": "A", "quantity": 1, "condition": condition}],
    )
    assert payouts(book) == {"store-credit" if refund_to == "store-credit" else "P1": amount}


def test_worked_example_9_claim_over_an_unpaid_refund():
    book = Book()
    book.place(
        "O1",
        items={"A": 2000},
        at="10:00",
        seller="M1",
        fulfilled_by="seller",
        payments=[
            {"payment_id": "G1", "method": "gift-card", "amount": 1500},
            {"payment_id": "C1", "method": "credit-card", "amount": 500},
        ],
    )
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="12:00")
    book.accept("report-payout", refund_id=REFUND, payment_id="G1", outcome="paid", reference="R1", at="12:30")
    book.accept("file-claim", order_id="O1", items="all", at="+8d 10:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+9d 10:00")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["processor"], refund["status"]) == ("marketplace", "due")
    assert [(payout["amount"], payout["status"]) for payout in refund["payouts"]] == [(1500, "paid"), (500, "owed")]
    book.accept("submit-payout", refund_id=REFUND, payment_id="C1", at="+9d 11:00", actor="marketplace")
    book.accept(
        "report-payout",
        refund_id=REFUND,
        payment_id="C1",
        outcome="paid",
        reference="R2",
        at="+9d 12:00",
        actor="marketplace",
    )
    (refund,) = book.show("O1")["refunds"]
    assert (refund["status"], book.states("O1")) == ("paid", {"A": ["refunded"]})


def test_worked_example_10_friday():
    book = Book()
    book.place(
        "O1",
        items={"A": 2000},
        at="2026-01-02T09:00:00Z",
        payments=[{"payment_id": "P1", "method": "credit-card", "amount": 2000}],
    )
    book.accept("cancel-items", order_id="O1", items="all", at="2026-01-02T17:00:00Z")
    (refund,) = book.show("O1")["refunds"]
    assert refund["due_at"] == "2026-01-02T17:00:00Z"
    assert refund["payouts"][0]["promised_by"] == "2026-01-09T17:00:00Z"
