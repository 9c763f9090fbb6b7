"""The register of rules: each rule is a named function, registered with its id, its source and its sentence.

``@rule("SELLER-1", "H", "…")`` stands above the function that enforces the rule; ``RULES`` is what `explain` prints
and what the tests count. Knows no order and no command.
"""

from collections.abc import Callable
from datetime import datetime
from types import FunctionType
from typing import NamedTuple, TypeVar, cast

from msgspec import Struct

from .errors import Rejection
from .vocabulary import Party

F = TypeVar("F", bound=Callable[..., object])

SOURCES = {
    "H": "the marketplace's help page “Cancelling Items and Orders”",
    "A": "the article “Can I cancel an order after it's shipped?” with its readers' comments",
    "E": "our own rule, where neither source says anything and a real system must still decide",
}

TOPICS = {
    "ORDER": "Placing, and every command",
    "PACK": "Packing",
    "COMBINED": "Combined parcels",
    "CANCEL": "Cancelling",
    "SELLER": "Cancelling seller-fulfilled orders",
    "PARTIAL": "Cancelling a part",
    "SCAN": "Reports from carriers",
    "REFUSE": "Refusing",
    "LOST": "Lost goods",
    "RETURN": "Returning",
    "REFUND": "Refunds",
    "CLAIM": "The guarantee",
    "TIME": "Time",
    "AUTH": "Authority",
}
"""What rules are about, by what their ids begin with, in the sequence in which they are told."""


class Rule(Struct, frozen=True):
    """One rule of the policy: its id, its sentence, its source (keys of ``SOURCES``), and where it is enforced.

    ``enforced_by`` is a file and a line, such as ``domain/cancelling.py:119``.
    """

    id: str
    text: str
    source: str
    enforced_by: str

    @property
    def topic(self) -> str:
        """What its id begins with: a key of ``TOPICS``."""
        return self.id.rpartition("-")[0]


RULES: dict[str, Rule] = {}


def by_topic() -> dict[str, list[Rule]]:
    """Every rule, by its topic, in the sequence of ``TOPICS``; within one by number."""
    topics: dict[str, list[Rule]] = {topic: [] for topic in TOPICS}
    for rule in RULES.values():
        topics[rule.topic].append(rule)
    return {topic: sorted(rules, key=lambda rule: int(rule.id.rpartition("-")[2])) for topic, rules in topics.items()}


def rule(rule_id: str, source: str, text: str) -> Callable[[F], F]:
    """Register the function below as the one that enforces ``rule_id``."""

    def register(function: F) -> F:
        if rule_id in RULES:
            raise ValueError(f"{rule_id} is registered twice")
        RULES[rule_id] = Rule(rule_id, text, source, _whereabouts(cast(FunctionType, function)))
        return function

    return register


def _whereabouts(function: FunctionType) -> str:
    """The file, from its room on, and the line at which the function with its rule begins."""
    return f"{'/'.join(function.__module__.split('.')[-2:])}.py:{function.__code__.co_firstlineno}"


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
