"""One command's case: the orders and parcels that it touches, the events recorded so far, who acts and when.

``record`` is the only way to make an event: it numbers it, stamps it and evolves its aggregate at once, so that every
later step of the same decision sees it. Checks come before the first ``record``: a rejection leaves nothing half done.
Knows no rule.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from . import events as e
from .commands import Command
from .evolve import evolve, placed
from .lifecycle import destination, move
from .order import Order, Refund, Request
from .policy import Policy
from .shipment import Shipment, evolve_shipment, packed
from .units import Unit, numbers
from .vocabulary import Cause, Role


class Streams(Protocol):
    """Where a case finds its aggregates; it owns (and changes) what it is given."""

    def order(self, order_id: str) -> Order | None: ...

    def shipment(self, shipment_id: str) -> Shipment | None: ...

    def due(self, before: datetime) -> list[str]:
        """Ids of the orders that have a deadline strictly before ``before``."""
        ...


class Debt:
    """Units of an order to be refunded when the case is settled, for one cause by one rule."""

    def __init__(self, order: Order, cause: Cause, rule: str) -> None:
        self.order = order
        self.cause = cause
        self.rule = rule
        self.units: list[Unit] = []
        self.deferrable = False
        self.opened: list[Unit] = []
        self.return_id: str | None = None
        self.shipment_id: str | None = None


LAPSE_BY_MOVE = {
    "dispatch": "dispatched",
    "deliver": "delivered",
    "refuse": "refused",
    "turn-back": "turned-back",
    "lose": "lost",
    "cancel": "cancelled",
}


class Case:
    """See the module. ``at`` is when the command happens, ``recorded_at`` when it is learned."""

    def __init__(
        self,
        streams: Streams,
        command: Command,
        *,
        policy: Policy,
        at: datetime,
        recorded_at: datetime,
        actor: Role | None,
        actor_id: str | None,
        clock: datetime | None = None,
    ) -> None:
        self.streams = streams
        self.command_id = command.command_id
        self.command_name = command.name
        self.policy = policy
        self.at = at
        self.recorded_at = recorded_at
        self.learned = recorded_at
        """When all that it records counts as learned: not before what the streams that it writes to know already."""
        self.now = clock
        """The clock's time where there is one (TIME-3); in a command log the log's own times are the clock."""
        self.actor = actor
        self.actor_id = actor_id
        self.role: Role = actor or command.roles[0]
        """Who acts: the actor, or the natural one where none is given."""
        self.orders: dict[str, Order] = {}
        self.shipments: dict[str, Shipment] = {}
        self.events: list[e.Event] = []
        self.debts: list[Debt] = []
        self.paid: list[tuple[Order, Refund]] = []
        """Refunds that may have been paid in full by this case."""
        self.noted = False
        self.idempotency_key: str | None = None

    # --- what it works on ---

    def order(self, order_id: str) -> Order | None:
        """The order, or None; loaded once."""
        order = self.orders.get(order_id)
        if order is None and (order := self.streams.order(order_id)) is not None:
            self.orders[order_id] = order
        return order

    def shipment(self, shipment_id: str) -> Shipment | None:
        """The parcel, or None; loaded once."""
        shipment = self.shipments.get(shipment_id)
        if shipment is None and (shipment := self.streams.shipment(shipment_id)) is not None:
            self.shipments[shipment_id] = shipment
        return shipment

    def parcel(self, unit: Unit) -> Shipment | None:
        """The parcel that a unit is or was in."""
        return None if unit.shipment_id is None else self.shipment(unit.shipment_id)

    def contents(self, shipment: Shipment) -> Iterator[tuple[Order, list[Unit]]]:
        """What a parcel holds (as packed, less what was taken out), by order id."""
        for order_id in sorted(shipment.contents):
            order = self.order(order_id)
            if order is not None:
                yield order, order.pick(shipment.contents[order_id])

    def packed_orders(self, shipment: Shipment) -> list[Order]:
        """The orders of a parcel, also those whose units were all taken out since."""
        return [order for order_id in shipment.packed_orders if (order := self.order(order_id)) is not None]

    def riders(self, shipment: Shipment) -> list[tuple[Order, list[Unit]]]:
        """The units that still share the parcel's fate, by order id."""
        going = []
        for order, units in self.contents(shipment):
            mine = [u for u in units if u.shipment_id == shipment.shipment_id and u.state == shipment.state]
            if mine:
                going.append((order, mine))
        return going

    # --- what happens ---

    @contextmanager
    def clock(self, at: datetime) -> Iterator[None]:
        """What the passing of time does by itself, at its own time and by nobody's hand."""
        before = self.at, self.role, self.actor_id
        self.at, self.role, self.actor_id = at, "system", None
        try:
            yield
        finally:
            self.at, self.role, self.actor_id = before

    def place(self, order_id: str, rule: str, **fields: Any) -> Order:
        """Record a new order."""
        envelope = self._envelope(1, rule, fields.pop("buyer_id"))
        event = e.OrderPlaced(**envelope, schema=e.OrderPlaced.current, order_id=order_id, **fields)
        order = self.orders[order_id] = placed(event)
        order.policy = self.policy
        self.events.append(event)
        return order

    def pack(self, shipment_id: str, rule: str, **fields: Any) -> Shipment:
        """Record a new parcel."""
        envelope = self._envelope(1, rule, fields.pop("buyer_id"))
        event = e.ShipmentPacked(**envelope, schema=e.ShipmentPacked.current, shipment_id=shipment_id, **fields)
        shipment = self.shipments[shipment_id] = packed(event)
        self.events.append(event)
        return shipment

    def record(self, order: Order, event_type: type[e.OrderEvent], rule: str, /, **fields: Any) -> None:
        """Record an event of an order."""
        envelope = self._envelope(order.version + 1, rule, order.buyer_id, order.recorded_at)
        event = event_type(**envelope | fields, schema=event_type.current, order_id=order.order_id)
        evolve(order, event)
        self.events.append(event)

    def record_parcel(self, shipment: Shipment, event_type: type[e.ShipmentEvent], rule: str, /, **fields: Any) -> None:
        """Record an event of a parcel."""
        envelope = self._envelope(shipment.version + 1, rule, shipment.buyer_id, shipment.recorded_at)
        event = event_type(**envelope, schema=event_type.current, shipment_id=shipment.shipment_id, **fields)
        evolve_shipment(shipment, event)
        self.events.append(event)

    def move(self, order: Order, units: list[Unit], kind: type[e.ItemsMoved], rule: str, /, **fields: Any) -> None:
        """Move units, each judged by the lifecycle; open requests for them lapse where the move settles them."""
        self.check(units, kind.trigger, fields.get("to"))
        self.record(order, kind, rule, units=numbers(units), **fields)
        because = LAPSE_BY_MOVE.get(kind.trigger)
        if because is not None:
            self.lapse_requests(order, units, because)

    def check(self, units: Iterable[Unit], trigger: str, to: str | None = None) -> None:
        """Ask the lifecycle; ``IllegalMove`` would be our mistake, never a user's."""
        for state in {unit.state for unit in units}:
            move(trigger, state, to)

    def refunded(self, order: Order, units: list[Unit], refund: Refund) -> None:
        """Settle units whose refund is paid: by the refund's own move, or by the claim's wherever they are.

        It happens when the last of the payouts was paid, whichever of them is reported last (REFUND-4).
        """
        for state in {unit.state for unit in units}:
            move("refund" if destination("refund", state) else "settle-claim", state)
        paid_at = max((p.paid_at for p in refund.payouts.values() if p.paid_at is not None), default=self.at)
        about = {"refund_id": refund.refund_id, "units": numbers(units)}
        self.record(order, e.ItemsRefunded, "REFUND-4", **about, at=paid_at)
        self.lapse_requests(order, units, "claimed")

    def lapse_requests(self, order: Order, units: Iterable[Unit], because: str) -> None:
        """Close the open requests for ``units``, which went another way; a carrier is asked about dispatched goods."""
        for request_id in {unit.request_id: None for unit in units if unit.request_id is not None}:
            request = order.requests[request_id]
            if because != "dispatched" or request.to != "carrier":
                self.lapse(order, request, because)

    def lapse(self, order: Order, request: Request, because: str) -> None:
        """Close a request that is answered by what happened, or by nobody."""
        self.record(order, e.CancellationLapsed, request.rule, request_id=request.request_id, because=because)

    def owe(self, order: Order, units: Iterable[Unit], cause: Cause, rule: str) -> Debt:
        """Note units to be refunded when the case is settled; those that have a refund already are left out."""
        for debt in self.debts:
            if debt.order is order and (debt.cause, debt.rule) == (cause, rule):
                break
        else:
            debt = Debt(order, cause, rule)
            self.debts.append(debt)
        debt.units += [unit for unit in units if unit.refund_id is None]
        return debt

    def learn_at_once(self) -> None:
        """Give all events one time at which they were learned: a decision is known as a whole, or not at all."""
        if not self.events or self.events[0].recorded_at == self.learned:
            return
        self.events[:] = [replace(event, recorded_at=self.learned) for event in self.events]
        for event in self.events:
            if isinstance(event, e.OrderEvent):
                self.orders[event.order_id].recorded_at = self.learned
            elif isinstance(event, e.ShipmentEvent):
                self.shipments[event.shipment_id].recorded_at = self.learned

    def _envelope(self, version: int, rule: str, buyer_id: str, learned: datetime | None = None) -> dict[str, Any]:
        if learned is not None and learned > self.learned:
            self.learned = learned
        return {
            "version": version,
            "at": self.at,
            "recorded_at": self.learned,
            "actor": self.role,
            "actor_id": self.actor_id,
            "command_id": self.command_id,
            "rule": rule,
            "buyer_id": buyer_id,
        }
