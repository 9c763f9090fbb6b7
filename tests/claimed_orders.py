"""Orders of a seller, and claims on them: set-ups of the rules about the guarantee."""

from book import Book


def seller_order(items=None, **order):
    """Placed on 2026-01-05 at 10:00, fulfilled by the seller M1."""
    book = Book()
    book.place("O1", items=items or {"A": 2000}, at="10:00", seller="M1", fulfilled_by="seller", **order)
    return book


def claim(book, at, items="all"):
    return book.accept("file-claim", order_id="O1", items=items, at=at)


def refuse_claim(book, at, items="all", rule="CLAIM-1"):
    return book.reject("file-claim", rule, order_id="O1", items=items, at=at)


def request(book, at, items="all"):
    return book.accept("request-cancellation", order_id="O1", items=items, at=at)


def grant(book, at, number=1):
    return book.accept("decide-claim", claim_id=f"O1:claim:{number}", approve=True, at=at)


def paid(book, at, payment_id="P1", reference="R1", **actor):
    return book.accept(
        "report-payout",
        refund_id="O1:refund:1",
        payment_id=payment_id,
        outcome="paid",
        reference=reference,
        at=at,
        **actor,
    )


def refund(book, number=0):
    return book.show("O1")["refunds"][number]
