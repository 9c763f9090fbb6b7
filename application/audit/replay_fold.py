"""The replay itself: events in the order of the log, folded by the domain's own functions, each judged before.

Of all orders and shipments, those touched last are kept; another one is folded again from its events before this one.
So memory stays flat, a replay may begin anywhere in the log, and what is found does not depend on either.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from ...domain import RULES, Order
from ...domain import events as e
from ...domain.admission import AHEAD_MINUTES
from ..errors import StoreError
from ..store.scan import Scan
from . import replay_money
from .replay_findings import Finding, Findings
from .replay_moves import FINE, Wrong
from .replay_past import Aggregate, CannotBeFolded, CannotHappen, Past
from .replay_wholes import Wholes

ENVELOPE = "envelope"
FOLDING = "folding"
SEQUENCE = "sequence"
CAPACITY = 20_000
AHEAD = timedelta(minutes=AHEAD_MINUTES)


class Fold:
    """Follows events; what is wrong with them goes to ``findings``. Keeps at most ``capacity`` aggregates."""

    def __init__(self, scan: Scan, past: Past, wholes: Wholes, findings: Findings, capacity: int = CAPACITY) -> None:
        self._scan = scan
        self._past = past
        self._wholes = wholes
        self._findings = findings
        self._generation = max(1, capacity // 2)
        # Two generations instead of a list by last use: an event costs one look-up, and changes no order.
        self._young: dict[str, Aggregate] = {}
        self._old: dict[str, Aggregate] = {}
        self._left_out: set[str] = set()
        """Streams that cannot be folded; why was found."""

    def follow(self, events: Iterable[tuple[str, Any]]) -> None:
        """Judge and fold the next events of the log, with their streams."""
        aggregate: Any
        young, steps = self._young, self._past.steps
        for stream, event in events:
            aggregate = young.get(stream)
            if aggregate is None:
                aggregate = self._recall(stream, event)
                young = self._young
                if aggregate is None:
                    continue
            version, at, recorded_at = event.version, event.at, event.recorded_at
            if version != aggregate.version + 1:
                self._found(stream, version, [(SEQUENCE, f"version {version} follows {aggregate.version}")])
                if version <= aggregate.version:
                    continue
            if (
                event.buyer_id != aggregate.buyer_id
                or recorded_at < aggregate.recorded_at
                or at > recorded_at
                or (type(aggregate) is Order and at < aggregate.placed_at)
                or event.rule not in RULES
            ):
                self._found(stream, version, _envelope(aggregate, event))
            try:
                wrong = steps[type(event)](aggregate, event)
            except StoreError:
                raise
            except Exception as error:  # whatever a wrong log makes of folding it
                wrong = _unfoldable(event, error)
                self._left_out.add(stream)
                del young[stream]
            if wrong:
                self._found(stream, version, wrong)

    def finish(self) -> None:
        """Judge all that is kept."""
        for generation in (self._old, self._young):
            self._wholes.judge(generation)
            generation.clear()

    def _recall(self, stream: str, event: e.Event) -> Aggregate | None:
        """The aggregate before ``event``; None where this event made it, or where it cannot be had."""
        known = self._old.pop(stream, None)
        if known is None:
            if stream in self._left_out:
                return None
            try:
                if event.version > 1:
                    known = self._past.aggregate(stream, before=self._scan.position(stream, event.version))
                if known is None:
                    self._keep(stream, self._begin(stream, event))
                    return None
            except CannotBeFolded:
                self._left_out.add(stream)
                return None
        self._keep(stream, known)
        return known

    def _keep(self, stream: str, aggregate: Aggregate) -> None:
        if len(self._young) >= self._generation:
            self._wholes.judge(self._old)
            self._past.asides.forget(self._old)
            self._old, self._young = self._young, {}
        self._young[stream] = aggregate

    def _begin(self, stream: str, event: e.Event) -> Aggregate:
        """The aggregate that the stream's first event makes; judges that event."""
        wrong = replay_money.placed(event) if type(event) is e.OrderPlaced else FINE
        if event.version != 1:
            wrong = [*wrong, (SEQUENCE, f"the first event, {event.type}, has version {event.version}")]
        try:
            aggregate = self._past.begun_by(event)
        except CannotBeFolded as error:
            self._found(stream, event.version, wrong or [(FOLDING, str(error))])
            raise
        if event.at > event.recorded_at or event.rule not in RULES:
            wrong = [*wrong, *_envelope(aggregate, event)]
        if wrong:
            self._found(stream, event.version, wrong)
        return aggregate

    def _found(self, stream: str, version: int, wrong: Wrong) -> None:
        if wrong:
            position = self._scan.position(stream, version)
            self._findings.add(*(Finding.of(position, stream, rule, reason) for rule, reason in wrong))


def _unfoldable(event: e.Event, error: Exception) -> Wrong:
    if isinstance(error, CannotHappen):
        return error.wrong
    return [(FOLDING, f"{event.type} cannot be folded: {type(error).__name__}: {error}")]


def _envelope(aggregate: Aggregate, event: e.Event) -> Wrong:
    wrong = []
    if event.buyer_id != aggregate.buyer_id:
        wrong.append((ENVELOPE, f"it is of buyer {event.buyer_id}, not {aggregate.buyer_id}"))
    if event.recorded_at < aggregate.recorded_at:
        wrong.append((ENVELOPE, f"recorded at {event.recorded_at}, before the event that it follows"))
    if event.at > event.recorded_at + AHEAD:
        wrong.append(("TIME-3", f"it happened at {event.at}, and was recorded at {event.recorded_at}"))
    if isinstance(aggregate, Order) and event.at < aggregate.placed_at:
        wrong.append(("TIME-2", f"it happened at {event.at}, and the order was placed at {aggregate.placed_at}"))
    if event.rule not in RULES:
        wrong.append((ENVELOPE, f"there is no rule {event.rule}"))
    return wrong
