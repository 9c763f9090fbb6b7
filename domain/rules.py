"""The register of rules: each rule is a named function, registered with its id, its source and its sentence.

``@rule("SELLER-1", "H", "…")`` stands above the function that enforces the rule; ``RULES`` is what `explain` prints
and what the tests count. Knows no order and no command.
"""

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple, TypeVar

from msgspec import Struct

from .errors import Rejection
from .vocabulary import Party

F = TypeVar("F", bound=Callable[..., object])

SOURCES = {
    "H": "the marketplace's help page “Cancelling Items and Orders”",
    "A": "the article “Can I cancel an order after it's shipped?” with its readers' comments",
    "E": "our own rule, where neither source says anything and a real system must still decide",
}


class Rule(Struct, frozen=True):
    """One rule of the policy: its id, its sentence, its source (keys of ``SOURCES``), and where it is enforced."""

    id: str
    text: str
    source: str
    enforced_by: str


RULES: dict[str, Rule] = {}


def rule(rule_id: str, source: str, text: str) -> Callable[[F], F]:
    """Register the function below as the one that enforces ``rule_id``."""

    def register(function: F) -> F:
        if rule_id in RULES:
            raise ValueError(f"{rule_id} is registered twice")
        RULES[rule_id] = Rule(rule_id, text, source, f"{function.__module__}.{function.__qualname__}")
        return function

    return register


class Verdict(NamedTuple):
    """A rule's answer about one unit.

    ``ask`` names the party that can be asked where the answer to the direct way is no.
    """

    rule: str
    allowed: bool
    reason: str = ""
    advice: str | None = None
    until: datetime | None = None
    ask: Party | None = None

    def rejection(self) -> Rejection:
        """This no, as the answer to a whole command."""
        return Rejection(self.rule, self.reason, self.advice)


def allowed(rule_id: str, *, until: datetime | None = None) -> Verdict:
    """A yes by ``rule_id``, good until ``until`` (inclusive)."""
    return Verdict(rule_id, allowed=True, until=until)


def refused(rule_id: str, reason: str, *, advice: str | None = None, ask: Party | None = None) -> Verdict:
    """A no by ``rule_id``; ``ask`` is who could still say yes."""
    return Verdict(rule_id, allowed=False, reason=reason, advice=advice, ask=ask)
