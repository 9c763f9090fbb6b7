"""Whether each row of a chain follows from the one before it."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from ..store.chain import EVENTS, JOURNAL, ROW_ERRORS, START, Chain, Row
from ..store.evidence import Evidence
from ..store.scan import UNREADABLE
from .tampering import MOST_FINDINGS, Finding, Kind, Verified, text

PAGE = 1000
Named = dict[str, int]
"""Versions of policies, and the first position of an event that names each."""


def verify_links(
    evidence: Evidence, chain: Chain, after: int, up_to: int, *, gapless: bool, more: Callable[[int], object]
) -> tuple[Verified, Named]:
    """Verify the rows of a range of numbers above 0, each against the digest that the row before it has.

    ``gapless``: whether the store numbers the rows 1, 2, 3, …; ``more`` is told of so many more rows done.
    """
    verified, named = Verified(), Named()
    content = chain.content  # all this is here, and not in functions, because it is done for every row of a long log
    last, previous = evidence.last(chain, after) if after > 0 else (0, START)
    while page := evidence.page(chain, last if verified.rows else after, up_to, PAGE):
        for row in page:
            number, digest = row[0], row[-1]
            try:
                follows = sha256(previous + content(*row[:-1])).digest() == digest
            except ROW_ERRORS:
                follows = False
            if not follows or (gapless and number != last + 1):
                verified.add(_broken(chain, last, row, follows, gapless))
            elif chain is JOURNAL and not _names_orders(row[_ATTEMPTS]):
                said = f"{name(chain, number)} ({_about(chain, row)}) was changed: its attempts are no list of orders"
                verified.add(_finding("changed", chain, number, row, said))
            if chain is EVENTS and row[_NAME] == "order-placed" and (version := _policy_of(row)) is not None:
                named.setdefault(version, number)
            last, previous = number, digest
        verified.rows[chain.table] += len(page)
        more(len(page))
    return verified, named


def verify_numbers(evidence: Evidence, chain: Chain) -> Verified:
    """Find the rows with numbers below 1."""
    verified = Verified()
    for row in evidence.below(chain, MOST_FINDINGS):
        said = f"{name(chain, row[0])} ({text(row[1])}) was added, or moved there: numbers begin at 1"
        verified.add(_finding("added", chain, row[0], row, said))
    if verified.findings:
        count = evidence.count(chain, 0)
        verified.rows[chain.table] = verified.found[chain.table] = count
    return verified


def _broken(chain: Chain, last: int, row: Row, follows: bool, gapless: bool) -> Finding:
    """What is wrong between the row numbered `last` and this one, as far as two rows can tell."""
    number = row[0]
    this = f"{name(chain, number)} ({_about(chain, row)})"
    missing = span(chain, last + 1, number - 1)
    if number > last + 1 and gapless:
        also = "" if follows else f", and {this} does not follow from what is before it"
        return _finding("gone", chain, last + 1, None, f"{missing} gone{also}")
    if last < 1:
        said = f"{this} is not the beginning of a log: it was changed or added, or what was before it is gone"
        return _finding("changed", chain, number, row, said)
    if number > last + 1:
        said = f"{this} does not follow from {name(chain, last)}: {missing} gone, or one of the two was changed"
        return _finding("changed", chain, number, row, said)
    said = f"{this} was changed, or added, or the one before it was changed together with its digest"
    return _finding("changed", chain, number, row, said)


class _Placed(msgspec.Struct):
    policy_version: str


_NAME = f"{EVENTS.number}, {EVENTS.columns}".split(", ").index("topic")
_STATE = f"{EVENTS.number}, {EVENTS.columns}".split(", ").index("state")
_ATTEMPTS = f"{JOURNAL.number}, {JOURNAL.columns}".split(", ").index("attempts")
_decode_placed = msgspec.json.Decoder(_Placed).decode
_decode_attempts = msgspec.json.Decoder(list[str]).decode
_NOT_READ = (*UNREADABLE, TypeError)


def _policy_of(row: Row) -> str | None:
    """The policy that an order was placed under; None where its event does not tell."""
    try:
        return _decode_placed(row[_STATE]).policy_version
    except _NOT_READ:
        return None


def _names_orders(attempts: Any) -> bool:
    """Whether a database can read the orders in it, too: none takes a NUL in a text."""
    try:
        return attempts == b"[]" or not any("\0" in order_id for order_id in _decode_attempts(attempts))
    except _NOT_READ:
        return False


def _finding(kind: Kind, chain: Chain, number: int, row: Row | None, said: str) -> Finding:
    return Finding(kind, chain.table, number, None if row is None else text(row[1]), said)


def _about(chain: Chain, row: Row) -> str:
    return f"{text(row[1])}, version {text(row[2])}" if chain is EVENTS else f"command {text(row[1])}"


def name(chain: Chain, number: int) -> str:
    """A row in words, such as `event 345`."""
    return f"event {number}" if chain is EVENTS else f"journal entry {number}"


def span(chain: Chain, first: int, last: int) -> str:
    """Rows in words, with their verb, such as `events 3 to 5 are`."""
    if first >= last:
        return f"{name(chain, first)} is"
    return f"{'events' if chain is EVENTS else 'journal entries'} {first} to {last} are"
