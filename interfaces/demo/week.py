"""The simulation: a clock of its own, a heap of lives, and every command through the public API.

A life is a generator: what it does between two `yield`s happens at one moment, what it yields is how long it
then waits. It knows nothing of what happens in a life, nor of how anything is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any

from ...application import Orders, Principal, Result
from .market import Case

Plan = Generator[timedelta, None, None]

STARTS_AT = datetime(2026, 1, 5, tzinfo=UTC)  # a Monday
ENDS_AT = STARTS_AT + timedelta(days=63)  # what was placed in the week has had its 30, 45 and 15 days by then
# how busy each hour of the day is (UTC)
BUSY_HOURS = [1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 9, 10, 9, 8, 8, 9, 10, 11, 12, 12, 9, 5, 2]


class OffScript(Exception):
    """The engine answered otherwise than this life's script expects; the life ends there."""


@dataclass
class SimulatedClock:
    now: datetime = STARTS_AT

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Tally:
    """What the engine answered."""

    outcomes: Counter[str] = field(default_factory=Counter)  # by status
    rejections: Counter[str] = field(default_factory=Counter)  # by rule
    reasons: dict[str, tuple[str, str]] = field(default_factory=dict)  # rule: a command and why it was rejected
    parcels: dict[str, set[str]] = field(default_factory=dict)  # accepted report: shipment ids
    combined: set[str] = field(default_factory=set)  # shipment ids
    noted_reports: int = 0
    off_script: list[str] = field(default_factory=list)

    def count(self, fields: dict[str, Any], result: Result) -> None:
        self.outcomes[result.status] += 1
        shipment_id = fields.get("shipment_id")
        if result.status == "rejected" and result.rule:
            self.rejections[result.rule] += 1
            self.reasons.setdefault(result.rule, (fields["command"], result.reason or ""))
        elif result.status == "noted" and shipment_id:
            self.noted_reports += 1
        elif result.status == "accepted" and shipment_id:
            self.parcels.setdefault(fields["command"], set()).add(shipment_id)
            if len(fields.get("contents", ())) > 1:
                self.combined.add(shipment_id)


class Week:
    """The marketplace under simulation; `cases` are its orders by id, `touched` those changed since last looked at."""

    def __init__(self, orders: Orders, clock: SimulatedClock, random: Random) -> None:
        self.orders = orders
        self.clock = clock
        self.random = random
        self.tally = Tally()
        self.cases: dict[str, Case] = {}
        self.touched: dict[str, None] = {}
        self._agenda: list[tuple[datetime, int, Plan, int]] = []
        self._scheduled = 0
        self._commands = 0
        self._parcels = 0

    def schedule(self, plan: Plan, at: datetime, *, settles: int = 0) -> None:
        """Start a plan at a moment; `settles` is how many orders have been through their life when it ends."""
        self._scheduled += 1
        heappush(self._agenda, (at, self._scheduled, plan, settles))

    def run(self) -> Iterator[int]:
        """Live through all plans in the order of time, yielding the number of orders settled whenever some are."""
        while self._agenda:
            at, _, plan, settles = heappop(self._agenda)
            self.clock.now = at
            try:
                pause = next(plan)
            except StopIteration:
                pass
            except OffScript as surprise:
                self.tally.off_script.append(str(surprise))
            else:
                self.schedule(plan, at + pause, settles=settles)
                continue
            if settles:
                yield settles

    def act(
        self, command: str, by: Principal, *, expect: str = "accepted", command_id: str | None = None, **fields: Any
    ) -> Result:
        """Give a command; `expect` is the status, or the rule of a rejection, that the script counts on."""
        if command_id is None:
            self._commands += 1
            command_id = f"demo-{self._commands}"
        raw = {"command": command, "command_id": command_id, **fields}
        result = self.orders.handle(raw, by=by)
        self.tally.count(raw, result)
        if result.events:
            self.touched.update(dict.fromkeys(result.order_ids))
        if expect not in (result.status, result.rule):
            answer = " ".join(filter(None, (result.status, result.rule, result.reason)))
            raise OffScript(f"{command_id} {command} at {self.clock.now:%Y-%m-%dT%H:%M:%SZ}: {answer}, not {expect}")
        return result

    def latest(self, case: Case, kind: str) -> str:
        """The id of an order's last request, return, refund or claim."""
        return str(self.orders.show(case.order_id)[f"{kind}s"][-1][f"{kind}_id"])

    def new_parcel(self) -> str:
        self._parcels += 1
        return f"S-{1000 + self._parcels}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def placing_time(self) -> datetime:
        hour = self.random.choices(range(24), BUSY_HOURS)[0]
        second = self.random.randrange(3600)
        return STARTS_AT + timedelta(days=self.random.randrange(7), hours=hour, seconds=second)

    def minutes(self, least: float, most: float) -> timedelta:
        return timedelta(seconds=self.random.randint(round(least * 60), round(most * 60)))

    def hours(self, least: float, most: float) -> timedelta:
        return self.minutes(least * 60, most * 60)

    def days(self, least: float, most: float) -> timedelta:
        return self.hours(least * 24, most * 24)
