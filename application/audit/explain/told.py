"""What a sentence about an event is made of, and the register of who makes it."""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar, cast

from ....domain import OrderEvent
from ....domain.vocabulary import Units
from .prose import Voice, day, span
from .recorded import Given, Passed, Step

E = TypeVar("E", bound=OrderEvent)

UNIT_OF_TIME = {
    "seller_window_minutes": "minutes",
    "seller_answer_hours": "hours",
}
"""In what a deadline is counted; all others, in days."""


class Told(NamedTuple, Generic[E]):
    """An event with its cause, and the voice that tells it."""

    voice: Voice
    event: E
    cause: Given | Passed | None

    @property
    def units(self) -> str:
        """The event's units in words."""
        return self.voice.units(self._units)

    @property
    def was(self) -> str:
        """The verb for its units."""
        return was(self._units)

    @property
    def when(self) -> str:
        """When it happened."""
        return day(self.event.at)

    @property
    def after(self) -> str:
        """How long after what it counts from, where it was a deadline; else nothing."""
        if not isinstance(self.cause, Passed):
            return ""
        return span(self.cause.number, UNIT_OF_TIME.get(self.cause.number.name.partition(".")[2], "days"))

    @property
    def reason(self) -> str:
        """The reason that was given, as an addition; nothing for none."""
        code = getattr(self.event, "reason", None)
        return f", with the reason “{code}”" if code is not None else ""

    @property
    def _units(self) -> Units:
        return cast(Units, getattr(self.event, "units", {}))


def was(units: Units) -> str:
    """The verb for units."""
    return "was" if sum(len(numbers) for numbers in units.values()) == 1 else "were"


TELLERS: dict[type[OrderEvent], Callable[[Any], str]] = {}
"""Who tells an event: its own teller, or that of a class above it."""


def on(kind: type[E]) -> Callable[[Callable[[Told[E]], str]], Callable[[Told[E]], str]]:
    """Register the function below as the one that tells events of this kind."""

    def register(teller: Callable[[Told[E]], str]) -> Callable[[Told[E]], str]:
        TELLERS[kind] = teller
        return teller

    return register


def in_a_sentence(voice: Voice, step: Step) -> str:
    """What was recorded, without a capital, a rule and a stop."""
    teller = next(TELLERS[kind] for kind in type(step.event).__mro__ if kind in TELLERS)
    return teller(Told(voice, step.event, step.cause))
