"""Orders and shipments folded from the store's rows alone, for a replay that does not have them in memory."""

from collections.abc import Callable
from typing import Any

from ...domain import InvalidPolicy, Order, Policy, Shipment
from ...domain import events as e
from ...domain.evolve import evolve, placed
from ...domain.shipment import evolve_shipment, packed
from ..aggregates import Policies
from ..errors import StoreError
from ..store.scan import Scan
from . import replay_asked, replay_money, replay_moves, replay_owed
from .replay_asides import Asides
from .replay_moves import FINE, Check, Step, Wrong

Aggregate = Order | Shipment


class CannotBeFolded(Exception):
    """What a stream holds makes no order or shipment; it is found at the event that says so."""


class CannotHappen(Exception):
    """An event that was found ``wrong``, and that its aggregate cannot follow."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong)
        self.wrong = wrong


def _in_turn(kind: type[e.Event], check: Check) -> Step:
    """First the check, then the domain's change."""
    change: Callable[[Any, Any], object] = evolve if issubclass(kind, e.OrderEvent) else evolve_shipment

    def step(aggregate: Aggregate, event: e.Event) -> Wrong:
        wrong = check(aggregate, event)
        try:
            change(aggregate, event)
        except Exception as error:
            if wrong:
                raise CannotHappen(wrong) from error
            raise
        return wrong

    return step


_CHECKS = {**replay_moves.CHECKS, **replay_asked.CHECKS, **replay_money.CHECKS}
_STEPS: dict[type[e.Event], Step] = {
    kind: _in_turn(kind, _CHECKS.get(kind, lambda *_: FINE)) for kind in e.EVENT_TYPES.values()
} | replay_moves.STEPS
_EVER = 2**63 - 1


class Past:
    """Folds any stream up to any position. Nothing is found here: each event is judged in its own turn.

    ``steps`` are what is done with each event; what no order remembers of them goes to ``asides``.
    """

    def __init__(self, scan: Scan, policies: Policies) -> None:
        self._scan = scan
        self._policies = policies
        self._known: dict[str, Policy] = {}
        self.asides = Asides()
        self.steps = self._noting(self.asides)

    def _noting(self, asides: Asides) -> dict[type[e.Event], Step]:
        def after(kind: type[e.Event], note: Callable[[Any], None]) -> Step:
            step = _STEPS[kind]

            def noting(order: Order, event: Any) -> Wrong:
                note(event)
                return step(order, event)

            return noting

        return _STEPS | {
            e.RefundOwed: _in_turn(e.RefundOwed, replay_owed.owed(asides, self._parcel)),
            e.ReturnReceived: after(e.ReturnReceived, asides.note_receipt),
            e.ExceptionRaised: after(e.ExceptionRaised, asides.note_unusual),
            e.PaymentUnexpected: after(e.PaymentUnexpected, asides.note_unusual),
        }

    def _parcel(self, shipment_id: str) -> Shipment | None:
        """How a parcel was packed never changes, so it does not matter when it is asked."""
        try:
            return self.shipment(shipment_id, _EVER)
        except CannotBeFolded:
            return None

    def begun_by(self, event: e.Event) -> Aggregate:
        """What a stream's first event makes."""
        if type(event) is e.OrderPlaced:
            order = placed(event)
            order.policy = self._known.get(event.policy_version) or self._policy(event.policy_version)
            return order
        if type(event) is e.ShipmentPacked:
            return packed(event)
        raise CannotBeFolded(f"no stream begins with {event.type}")

    def _policy(self, version: str) -> Policy:
        try:
            self._known[version] = self._policies[version]
        except (StoreError, InvalidPolicy) as error:
            raise CannotBeFolded(str(error)) from error
        return self._known[version]

    def order(self, order_id: str, before: int) -> Order | None:
        """The order of the events of positions before ``before``; None where there are none."""
        found = self._folded(f"order:{order_id}", before, self._noting(Asides()))
        assert found is None or isinstance(found, Order)
        return found

    def shipment(self, shipment_id: str, before: int) -> Shipment | None:
        """The shipment of the events of positions before ``before``; None where there are none."""
        found = self._folded(f"shipment:{shipment_id}", before, _STEPS)
        assert found is None or isinstance(found, Shipment)
        return found

    def aggregate(self, stream: str, before: int) -> Aggregate | None:
        """A stream's, as ``Fold.follow`` makes it of the same events, whose asides are noted."""
        return self._folded(stream, before, self.steps)

    def _folded(self, stream: str, before: int, steps: dict[type[e.Event], Step]) -> Aggregate | None:
        aggregate: Aggregate | None = None
        for row in self._scan.stream_rows(stream, before):
            try:
                event = row.event()
            except ValueError:
                continue
            if aggregate is None:
                aggregate = self.begun_by(event)
            elif event.version > aggregate.version:
                try:
                    steps[type(event)](aggregate, event)
                except Exception as error:
                    raise CannotBeFolded(str(error)) from error
        return aggregate
