"""Two or three orders of one buyer in one parcel: what one of them does, the others feel."""

from __future__ import annotations

from .cancellations import answer, cancel, request
from .journeys import OWN, PARTNER, dispatched, packed, received_back, scan
from .market import CARRIER, Case
from .week import Plan, Week


def cancelled_together(week: Week, *cases: Case) -> Plan:
    """Refused without the buyer's word that the rest may go, granted with it."""
    yield week.hours(1, 20)
    packed(week, *cases)
    yield week.minutes(5, 200)
    request(week, cases[0], expect="COMBINED-1")
    yield week.minutes(1, 9)
    request(week, cases[0], accept_cascade=True)
    yield week.hours(1, 9)
    answer(week, cases[0], True)


def window_takes_all(week: Week, *cases: Case) -> Plan:
    """A quick seller, a quicker buyer: packed within the half hour, and cancelled in it."""
    yield week.minutes(2, 6)
    packed(week, *cases, carrier=PARTNER)
    yield week.minutes(2, 6)
    cancel(week, cases[0], expect="COMBINED-1")
    yield week.minutes(1, 3)
    cancel(week, cases[0], accept_cascade=True)


def one_taken_out(week: Week, *cases: Case) -> Plan:
    """The warehouse opens the box for the one, and sends the rest."""
    yield week.hours(1, 20)
    shipment_id = packed(week, *cases, carrier=OWN)
    yield week.minutes(5, 200)
    request(week, cases[0], accept_cascade=True)
    yield week.hours(1, 9)
    answer(week, cases[0], True, scope="units")
    yield week.hours(1, 9)
    scan(week, "dispatch-shipment", shipment_id)
    yield week.hours(10, 40)
    scan(week, "deliver", shipment_id)


def turned_back_together(week: Week, *cases: Case) -> Plan:
    shipment_id = yield from dispatched(week, *cases, carrier=PARTNER)
    yield week.hours(1, 12)
    request(week, cases[0], expect="COMBINED-1")
    request(week, cases[0], accept_cascade=True)
    yield week.hours(1, 12)
    answer(week, cases[0], True, by=CARRIER)
    yield week.days(2, 6)
    received_back(week, shipment_id, cases[0])
