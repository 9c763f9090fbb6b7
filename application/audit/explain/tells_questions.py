"""Sentences about requests, returns and claims."""

from ....domain import events as e
from ....domain.vocabulary import STORE_CREDIT
from .prose import WHO, day
from .told import Told, on, was

REASONS = {
    "changed-mind": "you changed your mind",
    "damaged": "the goods are damaged",
    "wrong-item": "they are not what you ordered",
    "not-as-described": "they are not as described",
    "late": "they came late",
    "other": "another reason",
}
OVERTAKEN = {
    "dispatched": "the goods had been handed to the carrier",
    "delivered": "the goods had been delivered",
    "refused": "the delivery had been refused",
    "turned-back": "the parcel had turned back",
    "lost": "the goods were lost",
    "cancelled": "the goods were cancelled otherwise",
    "claimed": "a claim had settled it",
}


@on(e.CancellationRequested)
def _requested(told: Told[e.CancellationRequested]) -> str:
    until = f", with time to answer until {day(told.event.answer_by)}" if told.event.answer_by is not None else ""
    return f"you asked {WHO[told.event.to]} on {told.when} to cancel {told.units}{told.reason}{until}"


@on(e.CancellationApproved)
def _approved(told: Told[e.CancellationApproved]) -> str:
    alone = ", for these goods alone" if told.event.scope == "units" else ""
    return f"{WHO[told.event.actor]} agreed to cancel on {told.when}{alone}{told.reason}"


@on(e.CancellationDeclined)
def _declined(told: Told[e.CancellationDeclined]) -> str:
    return f"{WHO[told.event.actor]} declined to cancel on {told.when}{told.reason}"


@on(e.CancellationLapsed)
def _lapsed(told: Told[e.CancellationLapsed]) -> str:
    if told.event.because == "unanswered":
        return f"your request to cancel ended unanswered on {told.when}, {told.after} after you asked"
    because = OVERTAKEN.get(told.event.because, told.event.because)
    return f"your request to cancel ended on {told.when}, because {because}"


@on(e.ReturnStarted)
def _return_started(told: Told[e.ReturnStarted]) -> str:
    to = "store credit" if told.event.refund_to == STORE_CREDIT else "what you paid with"
    return (
        f"you announced on {told.when} to return {told.units} for a refund to {to}; "
        f"your reason: {REASONS.get(told.event.reason, told.event.reason)}"
    )


@on(e.ReturnWithdrawn)
def _return_withdrawn(told: Told[e.ReturnWithdrawn]) -> str:
    return f"you withdrew the return of {told.units} on {told.when}"


@on(e.ReturnHandedOver)
def _handed_over(told: Told[e.ReturnHandedOver]) -> str:
    return f"the return was handed over to a carrier on {told.when}"


@on(e.ReturnReceived)
def _received(told: Told[e.ReturnReceived]) -> str:
    units = told.event.units
    unopened = {i: [n for n in ns if n not in told.event.opened.get(i, ())] for i, ns in units.items()}
    unopened = {item_id: numbers for item_id, numbers in unopened.items() if numbers}
    if not told.event.opened:
        how = "unopened"
    elif not unopened:
        how = "opened"
    else:
        how = f"{told.voice.units(told.event.opened)} opened, {told.voice.units(unopened)} unopened"
    return f"{told.voice.units(units)} {was(units)} received back on {told.when}, {how}"


@on(e.ReturnLapsed)
def _return_lapsed(told: Told[e.ReturnLapsed]) -> str:
    return (
        f"the return of {told.units} ended on {told.when}, {told.after} after the time to return "
        "was over, neither handed over to a carrier nor received"
    )


@on(e.ReturnLost)
def _return_lost(told: Told[e.ReturnLost]) -> str:
    units = told.units
    if told.after:
        after = f"{told.after} after the return was handed over"
        return f"{units} {told.was} taken as lost on the way back on {told.when}, {after}"
    return f"{units} {told.was} reported lost on the way back on {told.when}"


@on(e.ClaimFiled)
def _filed(told: Told[e.ClaimFiled]) -> str:
    return f"you called on the guarantee for {told.units} on {told.when}{told.reason}"


@on(e.ClaimGranted)
def _granted(told: Told[e.ClaimGranted]) -> str:
    return f"the marketplace granted your claim on {told.when}{told.reason}"


@on(e.ClaimDenied)
def _denied(told: Told[e.ClaimDenied]) -> str:
    return f"the marketplace denied your claim on {told.when}{told.reason}"


@on(e.ClaimWithdrawn)
def _claim_withdrawn(told: Told[e.ClaimWithdrawn]) -> str:
    return f"you withdrew your claim on {told.when}"
