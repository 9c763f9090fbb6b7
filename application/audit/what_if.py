"""The journal under another policy: every command decided once more, in a store of its own that is thrown away.

Every order is placed under that policy there, and the world outside stays as it was: the same commands come at the same
times, also those that people would then not have given. Nothing is written to the store that is asked about.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import Struct

from ...domain import Command, Event, Policy
from ...domain.events import OrderPlaced
from ..aggregates import Policies, Shelf
from ..errors import StoreError
from ..results import Result, read_result
from ..store import JournalEntry, Store
from ..transaction import Transaction
from .past import Past, command_of, pages
from .refunds import Amounts, ByRule, Refunds
from .verdicts import Answered, Made, Otherwise, at_other_times, by_time, otherwise

Advance = Callable[[int, int], object]
"""Told how many commands are done, and of how many."""
LISTED = 300
"""How many commands are named one by one, unless more are asked for."""


class Counts(Struct):
    """How often something happened, as recorded and under the other policy."""

    before: int = 0
    after: int = 0


class Times(Struct):
    """How often commands were decided otherwise in the same way, and the first one's order, or id where it has none.

    ``directly``: no command before was decided otherwise on any of its orders; else it is a consequence.
    """

    first: str
    directly: int = 0
    as_consequence: int = 0


class Which(Struct, frozen=True):
    """One command decided otherwise: its journal entry, its orders, and ``how``."""

    entry: int
    command_id: str
    order_ids: list[str]
    directly: bool
    how: Otherwise


class WhatIf(Struct):
    """What a policy would have decided otherwise.

    ``which`` names the first of the commands decided otherwise, in the order of the journal. ``at_other_times`` counts
    the commands decided alike but for times, such as those of deadlines and promises.
    """

    policy: str
    commands: int = 0
    otherwise: dict[Otherwise, Times] = {}
    which: list[Which] = []
    at_other_times: int = 0
    orders_touched: int = 0
    by_time: dict[Made, Counts] = {}
    """How often the passing of time did what it did, where that differs: a deadline is no command's decision."""
    owed: dict[str, Amounts] = {}
    """What buyers are owed in all refunds, paid or not, by currency."""
    kept: dict[str, dict[str, Amounts]] = {}
    """What is kept of refunds, by currency and kind of deduction."""
    refunds: dict[str, ByRule] = {}
    """The refunds that are new, gone or changed, by rule."""
    promises_moved: int = 0
    """Payouts that are promised for another time in the end, of refunds that both worlds have."""

    @property
    def directly(self) -> int:
        """Commands decided otherwise, but for consequences."""
        return sum(times.directly for times in self.otherwise.values())

    @property
    def as_consequence(self) -> int:
        """Commands decided otherwise because earlier ones were."""
        return sum(times.as_consequence for times in self.otherwise.values())


def what_if(url: str, policy_toml: str, *, listed: int = LISTED, advance: Advance = lambda *_: None) -> WhatIf:
    """Decide a store's whole journal under a policy; name ``listed`` commands. ``StoreError``, ``InvalidPolicy``."""
    with (
        closing(Store.open(url, create=False)) as store,
        TemporaryDirectory(prefix="ordertrail-") as folder,
        closing(Store.open(f"{folder}/what-if.db")) as elsewhere,
    ):
        return _Comparison(store, elsewhere, policy_toml, listed).run(advance)


class _Comparison:
    """Follows the journal, with the other world beside it."""

    def __init__(self, store: Store, elsewhere: Store, policy_toml: str, listed: int) -> None:
        self._store = store
        self._past = Past(store)
        self._elsewhere = elsewhere
        self._policy = Policy.from_toml(policy_toml)
        self._policies = Policies(elsewhere)
        self._shelf = Shelf()
        self._result = WhatIf(self._policy.version)
        self._listed = listed
        self._touched: set[str] = set()
        """The orders on which a command was decided otherwise."""
        self._by_time: defaultdict[Made, Counts] = defaultdict(Counts)
        self._refunds = Refunds(self._currency)
        elsewhere.keep_policy(self._policy.version, policy_toml)

    def run(self, advance: Advance) -> WhatIf:
        result = self._result
        last_entry, _ = self._store.extent()
        for page in pages(self._store, 0, last_entry):
            entries = [self._readable(number, entry) for number, entry in page]
            self._past.expect({stream for _, entry, _ in entries for stream in entry.basis})
            self._decide(entries)
            result.commands += len(entries)
            advance(result.commands, last_entry)
        result.by_time = {made: times for made, times in sorted(self._by_time.items()) if times.before != times.after}
        result.orders_touched = len(self._touched | self._refunds.orders())
        result.owed = dict(sorted(self._refunds.owed.items()))
        for (currency, kind), amounts in sorted(self._refunds.kept.items()):
            result.kept.setdefault(currency, {})[kind] = amounts
        result.refunds = self._refunds.by_rule()
        result.promises_moved = self._refunds.promises_moved()
        return result

    def _decide(self, entries: list[tuple[int, JournalEntry, Command]]) -> None:
        transaction = Transaction(self._elsewhere, self._policy, self._policies, self._shelf, hopeful=True)
        transaction.expect(command for _, _, command in entries)
        for number, entry, command in entries:
            known = len(transaction.events)
            result = transaction.decide(command, clock=entry.recorded_at)
            found = self._compare(entry, command, result, transaction.events[known:])
            if found is not None:
                self._count(number, command, *found)
        transaction.append()

    def _compare(
        self, entry: JournalEntry, command: Command, result: Result, made: list[Event]
    ) -> tuple[Otherwise, set[str]] | None:
        recorded = read_result(entry.outcome)
        known = [self._recorded(told) for told in recorded.events]
        self._refunds.follow(known, made)
        for event in filter(by_time, known):
            self._by_time[Made(event.type, event.rule)].before += 1
        for event in filter(by_time, made):
            self._by_time[Made(event.type, event.rule)].after += 1
        before, after = Answered.of(recorded, known), Answered.of(result, made)
        found = otherwise(command.name, before, after)
        if found is None:
            self._result.at_other_times += at_other_times(before, after)
        return found

    def _count(self, number: int, command: Command, how: Otherwise, order_ids: set[str]) -> None:
        directly = order_ids.isdisjoint(self._touched)
        times = self._result.otherwise.setdefault(how, Times(min(order_ids, default=command.command_id)))
        if directly:
            times.directly += 1
        else:
            times.as_consequence += 1
        if len(self._result.which) < self._listed:
            self._result.which.append(Which(number, command.command_id, sorted(order_ids), directly, how))
        self._touched |= order_ids

    def _recorded(self, told: dict[str, Any]) -> Event:
        kind = "order" if "order_id" in told else "shipment"
        stream, version = f"{kind}:{told[f'{kind}_id']}", told["version"]
        event = self._past.events(stream).get(version)
        if event is None:
            raise self._damaged(f"{stream} has no version {version}, of which the journal tells")
        return event

    def _currency(self, order_id: str) -> str:
        placed = self._past.events(f"order:{order_id}").get(1)
        if not isinstance(placed, OrderPlaced):
            raise self._damaged(f"order {order_id} has no placing")
        return placed.currency

    def _readable(self, number: int, entry: JournalEntry | Exception) -> tuple[int, JournalEntry, Command]:
        try:
            if isinstance(entry, Exception):
                raise entry
            return number, entry, command_of(entry)
        except (StoreError, msgspec.DecodeError) as error:
            raise self._damaged(f"entry {number} of its journal cannot be read: {error}") from error

    def _damaged(self, what: str) -> StoreError:
        return StoreError(f"{self._store.place} is damaged, so that nothing can be compared with it: {what}")
