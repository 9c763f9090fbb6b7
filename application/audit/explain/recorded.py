"""What an explanation quotes: what was recorded, what made it, and the policy's numbers."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from ....domain import OrderEvent
from ....domain.vocabulary import Fulfiller, Payment, Role


class Number(Struct, frozen=True, omit_defaults=True):
    """A number or list of the order's policy; ``name`` is where it stands in the file: ``returns.window_days``.

    With a ``parcel``, what counts for that one, as its orders have different policies (LOST-1).
    """

    name: str
    value: int | list[str]
    parcel: str | None = None


class Given(Struct, frozen=True, kw_only=True, tag_field="by", tag="command"):
    """A journaled command; ``actor`` is None where the log named nobody, and then the event's is the natural one."""

    command_id: str
    command: str
    at: datetime
    recorded_at: datetime
    actor: Role | None
    actor_id: str | None
    status: str
    content: dict[str, Any]


class Passed(Struct, frozen=True, kw_only=True, tag_field="by", tag="deadline"):
    """A deadline, ``number`` minutes, hours or days after ``counted_from``; the next command recorded it (TIME-1)."""

    rule: str
    counted_from: datetime
    number: Number
    at: datetime
    recorded_with: Given | None


class Step(Struct, frozen=True):
    """An event of the order, its position in the whole log, and what caused it; None: the journal does not say.

    ``learned_late``: it happened before something that was recorded earlier.
    """

    position: int
    event: OrderEvent
    cause: Given | Passed | None
    learned_late: bool = False


class LineOfOrder(Struct, frozen=True):
    """A line: what its units are called."""

    item_id: str
    sku: str
    title: str | None
    category: str | None
    quantity: int


class About(Struct, frozen=True, kw_only=True):
    """The order that it is about, as of its last event."""

    order_id: str
    version: int
    state: str
    buyer_id: str
    seller_id: str | None
    fulfilled_by: Fulfiller
    currency: str
    total: int
    placed_at: datetime
    policy_version: str
    lines: list[LineOfOrder]
    payments: list[Payment]
