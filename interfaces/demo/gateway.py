"""The money's way back: a desk that pays what is due, and a gateway that sometimes fails.

Which refunds exist it reads from the orders, as a host's refund job would.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ...application import Principal
from .market import MARKETPLACE, SYSTEM, Case
from .week import ENDS_AT, Plan, Week

DESK_HOURS = timedelta(hours=6)


class RefundDesk:
    """Looks at every order that has changed since it last looked, and pays its due refunds."""

    def __init__(self, week: Week) -> None:
        self.week = week
        self.in_hand: set[tuple[str, str]] = set()  # (refund_id, payment_id) on their way

    def shifts(self) -> Plan:
        """Pass time and look at the orders, four times a day until the simulation ends."""
        week = self.week
        while week.clock.now < ENDS_AT:
            yield DESK_HOURS
            week.act("pass-time", SYSTEM)
            touched, week.touched = week.touched, {}
            for order_id in touched:
                if order_id in week.cases:  # else somebody else's, who came to use the store meanwhile
                    self.look_at(week.cases[order_id])

    def look_at(self, case: Case) -> None:
        for refund in self.week.orders.show(case.order_id)["refunds"]:
            by_marketplace = refund["processor"] == "marketplace"
            if refund["status"] != "due" or (case.gateway == "seller-forgets" and not by_marketplace):
                continue
            by = MARKETPLACE if by_marketplace else case.fulfiller
            for payout in refund["payouts"]:
                key = (refund["refund_id"], payout["payment_id"])
                if payout["status"] == "owed" and key not in self.in_hand:
                    self.in_hand.add(key)
                    self.week.schedule(self.pay(case, by, *key), self.week.clock.now + self.week.minutes(1, 50))

    def pay(self, case: Case, by: Principal, refund_id: str, payment_id: str) -> Plan:
        """Submit one payout and report what the gateway says of it, until it is paid."""
        week = self.week
        payout = {"refund_id": refund_id, "payment_id": payment_id}
        attempts = ["failed", "paid"] if case.gateway == "fails-first" else ["paid"]
        for outcome in attempts:
            key = week.act("submit-payout", by, **payout).idempotency_key
            yield week.minutes(1, 90)
            report: dict[str, Any] = {**payout, "outcome": outcome, "reference": f"gw:{key}"}
            if outcome == "failed":
                report["reason"] = "card-expired"
            week.act("report-payout", by, **report)
            yield week.hours(2, 20)
        if case.gateway == "reports-twice":
            week.act("report-payout", by, **report, expect="noted")
        elif case.gateway == "pays-twice":
            week.act("report-payout", by, **{**report, "reference": f"gw:{key}:again"})
        elif case.gateway == "bounces":
            yield week.days(1, 3)
            week.act("report-payout", by, **{**report, "outcome": "failed", "reason": "account-closed"})
            yield week.hours(2, 20)
            key = week.act("submit-payout", by, **payout).idempotency_key
            yield week.hours(1, 5)
            week.act("report-payout", by, **{**report, "reference": f"gw:{key}"})
        self.in_hand.discard((refund_id, payment_id))
