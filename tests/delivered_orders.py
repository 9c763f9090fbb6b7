"""A delivered order and the return of its units: set-ups of the rules about returns."""

from book import Book


def delivered(*, items=None, **order):
    """Placed at 10:00, dispatched at 12:00, delivered at 14:00 of the first day (2026-01-05)."""
    book = Book()
    book.place("O1", items=items or {"A": {"quantity": 3, "unit_price": 2000}}, at="10:00", **order)
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    return book


def start(book, items="all", *, at="+1d 09:00", reason="other", **fields):
    return book.accept("start-return", order_id="O1", items=items, reason=reason, at=at, **fields)


def receive(book, *units, at, return_id="O1:return:1"):
    received = [{"item_id": item, "quantity": quantity, "condition": condition} for item, quantity, condition in units]
    return book.accept("receive-return", return_id=return_id, received=received, at=at)


def status(book, number=0):
    return book.show("O1")["returns"][number]["status"]
