"""The replay itself: events in the order of the log, folded by the domain's own functions, each judged before.

Of all orders and parcels, those touched last are kept; another one is folded again from its events before this one. So
memory stays flat, a replay may begin anywhere in the log, and what is found does not depend on either.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from ...domain import RULES, InvalidPolicy, Order, Shipment
from ...domain import events as e
from ...domain.admission import AHEAD_MINUTES
from ...domain.evolve import evolve, placed
from ...domain.shipment import evolve_shipment, packed
from ..aggregates import Policies
from ..errors import StoreError
from ..store.scan import Scan
from . import replay_money, replay_moves
from .replay_findings import Finding, Findings
from .replay_models import ReadModels, differences
from .replay_moves import FINE, Check, Wrong
from .replay_whole import WITH_PARCEL, judge_order, judge_parcel, judge_riders, parcels_of

ENVELOPE = "envelope"
FOLDING = "folding"
SEQUENCE = "sequence"
CAPACITY = 20_000
AHEAD = timedelta(minutes=AHEAD_MINUTES)
COMPARED_AT_ONCE = 500

Aggregate = Order | Shipment


class CannotBeFolded(Exception):
    """What a stream holds makes no order or parcel; why was found where it happened."""


def _steps() -> dict[type[e.Event], tuple[Check, Callable[[Any, Any], Any]]]:
    checks = {**replay_moves.CHECKS, **replay_money.CHECKS}
    return {
        kind: (checks.get(kind, lambda *_: FINE), evolve if issubclass(kind, e.OrderEvent) else evolve_shipment)
        for kind in e.EVENT_TYPES.values()
    }


_STEPS = _steps()
"""By event: how it is judged, and what it changes."""


class Fold:
    """Follows events up to the log's ``end``; what is wrong goes to ``findings``."""

    def __init__(
        self,
        scan: Scan,
        policies: Policies,
        findings: Findings,
        *,
        end: int,
        capacity: int = CAPACITY,
        read_models: ReadModels | None = None,
    ) -> None:
        self._scan = scan
        self._policies = policies
        self._findings = findings
        self._end = end
        self._generation = max(1, capacity // 2)
        self._read_models = read_models
        # Two generations instead of a list by last use: an event costs one look-up, and changes no order.
        self._young: dict[str, Aggregate] = {}
        self._old: dict[str, Aggregate] = {}
        self._left_out: set[str] = set()
        """Streams that cannot be folded; why was found."""

    def follow(self, events: Iterable[tuple[str, Any]]) -> None:
        """Judge and fold the next events of the log, with their streams."""
        aggregate: Any
        young = self._young
        for stream, event in events:
            aggregate = young.get(stream)
            if aggregate is None:
                aggregate = self._recall(stream, event)
                young = self._young
                if aggregate is None:
                    continue
            if event.version != aggregate.version + 1:
                self._found(stream, event.version, [(SEQUENCE, f"version {event.version} follows {aggregate.version}")])
                if event.version <= aggregate.version:
                    continue
            check, change = _STEPS[type(event)]
            if (
                event.buyer_id != aggregate.buyer_id
                or event.recorded_at < aggregate.recorded_at
                or event.at > event.recorded_at
                or (change is evolve and event.at < aggregate.placed_at)
                or event.rule not in RULES
            ):
                self._found(stream, event.version, _envelope(aggregate, event))
            wrong: Wrong = FINE
            try:
                wrong = check(aggregate, event)
                if wrong:
                    self._found(stream, event.version, wrong)
                change(aggregate, event)
            except Exception as error:  # whatever a wrong log makes of folding it
                if not wrong:
                    reason = f"{event.type} cannot be folded: {type(error).__name__}: {error}"
                    self._found(stream, event.version, [(FOLDING, reason)])
                self._left_out.add(stream)
                del young[stream]

    def finish(self) -> None:
        """Judge all that is kept as wholes."""
        for generation in (self._old, self._young):
            self._judge(generation)
            generation.clear()

    # --- what is kept ---

    def _recall(self, stream: str, event: e.Event) -> Aggregate | None:
        """The aggregate before ``event``; None where this event made it, or where it cannot be had."""
        known = self._old.pop(stream, None)
        if known is None:
            if stream in self._left_out:
                return None
            try:
                known = self._before(stream, event) if event.version > 1 else None
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
            self._judge(self._old)
            self._old, self._young = self._young, {}
        self._young[stream] = aggregate

    def _begin(self, stream: str, event: e.Event) -> Aggregate:
        """The aggregate that the stream's first event makes; judges that event."""
        wrong = [*_first(event)]
        try:
            aggregate = self._made(event)
        except CannotBeFolded as error:
            self._found(stream, event.version, wrong or [(FOLDING, str(error))])
            raise
        self._found(stream, event.version, [*wrong, *_envelope(aggregate, event)])
        return aggregate

    def _made(self, event: e.Event) -> Aggregate:
        if isinstance(event, e.ShipmentPacked):
            return packed(event)
        if not isinstance(event, e.OrderPlaced):
            raise CannotBeFolded(f"the first event is {event.type}")
        order = placed(event)
        try:
            order.policy = self._policies[order.policy_version]
        except (StoreError, InvalidPolicy) as error:
            raise CannotBeFolded(str(error)) from error
        return order

    def _before(self, stream: str, event: e.Event) -> Aggregate | None:
        return self._folded(stream, self._scan.position(stream, event.version))

    def _folded(self, stream: str, before: int) -> Aggregate | None:
        """The aggregate of the events before a position, as ``follow`` makes it; None without any.

        Nothing is found here: these events are judged in their own turn.
        """
        aggregate: Aggregate | None = None
        for row in self._scan.stream_rows(stream, before):
            try:
                event = row.event()
            except ValueError:
                continue
            if aggregate is None:
                aggregate = self._made(event)
            elif event.version > aggregate.version:
                check, change = _STEPS[type(event)]
                try:
                    check(aggregate, event)
                    change(aggregate, event)
                except Exception as error:
                    raise CannotBeFolded(str(error)) from error
        return aggregate

    # --- wholes ---

    def _judge(self, generation: dict[str, Aggregate]) -> None:
        for stream, aggregate in generation.items():
            wrong = self._judge_order(aggregate) if isinstance(aggregate, Order) else self._judge_parcel(aggregate)
            if wrong and self._is_last(stream, aggregate):
                self._found(stream, aggregate.version, wrong)
        if self._read_models is not None:
            orders = [aggregate for aggregate in generation.values() if isinstance(aggregate, Order)]
            for start in range(0, len(orders), COMPARED_AT_ONCE):
                self._compare(self._read_models, orders[start : start + COMPARED_AT_ONCE])

    def _judge_order(self, order: Order) -> Wrong:
        wrong = judge_order(order)
        parcels = parcels_of(order)
        if parcels and self._is_last(f"order:{order.order_id}", order):
            for shipment_id in parcels:
                try:
                    parcel = self._folded(f"shipment:{shipment_id}", self._end + 1)
                except CannotBeFolded:
                    continue
                assert not isinstance(parcel, Order)
                wrong += judge_riders(order, shipment_id, parcel)
        return wrong

    def _judge_parcel(self, shipment: Shipment) -> Wrong:
        wrong: list[tuple[str, str]] = []
        if shipment.state in WITH_PARCEL and self._is_last(f"shipment:{shipment.shipment_id}", shipment):
            for order_id in shipment.contents:
                try:
                    order = self._folded(f"order:{order_id}", self._end + 1)
                except CannotBeFolded:
                    continue
                assert not isinstance(order, Shipment)
                wrong += judge_parcel(shipment, order_id, order)
        return wrong

    def _compare(self, read_models: ReadModels, orders: list[Order]) -> None:
        told = read_models.told([order.order_id for order in orders])
        for order in orders:
            wrong = differences(order, told.get(order.order_id))
            if wrong and self._is_last(f"order:{order.order_id}", order):
                self._found(f"order:{order.order_id}", order.version, wrong)

    def _is_last(self, stream: str, aggregate: Aggregate) -> bool:
        """Whether nothing happens to it any more: neither in another part of this replay nor meanwhile."""
        return self._scan.last_version(stream) == aggregate.version

    def _found(self, stream: str, version: int, wrong: Wrong) -> None:
        if wrong:
            position = self._scan.position(stream, version)
            self._findings.add(*(Finding.of(position, stream, rule, reason) for rule, reason in wrong))


def _first(event: e.Event) -> Wrong:
    """What is wrong with a stream's first event, whatever it makes."""
    if event.version != 1:
        return [(SEQUENCE, f"the first event, {event.type}, has version {event.version}")]
    return replay_money.placed(event) if isinstance(event, e.OrderPlaced) else FINE


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
