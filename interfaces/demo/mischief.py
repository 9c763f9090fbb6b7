"""What is not allowed, and tried all the same: by strangers, by impatient clients, by clumsy programs."""

from __future__ import annotations

from typing import Any

from ...application import Principal
from .cancellations import answer, cancel, request
from .journeys import PARTNER, delivered, packed, scan
from .market import CARRIER, MARKETPLACE, WAREHOUSE, Case
from .week import Plan, Week


def stranger(week: Week, case: Case) -> Plan:
    """Somebody else's order, for a buyer and for a seller."""
    yield week.minutes(2, 20)
    for by in (Principal("buyer", "B-0000"), Principal("seller", "flyby-night")):
        week.act("cancel-items", by, order_id=case.order_id, items="all", expect="AUTH-1")
    yield from delivered(week, case)


def impatient(week: Week, case: Case) -> Plan:
    """A client that sends everything twice, then reuses an id for something else."""
    yield week.minutes(1, 5)
    fields: dict[str, Any] = {"order_id": case.order_id, "items": {"A": 1}}
    command_id = week.act("cancel-items", case.buyer, **fields).command_id
    yield week.minutes(1, 2)
    week.act("cancel-items", case.buyer, command_id=command_id, expect="duplicate", **fields)
    fields["reason"] = "changed-mind"
    week.act("cancel-items", case.buyer, command_id=command_id, expect="ORDER-0", **fields)
    week.act("place-order", MARKETPLACE, expect="ORDER-1", **case.placing())
    yield from delivered(week, case)


def after_the_fact(week: Week, case: Case) -> Plan:
    """Cancelling what is on the table already."""
    yield from delivered(week, case)
    yield week.hours(1, 40)
    cancel(week, case, expect="CANCEL-6")
    request(week, case, expect="CANCEL-6")
    week.act("cancel-items", case.buyer, order_id=f"{case.order_id}-lost", items="all", expect="ORDER-2")


def eager_refund(week: Week, case: Case) -> Plan:
    """Paying back at once what has to wait for the rest of the order."""
    yield week.minutes(1, 20)
    cancel(week, case, {"A": case.quantities["A"]})
    refund = week.orders.show(case.order_id)["refunds"][-1]
    payment_id = case.payments[0]["payment_id"]
    by = case.fulfiller if case.fulfilled_by == "seller" else MARKETPLACE
    week.act("submit-payout", by, refund_id=refund["refund_id"], payment_id=payment_id, expect="REFUND-5")
    yield from delivered(week, case)


def packed_twice(week: Week, case: Case) -> Plan:
    """Into a parcel, into another one; then taken out, and packed anew."""
    yield week.hours(1, 10)
    shipment_id = packed(week, case)
    contents = [{"order_id": case.order_id, "items": case.quantities}]
    other = week.new_parcel()
    week.act("pack-shipment", WAREHOUSE, shipment_id=other, contents=contents, carrier=PARTNER, expect="PACK-1")
    yield week.minutes(5, 50)
    week.act("unpack-shipment", WAREHOUSE, shipment_id=shipment_id)
    yield from delivered(week, case)


def answered_twice(week: Week, case: Case) -> Plan:
    """Two people at the seller's desk; then a carrier whose clock is wrong by a week."""
    yield week.minutes(31, 300)
    request(week, case)
    yield week.hours(1, 20)
    request_id = week.latest(case, "request")
    request(week, case, expect="CANCEL-7")
    answer(week, case, False, reason="already-packed")
    yield week.minutes(1, 5)
    week.act("answer-cancellation", case.fulfiller, request_id=request_id, approve=True, expect="ORDER-5")
    shipment_id = yield from delivered(week, case)
    week.act("deliver", CARRIER, shipment_id=shipment_id, at="2025-12-29T12:00:00Z", expect="TIME-2")
    scan(week, "lose-shipment", shipment_id, expect="noted")
