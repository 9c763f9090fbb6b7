"""Sentences about refunds and payments."""

from typing import Any

from ....domain import events as e
from .prose import day
from .recorded import Given
from .told import Told, on


@on(e.RefundOwed)
def _owed(told: Told[e.RefundOwed]) -> str:
    said = f"refund {told.event.refund_id} of {told.voice.money(told.event.amount)} for {told.units}"
    if told.event.due_at is None:
        still = "for all that was known, other goods of the order still waited to be shipped"
        return f"{said} was put off on {told.when}: {still}"
    return f"{said} fell due on {told.when}"


@on(e.RefundReleased)
def _released(told: Told[e.RefundReleased]) -> str:
    late = f", {told.after} after it was made" if told.after else ""
    return f"refund {told.event.refund_id} fell due on {day(told.event.due_at)}{late}"


@on(e.RefundTakenOver)
def _taken_over(told: Told[e.RefundTakenOver]) -> str:
    claim_id = told.cause.content.get("claim_id") if isinstance(told.cause, Given) else None
    because = f", as it granted your claim {claim_id}" if claim_id is not None else ""
    return f"the marketplace took over refund {told.event.refund_id} from the seller on {told.when}{because}"


def _payment(told: Told[e.PayoutSubmitted] | Told[e.PayoutFailed]) -> str:
    to = told.voice.account(told.event.payment_id)
    return f"the payment to {to} for refund {told.event.refund_id}"


@on(e.PayoutSubmitted)
def _submitted(told: Told[e.PayoutSubmitted]) -> str:
    shown = ", as a report on it shows" if told.event.inferred else ""
    which = "" if told.event.attempt == 1 else f", attempt {told.event.attempt}"
    return f"{_payment(told)} was started on {told.when}{which}{shown}"


@on(e.PayoutPaid)
def _paid(told: Told[e.PayoutPaid]) -> str:
    to = told.voice.account(told.event.payment_id)
    return f"{told.voice.money(told.event.amount)} was paid to {to} on {told.when}, {_reference(told)}"


@on(e.PayoutFailed)
def _failed(told: Told[e.PayoutFailed]) -> str:
    return f"{_payment(told)} failed on {told.when}, {_reference(told)}{told.reason}: it is owed as before"


@on(e.PayoutBounced)
def _bounced(told: Told[e.PayoutBounced]) -> str:
    to = told.voice.account(told.event.payment_id)
    paid = f"{told.voice.money(told.event.amount)} paid to {to}"
    return f"{paid} came back on {told.when}, {_reference(told)}{told.reason}: it is owed again"


@on(e.PaymentUnexpected)
def _unexpected(told: Told[e.PaymentUnexpected]) -> str:
    to, amount = told.voice.account(told.event.payment_id), abs(told.event.amount)
    if told.event.because == "other-amount":
        than = "more" if told.event.amount > 0 else "less"
        return f"{told.voice.money(amount)} {than} than owed was paid to {to} on {told.when}, {_reference(told)}"
    return (
        f"{told.voice.money(amount)} was reported as paid to {to} for {told.event.refund_id} on {told.when}, "
        f"{_reference(told)}, and {_NOT_OWED[told.event.because]}"
    )


_NOT_OWED = {
    "unknown-payout": "nothing was owed there",
    "deferred": "it was not due yet",
    "already-paid": "it had been paid before",
}


@on(e.ExceptionRaised)
def _exception(told: Told[e.ExceptionRaised]) -> str:
    units, when = told.units, told.when
    if told.event.kind == "turned-up":
        return f"{units} turned up on {when}, though it counted as lost"
    return f"{units} {told.was} reported delivered on {when}, though cancelled, lost or under refund"


def _reference(told: Told[Any]) -> str:
    return f"reference {told.event.reference}"
