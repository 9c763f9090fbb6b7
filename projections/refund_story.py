"""A refund as it was made, and the story of what happened to it since; told, it is the refund as of any time."""

from typing import Any

import msgspec
from msgspec import Struct

from ..domain import Event
from ..domain import events as e
from ..domain.units import counts
from .projection import maybe_microseconds, microseconds


class Payout(Struct, array_like=True, gc=False):
    """A payment's part of it; ``promised_us`` is the time by which the buyer has it."""

    payment_id: str
    method: str
    amount: int
    promised_us: int | None
    status: str = "owed"
    attempts: int = 0


class Refund(Struct, array_like=True, gc=False):
    """As it was made, or as it is when its story has been told."""

    cause: str
    rule: str
    funded_by: str
    processor: str
    amount: int
    items: dict[str, int]
    deductions: list[e.Deduction]
    due_us: int | None
    payouts: list[Payout]

    def status(self) -> str:
        """Deferred, due or paid."""
        if self.due_us is None:
            return "deferred"
        return "paid" if all(payout.status == "paid" for payout in self.payouts) else "due"

    def next_promise_us(self) -> int | None:
        """The first promised time of what is unpaid."""
        unpaid = [p.promised_us for p in self.payouts if p.status != "paid" and p.promised_us is not None]
        return min(unpaid, default=None)


class Step(Struct, frozen=True, array_like=True, gc=False):
    """What happened to a refund: it fell due or was taken over (with promises), or a payout has another status."""

    at_us: int
    kind: str
    due_us: int | None = None
    promises: dict[str, int] | None = None
    payment_id: str | None = None
    attempts: int | None = None


_encode = msgspec.json.Encoder().encode
_decode_made = msgspec.json.Decoder(Refund).decode
_decode_story = msgspec.json.Decoder(list[Step]).decode
_STATUS_AFTER: dict[type[Event], str] = {
    e.PayoutSubmitted: "submitted",
    e.PayoutPaid: "paid",
    e.PayoutFailed: "owed",
    e.PayoutBounced: "owed",
}
STEPS = {*_STATUS_AFTER, e.RefundReleased, e.RefundTakenOver}
"""The events that are steps."""


def as_made(event: e.RefundOwed) -> Refund:
    """The refund before anything happens to it."""
    return Refund(
        cause=event.cause,
        rule=event.rule,
        funded_by=event.funded_by,
        processor=event.processor,
        amount=event.amount,
        items=counts(event.units),
        deductions=event.deductions,
        due_us=maybe_microseconds(event.due_at),
        payouts=[Payout(p.payment_id, p.method, p.amount, maybe_microseconds(p.promised_by)) for p in event.payouts],
    )


def encoded(refund: Refund) -> str:
    """A refund as its row keeps it."""
    return _encode(refund).decode()


def step(event: Any) -> Step:
    """What an event of ``STEPS`` adds to the story."""
    at = microseconds(event.at)
    status = _STATUS_AFTER.get(type(event))
    if status is not None:
        attempts = event.attempt if isinstance(event, e.PayoutSubmitted) else None
        return Step(at, status, payment_id=event.payment_id, attempts=attempts)
    promises = {payment_id: microseconds(promised_by) for payment_id, promised_by in event.promises.items()}
    kind = "taken-over" if isinstance(event, e.RefundTakenOver) else "released"
    return Step(at, kind, microseconds(event.due_at), promises)


def told(made: str, story: str, until: int | None) -> Refund:
    """The refund by what had happened ``until`` then, in microseconds; without it, by all that has."""
    refund = _decode_made(made)
    payouts = {payout.payment_id: payout for payout in refund.payouts}
    for each in _decode_story(story):
        if until is not None and each.at_us > until:
            continue
        if each.payment_id is not None:
            payout = payouts[each.payment_id]
            payout.status = each.kind
            payout.attempts = payout.attempts if each.attempts is None else each.attempts
            continue
        refund.due_us = each.due_us
        if each.kind == "taken-over":
            refund.processor = "marketplace"
        for payment_id, promised_us in (each.promises or {}).items():
            payouts[payment_id].promised_us = promised_us
    return refund
