"""What a replay finds: where, of whom, against which rule, and what is wrong."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

LISTED = 1_000
"""Findings that a report tells one by one; all are counted."""


class Finding(Struct, frozen=True, order=True, omit_defaults=True):
    """``position`` is of the event at which it shows; ``rule`` a rule's id, or an invariant's name in small letters.

    At no position (0) is what no event tells. One of ``order_id`` and ``shipment_id`` says whose stream it is.
    """

    position: int
    rule: str
    reason: str
    order_id: str = ""
    shipment_id: str = ""

    @classmethod
    def of(cls, position: int, stream: str, rule: str, reason: str) -> "Finding":
        """A finding in a stream such as ``order:O1``."""
        kind, _, its_id = stream.partition(":")
        if kind == "shipment":
            return cls(position, rule, reason, shipment_id=its_id)
        return cls(position, rule, reason, order_id=its_id or stream)

    @property
    def whose(self) -> str:
        """For people: ``order O1`` or ``shipment S1``."""
        if self.shipment_id:
            return f"shipment {self.shipment_id}"
        return f"order {self.order_id}" if self.order_id else "no order"


class Findings:
    """All that was found: every one counted, the first of them (by position) kept."""

    def __init__(self) -> None:
        self.by_rule: Counter[str] = Counter()
        self._listed: list[Finding] = []

    def add(self, *findings: Finding) -> None:
        """Take some in."""
        self.by_rule.update(finding.rule for finding in findings)
        self._keep(findings)

    def merge(self, listed: Iterable[Finding], by_rule: Counter[str]) -> None:
        """Take in what another has found."""
        self.by_rule += by_rule
        self._keep(listed)

    def listed(self) -> list[Finding]:
        """The first ones, in the order of the log."""
        return sorted(self._listed)[:LISTED]

    def _keep(self, findings: Iterable[Finding]) -> None:
        self._listed += findings
        if len(self._listed) > 2 * LISTED:
            self._listed = self.listed()
