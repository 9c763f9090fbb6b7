"""The least that `eventsourcing` can do with an order: no rules, no journal, no money; load, act, save."""

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class MinimalOrder(Aggregate):
    """The library's own kind of aggregate, with the fields that a placed order has."""

    class Placed(Aggregate.Created):
        order_id: str
        buyer_id: str
        currency: str
        items: list[dict[str, Any]]
        payments: list[dict[str, Any]]

    @event(Placed)
    def __init__(
        self,
        order_id: str,
        buyer_id: str,
        currency: str,
        items: list[dict[str, Any]],
        payments: list[dict[str, Any]],
    ) -> None:
        self.order_id = order_id
        self.buyer_id = buyer_id
        self.currency = currency
        self.items = items
        self.payments = payments
        self.state = "placed"
        self.shipment_id: str | None = None

    @staticmethod
    def create_id(order_id: str) -> UUID:
        return uuid5(NAMESPACE_URL, order_id)

    @event("Dispatched")
    def dispatch(self, shipment_id: str, carrier: dict[str, str]) -> None:
        self.state = "shipped"
        self.shipment_id = shipment_id
        self.carrier = carrier

    @event("Delivered")
    def deliver(self) -> None:
        self.state = "delivered"


class MinimalOrders(Application[UUID]):
    """Place, dispatch, deliver; the library's defaults on a SQLite file (write-ahead log, synchronous FULL)."""

    def __init__(self, path: Path) -> None:
        super().__init__({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})

    def place(self, command: dict[str, Any]) -> None:
        fields = ("order_id", "buyer_id", "currency", "items", "payments")
        self.save(MinimalOrder(**{field: command[field] for field in fields}))

    def dispatch(self, order_id: str, command: dict[str, Any]) -> None:
        order = self._load(order_id)
        order.dispatch(command["shipment_id"], command["carrier"])
        self.save(order)

    def deliver(self, order_id: str) -> None:
        order = self._load(order_id)
        order.deliver()
        self.save(order)

    def _load(self, order_id: str) -> MinimalOrder:
        order: MinimalOrder = self.repository.get(MinimalOrder.create_id(order_id))
        return order
