"""Whole orders and shipments judged: when a replay lets go of them, and only if nothing happens to them any more."""

from collections.abc import Mapping
from itertools import islice

from ...domain import Order, Shipment
from ..store.scan import Scan
from .replay_findings import Finding, Findings
from .replay_models import READ_MODEL, ReadModels
from .replay_moves import Wrong
from .replay_past import Aggregate, CannotBeFolded, Past
from .replay_whole import WITH_PARCEL, judge_order, judge_parcel, judge_riders, parcels_of

COMPARED_AT_ONCE = 500


class Wholes:
    """Judges aggregates of a log that ends at ``end``, and compares them with the read models where there are any."""

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
        for stream, aggregate in aggregates.items():
            wrong = (
                self._order(stream, aggregate) if isinstance(aggregate, Order) else self._shipment(stream, aggregate)
            )
            if wrong:
                self._found(stream, aggregate, wrong)
        if self._read_models is not None:
            everything = iter(aggregates.items())
            while some := dict(islice(everything, COMPARED_AT_ONCE)):
                self._compare(self._read_models, some)

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

    def _compare(self, read_models: ReadModels, aggregates: Mapping[str, Aggregate]) -> None:
        """They are read before an aggregate is asked for later events: so they may know more, but not less."""
        unusual = self._past.asides.unusual
        orders = [(order, unusual(stream)) for stream, order in aggregates.items() if isinstance(order, Order)]
        shipments = [shipment for shipment in aggregates.values() if isinstance(shipment, Shipment)]
        otherwise = {f"order:{its_id}": reasons for its_id, reasons in read_models.of_orders(orders).items()}
        for shipment_id, reasons in read_models.of_shipments(shipments).items():
            otherwise[f"shipment:{shipment_id}"] = reasons
        for stream, reasons in otherwise.items():
            self._found(stream, aggregates[stream], [(READ_MODEL, reason) for reason in reasons])

    def _found(self, stream: str, aggregate: Aggregate, wrong: Wrong) -> None:
        if self._is_last(stream, aggregate):
            position = self._scan.position(stream, aggregate.version)
            self._findings.add(*(Finding.of(position, stream, rule, reason) for rule, reason in wrong))

    def _is_last(self, stream: str, aggregate: Aggregate) -> bool:
        """Whether nothing happens to it any more: neither in another part of this replay nor meanwhile."""
        return self._scan.last_version(stream) == aggregate.version
