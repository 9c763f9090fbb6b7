"""Every rule of the book is registered, and no other; each is the subject of tests, and tests are named after rules."""

import re
from collections import Counter
from pathlib import Path

import pytest

from ordertrail.domain import RULES
from ordertrail.domain.rules import TOPICS

TESTS = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"^ *def test_([a-z]+)_(\d+)_\w+\(", re.MULTILINE)

BOOK = {
    "ORDER": range(6),  # 0: a command id is used for one content only
    "PACK": range(1, 3),
    "COMBINED": range(1, 3),
    "CANCEL": range(1, 9),
    "SELLER": range(1, 4),
    "PARTIAL": range(1, 2),
    "SCAN": range(1, 4),
    "REFUSE": range(1, 3),
    "LOST": range(1, 2),
    "RETURN": range(1, 7),
    "REFUND": range(1, 6),
    "CLAIM": range(1, 4),
    "TIME": range(1, 4),
    "AUTH": range(1, 2),
}
"""The contract: the numbers of each topic's rules."""

CONTRACT = [f"{topic}-{number}" for topic, numbers in BOOK.items() for number in numbers]


def named_after():
    """How many tests are named after each rule, of those over rules and of those over the application."""
    sources = [
        path.read_text("utf-8") for room in ("rules", "application") for path in (TESTS / room).glob("test_*.py")
    ]
    named = [f"{topic.upper()}-{number}" for source in sources for topic, number in NAMED.findall(source)]
    return Counter(rule for rule in named if rule.rpartition("-")[0] in TOPICS)


def test_the_rules_are_those_of_the_book():
    assert sorted(RULES) == sorted(CONTRACT)


@pytest.mark.parametrize("rule", CONTRACT)
def test_every_rule_is_the_subject_of_two_tests_or_more(rule):
    assert named_after()[rule] >= 2, "the least for a boundary: one on each side"


def test_no_test_is_named_after_a_rule_that_does_not_exist():
    assert set(named_after()) <= set(RULES)
