"""What happened to an order, as far as the list of orders shows it; told as of any time as the domain folds it.

Of the events that had happened by then, in the order of their recording, those whose return, request or refund had
begun: see ``fold_as_of`` of the domain. Ids are kept without the order's own in front: ``:return:1``. A request's
lapse because nobody answered is no step: its deadline says it, whether or not anybody has recorded it.
"""

from typing import Any

import msgspec
from msgspec import Struct

from ..domain import events as e
from ..domain.lifecycle import MOVES, RANK, STATES
from ..domain.vocabulary import Units
from .projection import maybe_microseconds, microseconds
from .story import as_json

UNTOUCHED = "-"
LETTERS = {state: chr(ord("a") + rank) for state, rank in RANK.items()}
"""A unit's state, so that the order's state is the least letter of its units."""
_STATES = dict(zip(LETTERS.values(), STATES, strict=True))
_DESTINATIONS = {move.trigger: move.dest for move in MOVES}
_MOVED: dict[Any, str] = {kind: _DESTINATIONS[kind.trigger] for kind in e.ItemsMoved.__subclasses__()}
MOVES_TO: dict[Any, str] = {
    e.ItemsRefunded: "refunded",
    e.ReturnStarted: "in-return",
    e.ReturnWithdrawn: "delivered",
    e.ReturnLapsed: "delivered",
    e.ReturnReceived: "returned",
    e.ReturnLost: "lost",
} | _MOVED
_LETTER_AFTER = {kind: LETTERS[state] for kind, state in MOVES_TO.items() if kind is not e.ItemsUnpacked}
_ABOUT = {kind: "refund_id" if kind is e.ItemsRefunded else "return_id" for kind in MOVES_TO if kind not in _MOVED}
CLOSES = (e.CancellationApproved, e.CancellationDeclined, e.CancellationLapsed)
PAYS = (e.PayoutSubmitted, e.PayoutPaid, e.PayoutFailed, e.PayoutBounced)


class _Step(Struct, frozen=True, array_like=True, gc=False):
    at_us: int


class _Moved(_Step, frozen=True, tag="m"):
    """``units``: each unit's new letter, or one letter for all; ``of`` a return, which it may begin, or a refund."""

    units: str
    of: str = ""
    begins: bool = False


class _Asked(_Step, frozen=True, tag="a"):
    request: str
    answer_by_us: int | None


class _Closed(_Step, frozen=True, tag="c"):
    request: str


class _Owed(_Step, frozen=True, tag="o"):
    """``amounts`` by payment; ``of`` a return, if it is refunded because of one."""

    refund: str
    amounts: dict[str, int]
    of: str = ""


class _Payout(_Step, frozen=True, tag="p"):
    refund: str
    payment_id: str
    paid: bool


_decode_firsts = msgspec.json.Decoder(dict[str, int]).decode
_decode = msgspec.json.Decoder(list[_Moved | _Asked | _Closed | _Owed | _Payout]).decode


def state_of(units: str) -> str:
    """The state of the least finished of the units."""
    return _STATES[min(units)]


def moved(units: str, mask: str) -> str:
    """The units' letters after a move."""
    if len(mask) == 1:
        return mask * len(units)
    return "".join([new if new != UNTOUCHED else old for old, new in zip(units, mask, strict=True)])


def mask_of(event: Any, units: str, firsts: str) -> str:
    """Which units an event moves, and where to; ``firsts``, as JSON, is where each item's units begin."""
    letter = _LETTER_AFTER.get(type(event)) or LETTERS[event.to]
    touched: Units = event.units
    if sum(map(len, touched.values())) == len(units):
        return letter
    letters, beginnings = [UNTOUCHED] * len(units), _decode_firsts(firsts)
    for item_id, numbers in touched.items():
        before_first = beginnings[item_id] - 1
        for number in numbers:
            letters[before_first + number] = letter
    return "".join(letters)


def move_step(event: Any, mask: str) -> str:
    """What an event that moves units adds to the story, as JSON."""
    field = _ABOUT.get(type(event))
    if field is None:
        return f'["m",{microseconds(event.at)},"{mask}"]'  # most steps by far: as short as can be
    about = short(event, getattr(event, field))
    return as_json(_Moved(microseconds(event.at), mask, about, isinstance(event, e.ReturnStarted)))


def other_steps(event: Any) -> list[str]:
    """What an event about a request, a refund or a payout adds to the story, as JSON: at most one step."""
    at = microseconds(event.at)
    if isinstance(event, PAYS):
        paid = isinstance(event, e.PayoutPaid)
        return [as_json(_Payout(at, short(event, event.refund_id), event.payment_id, paid))]
    if isinstance(event, e.RefundOwed):
        amounts = {payout.payment_id: payout.amount for payout in event.payouts}
        return [as_json(_Owed(at, short(event, event.refund_id), amounts, short(event, event.return_id)))]
    if isinstance(event, e.CancellationRequested):
        return [as_json(_Asked(at, short(event, event.request_id), maybe_microseconds(event.answer_by)))]
    return [] if is_unanswered(event) else [as_json(_Closed(at, short(event, event.request_id)))]


def short(event: e.OrderEvent, its_id: str | None) -> str:
    """An id that the engine gave, without the order's own in front."""
    return "" if its_id is None else its_id.removeprefix(event.order_id)


def is_unanswered(event: e.OrderEvent) -> bool:
    """Whether a request lapsed because its time was over."""
    return isinstance(event, e.CancellationLapsed) and event.because == "unanswered"


class Told(Struct, gc=False):
    """``requests`` that nobody has answered or overtaken, with the microseconds to answer by; ``owed`` by payout."""

    units: str
    requests: dict[str, int | None]
    owed: dict[tuple[str, str], int]


def told(units: str, story: str, until: int) -> Told:
    """The order by what had happened ``until`` then; ``units`` are its letters when it was placed."""
    now = Told(units, {}, {})
    amounts: dict[tuple[str, str], int] = {}
    known: set[str] = {""}
    for step in _decode(story):
        if step.at_us > until:
            continue
        match step:
            case _Moved(units=mask, of=of, begins=begins):
                if begins:
                    known.add(of)
                if of in known:
                    now.units = moved(now.units, mask)
            case _Asked(request=request, answer_by_us=answer_by_us):
                known.add(request)
                now.requests[request] = answer_by_us
            case _Closed(request=request):
                now.requests.pop(request, None)
            case _Owed(refund=refund, of=of):
                if of in known:
                    known.add(refund)
                    of_refund = {(refund, payment_id): amount for payment_id, amount in step.amounts.items()}
                    amounts |= of_refund
                    now.owed |= of_refund
            case _Payout(refund=refund, payment_id=payment_id, paid=paid):
                if refund in known:
                    payout = (refund, payment_id)
                    now.owed[payout] = 0 if paid else amounts[payout]
    return now


def still_open(requests: dict[str, int | None], at_us: int) -> int:
    """How many of the requests can be answered at that time: exactly at its deadline is still in time."""
    return sum(answer_by_us is None or answer_by_us >= at_us for answer_by_us in requests.values())
