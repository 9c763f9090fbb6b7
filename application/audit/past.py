"""What the log recorded: streams as they were at any version, the journal page by page.

The streams used last are kept, so that memory stays flat however long the log is.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Union

import msgspec
from msgspec import Struct

from ...domain import Command, Event, Order, Policy, Shipment, fold, fold_shipment
from ...domain.commands import COMMANDS
from ..aggregates import Policies
from ..errors import StoreError
from ..store import JournalEntry, Store
from ..store.chain import JOURNAL, Row
from ..store.entries import from_row
from ..store.scan import UNREADABLE
from .tampering import text

CAPACITY = 4096
"""Streams that are kept."""
PAGE = 500
"""Journal entries that are read at once."""

_decoder = msgspec.json.Decoder(Union[tuple(COMMANDS.values())])  # noqa: UP007 - built from the table


class Missing(LookupError):
    """The store lacks what the journal speaks of; ``str()`` says what."""


class _Kept(Struct):
    """A stream's events by version; the aggregate, where there is one, as it was at ``version``."""

    events: dict[int, Event]
    aggregate: Any = None
    version: int = 0


class Past:
    """A store's streams as they were; whoever is handed an aggregate may change it, and must say so."""

    def __init__(self, store: Store, capacity: int = CAPACITY) -> None:
        self._store = store
        self._capacity = capacity
        self._policies = Policies(store)
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def expect(self, streams: Iterable[str]) -> None:
        """Ask the store at once for what will be needed; only now is anything forgotten."""
        while len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        missing = {stream: 0 for stream in streams if stream not in self._kept}
        try:
            found = self._store.newer_events(missing) if missing else {}
        except StoreError as error:
            if is_failure(error):
                raise
            return  # one of them cannot be read: whoever asks for it will hear so
        for stream, events in found.items():
            with suppress(StoreError):  # whoever asks for it will hear so
                self._keep(stream, events)

    def events(self, stream: str) -> Mapping[int, Event]:
        """All that the store has of a stream, by version."""
        return self._look_up(stream).events

    def policy(self, version: str) -> Policy:
        """The policy that the store keeps under this version."""
        return self._policies[version]

    def order(self, order_id: str, version: int) -> Order | None:
        """The order at a version, with the policy that it was placed under; None at 0. Raises ``Missing``."""
        order: Order | None = self._at(f"order:{order_id}", version, fold)
        if order is not None and order.policy is None:
            order.policy = self.policy(order.policy_version)
        return order

    def shipment(self, shipment_id: str, version: int) -> Shipment | None:
        """The parcel at a version; None at 0. Raises ``Missing``."""
        shipment: Shipment | None = self._at(f"shipment:{shipment_id}", version, fold_shipment)
        return shipment

    def leave(self, orders: Iterable[Order], shipments: Iterable[Shipment], *, as_recorded: bool) -> None:
        """Take back aggregates; ``as_recorded``: they were changed exactly as the recorded events change them."""
        returned: list[tuple[str, Order | Shipment]] = [(f"order:{order.order_id}", order) for order in orders]
        returned += [(f"shipment:{shipment.shipment_id}", shipment) for shipment in shipments]
        for stream, aggregate in returned:
            kept = self._look_up(stream)
            kept.aggregate, kept.version = (aggregate, aggregate.version) if as_recorded else (None, 0)

    def distrust(self, stream: str) -> None:
        """The aggregate handed out may be half changed: it is folded anew when it is next asked for."""
        kept = self._kept.get(stream)
        if kept is not None:
            kept.aggregate, kept.version = None, 0

    def _at(self, stream: str, version: int, fold_on: Any) -> Any:
        kept = self._look_up(stream)
        if kept.version > version:
            kept.aggregate, kept.version = None, 0
        try:
            newer = [kept.events[number] for number in range(kept.version + 1, version + 1)]
        except KeyError as error:
            raise Missing(f"{stream} has no version {error.args[0]}") from None
        if newer:
            aggregate, kept.aggregate, kept.version = kept.aggregate, None, 0  # half folded it must not be found here
            kept.aggregate, kept.version = fold_on(newer, aggregate), version
        return kept.aggregate

    def _look_up(self, stream: str) -> _Kept:
        kept = self._kept.get(stream)
        if kept is None:
            return self._keep(stream, self._store.events(stream))
        self._kept.move_to_end(stream)
        return kept

    def _keep(self, stream: str, events: Iterable[Event]) -> _Kept:
        by_version: dict[int, Event] = {}
        for event in events:
            if event.stream != stream or event.version in by_version:
                what = "there twice" if event.stream == stream else f"in {stream}"
                raise StoreError(f"{self._store.place} is damaged: {event.stream} version {event.version} lies {what}")
            by_version[event.version] = event
        kept = self._kept[stream] = _Kept(by_version)
        return kept


def is_failure(error: Exception) -> bool:
    """Whether the store itself failed; else it holds something that cannot be read, or lacks a policy."""
    cause = error.__cause__
    return isinstance(error, StoreError) and cause is not None and not isinstance(cause, UNREADABLE)


def pages(store: Store, after: int, up_to: int) -> Iterator[list[tuple[int, JournalEntry | StoreError]]]:
    """The journal's entries with their numbers; for one that cannot be read, the error that says why."""
    evidence = store.evidence()
    while page := evidence.page(JOURNAL, after, up_to, PAGE):
        yield [(row[0], entry_of(row[1:-1])) for row in page]
        after = page[-1][0]


def entry_of(row: Row) -> JournalEntry | StoreError:
    """The entry in a row without its number and digest; for one that cannot be read, the error that says why."""
    try:
        for value, kind, column in zip(row, _KINDS, _COLUMNS, strict=True):
            if type(value) is not kind:
                return StoreError(f"its {column} is of another type")
        (row[_COMMAND_ID] + row[_STATUS]).encode()  # an error for a text that is none
        return from_row(row)
    except (*UNREADABLE, ValueError, OverflowError) as error:
        return StoreError(text(error))


_COLUMNS = JOURNAL.columns.split(", ")
_COMMAND_ID, _STATUS = _COLUMNS.index("command_id"), _COLUMNS.index("status")
_KINDS = (str, bytes, bytes, str, int, int, bytes, bytes, int)


def command_of(entry: JournalEntry) -> Command:
    """The journaled command; raises ``msgspec.DecodeError`` where it is none."""
    command: Command = _decoder.decode(entry.command)
    return command
