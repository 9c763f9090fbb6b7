"""The same lives by `eventsourcing` alone: its own aggregates, mapper and repository, fed with the events of ours.

Every event has the fields of the engine's event of that name, and what follows from it is done to units and parcels;
nothing is asked of it.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate

from ordertrail.domain import Event


class Told(Aggregate.Event):
    """What every event says."""

    at: datetime
    recorded_at: datetime
    actor: str
    command_id: str
    rule: str
    buyer_id: str


class BareOrder(Aggregate):
    """Units by item, with their states and parcels."""

    class Placed(Told, Aggregate.Created):
        order_id: str
        fulfilled_by: str
        currency: str
        items: list[dict[str, Any]]
        payments: list[dict[str, Any]]
        policy_version: str

        def apply(self, aggregate: "BareOrder") -> None:
            aggregate.order_id, aggregate.buyer_id = self.order_id, self.buyer_id
            aggregate.fulfilled_by, aggregate.currency = self.fulfilled_by, self.currency
            aggregate.policy_version = self.policy_version
            aggregate.items, aggregate.payments = self.items, self.payments
            aggregate.placed_at = aggregate.latest_at = self.at
            aggregate.units = {
                item["item_id"]: [{"state": "placed"} for _ in range(item["quantity"])] for item in self.items
            }

    class Moved(Told):
        state: ClassVar[str]
        order_id: str
        units: dict[str, list[int]]
        shipment_id: str

        def apply(self, aggregate: "BareOrder") -> None:
            for item_id, numbers in self.units.items():
                for number in numbers:
                    unit = aggregate.units[item_id][number - 1]
                    unit["state"], unit["shipment_id"], unit["since"] = self.state, self.shipment_id, self.at
            aggregate.latest_at = max(aggregate.latest_at, self.at)

    class Packed(Moved):
        state = "preparing"

    class Dispatched(Moved):
        state = "shipped"

    class Delivered(Moved):
        state = "delivered"


class BareShipment(Aggregate):
    """A parcel with its history."""

    class Packed(Told, Aggregate.Created):
        shipment_id: str
        contents: list[dict[str, Any]]
        carrier: dict[str, str]
        fulfilled_by: str
        tracking_number: str

        def apply(self, aggregate: "BareShipment") -> None:
            aggregate.shipment_id, aggregate.buyer_id, aggregate.carrier = self.shipment_id, self.buyer_id, self.carrier
            aggregate.fulfilled_by, aggregate.tracking_number = self.fulfilled_by, self.tracking_number
            aggregate.contents = {content["order_id"]: content["units"] for content in self.contents}
            aggregate.state, aggregate.last_move_at, aggregate.history = "preparing", self.at, []

    class Moved(Told):
        state: ClassVar[str]
        shipment_id: str
        report: str

        def apply(self, aggregate: "BareShipment") -> None:
            aggregate.state, aggregate.last_move_at = self.state, self.at
            aggregate.history.append((self.report, self.at))

    class Dispatched(Moved):
        state = "shipped"

    class Delivered(Moved):
        state = "delivered"


BEGINNINGS = {"order-placed": (BareOrder, BareOrder.Placed), "shipment-packed": (BareShipment, BareShipment.Packed)}
MOVES = {
    "items-packed": BareOrder.Packed,
    "items-dispatched": BareOrder.Dispatched,
    "items-delivered": BareOrder.Delivered,
    "shipment-dispatched": BareShipment.Dispatched,
    "shipment-delivered": BareShipment.Delivered,
}


class BareLives(Application[UUID]):
    """The library's defaults on a SQLite file."""

    def __init__(self, path: Path) -> None:
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
        self.ids: list[UUID] = []

    def keep(self, events: Iterable[Event]) -> int:
        """Store the lives that these events tell; how many events that are."""
        aggregates: dict[str, Aggregate] = {}
        for each in events:
            if each.type in BEGINNINGS:
                kind, created = BEGINNINGS[each.type]
                aggregates[each.stream] = kind._create(created, id=uuid4(), **_fields(each))
            else:
                aggregates[each.stream].trigger_event(MOVES[each.type], **_fields(each))
        kept = sum(aggregate.version for aggregate in aggregates.values())
        self.ids += [aggregate.id for aggregate in aggregates.values()]
        self.save(*aggregates.values())
        return kept

    def load_all(self) -> None:
        """Fold every life again."""
        for its_id in self.ids:
            self.repository.get(its_id)


def _fields(each: Event) -> dict[str, Any]:
    """The fields as the library takes them: plain values, and times."""
    plain: dict[str, Any] = msgspec.to_builtins(each, builtin_types=(datetime,))
    return {name: value for name, value in plain.items() if name not in ("type", "version", "schema")}
