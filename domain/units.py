"""Units and the lines that they are of; and how events spell them."""

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter

from msgspec import Struct

from .events import LostAfter
from .money import share
from .vocabulary import Line, Units

_BY_INDEX = attrgetter("index")


class Unit(Struct, gc=False):
    """One piece of a line. ``index`` is its place in ``order.units``; ids are None where it is in no such thing."""

    index: int
    item_id: str
    number: int
    state: str
    shipment_id: str | None = None
    request_id: str | None = None
    """The open request for it."""
    return_id: str | None = None
    refund_id: str | None = None
    claim_id: str | None = None
    """The open or granted claim for it."""
    dispatched_at: datetime | None = None
    turned_at: datetime | None = None
    turned_by_request: bool = False
    delivered_at: datetime | None = None
    lost_after: LostAfter | None = None
    """Its parcel's terms, where they are not its own order's."""


class Item(Struct, frozen=True, gc=False):
    """A line, and where its units begin in ``order.units``."""

    line: Line
    first: int

    def tax(self, number: int) -> int:
        """The tax that unit ``number`` bears, in minor units."""
        return share(self.line.tax, self.line.quantity, number)

    def goods(self, number: int) -> int:
        """The unit's price less its discount, in minor units."""
        return self.line.unit_price - share(self.line.discount, self.line.quantity, number)

    def value(self, number: int) -> int:
        """Goods plus tax plus shipping of the unit, in minor units."""
        return self.goods(number) + self.tax(number) + share(self.line.shipping, self.line.quantity, number)


def numbers(units: Iterable[Unit]) -> Units:
    """Units as events spell them: numbers by item, in the order's sequence."""
    result: Units = {}
    for unit in sorted(units, key=_BY_INDEX):
        result.setdefault(unit.item_id, []).append(unit.number)
    return result


def counts(units: Units) -> dict[str, int]:
    """How many of each item."""
    return {item_id: len(numbers) for item_id, numbers in units.items()}


def lay_out(lines: Iterable[Line], state: str) -> tuple[dict[str, Item], list[Unit], Units]:
    """A new order's items and units, in the order's sequence; and all units, as events spell them."""
    items: dict[str, Item] = {}
    units: list[Unit] = []
    whole: Units = {}
    for line in lines:
        item_id, first = line.item_id, len(units)
        items[item_id] = Item(line, first)
        whole[item_id] = numbers = list(range(1, line.quantity + 1))
        for number in numbers:
            units.append(Unit(first + number - 1, item_id, number, state))
    return items, units, whole
