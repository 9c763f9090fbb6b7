"""One sentence for each thing that was recorded, in words for a buyer, with its rule in brackets."""

from collections.abc import Iterable

from ....domain import events as e
from . import tells_money, tells_parcels, tells_questions  # noqa: F401 - their import registers who tells what
from .prose import Voice, sentence
from .recorded import Step
from .told import in_a_sentence

__all__ = ["tell", "tell_all"]

REPORTED = (
    *(e.ItemsMoved, e.ReturnHandedOver, e.ReturnReceived, e.ReturnLost),
    *(e.PayoutPaid, e.PayoutFailed, e.PayoutBounced, e.PaymentUnexpected),
)
"""What may be learned long after it happened."""


def tell(voice: Voice, step: Step) -> str:
    """One sentence about what was recorded."""
    late = ", as was learned only later" if _learned_late(step) else ""
    return sentence(f"{in_a_sentence(voice, step)}{late} ({step.event.rule})")


def _learned_late(step: Step) -> bool:
    event = step.event
    reported = isinstance(event, REPORTED) and event.actor != "system" and not getattr(event, "inferred", False)
    return step.learned_late and reported


def tell_all(voice: Voice, steps: Iterable[Step]) -> list[str]:
    """A sentence for each."""
    return [tell(voice, step) for step in steps]
