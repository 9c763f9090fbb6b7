"""Decides the journaled commands again, each on the versions that it was decided upon, and compares what comes of it.

Proof that the recorded history is what the rules produce, and a test of a new release against what was decided by old
ones. Nothing is written.
"""

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime
from multiprocessing import get_context

from ...domain import Case, Command, Event, Order, Policy, Shipment, canonical, decide, next_deadline, same_content
from ...domain.commands import PlaceOrder
from ...domain.events import OrderPlaced
from ..errors import StoreError
from ..results import decided
from ..store import JournalEntry, Store
from ..store.chain import JOURNAL
from ..transaction import journaled
from .past import Missing, Past, command_of, entry_of, is_failure, pages
from .redecided import Difference, Finding, Redecided, finding, of_entries, of_events
from .untold import events_told, misnumbered, unsound, untold

CHUNK = 5_000
"""Entries that a worker decides again before it tells what it found."""
Advance = Callable[[int, int], object]
"""Told how many entries are done, and of how many."""


def redecide(
    url: str, *, first: int = 1, last: int | None = None, workers: int = 1, advance: Advance = lambda *_: None
) -> Redecided:
    """Decide the entries of a store again, from ``first`` to ``last``, in this process or in several others.

    Whatever cannot be decided is a finding; raises ``StoreError`` where the store itself fails.
    """
    with closing(Store.open(url, create=False)) as store:
        last_entry, last_event = store.extent()
        up_to = last_entry if last is None else min(last, last_entry)
        after = min(max(first - 1, 0), up_to)
        chunks = store.evidence().slices(JOURNAL, after, up_to, CHUNK)
        result = Redecided()
        for done in _in_workers(url, chunks, workers) if workers > 1 else map(Redecision(store).over, chunks):
            result.join(done)
            advance(result.entries, up_to - after)
        if (after, up_to) == (0, last_entry):
            _add_what_nobody_decided(result, store, last_event)
    return result


def _add_what_nobody_decided(result: Redecided, store: Store, last_event: int) -> None:
    """Add the rows that no entry of the journal is asked for."""
    known = {found.command_id for found in result.findings}
    for found in (*misnumbered(store), *unsound(store, last_event)):
        result.add(found)
    if result.events < store.count_events(last_event):
        for found in untold(store, last_event, known):
            result.add(found)


class Redecision:
    """Decides entries of one store again, in the journal's sequence or any other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._past = Past(store)
        self._default = Policy.default()

    def over(self, chunk: tuple[int, int]) -> Redecided:
        """The entries after the first and up to and including the second number."""
        result = Redecided()
        for page in pages(self._store, *chunk):
            self._past.expect({s for _, entry in page if isinstance(entry, JournalEntry) for s in entry.basis})
            for number, entry in page:
                result.entries += 1
                if isinstance(entry, Exception):
                    result.add(Finding(number, None, None, [], [Difference("entry", "unreadable", str(entry))]))
                    continue
                result.statuses[entry.status] += 1
                if differences := list(self._differences(entry, result)):
                    result.add(finding(number, entry, differences))
        return result

    def _differences(self, entry: JournalEntry, result: Redecided) -> Iterator[Difference]:
        streams = _AsRecorded(self._past, entry.basis)
        try:
            command = command_of(entry)
            again, case = self._again(entry, command, streams)
            differences = [d for event in case.events for d in of_events(self._stored(event), event)]
        except Exception as error:
            if is_failure(error):
                raise
            for stream in entry.basis:
                self._past.distrust(stream)
            result.events += self._told(entry, [])
            yield Difference("decision", entry.status, f"{type(error).__name__}: {error}")
            return
        self._past.leave(case.orders.values(), case.shipments.values(), as_recorded=not differences)
        if again == entry and not differences:
            result.events += len(case.events)
        else:
            result.events += self._told(entry, case.events)
            yield from of_entries(entry, again)
            yield from differences
        if entry.reused and not self._is_reused(entry):
            yield Difference("reused", True, False)

    def _again(self, entry: JournalEntry, command: Command, streams: "_AsRecorded") -> tuple[JournalEntry, Case]:
        assert command.at is not None
        case = Case(
            streams,
            command,
            policy=self._policy(command),
            at=command.at,
            recorded_at=entry.recorded_at,
            actor=command.actor,
            actor_id=command.actor_id,
            clock=entry.recorded_at,  # in a command log, whose own times are the clock, it is the command's time
        )
        outcome = decide(case, command, reused=entry.reused)
        again = journaled(
            command,
            canonical(command),
            decided(command, outcome),
            recorded_at=case.recorded_at,
            basis=streams.looked_at,
            reused=entry.reused,
        )
        return again, case

    def _policy(self, command: Command) -> Policy:
        """The policy in force, which only a placing asks for: it is the one that its event names."""
        if isinstance(command, PlaceOrder):
            placed = self._past.events(f"order:{command.order_id}").get(1)
            if isinstance(placed, OrderPlaced) and placed.command_id == command.command_id:
                return self._past.policy(placed.policy_version)
        return self._default

    def _stored(self, event: Event) -> Event | None:
        return self._past.events(event.stream).get(event.version)

    def _told(self, entry: JournalEntry, made: list[Event]) -> int:
        """How many of the stored events are accounted for by this entry, as it is recorded or decided again."""
        told = {*events_told(entry), *((event.stream, event.version) for event in made)}
        count = 0
        for stream, version in told:
            try:
                event = self._past.events(stream).get(version)
            except StoreError as error:
                if is_failure(error):
                    raise
                continue
            count += event is not None and event.command_id == entry.command_id
        return count

    def _is_reused(self, entry: JournalEntry) -> bool:
        rows = self._store.evidence().entries(entry.command_id)
        first = entry_of(rows[0]) if rows else entry
        if isinstance(first, StoreError):
            return True  # it has a finding of its own
        return not first.reused and not same_content(first.command, entry.command)


class _AsRecorded:
    """The streams of one entry: at the versions that it was decided upon, and no others (``domain.Streams``)."""

    def __init__(self, past: Past, basis: dict[str, int]) -> None:
        self._past = past
        self._basis = basis
        self.looked_at: dict[str, int] = {}

    def order(self, order_id: str) -> Order | None:
        return self._past.order(order_id, self._version(f"order:{order_id}"))

    def shipment(self, shipment_id: str) -> Shipment | None:
        return self._past.shipment(shipment_id, self._version(f"shipment:{shipment_id}"))

    def due(self, before: datetime) -> list[str]:
        """Of the orders that were looked at: which others had a deadline, the journal does not say."""
        looked_at = [stream.removeprefix("order:") for stream in self._basis if stream.startswith("order:")]
        orders = [self._past.order(order_id, self._basis[f"order:{order_id}"]) for order_id in looked_at]
        found = [deadline for order in orders if order is not None and (deadline := next_deadline(order)) is not None]
        return [order_id for at, order_id, *_ in sorted(found, key=lambda d: d[:2]) if at < before]

    def _version(self, stream: str) -> int:
        if stream not in self._basis:
            raise Missing(f"it asks for {stream}, which the recorded decision did not look at")
        self.looked_at[stream] = self._basis[stream]
        return self._basis[stream]


# --- several processes ------------------------------------------------------------------------------------------------


def _in_workers(url: str, chunks: Iterable[tuple[int, int]], workers: int) -> Iterator[Redecided]:
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_begin, initargs=(url,)) as pool:
        yield from pool.map(_over, chunks)


def _begin(url: str) -> None:
    global _redecision
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started it hears it, and ends it
    _redecision = Redecision(Store.open(url, create=False))


def _over(chunk: tuple[int, int]) -> Redecided:
    return _redecision.over(chunk)


_redecision: Redecision
