"""One sentence for each thing that was recorded or tried, in words for a buyer, with its rule in brackets."""

from collections.abc import Iterable

from ...timeline import TimelineEntry
from . import tells_money, tells_parcels, tells_questions  # noqa: F401 - their import registers who tells what
from .explanation import Step
from .prose import WHO, Voice, day, sentence
from .told import in_a_sentence

__all__ = ["tell", "tell_all", "tell_attempt"]

ATTEMPTS = {
    "place-order": "placing the order again",
    "cancel-items": "a cancellation",
    "request-cancellation": "a request to cancel",
    "answer-cancellation": "an answer to a request to cancel,",
    "pack-shipment": "packing of",
    "unpack-shipment": "unpacking of parcel",
    "dispatch-shipment": "a report that the parcel left,",
    "start-delivery": "a report that delivery started, of parcel",
    "fail-attempt": "a report of a failed delivery, of parcel",
    "deliver": "a report of delivery, of parcel",
    "refuse-delivery": "a report of a refused delivery, of parcel",
    "turn-back": "a report that the parcel turned back,",
    "lose-shipment": "a report of the loss of parcel",
    "start-return": "a return",
    "withdraw-return": "the withdrawal of return",
    "hand-over-return": "a report that a carrier took return",
    "receive-return": "a receipt of",
    "lose-return": "a report of the loss of return",
    "submit-payout": "a payment of refund",
    "report-payout": "a report on the payment of refund",
    "file-claim": "a claim",
    "decide-claim": "a decision of claim",
    "withdraw-claim": "the withdrawal of claim",
    "pass-time": "a look at what is due",
}


def tell(voice: Voice, step: Step) -> str:
    """One sentence about what was recorded."""
    return sentence(f"{in_a_sentence(voice, step)} ({step.event.rule})")


def tell_all(voice: Voice, steps: Iterable[Step]) -> list[str]:
    """A sentence for each."""
    return [tell(voice, step) for step in steps]


def tell_attempt(entry: TimelineEntry) -> str:
    """One sentence about what was tried in vain."""
    name, _, rest = entry.what.partition(" ")
    name, colon = name.removesuffix(":"), name.endswith(":")
    said = f"{ATTEMPTS[name]}{': ' if colon else ' '}{rest}".strip()
    what, _, why = said.partition(": ")
    role = entry.who.partition(" ")[0]
    rule = f" ({entry.rule})" if entry.rule else ""
    if entry.status == "rejected":
        return sentence(f"{what} by {WHO[role]} on {day(entry.at)} was refused: {why}{rule}")
    return sentence(f"{what} by {WHO[role]} on {day(entry.at)} was noted and changed nothing{rule}")
