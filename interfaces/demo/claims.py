"""The guarantee: what buyers of seller-fulfilled orders claim, on which ground, and what comes of it."""

from __future__ import annotations

from datetime import timedelta

from .cancellations import answer, cancel, request
from .journeys import PARTNER, delivered, dispatched, scan
from .market import MARKETPLACE, Case
from .returns import handed_over
from .week import Plan, Week


def claim(week: Week, case: Case, *, expect: str = "accepted") -> None:
    week.act("file-claim", case.buyer, order_id=case.order_id, items="all", expect=expect)


def decide(week: Week, case: Case, approve: bool, reason: str | None = None) -> None:
    week.act("decide-claim", MARKETPLACE, claim_id=week.latest(case, "claim"), approve=approve, reason=reason)


def request_ignored(week: Week, case: Case) -> Plan:
    """Ground (a): asked, and never answered."""
    yield week.minutes(31, 300)
    cancel(week, case, expect="SELLER-2")
    request(week, case)
    yield week.hours(49, 60)
    claim(week, case)
    yield week.hours(5, 40)
    decide(week, case, True)


def never_arrived(week: Week, case: Case) -> Plan:
    """Ground (b): claimed too early, then in time; now and then the parcel comes after the money."""
    shipment_id = yield from dispatched(week, case, carrier=PARTNER)
    yield week.days(8, 14)
    claim(week, case, expect="CLAIM-1")
    yield timedelta(days=30)
    claim(week, case)
    yield week.hours(5, 40)
    decide(week, case, True)
    if week.chance(0.4):
        yield week.days(2, 6)
        scan(week, "deliver", shipment_id)


def return_ignored(week: Week, case: Case) -> Plan:
    """Ground (c): sent back, and never acknowledged."""
    yield from handed_over(week, case, "damaged")
    yield week.days(15.1, 19)
    claim(week, case)
    yield week.hours(5, 40)
    decide(week, case, True)


def refund_ignored(week: Week, case: Case) -> Plan:
    """Ground (d): approved, due, and not paid in the promised time; the marketplace takes the refund over."""
    yield week.minutes(31, 300)
    request(week, case)
    yield week.hours(2, 40)
    answer(week, case, True)
    yield week.minutes(20, 100)
    claim(week, case, expect="CLAIM-1")
    yield week.days(16, 20)
    claim(week, case)
    yield week.hours(5, 40)
    decide(week, case, True)


def denied(week: Week, case: Case) -> Plan:
    """On its way after all: denied, tried again on the same ground, delivered."""
    shipment_id = yield from dispatched(week, case, carrier=PARTNER)
    yield week.days(30.1, 34)
    claim(week, case)
    yield week.hours(5, 40)
    decide(week, case, False, "tracking-shows-progress")
    yield week.hours(1, 5)
    claim(week, case, expect="CLAIM-3")
    yield week.days(1, 4)
    scan(week, "deliver", shipment_id)


def claim_withdrawn(week: Week, case: Case) -> Plan:
    yield week.days(30.1, 32)
    claim(week, case)
    yield from delivered(week, case)
    yield week.hours(1, 10)
    week.act("withdraw-claim", case.buyer, claim_id=week.latest(case, "claim"))
