"""The policy file: every number and table that the rules use, versioned, pinned per order (RULEBOOK section 9)."""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

import msgspec
from msgspec import Meta, Struct

from .errors import InvalidPolicy
from .money import business_days_after
from .vocabulary import Amount, Currency, ReturnReason, Text

Days = Annotated[int, Meta(ge=0, le=36_500)]
Percent = Annotated[int, Meta(ge=0, le=100)]


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the policy file; unknown fields are errors."""


class Cancellation(_Section, frozen=True):
    """SELLER-1, SELLER-2, PARTIAL-1."""

    seller_window_minutes: Annotated[int, Meta(ge=0, le=525_600)]
    seller_answer_hours: Annotated[int, Meta(ge=0, le=87_600)]
    deferred_refund_days: Days


class Carriage(_Section, frozen=True):
    """LOST-1."""

    lost_after_dispatch_days: Days
    lost_after_turning_days: Days


class Refusal(_Section, frozen=True):
    """REFUSE-2: which mail classes are free, and the fee of the others by currency, in minor units."""

    free_mail_classes: list[Text]
    fee_minor: dict[Currency, Amount]


class Returns(_Section, frozen=True):
    """RETURN-1 to RETURN-4, LOST-1."""

    window_days: Days
    category_window_days: dict[Text, Days]
    restocking_percent: Percent
    fault_reasons: list[ReturnReason]
    shipping_minor: dict[Currency, Amount]
    lapse_days: Days
    lost_after_hand_over_days: Days


class Promise(_Section, frozen=True):
    """How long a payout takes: ``business_days``, or ``hours``."""

    business_days: Days | None = None
    hours: Annotated[int, Meta(ge=0, le=87_600)] | None = None

    def __post_init__(self) -> None:
        if (self.business_days is None) == (self.hours is None):
            raise ValueError("a promise is either business_days or hours")

    def after(self, moment: datetime) -> datetime:
        """The promised time, counted from ``moment``."""
        if self.business_days is None:
            return moment + timedelta(hours=self.hours or 0)
        return business_days_after(moment, self.business_days)


class Claims(_Section, frozen=True):
    """CLAIM-1."""

    undelivered_days: Days
    unreceived_return_days: Days
    latest_days: Days


class Policy(_Section, frozen=True):
    """One version of the policy. Errors: ``InvalidPolicy`` names the field. Source: RULEBOOK section 9."""

    version: Text
    cancellation: Cancellation
    carriage: Carriage
    refusal: Refusal
    returns: Returns
    promises: dict[Text, Promise]
    claims: Claims

    def __post_init__(self) -> None:
        if "other" not in self.promises:
            raise ValueError("promises needs an entry `other`")
        if self.cancellation.seller_window_minutes > self.claims.undelivered_days * 24 * 60:
            raise ValueError("cancellation.seller_window_minutes is longer than claims.undelivered_days")

    @classmethod
    def from_toml(cls, content: str) -> Self:
        """Read a policy; raises ``InvalidPolicy`` with one sentence that names the field."""
        try:
            return msgspec.toml.decode(content, type=cls)
        except msgspec.DecodeError as error:
            raise InvalidPolicy(f"the policy is not valid: {error}") from None

    @classmethod
    def default(cls) -> Self:
        """The packaged policy."""
        return cls.from_toml(default_policy_toml())

    def promised_by(self, method: str, due_at: datetime) -> datetime:
        """When a payout by ``method`` is promised to arrive (REFUND-2)."""
        return self.promises.get(method, self.promises["other"]).after(due_at)

    def return_window(self, category: str | None) -> timedelta:
        """How long after its delivery a unit of ``category`` may be returned (RETURN-1)."""
        days = self.returns.window_days
        return timedelta(days=min(days, self.returns.category_window_days.get(category or "", days)))


msgspec.json.Decoder(Policy)  # as in commands: two threads must not be the first to use it


@cache
def default_policy_toml() -> str:
    """The packaged ``policy.toml``, as text."""
    return files(__package__).joinpath("policy.toml").read_text("utf-8")


def policy_digest(content: str) -> str:
    """SHA-256 of a policy's content, in hex."""
    return hashlib.sha256(content.encode()).hexdigest()
