"""The refunds of two worlds side by side: which are new, gone or of another amount, and when they are promised.

A refund is the same in both worlds where it is for the same units of the same order: no unit has two (REFUND-1).
Its id is no sign of that, as ids are numbered in each world. Only what differs is kept in memory.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from ...domain import Event
from ...domain.events import RefundOwed, RefundReleased, RefundTakenOver

K = TypeVar("K")
V = TypeVar("V")

UnitsKey = tuple[str, bytes]
"""An order, and units of it."""


class Amounts(Struct):
    """Minor units of one currency, as recorded and under the other policy."""

    before: int = 0
    after: int = 0

    @property
    def difference(self) -> int:
        """What is more under the other policy; negative for less."""
        return self.after - self.before


class ByRule(Struct):
    """The refunds that one rule decides: how many are other ones, and what that moves by currency, in minor units."""

    new: int = 0
    gone: int = 0
    changed: int = 0
    moved: Counter[str] = msgspec.field(default_factory=Counter)


class _Refund(NamedTuple):
    refund_id: str
    rule: str
    amount: int
    kept: dict[str, int]
    currency: str


class Refunds:
    """Follows the events of both worlds, command by command. ``currency_of`` tells an order's."""

    def __init__(self, currency_of: Callable[[str], str]) -> None:
        self._currency_of = currency_of
        self.owed: defaultdict[str, Amounts] = defaultdict(Amounts)
        """What buyers are owed, by currency: every refund made, paid or not."""
        self.kept: defaultdict[tuple[str, str], Amounts] = defaultdict(Amounts)
        """What is kept of refunds, by currency and kind."""
        self._differing: dict[UnitsKey, list[_Refund | None]] = {}
        self._units: tuple[dict[str, UnitsKey], dict[str, UnitsKey]] = ({}, {})
        """In each world, by refund id, but for the refunds that one command made in both under the same id."""
        self._promises: dict[tuple[UnitsKey | str, str], list[datetime | None]] = {}
        """By refund and payment; a refund is named by its id where that is the same one in both worlds."""

    def follow(self, before: Iterable[Event], after: Iterable[Event]) -> None:
        """What one command made as recorded, and under the other policy."""
        worlds = [self._refunds(before), self._refunds(after)]
        for world, refunds in enumerate(worlds):
            for units, refund in refunds.items():
                self._add_up(world, refund)
                if (twin := worlds[1 - world].get(units)) is None or twin.refund_id != refund.refund_id:
                    self._units[world][refund.refund_id] = units
        _note(self._differing, *worlds)
        _note(self._promises, self._promised(0, before), self._promised(1, after))

    def by_rule(self) -> dict[str, ByRule]:
        """The differing refunds, by the rule that makes them under the other policy; those gone, by that of before."""
        rules: defaultdict[str, ByRule] = defaultdict(ByRule)
        for old, new in self._differing.values():
            refund = new or old
            assert refund is not None
            if old is not None and new is not None and (old.amount, old.kept) == (new.amount, new.kept):
                continue  # made by another command, but the same money
            rule = rules[refund.rule]
            rule.new += old is None
            rule.gone += new is None
            rule.changed += None not in (old, new)
            rule.moved[refund.currency] += (new.amount if new else 0) - (old.amount if old else 0)
        return dict(sorted(rules.items()))

    def promises_moved(self) -> int:
        """How many payouts of refunds that both worlds have are promised for another time in the end."""
        in_one_only = {units for units, pair in self._differing.items() if None in pair}
        return sum(refund not in in_one_only for refund, _ in self._promises)

    def orders(self) -> set[str]:
        """The orders that have other refunds."""
        return {order_id for order_id, _ in self._differing}

    def _refunds(self, events: Iterable[Event]) -> dict[UnitsKey, _Refund]:
        return {
            (event.order_id, msgspec.json.encode(event.units)): _Refund(
                event.refund_id,
                event.rule,
                event.amount,
                {deduction.kind: deduction.amount for deduction in event.deductions},
                self._currency_of(event.order_id),
            )
            for event in events
            if isinstance(event, RefundOwed)
        }

    def _add_up(self, world: int, refund: _Refund) -> None:
        sums = [(self.owed[refund.currency], refund.amount)]
        sums += [(self.kept[refund.currency, kind], amount) for kind, amount in refund.kept.items()]
        for amounts, amount in sums:
            if world == 0:
                amounts.before += amount
            else:
                amounts.after += amount

    def _promised(self, world: int, events: Iterable[Event]) -> dict[tuple[UnitsKey | str, str], datetime]:
        """By refund and payment; a later event's promise counts."""
        promises: dict[tuple[UnitsKey | str, str], datetime] = {}
        for event in events:
            if isinstance(event, RefundOwed):
                owed = {p.payment_id: p.promised_by for p in event.payouts if p.promised_by is not None}
            elif isinstance(event, (RefundReleased, RefundTakenOver)):
                owed = event.promises
            else:
                continue
            refund = self._units[world].get(event.refund_id, event.refund_id)
            promises |= {(refund, payment_id): at for payment_id, at in owed.items()}
        return promises


def _note(differing: dict[K, list[V | None]], before: dict[K, V], after: dict[K, V]) -> None:
    for key in before.keys() | after.keys():
        pair = differing.setdefault(key, [None, None])
        for world, facts in enumerate((before, after)):
            pair[world] = facts.get(key, pair[world])
        if pair[0] == pair[1]:
            del differing[key]
