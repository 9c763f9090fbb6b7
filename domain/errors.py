"""How the domain says no.

OrdertrailError
├── Malformed        a field of a command cannot be read: names the field
├── Rejection        a rule says no: rule, reason, advice, cascade
├── InvalidPolicy    the policy file cannot be read: names the field
└── IllegalMove      a move that the lifecycle does not know: a bug, never a user's mistake
"""

from typing import TypedDict


class CascadeUnits(TypedDict):
    """Units that would go along: ``quantity`` of ``item_id`` of ``order_id``."""

    order_id: str
    item_id: str
    quantity: int


class OrdertrailError(Exception):
    """The base of everything that ordertrail raises on purpose."""


class Malformed(OrdertrailError):
    """A command that cannot be read; ``field`` is where, ``reason`` is one sentence that names it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


class Rejection(OrdertrailError):
    """A rule's no: a domain outcome, not a failure. ``advice`` is the command that may help instead, if any."""

    def __init__(
        self, rule: str, reason: str, advice: str | None = None, cascade: tuple[CascadeUnits, ...] = ()
    ) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason
        self.advice = advice
        self.cascade = cascade


class InvalidPolicy(OrdertrailError):
    """A policy file that cannot be used; the sentence names the field."""


class IllegalMove(OrdertrailError):
    """The code asked for a move that the lifecycle does not have."""
