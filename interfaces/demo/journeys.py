"""What happens to a parcel: packed, taken by a carrier, delivered or not, with the scans that carriers really send."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

from .market import CARRIER, Case
from .week import Plan, Week

OWN = {"name": "Market Vans", "kind": "own"}
PARTNER = {"name": "Parcelwise", "kind": "partner"}
Journey = Generator[timedelta, None, str]  # a plan that answers with its shipment id


def packing(week: Week, *cases: Case, carrier: dict[str, str], items: Any = "all") -> dict[str, Any]:
    """The fields of a parcel that holds `items` of each of the orders."""
    shipment_id = week.new_parcel()
    fields: dict[str, Any] = {
        "shipment_id": shipment_id,
        "contents": [{"order_id": case.order_id, "items": items} for case in cases],
        "carrier": carrier,
        "tracking_number": f"{carrier['name'][0]}{shipment_id[2:]}{week.random.randint(10**6, 10**7 - 1)}",
    }
    if carrier is PARTNER and week.chance(0.3):
        fields["mail_class"] = "first-class"
    return fields


def any_carrier(week: Week, case: Case) -> dict[str, str]:
    return OWN if case.fulfilled_by == "marketplace" and week.chance(0.5) else PARTNER


def packed(week: Week, *cases: Case, carrier: dict[str, str] | None = None, items: Any = "all") -> str:
    """Pack the orders' units into one parcel now; answers with its id."""
    fields = packing(week, *cases, carrier=carrier or any_carrier(week, cases[0]), items=items)
    week.act("pack-shipment", cases[0].fulfiller, **fields)
    return str(fields["shipment_id"])


def scan(week: Week, report: str, shipment_id: str, **how: Any) -> None:
    week.act(report, CARRIER, shipment_id=shipment_id, **how)


def dispatched(week: Week, *cases: Case, carrier: dict[str, str] | None = None, items: Any = "all") -> Journey:
    """Pack, wait, hand to the carrier. Some sellers only tell when the parcel is gone."""
    carrier = carrier or any_carrier(week, cases[0])
    yield week.hours(1, 20)
    if cases[0].fulfilled_by == "seller" and week.chance(0.4):
        fields = packing(week, *cases, carrier=carrier, items=items)
        week.act("dispatch-shipment", cases[0].fulfiller, **fields)
        return str(fields["shipment_id"])
    shipment_id = packed(week, *cases, carrier=carrier, items=items)
    yield week.hours(1, 10)
    scan(week, "dispatch-shipment", shipment_id)
    return shipment_id


def at_the_door(week: Week, *cases: Case, **how: Any) -> Journey:
    """Dispatched, and out for delivery."""
    shipment_id = yield from dispatched(week, *cases, **how)
    yield week.hours(10, 60)
    scan(week, "start-delivery", shipment_id)
    yield week.hours(1, 6)
    return shipment_id


def delivered(week: Week, *cases: Case, **how: Any) -> Journey:
    """The usual way, now and then at the second attempt."""
    shipment_id = yield from at_the_door(week, *cases, **how)
    if week.chance(0.08):
        scan(week, "fail-attempt", shipment_id, reason="nobody-home")
        yield week.hours(16, 24)
        scan(week, "start-delivery", shipment_id)
        yield week.hours(1, 5)
    scan(week, "deliver", shipment_id)
    return shipment_id


def smooth(week: Week, *cases: Case) -> Plan:
    yield from delivered(week, *cases)


def split(week: Week, case: Case) -> Plan:
    """Two parcels, the second a while after the first."""
    first, *rest = case.quantities.items()
    yield from delivered(week, case, items=dict([first]))
    yield from delivered(week, case, items=dict(rest))


def late_scans(week: Week, case: Case) -> Plan:
    """The delivery is known first; the scans before it come a day late, and it is reported again."""
    yield week.hours(1, 12)
    shipment_id = packed(week, case)
    yield week.hours(30, 60)
    delivered_at = week.clock.now
    scan(week, "deliver", shipment_id)
    yield week.minutes(1, 30)
    scan(week, "deliver", shipment_id, at=_stamp(delivered_at), expect="noted")
    yield week.hours(12, 24)
    out_at = delivered_at - week.hours(2, 5)
    scan(week, "start-delivery", shipment_id, at=_stamp(out_at), expect="noted")
    scan(week, "dispatch-shipment", shipment_id, at=_stamp(out_at - week.hours(10, 20)), expect="noted")


def refused(week: Week, *cases: Case) -> Plan:
    """Turned away at the door; a seller's buyer has tried to cancel before, in vain."""
    shipment_id = yield from at_the_door(week, *cases)
    if cases[0].fulfilled_by == "seller":
        order_id = cases[0].order_id
        week.act("cancel-items", cases[0].buyer, order_id=order_id, items="all", expect="SELLER-3")
        yield week.minutes(5, 50)
    scan(week, "refuse-delivery", shipment_id)
    yield week.days(2, 6)
    received_back(week, shipment_id, cases[0])


def undeliverable(week: Week, case: Case) -> Plan:
    shipment_id = yield from at_the_door(week, case)
    for _ in range(2):
        scan(week, "fail-attempt", shipment_id, reason="nobody-home")
        yield week.hours(18, 26)
        scan(week, "start-delivery", shipment_id)
        yield week.hours(1, 6)
    scan(week, "fail-attempt", shipment_id, reason="address-unknown")
    yield week.hours(2, 20)
    scan(week, "turn-back", shipment_id, reason="undeliverable")
    yield week.days(2, 6)
    received_back(week, shipment_id, case)


def lost(week: Week, case: Case) -> Plan:
    shipment_id = yield from dispatched(week, case)
    yield week.days(5, 12)
    scan(week, "lose-shipment", shipment_id)


def never_heard_of(week: Week, case: Case) -> Plan:
    """Nobody reports anything for 45 days, the rulebook takes it as lost; some turn up after that."""
    shipment_id = yield from dispatched(week, case)
    if week.chance(0.5):
        yield week.days(47, 50)
        scan(week, "deliver", shipment_id, expect="noted")


def slow_boat(week: Week, case: Case) -> Plan:
    """Sent late, and at the simulation's end still on its way."""
    yield week.days(6, 20)
    yield from dispatched(week, case, carrier=PARTNER)


def received_back(week: Week, shipment_id: str, case: Case) -> None:
    week.act("receive-return", case.fulfiller, shipment_id=shipment_id)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
