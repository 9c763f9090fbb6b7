"""What a command was answered in two worlds, and where that differs."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct

from ...domain import Event
from ...domain.events import OrderPlaced, RefundOwed
from ..results import Result

Differs = Literal["answer", "events", "amounts"]
Sign = tuple[Any, ...]
"""What two events must have in common to count as the same; the first is a ``Made``, the second the stream."""


class Made(Struct, frozen=True, order=True):
    """An event that a command made, by its name and rule."""

    type: str
    rule: str


class Verdict(Struct, frozen=True):
    """What a command was answered, by the rule that said no, or that its first event names.

    Where the other world answered the same, ``events`` are those that were not made there, or of another amount.
    """

    status: str
    rule: str | None
    events: tuple[Made, ...] = ()


class Otherwise(Struct, frozen=True):
    """Two verdicts on one command that differ in their ``answer``, only in their ``events``, or only in ``amounts``."""

    command: str
    differs: Differs
    before: Verdict
    after: Verdict


class Answered(Struct):
    """A command's answer in one world, with the events that it made itself.

    The deadlines that it recorded because it came next (TIME-1) are not its own.
    """

    status: str
    rule: str | None
    order_ids: Sequence[str]
    events: Sequence[Event]

    @classmethod
    def of(cls, result: Result, events: Sequence[Event]) -> Self:
        """The answer that a result gives, of the events that were recorded with it."""
        own = [event for event in events if not by_time(event)]
        return cls(result.status, result.rule or (own[0].rule if own else None), result.order_ids, own)


def by_time(event: Event) -> bool:
    """Whether it was made by the passing of time, by nobody's hand."""
    return event.actor == "system"


def otherwise(command: str, before: Answered, after: Answered) -> tuple[Otherwise, set[str]] | None:
    """How two answers to one command differ, and for which orders; None where at most in times."""
    everyone = {*before.order_ids, *after.order_ids}
    if (before.status, before.rule) != (after.status, after.rule):
        verdicts = [Verdict(answered.status, answered.rule) for answered in (before, after)]
        return Otherwise(command, "answer", *verdicts), everyone
    kinds: tuple[tuple[Differs, Callable[[Event], Sign]], ...] = (("events", _told), ("amounts", _told_with_amounts))
    for differs, sign in kinds:
        signs = [Counter(map(sign, answered.events)) for answered in (before, after)]
        only = signs[0] - signs[1], signs[1] - signs[0]
        if any(only):
            verdicts = [Verdict(before.status, before.rule, tuple(sorted({made for made, *_ in one}))) for one in only]
            streams = {stream for one in only for _, stream, *_ in one}
            orders = {stream.removeprefix("order:") for stream in streams if stream.startswith("order:")}
            return Otherwise(command, differs, *verdicts), orders or everyone
    return None


def at_other_times(before: Answered, after: Answered) -> bool:
    """Whether answers that do not differ otherwise made events with other times: of deadlines, of promises, their own.

    A placing has none that a policy moves.
    """
    pairs = zip(before.events, after.events, strict=True)
    return any(
        one != other and not isinstance(one, OrderPlaced) and list(_times(one)) != list(_times(other))
        for one, other in pairs
    )


def _times(value: Any) -> Iterator[datetime]:
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, Struct):
        yield from _times(msgspec.to_builtins(value, builtin_types=(datetime,)))
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _times(inner)


def _told(event: Event) -> Sign:
    """What happened to whom, by which rule."""
    return Made(event.type, event.rule), event.stream


def _told_with_amounts(event: Event) -> Sign:
    amounts = [getattr(event, "amount", None)]
    if isinstance(event, RefundOwed):
        amounts += [(part.kind, part.amount) for part in event.deductions]
        amounts += [(part.payment_id, part.amount) for part in event.payouts]
    return *_told(event), tuple(amounts)
