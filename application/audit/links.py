"""Whether each row of a chain follows from the one before it."""

from collections.abc import Callable
from hashlib import sha256

from ..store.chain import EVENTS, ROW_ERRORS, Chain, Row
from ..store.evidence import Evidence
from .tampering import Finding, Kind, Verified, text

PAGE = 1000


def verify_links(
    evidence: Evidence, chain: Chain, after: int, up_to: int, *, gapless: bool, more: Callable[[int], object]
) -> Verified:
    """Verify the rows of a range of numbers, each against the digest that the row before it has.

    ``gapless``: whether the store numbers the rows 1, 2, 3, …; ``more`` is told of so many more rows done.
    """
    verified = Verified()
    content = chain.content  # all this is here, and not in functions, because it is done for every row of a long log
    last, previous = evidence.last(chain, after)
    while page := evidence.page(chain, last if verified.rows else after, up_to, PAGE):
        for row in page:
            number, digest = row[0], row[-1]
            try:
                follows = sha256(previous + content(*row[:-1])).digest() == digest
            except ROW_ERRORS:
                follows = False
            if not follows or (gapless and number != last + 1):
                verified.add(_broken(chain, last, row, follows, gapless))
            last, previous = number, digest
        verified.rows[chain.table] += len(page)
        more(len(page))
    return verified


def _broken(chain: Chain, last: int, row: Row, follows: bool, gapless: bool) -> Finding:
    """What is wrong between the row numbered `last` and this one, as far as two rows can tell."""
    number = row[0]
    this = f"{name(chain, number)} ({_about(chain, row)})"
    missing = span(chain, last + 1, number - 1)
    if number > last + 1 and gapless:
        also = "" if follows else f", and {this} does not follow from what is before it"
        return _finding("gone", chain, last + 1, None, f"{missing} gone{also}")
    if number < 1:
        return _finding("added", chain, number, row, f"{this} was added: numbers begin at 1")
    if last < 1:
        said = f"{this} is not the beginning of a log: it was changed or added, or what was before it is gone"
        return _finding("changed", chain, number, row, said)
    if number > last + 1:
        said = f"{this} does not follow from {name(chain, last)}: {missing} gone, or one of the two was changed"
        return _finding("changed", chain, number, row, said)
    said = f"{this} was changed, or added, or the one before it was changed together with its digest"
    return _finding("changed", chain, number, row, said)


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
