"""`ordertrail explain`: the rules of the policy, as they are registered above the code that enforces them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from rich.table import Table

from ..domain import RULES, Rule  # the whole room: its import registers every rule
from ..domain.rules import SOURCES, by_topic
from .cells import facts, table
from .exits import Failure


def rules() -> list[Rule]:
    """Every rule, topic by topic."""
    return [rule for listed in by_topic().values() for rule in listed]


def find(rule_id: str) -> Rule:
    """The rule, however its id is capitalised; raises `Failure` that names similar ones."""
    wanted = rule_id.strip().upper()
    if wanted in RULES:
        return RULES[wanted]
    topic = [rule.id for rule in rules() if rule.topic == wanted.rstrip("-")]
    near = topic or get_close_matches(wanted, RULES, n=3, cutoff=0.5)
    hint = f"did you mean {', '.join(near)}?" if near else "`ordertrail explain` lists them all."
    raise Failure(f"there is no rule {rule_id!r}: {hint}")


def rule_tables(found: Sequence[Rule]) -> list[Table]:
    """One rule as a page, several as a table."""
    if len(found) == 1:
        return [page(found[0])]
    made = table(None, "rule", "what it says", "source")
    for rule in found:
        made.add_row(rule.id, rule.text, rule.source)
    return [made, facts((letter, words) for letter, words in SOURCES.items())]


def page(rule: Rule) -> Table:
    """A rule's text, its source in words, and where the code enforces it."""
    sources = "; ".join(words for letter, words in SOURCES.items() if letter in rule.source)
    return facts([("rule", rule.id), ("says", rule.text), ("source", sources), ("enforced by", rule.enforced_by)])
