"""An order's recorded history, with what made each event: what every explanation is drawn from.

Remembers which rules and numbers of the policy were cited, and what does not follow from them.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any, TypeVar, cast

import msgspec

from ....domain import RULES, Order, OrderEvent, fold
from ....domain import events as e
from ....domain.errors import OrdertrailError
from ....domain.vocabulary import Units
from ...aggregates import Policies
from ...store import JournalEntry, Store
from .attempts import Attempt, among, is_for_the_buyer
from .reading import as_far_as_it_folds
from .reckoning import RefundInBrief
from .recorded import About, Given, LineOfOrder, Number, Passed, Step

E = TypeVar("E", bound=OrderEvent)
LAST_POSITION = 2**63 - 1


class History:
    """The events of one order that is there, as far as they can be read.

    Raises ``StoreError`` where the store lacks its policy, ``ValueError`` where its placing cannot be read.
    """

    def __init__(self, store: Store, order_id: str, events: Sequence[OrderEvent]) -> None:
        self._stream = f"order:{order_id}"
        order, self.events, self.doubts = as_far_as_it_folds(self._stream, events)
        self.store = store
        self.order = order
        self.policy = Policies(store)[order.policy_version]
        self.numbers: dict[str, Number] = {}
        self._cited: set[str] = set()
        self._journal: dict[str, list[tuple[JournalEntry, set[int]]]] = {}

    # --- what was recorded ---

    def before(self, event: OrderEvent) -> Order:
        """The order on which an event was decided."""
        order = fold(self.events[: event.version - 1])
        assert order is not None
        return order

    def first(self, kind: type[E], **fields: str) -> E:
        """The first event of a kind with these fields; one is there."""
        return next(self.all(kind, **fields))

    def last(self, kind: type[E], **fields: str) -> E | None:
        """The last event of a kind with these fields."""
        return max(self.all(kind, **fields), key=lambda event: event.version, default=None)

    def all(self, kind: type[E] | tuple[type[E], ...], **fields: str) -> Iterator[E]:
        """The events of a kind with these fields, in order."""
        wanted = fields.items()
        return (
            event
            for event in self.events
            if isinstance(event, kind) and all(getattr(event, field, None) == value for field, value in wanted)
        )

    def together(self, event: OrderEvent) -> list[OrderEvent]:
        """The events of the same decision: of one command, or of one deadline that it recorded."""
        return [
            other
            for other in self.events
            if (other.command_id, other.at, other.actor == "system")
            == (event.command_id, event.at, event.actor == "system")
        ]

    def steps(self, events: Iterable[OrderEvent]) -> list[Step]:
        """Events with what caused them; their rules are cited."""
        events = list(events)
        self._look_up({event.command_id for event in events})
        return [self.step(event) for event in events]

    def step(self, event: OrderEvent) -> Step:
        """One event with what caused it; its rule is cited."""
        self.cite(event.rule)
        late = event.version > 1 and event.at < self._latest[event.version - 2]
        return Step(self._positions.get(event.version, 0), event, self._cause(event), late)

    def maybe(self, event: OrderEvent | None) -> Step | None:
        """As ``step``, where there is an event."""
        return None if event is None else self.step(event)

    @cached_property
    def _positions(self) -> dict[int, int]:
        return {row.version: row.position for row in self.store.scan().stream_rows(self._stream, LAST_POSITION)}

    @cached_property
    def _latest(self) -> list[datetime]:
        """By version, less one: the latest time that any event up to it happened."""
        return list(accumulate((event.at for event in self.events), max))

    # --- what made it ---

    def _look_up(self, command_ids: Iterable[str]) -> None:
        missing = {command_id for command_id in command_ids if command_id not in self._journal}
        for command_id, entry in (self.store.entries(missing) if missing else {}).items():
            self._journal[command_id] = [(entry, self._versions(entry))]

    def _versions(self, entry: JournalEntry) -> set[int]:
        """The versions of this order's events that an entry made."""
        try:
            told = msgspec.json.decode(entry.outcome)["events"]
            return {event["version"] for event in told if event.get("order_id") == self.order.order_id}
        except (msgspec.DecodeError, LookupError, TypeError, AttributeError):
            return set()

    def _given(self, event: OrderEvent) -> Given | None:
        """The journal entry that made an event; under a used id another one may have (ORDER-0)."""
        self._look_up([event.command_id])
        known = self._journal.setdefault(event.command_id, [])
        if not any(event.version in versions for _, versions in known):
            reusing = self.store.entries_reusing(event.command_id)
            known += [(entry, self._versions(entry)) for entry in reusing]
        entry = next((entry for entry, versions in known if event.version in versions), None)
        if entry is None:
            self.doubts.append(f"The journal has no command {event.command_id} that made version {event.version}.")
            return None
        content: dict[str, Any] = msgspec.json.decode(entry.command, type=dict[str, Any])
        return Given(
            command_id=entry.command_id,
            command=content["command"],
            at=entry.at,
            recorded_at=entry.recorded_at,
            actor=content.get("actor"),
            actor_id=content.get("actor_id"),
            status=entry.status,
            content=content,
        )

    def _cause(self, event: OrderEvent) -> Given | Passed | None:
        given = self._given(event)
        if event.actor != "system":
            return given
        for other in reversed([other for other in self.together(event) if other.version <= event.version]):
            found = self._deadline(other)
            if found is not None:
                counted_from, number, span = found
                self.require(counted_from + span == event.at, f"Version {event.version} is not at its deadline")
                self.cite(other.rule, "TIME-1")
                return Passed(
                    rule=other.rule, counted_from=counted_from, number=number, at=event.at, recorded_with=given
                )
        return given

    def _deadline(self, event: OrderEvent) -> tuple[Any, Number, timedelta] | None:
        """From when, and how long, where the passing of time made this event by itself (TIME-1)."""
        order = self.order
        if isinstance(event, e.SellerWindowClosed):
            number = self.number("cancellation", "seller_window_minutes")
            return order.placed_at, number, timedelta(minutes=cast(int, number.value))
        if isinstance(event, e.CancellationLapsed) and event.because == "unanswered":
            number = self.number("cancellation", "seller_answer_hours")
            return order.requests[event.request_id].asked_at, number, timedelta(hours=cast(int, number.value))
        if isinstance(event, e.ReturnLapsed):
            number = self.number("returns", "lapse_days")
            span = timedelta(days=cast(int, number.value))
            return order.returns[event.return_id].lapses_at - span, number, span
        if isinstance(event, e.ReturnLost):
            number = self.number("returns", "lost_after_hand_over_days")
            return order.returns[event.return_id].handed_over_at, number, timedelta(days=cast(int, number.value))
        if isinstance(event, e.ItemsLost):
            return self._taken_as_lost(event)
        if isinstance(event, e.RefundReleased):
            number = self.number("cancellation", "deferred_refund_days")
            return order.refunds[event.refund_id].made_at, number, timedelta(days=cast(int, number.value))
        return None

    def _taken_as_lost(self, event: e.ItemsLost) -> tuple[Any, Number, timedelta]:
        """LOST-1; the orders of a parcel may share terms that are not this order's own."""
        unit = self.order.pick(event.units)[0]
        turned = unit.turned_at is not None
        name = "lost_after_turning_days" if turned else "lost_after_dispatch_days"
        if (shared := unit.lost_after) is None:
            number = self.number("carriage", name)
        else:
            days = shared.turning_days if turned else shared.dispatch_days
            number = Number(f"carriage.{name}", days, unit.shipment_id)
            self.numbers[f"{number.name} of {number.parcel}"] = number
        span = timedelta(days=cast(int, number.value))
        return unit.turned_at if turned else unit.dispatched_at, number, span

    # --- what it is judged by ---

    def number(self, *path: str) -> Number:
        """A number of the order's policy, by its place in the file."""
        value: Any = msgspec.to_builtins(self.policy)
        for key in path:
            value = value[key]
        number = Number(".".join(path), value)
        return self.numbers.setdefault(number.name, number)

    def cite(self, *rule_ids: str) -> None:
        """Remember rules that the explanation names."""
        self._cited.update(rule_ids)

    def cited(self) -> dict[str, str]:
        """The text of each rule that was cited, in the sequence of their ids; one that is not known has none."""
        return {rule_id: RULES[rule_id].text if rule_id in RULES else "" for rule_id in sorted(self._cited)}

    def require(self, holds: bool, otherwise: str) -> None:
        """Doubt what was recorded unless it holds."""
        if not holds and f"{otherwise}." not in self.doubts:
            self.doubts.append(f"{otherwise}.")

    # --- what several kinds tell ---

    def about(self) -> About:
        """The order as of its last event."""
        order = self.order
        return About(
            order_id=order.order_id,
            version=order.version,
            state=order.state,
            buyer_id=order.buyer_id,
            seller_id=order.seller_id,
            fulfilled_by=order.fulfilled_by,
            currency=order.currency,
            total=order.total,
            placed_at=order.placed_at,
            policy_version=order.policy_version,
            lines=[
                LineOfOrder(line.item_id, line.sku, line.title, line.category, line.quantity)
                for line in (item.line for item in order.items.values())
            ],
            payments=list(order.payments.values()),
        )

    def refunds(self, units: Units) -> list[RefundInBrief]:
        """The refunds that any of these units have."""
        ids = {unit.refund_id: None for unit in self.order.pick(units) if unit.refund_id is not None}
        return [self.brief(refund_id) for refund_id in self.order.refunds if refund_id in ids]

    def brief(self, refund_id: str) -> RefundInBrief:
        """A refund in brief."""
        refund = self.order.refunds[refund_id]
        return RefundInBrief(
            refund_id=refund_id,
            status=refund.status,
            cause=refund.cause,
            value=refund.amount + sum(deduction.amount for deduction in refund.deductions),
            deductions=refund.deductions,
            amount=refund.amount,
            units=refund.units,
            taken_over=any(self.all(e.RefundTakenOver, refund_id=refund_id)),
        )

    def attempts(self, field: str, its_id: str) -> list[Attempt]:
        """What was tried in vain and names this."""
        tried = (entry for entry in self._told if isinstance(entry, Attempt))
        return [self._tried(attempt) for attempt in tried if attempt.content.get(field) == its_id]

    def everything(self) -> list[Step | Attempt]:
        """Every event with its cause, and what was tried in vain where it was tried."""
        self._look_up({event.command_id for event in self.events})
        return [self._tried(x) if isinstance(x, Attempt) else self.step(self.events[x - 1]) for x in self._told]

    @cached_property
    def _told(self) -> list[int | Attempt]:
        order_id = self.order.order_id
        try:
            return among(order_id, self.events, self.store.attempts(order_id))
        except OrdertrailError:
            raise
        except Exception as error:  # whatever a changed journal makes of reading it
            self.doubts.append(f"What was tried in vain cannot be read: {type(error).__name__}: {error}.")
            return [event.version for event in self.events]

    def _tried(self, attempt: Attempt) -> Attempt:
        if attempt.rule is not None and is_for_the_buyer(attempt, self.order.buyer_id, self.order.seller_id):
            self.cite(attempt.rule)
        return attempt


def touches(event: OrderEvent, units: Units) -> bool:
    """Whether an event is about any of these units."""
    its_units: Units = getattr(event, "units", {})
    return any(set(numbers) & set(its_units.get(item_id, ())) for item_id, numbers in units.items())
