"""Whole orders and shipments judged: when a replay lets go of them, and only if nothing happens to them any more."""

from collections.abc import Mapping, Sequence

from ...domain import Order, Shipment
from ..store.scan import Scan
from .replay_findings import Finding, Findings
from .replay_models import ReadModels, differences
from .replay_moves import Wrong
from .replay_past import Aggregate, CannotBeFolded, Past
from .replay_whole import WITH_PARCEL, judge_order, judge_parcel, judge_riders, parcels_of

COMPARED_AT_ONCE = 500


class Wholes:
    """Judges aggregates of a log that ends at ``end``, and compares orders with the read models where there are any."""

    def __init__(
        self, scan: Scan, past: Past, findings: Findings, *, end: int, read_models: ReadModels | None = None
    ) -> None:
        self._scan = scan
        self._past = past
        self._findings = findings
        self._behind = end + 1
        self._read_models = read_models

    def judge(self, aggregates: Mapping[str, Aggregate]) -> None:
        """Judge aggregates by their streams."""
        orders = []
        for stream, aggregate in aggregates.items():
            if isinstance(aggregate, Order):
                orders.append(aggregate)
                wrong = self._order(stream, aggregate)
            else:
                wrong = self._shipment(stream, aggregate)
            if wrong:
                self._found(stream, aggregate, wrong)
        for start in range(0, len(orders) if self._read_models else 0, COMPARED_AT_ONCE):
            self._compare(orders[start : start + COMPARED_AT_ONCE])

    def _order(self, stream: str, order: Order) -> Wrong:
        wrong = judge_order(order)
        parcels = parcels_of(order)
        for shipment_id in parcels if parcels and self._is_last(stream, order) else ():
            try:
                wrong += judge_riders(order, shipment_id, self._past.shipment(shipment_id, self._behind))
            except CannotBeFolded:
                continue
        return wrong

    def _shipment(self, stream: str, shipment: Shipment) -> Wrong:
        wrong: list[tuple[str, str]] = []
        under_way = shipment.state in WITH_PARCEL and self._is_last(stream, shipment)
        for order_id in shipment.contents if under_way else ():
            try:
                wrong += judge_parcel(shipment, order_id, self._past.order(order_id, self._behind))
            except CannotBeFolded:
                continue
        return wrong

    def _compare(self, orders: Sequence[Order]) -> None:
        assert self._read_models is not None
        told = self._read_models.told([order.order_id for order in orders])
        for order in orders:
            if wrong := differences(order, told.get(order.order_id)):
                self._found(f"order:{order.order_id}", order, wrong)

    def _found(self, stream: str, aggregate: Aggregate, wrong: Wrong) -> None:
        if self._is_last(stream, aggregate):
            position = self._scan.position(stream, aggregate.version)
            self._findings.add(*(Finding.of(position, stream, rule, reason) for rule, reason in wrong))

    def _is_last(self, stream: str, aggregate: Aggregate) -> bool:
        """Whether nothing happens to it any more: neither in another part of this replay nor meanwhile."""
        return self._scan.last_version(stream) == aggregate.version
