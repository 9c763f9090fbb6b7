"""An explanation as data: from what is owed or asked, back to the command or deadline that caused it.

Amounts are minor units of the order's currency; units are numbers by item; ``doubts`` are sentences about what was
recorded but does not follow from the order, its policy and the rules.
"""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from ....domain import OrderEvent
from ....domain.events import Deduction
from ....domain.order import ClaimStatus, PayoutStatus, RefundStatus, RequestStatus, ReturnStatus
from ....domain.vocabulary import Cause, Fulfiller, OrderUnits, Party, Payment, RefundTarget, Role, Units
from .attempts import Attempt


class Number(Struct, frozen=True, omit_defaults=True):
    """A number or list of the order's policy; ``name`` is where it stands in the file: ``returns.window_days``.

    With a ``parcel``, what counts for that one, as its orders have different policies (LOST-1).
    """

    name: str
    value: int | list[str]
    parcel: str | None = None


# --- what was recorded, and what made it ------------------------------------------------------------------------------


class Given(Struct, frozen=True, kw_only=True, tag_field="by", tag="command"):
    """A journaled command; ``actor`` is None where the log named nobody, and then the event's is the natural one."""

    command_id: str
    command: str
    at: datetime
    recorded_at: datetime
    actor: Role | None
    actor_id: str | None
    status: str
    content: dict[str, Any]


class Passed(Struct, frozen=True, kw_only=True, tag_field="by", tag="deadline"):
    """A deadline, ``number`` minutes, hours or days after ``counted_from``; the next command recorded it (TIME-1)."""

    rule: str
    counted_from: datetime
    number: Number
    at: datetime
    recorded_with: Given | None


class Step(Struct, frozen=True):
    """An event of the order, its position in the whole log, and what caused it; None: the journal does not say.

    ``learned_late``: it happened before something that was recorded earlier.
    """

    position: int
    event: OrderEvent
    cause: Given | Passed | None
    learned_late: bool = False


class LineOfOrder(Struct, frozen=True):
    """A line: what its units are called."""

    item_id: str
    sku: str
    title: str | None
    category: str | None
    quantity: int


class About(Struct, frozen=True, kw_only=True):
    """The order that it is about, as of its last event."""

    order_id: str
    version: int
    state: str
    buyer_id: str
    seller_id: str | None
    fulfilled_by: Fulfiller
    currency: str
    total: int
    placed_at: datetime
    policy_version: str
    lines: list[LineOfOrder]
    payments: list[Payment]


# --- money ------------------------------------------------------------------------------------------------------------


class Worth(Struct, frozen=True, kw_only=True):
    """Units of a line that are worth the same: ``price - discount = goods``, and ``goods + tax + shipping = value``.

    The shares are of one unit, as frozen when the order was placed (RULEBOOK section 3); ``total`` is of them all.
    """

    item_id: str
    units: list[int]
    price: int
    discount: int
    goods: int
    tax: int
    shipping: int
    value: int
    total: int


class Kept(Struct, frozen=True, kw_only=True):
    """What is kept of opened units that are worth the same: ``each`` is ``percent`` of ``goods``, rounded down."""

    item_id: str
    units: list[int]
    goods: int
    each: int
    total: int


class Restocking(Struct, frozen=True):
    """RETURN-2: what is kept of ``opened`` units; nothing where the ``reason`` is the fulfiller's fault."""

    amount: int
    percent: Number
    kept: list[Kept]
    fault_reasons: Number
    reason: str
    opened: Units


class ReturnShipping(Struct, frozen=True, kw_only=True):
    """RETURN-3, REFUSE-2: ``cost`` less ``kept_before`` by earlier refunds; ``at_most`` what this one can bear."""

    amount: int
    rule: str
    cost: Number
    kept_before: int
    at_most: int


class Part(Struct, frozen=True, kw_only=True):
    """REFUND-1: a payment, what earlier refunds left of it, and what this one gives back to it."""

    payment_id: str
    method: str
    paid: int
    given_back_before: int
    left: int
    gets: int


class Promise(Struct, frozen=True):
    """REFUND-2: ``number`` business days or hours after ``counted_from``."""

    by: datetime
    counted_from: datetime
    number: Number
    counted_in: Literal["business days", "hours"]


class PayoutExplained(Struct, frozen=True, kw_only=True):
    """One payment's part of a refund; ``reports``: submitted, paid, failed, bounced, and what nobody expected."""

    payment_id: str
    method: str
    amount: int
    status: PayoutStatus
    attempts: int
    promise: Promise | None
    reports: list[Step]


class Deferral(Struct, frozen=True, kw_only=True):
    """PARTIAL-1: the units that still waited to be shipped when it was made, and what released it."""

    waiting: Units
    latest: datetime
    number: Number
    released: Step | None
    by: list[Step]
    """What left no unit unshipped; empty where time was over, or a claim took the refund over."""


class RefundInBrief(Struct, frozen=True, kw_only=True):
    """A refund that units of this have: ``value`` less ``deductions`` is ``amount``."""

    refund_id: str
    status: RefundStatus
    cause: Cause
    value: int
    deductions: list[Deduction]
    amount: int
    units: Units
    taken_over: bool = False


# --- the kinds --------------------------------------------------------------------------------------------------------


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
