"""An order as it stands: the state that events fold to. Asks no policy, decides nothing.

Units are the atoms: ``order.units`` holds every unit of every line in the order's sequence.
"""

from collections.abc import Container, Iterator
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from .events import Deduction
from .lifecycle import RANK, UNSHIPPED
from .policy import Policy
from .units import Item, Unit
from .vocabulary import Cause, Fulfiller, OrderUnits, Party, Payment, RefundTarget, Units

RequestStatus = Literal["open", "approved", "declined", "lapsed"]
ReturnStatus = Literal["open", "handed-over", "received", "withdrawn", "lapsed"]
RefundStatus = Literal["deferred", "due", "paid"]
PayoutStatus = Literal["owed", "submitted", "paid"]
ClaimStatus = Literal["open", "granted", "denied", "withdrawn"]


class Request(Struct, gc=False):
    """A cancellation request; ``units`` as asked, ``accepted`` what may go along with them."""

    request_id: str
    rule: str
    to: Party
    units: Units
    accepted: list[OrderUnits]
    asked_at: datetime
    answer_by: datetime | None
    status: RequestStatus = "open"
    lapsed_because: str | None = None


class Return(Struct, gc=False):
    """A return; ``units`` as started, ``received`` how many of each item came."""

    return_id: str
    units: Units
    reason: str
    refund_to: RefundTarget
    started_at: datetime
    lapses_at: datetime
    handed_over_at: datetime | None = None
    received: dict[str, int] = {}
    closed: Literal["", "withdrawn", "lapsed", "lost"] = ""
    lost: Units = {}
    turned_up: set[int] = set()
    """Indexes of lost units that arrived after all."""
    shipping_deducted: int = 0


class Payout(Struct, gc=False):
    """One payment's part of a refund; ``last_report`` is the gateway's last (reference, outcome)."""

    payment_id: str
    method: str
    amount: int
    promised_by: datetime | None
    status: PayoutStatus = "owed"
    attempts: int = 0
    paid_at: datetime | None = None
    last_report: tuple[str, str] | None = None


class Refund(Struct, gc=False):
    """What is owed for a set of units because of one cause; deferred while it has no ``due_at``."""

    refund_id: str
    cause: Cause
    rule: str
    units: Units
    amount: int
    funded_by: Fulfiller
    processor: Fulfiller
    deductions: list[Deduction]
    payouts: dict[str, Payout]
    made_at: datetime
    due_at: datetime | None

    @property
    def status(self) -> RefundStatus:
        """Deferred, due or paid."""
        if self.due_at is None:
            return "deferred"
        return "paid" if all(p.status == "paid" for p in self.payouts.values()) else "due"

    def is_overdue(self, at: datetime) -> bool:
        """Whether an unpaid payout's promised time has passed at ``at``."""
        return any(
            p.status != "paid" and p.promised_by is not None and p.promised_by < at for p in self.payouts.values()
        )


class Claim(Struct, gc=False):
    """A guarantee claim; ``grounds`` as they held when it was filed."""

    claim_id: str
    units: Units
    grounds: dict[str, Units]
    status: ClaimStatus = "open"


class Order(Struct, gc=False):
    """The folded aggregate; ``version`` counts its events, ``latest_at`` is the latest time any of them happened."""

    order_id: str
    version: int
    buyer_id: str
    seller_id: str | None
    fulfilled_by: Fulfiller
    currency: str
    placed_at: datetime
    policy_version: str
    items: dict[str, Item]
    units: list[Unit]
    whole: Units
    """All units, as events spell them."""
    payments: dict[str, Payment]
    latest_at: datetime
    recorded_at: datetime
    policy: Policy | None = None
    """The policy that it was placed under; set by whoever loads the order."""
    requests: dict[str, Request] = {}
    returns: dict[str, Return] = {}
    refunds: dict[str, Refund] = {}
    claims: dict[str, Claim] = {}
    fees_taken: set[str] = set()
    """Shipments whose refusal fee has been deducted (REFUSE-2)."""
    unexpected: set[tuple[str, str, str]] = set()
    """(refund, payment, reference) of payments recorded as unexpected (REFUND-5)."""
    next_deadline: tuple[int, Any] = (0, None)
    """The version for which ``deadlines`` looked last, and what it found."""

    @property
    def rules(self) -> Policy:
        """The policy that judges this order."""
        if self.policy is None:
            raise RuntimeError(f"order {self.order_id} was loaded without its policy")
        return self.policy

    @property
    def sold_by(self) -> Fulfiller:
        """Whose money a refund is."""
        return "marketplace" if self.seller_id is None else "seller"

    @property
    def by_seller(self) -> bool:
        """Whether the seller keeps and ships the goods."""
        return self.fulfilled_by == "seller"

    @property
    def state(self) -> str:
        """The state of its least finished unit (RULEBOOK section 2)."""
        return min((unit.state for unit in self.units), key=RANK.__getitem__)

    @property
    def total(self) -> int:
        """What was paid, in minor units."""
        return sum(item.line.total for item in self.items.values())

    def unit(self, item_id: str, number: int) -> Unit:
        """Unit ``number`` (1…quantity) of a line."""
        return self.units[self.items[item_id].first + number - 1]

    def pick(self, units: Units) -> list[Unit]:
        """The units that ``units`` names."""
        if units == self.whole:
            return self.units.copy()
        everyone, items, picked = self.units, self.items, []
        for item_id, numbers in units.items():
            before_first = items[item_id].first - 1
            for number in numbers:
                picked.append(everyone[before_first + number])
        return picked

    def first_of(self, units: Units) -> int:
        """The index of the first unit that ``units`` names."""
        item_id, numbers = next(iter(units.items()))
        return self.items[item_id].first + numbers[0] - 1

    def units_of(self, item_id: str) -> list[Unit]:
        """Every unit of a line, lowest number first."""
        item = self.items[item_id]
        return self.units[item.first : item.first + item.line.quantity]

    def value(self, unit: Unit) -> int:
        """A unit's goods, tax and shipping, in minor units."""
        return self.items[unit.item_id].value(unit.number)

    def has_unshipped(self, but: Container[int] = ()) -> bool:
        """Whether any unit still waits to be shipped (PARTIAL-1); ``but`` are indexes of units that no longer count."""
        return any(unit.state in UNSHIPPED and unit.index not in but for unit in self.units)

    def paid_back(self, payment_id: str) -> int:
        """What refunds so far (deferred, due or paid) give back to a payment, in minor units."""
        return sum(r.payouts[payment_id].amount for r in self.refunds.values() if payment_id in r.payouts)

    def outstanding(self, a_return: Return) -> list[Unit]:
        """The units of a return that have neither come nor gone another way."""
        return [
            unit
            for unit in self.pick(a_return.units)
            if unit.return_id == a_return.return_id and unit.state in ("in-return", "delivered")
        ]

    def return_status(self, a_return: Return) -> ReturnStatus:
        """A return's status; one of which nothing is outstanding is ``received`` if anything came."""
        if a_return.closed == "withdrawn":
            return "withdrawn"
        if not self.outstanding(a_return):
            if a_return.received:
                return "received"
            return "lapsed" if a_return.closed else "withdrawn"
        if a_return.closed:
            return "lapsed"
        return "open" if a_return.handed_over_at is None else "handed-over"


def runs(order: Order, item_id: str) -> Iterator[tuple[str, str | None, list[Unit]]]:
    """A line's units grouped by state and parcel, groups in the order of their lowest number."""
    groups: dict[tuple[str, str | None], list[Unit]] = {}
    for unit in order.units_of(item_id):
        groups.setdefault((unit.state, unit.shipment_id), []).append(unit)
    for (state, shipment_id), units in groups.items():
        yield state, shipment_id, units
