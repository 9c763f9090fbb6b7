"""Delivered, and sent back: for every reason, to the card or to store credit, whole, in part, late or never."""

from __future__ import annotations

from collections.abc import Callable

from .journeys import Journey, delivered
from .market import CARRIER, Case
from .week import Plan, Week


def started(week: Week, case: Case, reason: str, *, refund_to: str = "original") -> Journey:
    """Delivered, kept for a while, and a return started; answers with its id."""
    yield from delivered(week, case)
    yield week.days(1, 18)
    fields = {"order_id": case.order_id, "items": "all", "reason": reason, "refund_to": refund_to}
    week.act("start-return", case.buyer, **fields)
    return week.latest(case, "return")


def handed_over(week: Week, case: Case, reason: str, *, refund_to: str = "original") -> Journey:
    return_id = yield from started(week, case, reason, refund_to=refund_to)
    yield week.hours(4, 60)
    tracking_number = f"R{week.random.randint(10**6, 10**7 - 1)}"
    week.act("hand-over-return", CARRIER, return_id=return_id, tracking_number=tracking_number)
    return return_id


def received(week: Week, case: Case, return_id: str, quantities: dict[str, int], condition: str) -> None:
    goods = [{"item_id": item, "quantity": count, "condition": condition} for item, count in quantities.items()]
    week.act("receive-return", case.fulfiller, return_id=return_id, received=goods)


def returned(reason: str, condition: str, refund_to: str = "original") -> Callable[..., Plan]:
    """A return that goes its usual way."""

    def plan(week: Week, case: Case) -> Plan:
        return_id = yield from handed_over(week, case, reason, refund_to=refund_to)
        yield week.days(2, 6)
        received(week, case, return_id, case.quantities, condition)

    return plan


def in_two_boxes(week: Week, case: Case) -> Plan:
    """Received in part; for some buyers the rest comes a week later."""
    return_id = yield from handed_over(week, case, "not-as-described")
    first, *rest = case.quantities.items()
    yield week.days(2, 6)
    received(week, case, return_id, dict([first]), "opened")
    if week.chance(0.5):
        yield week.days(4, 9)
        received(week, case, return_id, dict(rest), "unopened")


def lost_on_the_way_back(week: Week, case: Case) -> Plan:
    return_id = yield from handed_over(week, case, "wrong-item")
    yield week.days(6, 12)
    week.act("lose-return", CARRIER, return_id=return_id)


def withdrawn(week: Week, case: Case) -> Plan:
    return_id = yield from started(week, case, "other")
    yield week.hours(2, 70)
    week.act("withdraw-return", case.buyer, return_id=return_id)


def never_sent(week: Week, case: Case) -> Plan:
    """Lapses 15 days after the last window has closed."""
    yield from started(week, case, "changed-mind")


def too_late(week: Week, case: Case) -> Plan:
    yield from delivered(week, case)
    yield week.days(30.1, 40)
    fields = {"order_id": case.order_id, "items": "all", "reason": "changed-mind"}
    week.act("start-return", case.buyer, expect="RETURN-1", **fields)
