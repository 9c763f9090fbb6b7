"""The read models of a store, as a replay asks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...application.store.address import MEMORY, SQLITE, is_postgres
from ...projections import registry
from ...projections.audit_ids import count_known, ids_known, ids_unlisted, loose_postings
from ...projections.audit_views import facts, lost
from ...projections.builtin import builtin_projections
from ...projections.runner import Runner
from ..read_models import event_log, opened
from .refolded import ORDER_FACTS, differences, shipment_facts

if TYPE_CHECKING:
    from ...application.audit.replay import Report
    from ...application.audit.replay_asides import Unusual
    from ...application.audit.replay_models import OpenReadModels
    from ...application.store import Store
    from ...domain import Order, Shipment
    from ...projections.database import Database
    from ...projections.runner import Status

_PROJECTIONS = {projection.name: projection for projection in builtin_projections()}
_AHEAD = "knows events that the log does not have"
NOT_BUILT = "not built"

WhyNot = dict[str, str]
"""Read models that cannot be compared, by name, and why."""
NONE_BUILT: WhyNot = dict.fromkeys(_PROJECTIONS, NOT_BUILT)
NOT_ASKED_FOR: WhyNot = dict.fromkeys(_PROJECTIONS, "not asked for")


class BesideTheLog:
    """See ``replay_models.ReadModels``."""

    def __init__(self, database: Database, names: Sequence[str], ahead: Sequence[str]) -> None:
        """``ahead`` are those that know events which the log does not have."""
        self._database = database
        self._ahead = ahead
        self.names = names

    def of_orders(self, orders: Sequence[tuple[Order, Iterable[Unusual]]]) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        ids = [order.order_id for order, _ in orders]
        for name in [name for name in ORDER_FACTS if name in self.names] if ids else ():
            told = facts(self._database, _PROJECTIONS[name], ids)
            for order, unusual in orders:
                log = ORDER_FACTS[name](order, unusual)
                if reasons := differences(name, log, told.get(order.order_id, {})):
                    found.setdefault(order.order_id, []).extend(reasons)
        return found

    def of_shipments(self, shipments: Sequence[Shipment]) -> Mapping[str, Sequence[str]]:
        if not shipments or "shipments" not in self.names:
            return {}
        told = facts(self._database, _PROJECTIONS["shipments"], [shipment.shipment_id for shipment in shipments])
        found = {
            shipment.shipment_id: differences("shipments", shipment_facts(shipment), told.get(shipment.shipment_id, {}))
            for shipment in shipments
        }
        return {shipment_id: reasons for shipment_id, reasons in found.items() if reasons}

    def strangers(self, orders: int, shipments: int) -> Iterator[tuple[str, str]]:
        for name in self._ahead:
            yield "", f"the read model {name} {_AHEAD}"
        for name in self.names:
            kind, count = ("shipment", shipments) if name == "shipments" else ("order", orders)
            for its_id in self._unknown(name, count):
                yield f"{kind}:{its_id}", f"in the read model {name}, and not in the log"
        if "ledger" in self.names and (loose := loose_postings(self._database)):
            yield "", f"{loose:,} postings in the read model ledger belong to no entry"

    def _unknown(self, name: str, count: int) -> Iterable[str]:
        """As many as the log has are its own, for each of these was looked for."""
        projection = _PROJECTIONS[name]
        if name not in ("orders", "shipments") and "orders" in self.names:
            return ids_unlisted(self._database, projection)
        if name in ("orders", "shipments") and count_known(self._database, projection) == count:
            return ()
        return ids_known(self._database, projection)


def caught_up(store: str, place: str | None = None) -> tuple[OpenReadModels | None, WhyNot]:
    """The read models of a store that say something about its log, and why the others cannot be compared.

    None where it is none of them. One that knows events which the log does not have is of both. ``place`` is where
    they live, if not beside the events; in memory, all of them are made for the occasion.
    """
    if place in MEMORY:
        return partial(_opened, store, place, [*_PROJECTIONS]), {}
    if place is not None and not _is_there(place):
        return None, NONE_BUILT
    with event_log(store) as log, opened(store, place) as database:
        built = {checkpoint.name for checkpoint in registry.checkpoints(database) if checkpoint.role == "live"}
        found = _follow(log, database, [name for name in _PROJECTIONS if name in built], log.last_position())
    asked = [*found.there, *found.ahead]
    not_built = dict.fromkeys((name for name in _PROJECTIONS if name not in built), NOT_BUILT)
    return partial(_opened, store, place, asked) if asked else None, found.why_not | not_built


def not_compared(report: Report, why_not: WhyNot) -> WhyNot:
    """Why each one was not compared that a replay did not compare, by name."""
    late = "did not follow as far as the log was replayed"
    return {name: why_not.get(name, late) for name in sorted(_PROJECTIONS) if name not in report.read_models}


def _is_there(place: str) -> bool:
    """Else opening it would make it."""
    return is_postgres(place) or Path(place.removeprefix(SQLITE)).exists()


@contextmanager
def _opened(store: str, place: str | None, names: Sequence[str], up_to: int) -> Iterator[BesideTheLog]:
    with event_log(store) as log, opened(store, place) as database:
        found = _follow(log, database, names, up_to)
        yield BesideTheLog(database, found.there, found.ahead)


class _Followed(NamedTuple):
    """``there``: they can be compared; ``ahead``: they know events that the log does not have."""

    there: list[str]
    ahead: list[str]
    why_not: WhyNot


def _follow(log: Store, database: Database, names: Sequence[str], up_to: int) -> _Followed:
    """Bring them up to a position at least."""
    runner = Runner(log, database, [_PROJECTIONS[name] for name in names])
    statuses = runner.status()
    while any(status.position < up_to for status in statuses) and runner.step():
        statuses = runner.status()
    why_not = {status.name: why for status in statuses if (why := _why_not(status, up_to, database))}
    there = [name for name in names if name not in why_not]
    return _Followed(there, [status.name for status in statuses if status.state == "diverged"], why_not)


def _why_not(status: Status, up_to: int, database: Database) -> str:
    """Why one cannot be compared, as said behind its name; empty if it can."""
    if status.state == "needs-rebuild":
        return "was made by another version and must be rebuilt"
    if status.state == "diverged":
        return _AHEAD
    if status.state != "following" or status.position < up_to:
        return f"stopped at position {status.position:,}: {status.why or status.state}"
    missing = lost(database, _PROJECTIONS[status.name])
    return f"has lost {', '.join(missing)} and must be rebuilt" if missing else ""
