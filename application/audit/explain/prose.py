"""Words for a buyer: dates, amounts, units, who. English, and without the engine's own terms."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from ....domain.admission import moment
from ....domain.money import in_major_units
from ....domain.vocabulary import STORE_CREDIT, Units
from .recorded import About, LineOfOrder, Number

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WHO = {
    "buyer": "you",
    "seller": "the seller",
    "warehouse": "the warehouse",
    "carrier": "the carrier",
    "marketplace": "the marketplace",
    "system": "time",
}


def day(at: datetime) -> str:
    """``Friday 2 January 2026 at 17:00 UTC``; seconds, and fractions of them, only where there are any."""
    at = at.astimezone(UTC)
    clock = moment(at).partition("T")[2].removesuffix("Z").removesuffix(":00")
    return f"{DAYS[at.weekday()]} {at.day} {MONTHS[at.month - 1]} {at.year} at {clock} UTC"


def listed(parts: Iterable[str]) -> str:
    """``one``, ``one and two``, ``one, two and three``."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def number_of(count: int, what: str) -> str:
    """``1 day``, ``1,000 days``: ``what`` is the plural."""
    return f"{count:,} {what.removesuffix('s') if count == 1 else what}"


def span(number: Number, what: str) -> str:
    """A number of the policy with its unit: ``30 days``."""
    return number_of(cast(int, number.value), what)


def runs(numbers: Sequence[int]) -> str:
    """Unit numbers, ascending, three or more in a row drawn together: ``1, 3 to 5``."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] == number - 1:
            found[-1].append(number)
        else:
            found.append([number])
    parts = [
        part for run in found for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else [str(each) for each in run])
    ]
    return listed(parts)


def sentence(text: str) -> str:
    """With a capital, and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def method(name: str) -> str:
    """``credit-card`` is ``credit card``."""
    return name.replace("-", " ")


class Voice:
    """Speaks of one order: its currency, and what its lines are called."""

    def __init__(self, order: About) -> None:
        self.order = order
        self._lines: dict[str, LineOfOrder] = {line.item_id: line for line in order.lines}

    def money(self, amount: int) -> str:
        """An amount with its currency."""
        return in_major_units(amount, self.order.currency)

    def figure(self, amount: int) -> str:
        """An amount in a sum that ends with its currency."""
        return self.money(amount).removesuffix(f" {self.order.currency}")

    def share(self, amount: int, percent: int) -> str:
        """A share of an amount, exactly, as a figure; with its currency where no part of a minor unit is left over."""
        whole, rest = divmod(amount * percent, 100)
        if not rest:
            return self.money(whole)
        return f"{self.figure(whole)}{'' if '.' in self.figure(0) else '.'}{f'{rest:02d}'.rstrip('0')}"

    def item(self, item_id: str) -> str:
        """What a line is called: its title, or its id."""
        line = self._lines.get(item_id)
        return line.title or item_id if line is not None else item_id

    def some(self, item_id: str, numbers: Sequence[int]) -> str:
        """``2 of 3 × lamp``; ``3 × lamp`` where it is all of them."""
        of = self._lines[item_id].quantity
        return (
            f"{len(numbers)} × {self.item(item_id)}"
            if len(numbers) == of
            else (f"{len(numbers)} of {of} × {self.item(item_id)}")
        )

    def which(self, item_id: str, numbers: Sequence[int]) -> str:
        """``lamp, units 2 and 3 of 3``; ``lamp`` where there is but one."""
        of = self._lines[item_id].quantity
        if of == 1:
            return self.item(item_id)
        return f"{self.item(item_id)}, unit{'' if len(numbers) == 1 else 's'} {runs(numbers)} of {of}"

    def units(self, units: Units) -> str:
        """``2 of 3 × lamp and 1 × shade``."""
        return listed(self.some(item_id, numbers) for item_id, numbers in units.items())

    def counted(self, items: dict[str, int]) -> str:
        """As ``units``, for items as a command counts them: more than there are, and unknown ones, too."""
        of = {item_id: line.quantity for item_id, line in self._lines.items()}
        return listed(
            f"{f'{n} of {of[item_id]}' if n < of.get(item_id, 0) else n} × {self.item(item_id)}"
            for item_id, n in items.items()
        )

    def quantities(self, units: Units) -> str:
        """As ``units``, for units of another order: its lines are called by their ids."""
        return listed(f"{len(numbers)} × {item_id}" for item_id, numbers in units.items())

    def account(self, payment_id: str) -> str:
        """``your credit card``; with the payment's id where several are of one method, or it is none of the order's."""
        if payment_id == STORE_CREDIT:
            return "your store credit"
        by_id = {payment.payment_id: payment.method for payment in self.order.payments}
        if (name := by_id.get(payment_id)) is None:
            return payment_id
        alike = list(by_id.values()).count(name) > 1 or name == STORE_CREDIT
        return f"your {method(name)}{f' ({payment_id})' if alike else ''}"
