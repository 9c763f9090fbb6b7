"""Refunds that are owed, and what the gateway says of their payouts: set-ups of the rules about payouts."""

from book import Book

REFUND = "O1:refund:1"


def owed(**order):
    """An order of 2000 on the card P1, cancelled as a whole at 10:20: its refund is due."""
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", **order)
    book.accept("cancel-items", order_id="O1", items="all", at="10:20")
    return book


def owed_in_two():
    """The same, to be paid out to the gift card G1 (1500) and to the card C1 (500)."""
    return owed(
        payments=[
            {"payment_id": "G1", "method": "gift-card", "amount": 1500},
            {"payment_id": "C1", "method": "credit-card", "amount": 500},
        ]
    )


def deferred():
    """A (2000) is cancelled while B is unshipped."""
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:20")
    return book


def submit(book, at, payment_id="P1"):
    return book.accept("submit-payout", refund_id=REFUND, payment_id=payment_id, at=at)


def report(book, outcome, reference, at, payment_id="P1", **fields):
    return book.run(
        "report-payout",
        refund_id=fields.pop("refund_id", REFUND),
        payment_id=payment_id,
        outcome=outcome,
        reference=reference,
        at=at,
        **fields,
    )


def refund(book):
    return book.show("O1")["refunds"][0]


def statuses(book):
    return refund(book)["status"], [payout["status"] for payout in refund(book)["payouts"]]
