"""Made-up trade: commands whose ids and times are the same on every run."""

import heapq
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

Command = dict[str, Any]
Step = tuple[timedelta, Command]  # how long after the step before
Life = Iterator[Step]

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
BETWEEN_ORDERS = timedelta(minutes=5)
"""About 290 orders a day that live for days: some 2,000 are under way at any moment, as in Olist's real trade."""
NOW = timedelta(0)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
OWN = {"name": "Market Vans", "kind": "own"}
PARTNER = {"name": "Parcelwise", "kind": "partner"}

_encode = msgspec.json.Encoder().encode


class Ticking:
    """A clock that is a second later at every look."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


# --- Commands ---------------------------------------------------------------------------------------------------------


def place(order_id: str, *, buyer_id: str = "B1", seller_id: str | None = None, quantity: int = 2) -> Command:
    """An order of two lines, A of ``quantity`` and B of 1, on one card."""
    tax = 100 * quantity
    lines = [
        {"item_id": "A", "sku": "SKU-A", "quantity": quantity, "unit_price": 1999, "tax": tax, "shipping": 350},
        {"item_id": "B", "sku": "SKU-B", "quantity": 1, "unit_price": 4250, "tax": 213, "discount": 250},
    ]
    return {
        "command": "place-order",
        "order_id": order_id,
        "buyer_id": buyer_id,
        "seller_id": seller_id,
        "fulfilled_by": "seller" if seller_id else "marketplace",
        "currency": "USD",
        "items": lines,
        "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 2099 * quantity + 350 + 4213}],
    }


def dispatch(*order_ids: str, carrier: dict[str, str] = OWN) -> Command:
    """Pack everything that is left of the orders into one parcel, and hand it to the carrier."""
    return {
        "command": "dispatch-shipment",
        "shipment_id": f"S-{order_ids[0]}",
        "contents": [{"order_id": order_id, "items": "all"} for order_id in order_ids],
        "carrier": carrier,
        "tracking_number": f"TN-{order_ids[0]}",
    }


def scan(report: str, order_id: str) -> Command:
    """A carrier's report on the parcel that ``dispatch`` named after the order."""
    return {"command": report, "shipment_id": f"S-{order_id}"}


def cancel(order_id: str, items: dict[str, int] | str = "all", command: str = "cancel-items") -> Command:
    return {"command": command, "order_id": order_id, "items": items}


def start_return(order_id: str, items: dict[str, int] | str = "all") -> Command:
    return {"command": "start-return", "order_id": order_id, "items": items, "reason": "changed-mind"}


def submit(order_id: str) -> Command:
    return {"command": "submit-payout", "refund_id": f"{order_id}:refund:1", "payment_id": "P1"}


def report(order_id: str, outcome: str = "paid", reference: str = "R1") -> Command:
    return {**submit(order_id), "command": "report-payout", "outcome": outcome, "reference": reference}


# --- Lives of orders --------------------------------------------------------------------------------------------------


def smooth(order_id: str) -> Life:
    yield NOW, place(order_id)
    yield DAY, dispatch(order_id)
    yield 2 * DAY, scan("start-delivery", order_id)
    yield 5 * HOUR, scan("deliver", order_id)


def scanned_late(order_id: str) -> Life:
    """Delivered at once; the scan before it comes an hour later and is noted."""
    yield NOW, place(order_id)
    yield DAY, dispatch(order_id)
    yield 2 * DAY, scan("deliver", order_id)
    yield HOUR, {**scan("start-delivery", order_id), "at": -3 * HOUR}


def returned(order_id: str) -> Life:
    yield from smooth(order_id)
    yield 4 * DAY, start_return(order_id, {"A": 1})
    return_id = f"{order_id}:return:1"
    yield DAY, {"command": "hand-over-return", "return_id": return_id}
    received = [{"item_id": "A", "quantity": 1, "condition": "unopened"}]
    yield 3 * DAY, {"command": "receive-return", "return_id": return_id, "received": received}
    yield from paid_back(order_id)


def refused(order_id: str) -> Life:
    yield NOW, place(order_id)
    yield DAY, dispatch(order_id, carrier=PARTNER)
    yield 2 * DAY, scan("start-delivery", order_id)
    yield 5 * HOUR, scan("refuse-delivery", order_id)
    yield 3 * DAY, scan("receive-return", order_id)
    yield from paid_back(order_id)


def cancelled_in_part(order_id: str) -> Life:
    yield NOW, place(order_id)
    yield 2 * HOUR, cancel(order_id, {"A": 1})
    yield DAY, dispatch(order_id)
    yield from paid_back(order_id)
    yield 2 * DAY, scan("deliver", order_id)


def cancelled_at_once(order_id: str) -> Life:
    yield NOW, place(order_id, seller_id="V1")
    yield HOUR / 4, cancel(order_id)
    yield from paid_back(order_id)


def cancelled_too_late(order_id: str) -> Life:
    """SELLER-2 says no, the request is approved; the gateway fails at the first attempt."""
    yield NOW, place(order_id, seller_id="V2")
    yield HOUR, cancel(order_id)
    yield HOUR / 60, cancel(order_id, command="request-cancellation")
    yield 20 * HOUR, {"command": "answer-cancellation", "request_id": f"{order_id}:request:1", "approve": True}
    yield HOUR, submit(order_id)
    yield HOUR, report(order_id, "failed")
    yield HOUR, submit(order_id)
    yield HOUR, report(order_id, reference="R2")


def combined(order_id: str) -> Life:
    """Two orders in one parcel; COMBINED-1 keeps the buyer from taking one of them out unawares."""
    other = f"{order_id}+"
    yield NOW, place(order_id, buyer_id="B2")
    yield HOUR, place(other, buyer_id="B2")
    yield DAY, {**dispatch(order_id, other), "command": "pack-shipment"}
    yield HOUR, cancel(other, command="request-cancellation")
    yield HOUR, scan("dispatch-shipment", order_id)
    yield 2 * DAY, scan("deliver", order_id)


def paid_back(order_id: str) -> Life:
    yield HOUR, submit(order_id)
    yield DAY, report(order_id)


LIVES: list[Callable[[str], Life]] = [
    smooth,
    cancelled_in_part,
    scanned_late,
    combined,
    smooth,
    cancelled_too_late,
    returned,
    smooth,
    cancelled_at_once,
    refused,
]


def command_log() -> Iterator[bytes]:
    """Endless lines of a command log, in the order of their times; memory stays flat."""
    under_way: list[tuple[datetime, int, int, Command, Life]] = []
    number = 0
    begins = START
    while True:
        while not under_way or begins <= under_way[0][0]:
            _take_step(under_way, begins, number, 0, LIVES[number % len(LIVES)](f"O{number}"))
            number += 1
            begins += BETWEEN_ORDERS
        at, order, step, command, life = heapq.heappop(under_way)
        yield line(command, f"{order}-{step}", at + command.pop("at", NOW))
        _take_step(under_way, at, order, step + 1, life)


def line(command: Command, command_id: str, at: datetime) -> bytes:
    """A command as a line of a log."""
    return _encode({**command, "command_id": command_id, "at": at}) + b"\n"


def _take_step(under_way: list[Any], now: datetime, order: int, step: int, life: Life) -> None:
    for after, command in life:
        heapq.heappush(under_way, (now + after, order, step, command, life))
        return
