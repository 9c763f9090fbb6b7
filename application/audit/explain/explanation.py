"""An explanation as data: from what is owed or asked, back to the command or deadline that caused it.

Amounts are minor units of the order's currency; units are numbers by item; ``doubts`` are sentences about what was
recorded but does not follow from the order, its policy and the rules.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from ....domain.order import ClaimStatus, RefundStatus, RequestStatus, ReturnStatus
from ....domain.vocabulary import Cause, Fulfiller, OrderUnits, Party, RefundTarget, Units
from .attempts import Attempt
from .reckoning import Deferral, Part, PayoutExplained, RefundInBrief, Restocking, ReturnShipping, Worth
from .recorded import About, Number, Step


class Explanation(Struct, kw_only=True, tag_field="kind"):
    """What every kind has: the rules and numbers that its words name, attempts in vain that name it, and doubts."""

    id: str
    rules: dict[str, str] = {}
    numbers: list[Number] = []
    attempts: list[Attempt] = []
    doubts: list[str] = []


class Unreadable(Explanation, kw_only=True, tag="unreadable"):
    """What was recorded of it does not hold together; ``doubts`` say what cannot be read."""


class Explained(Explanation, kw_only=True):
    """What the five kinds have that can be explained."""

    order: About


class RefundExplained(Explained, kw_only=True, tag="refund"):
    """Back to front: payouts, the refund with its arithmetic, why it is owed (``because``, the latest first)."""

    status: RefundStatus
    cause: Cause
    rule: str
    amount: int
    value: int
    tax: int
    units: Units
    funded_by: Fulfiller
    processor: Fulfiller
    made_at: datetime
    due_at: datetime | None
    payouts: list[PayoutExplained]
    unexpected: list[Step]
    """Payments reported for it that go to no payout of it."""
    worth: list[Worth]
    restocking: Restocking | None
    return_shipping: ReturnShipping | None
    refund_to: RefundTarget
    split: list[Part]
    """Over the payments, in the order in which they were listed; empty for store credit, and for nothing."""
    settled: Step | None
    taken_over: Step | None
    deferral: Deferral | None
    owed: Step
    because: list[Step]


class RequestExplained(Explained, kw_only=True, tag="request"):
    """Who was asked, until when, what came of it."""

    status: RequestStatus
    rule: str
    to: Party
    units: Units
    accepted: list[OrderUnits]
    answer_by: datetime | None
    answer_within: Number | None
    asked: Step
    closed: Step | None
    outcome: list[Step]
    """What the answer did to units of the order, and what became of the refund's cause since."""
    refunds: list[RefundInBrief]


class Window(Struct, frozen=True, kw_only=True):
    """RETURN-1: units that were delivered at once and may go back for as long."""

    item_id: str
    units: list[int]
    delivered_at: datetime
    number: Number
    until: datetime


class ReturnExplained(Explained, kw_only=True, tag="return"):
    """Its windows, what became of it, and what it means in money."""

    status: ReturnStatus
    reason: str
    refund_to: RefundTarget
    units: Units
    windows: list[Window]
    lapses_at: datetime
    lapse_after: Number
    started: Step
    steps: list[Step]
    refunds: list[RefundInBrief]


class Ground(Struct, frozen=True, kw_only=True):
    """A letter of CLAIM-1, the request, return or refund that it is about, and the time that had passed."""

    letter: Literal["a", "b", "c", "d"]
    about: str | None
    units: Units
    passed_at: datetime
    counted_from: datetime | None
    number: Number | None


class ClaimExplained(Explained, kw_only=True, tag="claim"):
    """Its grounds, its time limit, the decision, and the refunds made or taken over by it."""

    status: ClaimStatus
    units: Units
    grounds: list[Ground]
    latest: datetime
    latest_after: Number
    filed: Step
    decided: Step | None
    refunds: list[RefundInBrief]


class OrderExplained(Explained, kw_only=True, tag="order"):
    """What was bought and what each unit is worth; then everything in order, what was tried in vain included."""

    worth: list[Worth]
    refunds: list[RefundInBrief]
    history: list[Step | Attempt]
