"""What was tried in vain with an order: as data, and which of it is for its buyer to know."""

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from ....domain import OrderEvent
from ....domain.vocabulary import Role
from ...store import JournalEntry
from ...timeline import TimelineEntry, timeline

NOT_FOR_BUYERS = ("ORDER-0", "AUTH-1")
"""Ids that the host used twice, and roles that it mixed up."""


class Attempt(Struct, frozen=True, kw_only=True):
    """A journaled command that was rejected or noted; ``actor`` is the natural one where the log named nobody."""

    command_id: str
    command: str
    at: datetime
    recorded_at: datetime
    actor: Role
    actor_id: str | None
    status: Literal["rejected", "noted"]
    rule: str | None
    reason: str | None
    content: dict[str, Any]


def among(order_id: str, events: Sequence[OrderEvent], tried: Sequence[JournalEntry]) -> list[int | Attempt]:
    """The versions of the events, and each attempt after what was known when it was decided."""
    waiting: defaultdict[tuple[Any, ...], deque[JournalEntry]] = defaultdict(deque)
    for entry in tried:
        waiting[_key(entry)].append(entry)
    return [
        told.version if told.version is not None else _attempt(waiting[_key(told)].popleft(), told)
        for told in timeline(order_id, events, tried)
    ]


def _key(entry: JournalEntry | TimelineEntry) -> tuple[Any, ...]:
    return entry.command_id, entry.at, entry.recorded_at


def _attempt(entry: JournalEntry, told: TimelineEntry) -> Attempt:
    content: dict[str, Any] = msgspec.json.decode(entry.command)
    return Attempt(
        command_id=entry.command_id,
        command=content["command"],
        at=entry.at,
        recorded_at=entry.recorded_at,
        actor=cast(Role, told.who.partition(" ")[0]),
        actor_id=content.get("actor_id"),
        status="rejected" if entry.status == "rejected" else "noted",
        rule=told.rule,
        reason=msgspec.json.decode(entry.outcome).get("reason"),
        content=content,
    )


def is_for_the_buyer(attempt: Attempt, buyer_id: str, seller_id: str | None) -> bool:
    """Whether the buyer is told of it: nobody else tried it under a part in this order, and no host mixed up ids."""
    own = {"buyer": buyer_id, "seller": seller_id}
    stranger = attempt.actor_id is not None and attempt.actor_id != own.get(attempt.actor, attempt.actor_id)
    return not stranger and attempt.rule not in NOT_FOR_BUYERS
