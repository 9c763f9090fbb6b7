"""What verifying a store found: rows that are not as they were recorded."""

from collections import Counter
from typing import Literal

from msgspec import Struct, field

MOST_FINDINGS = 100
"""More are counted, but not kept."""

Kind = Literal["changed", "gone", "cut-off", "added", "not-as-sealed"]


class Finding(Struct, frozen=True):
    """One row, or the first of several that are missing: its table and number, what it is about, and a sentence."""

    kind: Kind
    table: str
    number: int | None
    subject: str | None  # a stream, a command's or an order's id, a policy's version
    said: str


def text(value: object) -> str:
    """A value of any type as text that can be written."""
    return str(value).encode(errors="backslashreplace").decode()


class Verified(Struct):
    """How many rows were looked at, and how many findings there are, by table; not all of them are kept."""

    rows: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding) -> None:
        """One more finding."""
        self.found[finding.table] += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def join(self, later: "Verified") -> None:
        """Add what was found in later rows."""
        self.rows.update(later.rows)
        self.found.update(later.found)
        self.findings += later.findings[: MOST_FINDINGS - len(self.findings)]
