"""Second thoughts before the delivery: whole orders and parts of them, in time and too late."""

from __future__ import annotations

from typing import Any

from ...application import Principal
from .journeys import OWN, PARTNER, delivered, dispatched, packed, received_back, scan
from .market import CARRIER, MARKETPLACE, Case
from .week import Plan, Week


def cancel(week: Week, case: Case, items: Any = "all", *, expect: str = "accepted", **how: Any) -> None:
    week.act("cancel-items", case.buyer, order_id=case.order_id, items=items, expect=expect, **how)


def request(week: Week, case: Case, items: Any = "all", *, expect: str = "accepted", **how: Any) -> None:
    fields = {"order_id": case.order_id, "items": items, "reason": "changed-mind", **how}
    week.act("request-cancellation", case.buyer, expect=expect, **fields)


def answer(week: Week, case: Case, approve: bool, *, by: Principal | None = None, **how: Any) -> None:
    """Answer the order's last request, as the carrier or else as its fulfiller."""
    actor = CARRIER if by is CARRIER else case.fulfiller
    week.act("answer-cancellation", actor, request_id=week.latest(case, "request"), approve=approve, **how)


def at_once(week: Week, case: Case) -> Plan:
    yield week.minutes(1, 29)
    cancel(week, case)


def some_lines(week: Week, case: Case) -> Plan:
    """One line after the other while it is easy; the refunds wait for the last one to leave."""
    *unwanted, _wanted = case.quantities.items()
    for item_id, quantity in unwanted:
        yield week.minutes(1, 6)
        cancel(week, case, {item_id: quantity}, reason="ordered-twice")
    yield from delivered(week, case)


def some_units(week: Week, case: Case) -> Plan:
    yield week.minutes(1, 25)
    cancel(week, case, {"A": 1})
    yield from delivered(week, case)


def out_of_stock(week: Week, case: Case) -> Plan:
    """The fulfiller finds an empty shelf, and asks nobody."""
    yield week.hours(1, 8)
    by = case.fulfiller if case.fulfilled_by == "seller" else MARKETPLACE
    week.act("cancel-items", by, order_id=case.order_id, items={"A": case.quantities["A"]}, reason="out-of-stock")
    yield from delivered(week, case)


def _missed_window(week: Week, case: Case) -> Plan:
    yield week.minutes(31, 400)
    cancel(week, case, expect="SELLER-2")
    yield week.minutes(1, 9)
    request(week, case)


def seller_approves(week: Week, case: Case) -> Plan:
    yield from _missed_window(week, case)
    yield week.hours(1, 40)
    answer(week, case, True)


def seller_declines(week: Week, case: Case) -> Plan:
    yield from _missed_window(week, case)
    yield week.hours(1, 20)
    answer(week, case, False, reason="already-packed")
    yield from delivered(week, case)


def seller_is_silent(week: Week, case: Case) -> Plan:
    """The request lapses after 48 hours; the goods come all the same."""
    yield from _missed_window(week, case)
    yield week.hours(50, 70)
    yield from delivered(week, case)


def _packed_then_asked(week: Week, case: Case) -> Plan:
    yield week.hours(1, 20)
    packed(week, case)
    yield week.minutes(5, 200)
    cancel(week, case, expect="CANCEL-2")
    yield week.minutes(1, 9)
    request(week, case)
    yield week.hours(1, 9)


def warehouse_pulls(week: Week, case: Case) -> Plan:
    yield from _packed_then_asked(week, case)
    answer(week, case, True)


def warehouse_ships(week: Week, case: Case) -> Plan:
    """Nobody answers the request before the van leaves: it lapses."""
    yield from _packed_then_asked(week, case)
    shipment_id = str(week.orders.show(case.order_id)["items"][0]["units"][0]["shipment_id"])
    scan(week, "dispatch-shipment", shipment_id)
    yield week.hours(10, 30)
    scan(week, "start-delivery", shipment_id)
    yield week.hours(1, 6)
    scan(week, "deliver", shipment_id)


def intercepted(week: Week, case: Case) -> Plan:
    """Own vans can be called; the refund does not wait for the goods."""
    yield from dispatched(week, case, carrier=OWN)
    yield week.hours(1, 6)
    request(week, case)
    yield week.hours(1, 3)
    answer(week, case, True, by=CARRIER)


def turned_back(week: Week, case: Case) -> Plan:
    shipment_id = yield from dispatched(week, case, carrier=PARTNER)
    yield week.hours(1, 12)
    request(week, case)
    yield week.hours(1, 12)
    answer(week, case, True, by=CARRIER)
    yield week.days(2, 6)
    received_back(week, shipment_id, case)


def turned_back_but_delivered(week: Week, case: Case) -> Plan:
    """Nothing was guaranteed."""
    shipment_id = yield from dispatched(week, case, carrier=PARTNER)
    yield week.hours(1, 12)
    request(week, case)
    yield week.hours(1, 12)
    answer(week, case, True, by=CARRIER)
    yield week.hours(10, 40)
    scan(week, "deliver", shipment_id)
