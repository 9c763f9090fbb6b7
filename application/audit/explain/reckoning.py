"""The arithmetic of an explanation, as data. Amounts are minor units of the order's currency."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from ....domain.events import Deduction
from ....domain.order import PayoutStatus, RefundStatus
from ....domain.vocabulary import Cause, Units
from .recorded import Number, Step


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
