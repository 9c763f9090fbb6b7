"""Finds every row of a store that was changed, removed, added or moved since it was recorded, as far as chains tell.

What a chain alone cannot tell is whether a log was cut off at its end, or rewritten as a whole: that takes a seal.
"""

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from typing import NamedTuple

from ...domain import policy_digest
from ..store import Store
from ..store.chain import CHAINS, EVENTS, JOURNAL, Chain
from ..store.evidence import Evidence, Head
from .links import Named, name, span, verify_links, verify_numbers
from .seal import Seal, against_seal
from .tampering import MOST_FINDINGS, Finding, Verified, text

SLICE = 50_000
"""Rows that a worker takes at once."""

Advance = Callable[[int, int], object]


def _quiet(done: int, total: int) -> None:
    pass


def verify(url: str, *, seal: Seal | None = None, workers: int = 1, advance: Advance = _quiet) -> Verified:
    """Verify the store at an address, as long as it is now; raises ``StoreError``.

    ``advance`` is told how many rows are done, and of about how many.
    """
    with closing(Store.open(url, create=False)) as store:
        evidence = store.evidence()
        heads = evidence.heads()
        total = sum(head.number for head in heads)
        done = 0

        def more(rows: int) -> None:
            nonlocal done
            done += rows
            advance(done, total)

        slices = (each for chain, head in zip(CHAINS, heads, strict=True) for each in _slices(evidence, chain, head))
        verified, placed = Verified(Counter({chain.table: 0 for chain in CHAINS})), Named()
        for chain in CHAINS:
            verified.join(verify_numbers(evidence, chain))
        alone = workers == 1
        parts = (_over(evidence, each, more) for each in slices) if alone else _in_workers(url, slices, workers)
        for part, named in parts:
            verified.join(part)
            placed = named | placed  # the earlier position stays
            if not alone:
                more(sum(part.rows.values()))
        verified.join(_ends(heads))
        if seal is not None:
            verified.join(against_seal(evidence, seal, placed))
        verified.join(_attempts(evidence, sound=not verified.found[JOURNAL.table]))
        verified.join(_policies(evidence, placed))
        return verified


class _Slice(NamedTuple):
    """A range of a chain's rows, for a worker; `chain` is its index, for functions do not travel."""

    chain: int
    after: int
    up_to: int
    gapless: bool


def _slices(evidence: Evidence, chain: Chain, head: Head) -> Iterator[_Slice]:
    index = CHAINS.index(chain)
    # PostgreSQL gives positions also to transactions that fail; it numbers entries by itself, in ours.
    gapless = head.given is not None or chain is JOURNAL
    for after, up_to in evidence.slices(chain, 0, head.number, SLICE):
        yield _Slice(index, after, up_to, gapless)


def _over(evidence: Evidence, each: _Slice, more: Callable[[int], object]) -> tuple[Verified, Named]:
    chain = CHAINS[each.chain]
    return verify_links(evidence, chain, each.after, each.up_to, gapless=each.gapless, more=more)


def _ends(heads: tuple[Head, Head]) -> Verified:
    """Whether the last rows are the last ones that were numbered, where the database remembers that."""
    verified = Verified()
    for chain, head in zip(CHAINS, heads, strict=True):
        if head.given is None or head.given == head.number:
            continue
        if head.given > head.number:
            said = f"{span(chain, head.number + 1, head.given)} gone: the log was cut off at its end"
            verified.add(Finding("cut-off", chain.table, head.number + 1, None, said))
        else:
            said = f"{name(chain, head.number)} has a number that was never given: it was moved or added"
            verified.add(Finding("added", chain.table, head.number, None, said))
    return verified


def _attempts(evidence: Evidence, *, sound: bool) -> Verified:
    """Whether `attempts` says what the journal says, unless that is not to be trusted itself."""
    verified = Verified(Counter(attempts=evidence.attempts()))
    if sound:
        for order_id, entry in evidence.attempts_lacking(MOST_FINDINGS):
            said = f"the attempt on {order_id} by journal entry {entry} is gone"
            verified.add(Finding("gone", "attempts", entry, order_id, said))
        for order_id, entry in evidence.attempts_added(MOST_FINDINGS):
            said = f"the attempt on {text(order_id)} by journal entry {text(entry)} was added: it tells of none"
            number = entry if isinstance(entry, int) else None
            verified.add(Finding("added", "attempts", number, text(order_id), said))
    return verified


def _policies(evidence: Evidence, placed: Named) -> Verified:
    """Whether each policy has its SHA-256, and all are there that orders were placed under."""
    policies = evidence.policies()
    verified = Verified(Counter(policies=len(policies)))
    for version, content, digest in policies:
        try:
            same = policy_digest(content) == digest
        except (AttributeError, UnicodeEncodeError):
            same = False
        if not same:
            said = f"policy {text(version)} was changed: its content has another SHA-256"
            verified.add(Finding("changed", "policies", None, text(version), said))
    kept = {version for version, *_ in policies}
    for version, position in placed.items():
        if version not in kept:
            said = f"policy {text(version)} is gone: {name(EVENTS, position)} was placed under it"
            verified.add(Finding("gone", "policies", None, text(version), said))
    return verified


# --- several processes ------------------------------------------------------------------------------------------------


def _in_workers(url: str, slices: Iterable[_Slice], workers: int) -> Iterator[tuple[Verified, Named]]:
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(url,)) as pool:
        yield from pool.map(_verify_slice, slices)


def _begin(url: str) -> None:
    global _store
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it hears it, and ends it
    _store = Store.open(url, create=False)


def _verify_slice(each: _Slice) -> tuple[Verified, Named]:
    return _over(_store.evidence(), each, lambda _: None)


_store: Store
