"""Orders and shipments in memory: folded from the store, kept while they are in use, handed out to one user at a
time."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any

from ..domain import Case, Command, Event, Order, Policy, Shipment, fold, fold_shipment, next_deadline, streams_named
from .errors import StoreError
from .store import Store

CAPACITY = 4096

Expected = tuple[Order | Shipment | None, list[Event]]
"""An aggregate as it was kept, if it was, and its events since."""
NOTHING: Expected = (None, [])


class Policies:
    """The policies that orders were placed under, by version, read from the store once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, Policy] = {}

    def __getitem__(self, version: str) -> Policy:
        policy = self._known.get(version)
        if policy is None:
            content = self._store.policy(version)
            if content is None:
                raise StoreError(f"the store has orders of policy {version}, but not that policy")
            policy = self._known[version] = Policy.from_toml(content)
        return policy


class Shelf:
    """The aggregates used last. Whoever takes one owns it until it is put back; nobody else sees it meanwhile."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, Order | Shipment] = OrderedDict()
        self._capacity = capacity

    def take(self, stream: str) -> Order | Shipment | None:
        with self._lock:
            return self._kept.pop(stream, None)

    def put(self, aggregates: Mapping[str, Order | Shipment]) -> None:
        with self._lock:
            for stream, aggregate in aggregates.items():  # OrderedDict.update takes several times as long
                self._kept[stream] = aggregate
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)


class WorkingSet:
    """The aggregates of one transaction, brought up to date from the store when they are first asked for.

    Several commands may be decided on it before it is committed; each sees what the ones before it did.
    """

    def __init__(self, store: Store, policies: Policies, shelf: Shelf | None = None, *, hopeful: bool = False) -> None:
        self._store = store
        self._policies = policies
        self._shelf = shelf
        self._hopeful = hopeful
        """Whether what lies on the shelf is taken for current; the commit finds out."""
        self._aggregates: dict[str, Any] = {}
        """Orders and shipments, by stream."""
        self.basis: dict[str, int] = {}
        """Versions of the streams that the command under way has looked at."""
        self.deadlines: dict[str, datetime | None] = {}
        """Deadlines that the transaction changes."""
        self._stored_deadlines: dict[str, datetime | None] = {}
        self._found: dict[str, int] = {}
        """Versions of all streams looked at, as they were in the store."""
        self._expected: dict[str, Expected] = {}

    def order(self, order_id: str) -> Order | None:
        """The order as of now; see ``domain.Streams``."""
        stream = f"order:{order_id}"
        known: Order | None = self._aggregates.get(stream)
        if known is None:
            known = self._load(stream, fold)
            if known is not None:
                if known.policy is None:
                    known.policy = self._policies[known.policy_version]
                self._stored_deadlines[order_id] = _due(known)
        self.basis[stream] = known.version if known is not None else 0
        return known

    def shipment(self, shipment_id: str) -> Shipment | None:
        """The parcel as of now; see ``domain.Streams``."""
        stream = f"shipment:{shipment_id}"
        known: Shipment | None = self._aggregates.get(stream)
        if known is None:
            known = self._load(stream, fold_shipment)
        self.basis[stream] = known.version if known is not None else 0
        return known

    def expect(self, commands: Iterable[Command]) -> None:
        """Ask the store at once for what the commands name, parcels first, then the orders in them."""
        named = {stream for command in commands for stream in streams_named(command)}
        self._ask(named)
        parcels = [
            self.shipment(stream.removeprefix("shipment:")) for stream in named if stream.startswith("shipment:")
        ]
        inside = {f"order:{order_id}" for parcel in parcels if parcel is not None for order_id in parcel.contents}
        self._ask(inside - named)

    def _ask(self, streams: Iterable[str]) -> None:
        kept = {stream: self._shelf.take(stream) if self._shelf is not None else None for stream in streams}
        unsure = {s: known.version if known else 0 for s, known in kept.items() if known is None or not self._hopeful}
        newer = self._store.newer_events(unsure) if unsure else {}
        self._expected.update({stream: (known, newer.get(stream, [])) for stream, known in kept.items()})

    def _load(self, stream: str, fold_on: Callable[[Iterable[Event], Any], Any]) -> Any:
        """The aggregate as kept, with what came since; a stream without events is remembered as such."""
        kept, newer = self._expected.get(stream) or self._look_up(stream)
        loaded = fold_on(newer, kept) if newer else kept
        self._found.setdefault(stream, loaded.version if loaded is not None else 0)
        if loaded is not None:
            self._aggregates[stream] = loaded
        return loaded

    def _look_up(self, stream: str) -> Expected:
        kept = self._shelf.take(stream) if self._shelf is not None else None
        current = kept is not None and self._hopeful
        newer = [] if current else self._store.events(stream, after=kept.version if kept else 0)
        if kept is None and not newer:
            self._expected[stream] = NOTHING
        return kept, newer

    def suppose_new(self, streams: Iterable[str]) -> None:
        """Take these streams for empty without asking the store; the commit finds out."""
        for stream in streams:
            kept = self._shelf.take(stream) if self._shelf is not None else None
            self._expected[stream] = (kept, [])

    def due(self, before: datetime) -> list[str]:
        """Orders with a deadline strictly before; what this transaction changed counts as changed."""
        stored = [order_id for order_id in self._store.due(before) if order_id not in self.deadlines]
        return stored + sorted(order_id for order_id, at in self.deadlines.items() if at is not None and at < before)

    def absorb(self, case: Case) -> None:
        """Keep what a case made: new aggregates, and deadlines that differ from the stored ones."""
        for order_id, order in case.orders.items():
            self._aggregates[f"order:{order_id}"] = order
            due = _due(order)
            if order_id in self.deadlines or due != self._stored_deadlines.get(order_id):
                self.deadlines[order_id] = due
        for shipment_id, shipment in case.shipments.items():
            self._aggregates[f"shipment:{shipment_id}"] = shipment

    def only_looked_at(self, events: Iterable[Event]) -> dict[str, int]:
        """Versions of the streams that were looked at, but are not changed by these events."""
        written = {event.stream for event in events}
        return {stream: version for stream, version in self._found.items() if stream not in written}

    def require_unchanged(self) -> None:
        """Raise ``Conflict`` if a stream that was looked at has changed: read one by one, they may be at odds."""
        self._store.append([], [], {}, unchanged=self._found)

    def put_back(self) -> None:
        """After the commit: others may have the aggregates."""
        if self._shelf is not None:
            self._shelf.put(self._aggregates)


def _due(order: Order) -> datetime | None:
    deadline = next_deadline(order)
    return deadline.at if deadline is not None else None
