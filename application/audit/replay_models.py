"""What read models say of orders, beside what the log says: the one place where a replay meets them.

Where read models live is another room's affair; it hands over something that answers as ``ReadModels``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from ...domain import Order

READ_MODEL = "read-model"


class Told(Struct, frozen=True):
    """An order as told: refunds as (status, amount) by id; what the ledger has due and deferred, in minor units."""

    state: str
    open_requests: int
    refunds: dict[str, tuple[str, int]]
    due: int
    deferred: int


class ReadModels(Protocol):
    """Read models that are caught up with the log."""

    def told(self, order_ids: Sequence[str]) -> Mapping[str, Told]:
        """What they say of these orders; an order that they do not know is left out."""
        ...


def differences(order: Order, told: Told | None) -> list[tuple[str, str]]:
    """Where the read models say something else of an order than the log."""
    if told is None:
        return [(READ_MODEL, "no read model knows the order")]
    return [(READ_MODEL, reason) for reason in _differences(_of(order), told)]


def _of(order: Order) -> Told:
    refunds = order.refunds.values()
    return Told(
        state=order.state,
        open_requests=sum(request.status == "open" for request in order.requests.values()),
        refunds={refund.refund_id: (refund.status, refund.amount) for refund in refunds},
        due=sum(p.amount for r in refunds if r.due_at is not None for p in r.payouts.values() if p.status != "paid"),
        deferred=sum(refund.amount for refund in refunds if refund.due_at is None),
    )


def _differences(log: Told, told: Told) -> Iterator[str]:
    if told == log:
        return
    for name in ("state", "open_requests", "due", "deferred"):
        if getattr(told, name) != getattr(log, name):
            words = {"due": "refunds due", "deferred": "refunds deferred"}.get(name, name.replace("_", " "))
            yield f"{words}: {getattr(log, name)} by the log, {getattr(told, name)} by the read models"
    for refund_id in sorted(log.refunds.keys() | told.refunds.keys()):
        right, said = log.refunds.get(refund_id), told.refunds.get(refund_id)
        if right != said:
            yield f"{refund_id}: {_refund(right)} by the log, {_refund(said)} by the read models"


def _refund(refund: tuple[str, int] | None) -> str:
    return "unknown" if refund is None else f"{refund[0]} {refund[1]}"
