"""Sentences about what was tried in vain: who, when, what, and why not."""

import re
from datetime import datetime
from typing import Any

from .attempts import Attempt
from .prose import WHO, Voice, day, sentence

DEEDS = {
    "place-order": "tried {when} to place the order again",
    "cancel-items": "tried {when} to cancel {units}",
    "request-cancellation": "tried {when} to ask for the cancellation of {units}",
    "answer-cancellation": "tried {when} to answer the request to cancel {request_id}",
    "pack-shipment": "tried {when} to pack parcel {shipment_id}",
    "unpack-shipment": "tried {when} to take parcel {shipment_id} apart",
    "dispatch-shipment": "reported {when} that parcel {shipment_id} had left",
    "start-delivery": "reported {when} that parcel {shipment_id} was out for delivery",
    "fail-attempt": "reported {when} that an attempt to deliver parcel {shipment_id} had failed",
    "deliver": "reported {when} that parcel {shipment_id} had been delivered",
    "refuse-delivery": "reported {when} that parcel {shipment_id} had been refused at the door",
    "turn-back": "reported {when} that parcel {shipment_id} had turned back",
    "lose-shipment": "reported {when} that parcel {shipment_id} was lost",
    "start-return": "tried {when} to return {units}",
    "withdraw-return": "tried {when} to withdraw return {return_id}",
    "hand-over-return": "reported {when} that return {return_id} had been handed over to a carrier",
    "receive-return": "reported {when} that {came_back} had been received back",
    "lose-return": "reported {when} that return {return_id} was lost",
    "submit-payout": "tried {when} to start the payment of refund {refund_id}",
    "report-payout": "reported {when} that the payment of refund {refund_id} had {turned_out}",
    "file-claim": "tried {when} to call on the guarantee for {units}",
    "decide-claim": "tried {when} to decide claim {claim_id}",
    "withdraw-claim": "tried {when} to withdraw claim {claim_id}",
    "pass-time": "looked {when} for what was due",
}
WHY = {
    "ORDER-1": "it had been placed already",
    "ORDER-2": "there is no such thing in the order, or not so many",
    "ORDER-3": "its amounts do not fit together",
    "ORDER-5": "it was closed already",
    "TIME-3": "that time was still to come",
    "PACK-1": "what is packed already, or does not wait to be shipped, cannot be packed",
    "PACK-2": "the parcel was not waiting to leave any more",
    "COMBINED-1": "the rest of the parcel may be cancelled with it, and that had not been accepted",
    "COMBINED-2": "these orders cannot share a parcel",
    "CANCEL-2": "it was packed already, and the warehouse has to be asked",
    "CANCEL-3": "it was on its way already, and the carrier has to be asked",
    "CANCEL-4": "it was on its way already; the carrier can be asked, but may deliver it all the same",
    "CANCEL-5": "it was on its way already",
    "CANCEL-6": "what is delivered, on its way back, lost, cancelled or refunded can no longer be cancelled",
    "CANCEL-7": "it had been asked for already",
    "CANCEL-8": "these goods have to be cancelled or asked for apart",
    "SELLER-2": "the time to cancel without asking the seller was over",
    "SELLER-3": "it was on its way already; the delivery can be refused at the door",
    "RETURN-1": "only what was delivered, and is not on its way back, can be returned",
    "RETURN-4": "some of it was on its way or received already",
    "RETURN-5": "nothing, or not so much, was to be received then",
    "RETURN-6": "it had not been handed over to a carrier",
    "REFUND-5": "no such payment was due",
    "CLAIM-1": "nothing was overdue, or it was claimed or refunded already",
    "CLAIM-3": "the same had been claimed before",
}
"""Why a rule says no, in words that hold whenever it does."""
SINCE = {
    "TIME-2": "not all of it was placed before {time}",
    "SELLER-2": "the time to cancel without asking the seller had ended on {time}",
    "RETURN-1": "the time to return it had ended on {time}",
    "CLAIM-1": "claims were possible until {time}",
}
"""As ``WHY``, where the answer named the time that counts."""
NAMED_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z$")


def tell_attempt(voice: Voice, attempt: Attempt) -> str:
    """One sentence about what was tried in vain."""
    said = f"{WHO[attempt.actor]} {_deed(voice, attempt)}"
    rule = f" ({attempt.rule})" if attempt.rule else ""
    if attempt.status == "noted":
        return sentence(f"{said}; it changed nothing{rule}")
    why = _why(voice, attempt)
    return sentence(f"{said}; it was refused{f', because {why}' if why else ''}{rule}")


def _deed(voice: Voice, attempt: Attempt) -> str:
    content: dict[str, Any] = attempt.content
    items = content.get("items")
    named = {name: content.get(name) for name in ("request_id", "return_id", "refund_id", "claim_id", "shipment_id")}
    return DEEDS[attempt.command].format(
        **named,
        when=f"on {day(attempt.at)}",
        units=voice.counted(items) if isinstance(items, dict) else "everything",
        came_back=f"return {content['return_id']}" if content.get("return_id") else f"parcel {named['shipment_id']}",
        turned_out="failed" if content.get("outcome") == "failed" else "been made",
    )


def _why(voice: Voice, attempt: Attempt) -> str | None:
    rule = attempt.rule or ""
    time = NAMED_TIME.search(attempt.reason or "")
    if time is not None and rule in SINCE:
        named = datetime.fromisoformat(time[0])
        if rule == "RETURN-1" and named > attempt.at:
            return f"it was delivered only on {day(named)}"
        return SINCE[rule].format(time=day(named))
    if rule == "COMBINED-1" and attempt.content.get("scope") == "units":
        return "goods cannot be taken out of a parcel that has left"
    if rule == "CLAIM-1" and voice.order.fulfilled_by != "seller":
        return "the guarantee is for orders that their seller ships"
    return WHY.get(rule)
