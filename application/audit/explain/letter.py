"""The explanation as sections of plain sentences that a buyer could be sent; rules in brackets, their texts at the end.

Says nothing that is not in the explanation.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from .attempts import Attempt, is_for_the_buyer
from .explanation import (
    ClaimExplained,
    Explained,
    Explanation,
    Ground,
    OrderExplained,
    RefundExplained,
    RequestExplained,
    ReturnExplained,
)
from .prose import WHO, Voice, day, listed, method, sentence, span
from .reckoning import PayoutExplained, RefundInBrief
from .recorded import Number
from .sums import arithmetic, splitting
from .telling import tell, tell_all
from .tells_attempts import tell_attempt
from .told import UNIT_OF_TIME


class Section(Struct, frozen=True):
    """A heading, and under it paragraphs, then the lines of a list."""

    title: str
    paragraphs: list[str] = []
    lines: list[str] = []


KEPT_FOR = {"restocking": "for goods that came back opened", "return-shipping": "for the way back"}


def in_words(explanation: Explanation) -> list[Section]:
    """The whole explanation, section by section; the first one's title names what it is about."""
    doubts = Section("What does not add up", lines=explanation.doubts)
    if not isinstance(explanation, Explained):
        return [Section(explanation.id, [f"What was recorded of {explanation.id} cannot be explained."]), doubts]
    voice = Voice(explanation.order)
    tried = [*_tried(voice, explanation.attempts)]
    told = [
        *_TELLERS[type(explanation)](voice, explanation),
        Section("What was tried in vain", lines=tried),
        doubts,
        Section("The rules", lines=[f"{rule}: {text}" for rule, text in explanation.rules.items()]),
        *_numbers(explanation),
    ]
    return [section for section in told if section.paragraphs or section.lines]


def _tried(voice: Voice, attempts: Iterable[Attempt]) -> Iterator[str]:
    for attempt in attempts:
        if is_for_the_buyer(attempt, voice.order.buyer_id, voice.order.seller_id):
            yield tell_attempt(voice, attempt)


def _numbers(explanation: Explained) -> Iterator[Section]:
    own = [_number(number) for number in explanation.numbers if number.parcel is None]
    yield Section(f"The numbers of policy {explanation.order.policy_version}, by which this order is judged", lines=own)
    for parcel in dict.fromkeys(number.parcel for number in explanation.numbers if number.parcel is not None):
        shared = [_number(number) for number in explanation.numbers if number.parcel == parcel]
        yield Section(f"The numbers of parcel {parcel}, whose orders have different policies", lines=shared)


def _number(number: Number) -> str:
    return f"{number.name} = {number.value if isinstance(number.value, int) else ', '.join(number.value)}"


# --- a refund ---------------------------------------------------------------------------------------------------------


def _refund(voice: Voice, refund: RefundExplained) -> Iterator[Section]:
    units, amount = voice.units(refund.units), voice.money(refund.amount)
    said = {
        "paid": f"You have been refunded {amount} for {units}",
        "due": f"You are owed {amount} for {units}",
        "deferred": f"You will be refunded {amount} for {units}",
    }[refund.status]
    yield Section(f"Refund {refund.id} of order {refund.order.order_id}", [f"{said}."])
    payouts = [line for payout in refund.payouts for line in _payout(voice, payout)]
    yield Section("How it is paid", lines=[*payouts, *tell_all(voice, refund.unexpected), *_end_of(voice, refund)])
    yield Section("How the amount comes about", lines=arithmetic(voice, refund))
    intro, parts = splitting(voice, refund)
    yield Section("Which payment it goes back to", [intro], parts)
    yield Section("Why it is owed", lines=[*tell_all(voice, reversed(refund.because)), *_when(voice, refund)])


def _payout(voice: Voice, payout: PayoutExplained) -> Iterator[str]:
    to = voice.account(payout.payment_id)
    promise = payout.promise
    if promise is None:
        yield f"{voice.money(payout.amount)} goes to {to}, when the refund falls due (PARTIAL-1)."
    else:
        counted = span(promise.number, promise.counted_in)
        yet = "" if payout.reports else " It has not been paid yet."
        yield (
            f"{voice.money(payout.amount)} goes to {to}: promised by {day(promise.by)}, {counted} after "
            f"{day(promise.counted_from)} (REFUND-2).{yet}"
        )
    yield from tell_all(voice, payout.reports)
    if payout.status == "submitted":
        yield "Whether it arrived has not been reported yet."


def _end_of(voice: Voice, refund: RefundExplained) -> Iterator[str]:
    if refund.amount == 0:
        yield "There is nothing to pay."
    if refund.settled is not None:
        yield tell(voice, refund.settled)


def _when(voice: Voice, refund: RefundExplained) -> Iterator[str]:
    deferral = refund.deferral
    if deferral is None:
        yield tell(voice, refund.owed)
    else:
        latest = f"at the latest {span(deferral.number, 'days')} after that, on {day(deferral.latest)}"
        known = " for all that was known then" if any(step.learned_late for step in deferral.by) else ""
        yield (
            f"On {day(refund.made_at)}, when this refund was made, {voice.units(deferral.waiting)} of the same order "
            f"still waited to be shipped{known}; so it was put off until nothing does any more, {latest} (PARTIAL-1)."
        )
        yield from tell_all(voice, deferral.by)
        if deferral.released is not None:
            yield tell(voice, deferral.released)
    if refund.taken_over is not None:
        yield tell(voice, refund.taken_over)
    funder = {"marketplace": "the marketplace", "seller": "the seller"}
    if refund.funded_by == refund.processor:
        yield sentence(f"{funder[refund.funded_by]} sold the goods, bears the refund and pays it out (REFUND-3)")
    else:
        yield sentence(
            f"{funder[refund.funded_by]} sold the goods and bears the refund; {funder[refund.processor]} pays it out "
            "(REFUND-3)"
        )


def _briefly(voice: Voice, refunds: Iterable[RefundInBrief]) -> Iterator[str]:
    status = {"deferred": "put off", "due": "due", "paid": "paid"}
    for refund in refunds:
        over = ", taken over by the marketplace" if refund.taken_over else ""
        kept = "".join(f" - {voice.figure(d.amount)} kept {KEPT_FOR[d.kind]}" for d in refund.deductions)
        sum_of = f" ({voice.figure(refund.value)}{kept} = {voice.money(refund.amount)})" if kept else ""
        yield (
            f"Refund {refund.refund_id} of {voice.money(refund.amount)} for {voice.units(refund.units)}{sum_of} is "
            f"{status[refund.status]}{over}."
        )


def _money(voice: Voice, refunds: list[RefundInBrief]) -> Iterator[Section]:
    if refunds:
        yield Section("What it means in money", lines=[*_briefly(voice, refunds)])


# --- a request --------------------------------------------------------------------------------------------------------


def _request(voice: Voice, request: RequestExplained) -> Iterator[Section]:
    said = {
        "open": "has not been answered yet",
        "approved": "was agreed to",
        "declined": "was declined",
        "lapsed": "ended without an answer",
    }[request.status]
    whole = f"Your request to cancel {voice.units(request.units)} {said}."
    yield Section(f"Request {request.id} of order {request.order.order_id}", [whole])
    yield Section("What was asked", lines=[*_asked(voice, request)])
    if request.closed is not None:
        yield Section("What came of it", lines=tell_all(voice, [request.closed, *request.outcome]))
    yield from _money(voice, request.refunds)


def _asked(voice: Voice, request: RequestExplained) -> Iterator[str]:
    yield tell(voice, request.asked)
    if request.accepted:
        rest = listed(
            voice.units(part.units)
            if part.order_id == request.order.order_id
            else f"{voice.quantities(part.units)} of order {part.order_id}"
            for part in request.accepted
        )
        yield f"You accepted that the rest of the parcel may be cancelled with it: {rest} (COMBINED-1)."
    if request.answer_by is not None and request.answer_within is not None:
        hours = span(request.answer_within, "hours")
        yield sentence(f"{WHO[request.to]} had {hours} to answer, until {day(request.answer_by)} ({request.rule})")
    else:
        yield sentence(f"{WHO[request.to]} had no deadline to answer")


# --- a return ---------------------------------------------------------------------------------------------------------


def _return(voice: Voice, found: ReturnExplained) -> Iterator[Section]:
    said = {
        "open": "is announced, and the goods are not on their way yet",
        "handed-over": "is on its way",
        "received": "was received",
        "withdrawn": "was withdrawn",
        "lapsed": "ended before all of it was received",
    }[found.status]
    whole = f"Your return of {voice.units(found.units)} {said}."
    yield Section(f"Return {found.id} of order {found.order.order_id}", [whole])
    yield Section("Until when", lines=[*_windows(voice, found)])
    yield Section("What happened", lines=tell_all(voice, [found.started, *found.steps]))
    yield from _money(voice, found.refunds)


def _windows(voice: Voice, found: ReturnExplained) -> Iterator[str]:
    for window in found.windows:
        yield sentence(
            f"{voice.which(window.item_id, window.units)}: delivered on {day(window.delivered_at)}; a return can be "
            f"started within {span(window.number, 'days')}, until {day(window.until)} (RETURN-1)"
        )
    days = span(found.lapse_after, "days")
    end = f"the goods had to be handed over to a carrier, or received, by {day(found.lapses_at)}"
    yield sentence(f"{end}: {days} after the last of these days (RETURN-4)")


# --- a claim ----------------------------------------------------------------------------------------------------------


def _claim(voice: Voice, claim: ClaimExplained) -> Iterator[Section]:
    said = {
        "open": "has not been decided yet",
        "granted": "was granted",
        "denied": "was denied",
        "withdrawn": "was withdrawn",
    }[claim.status]
    whole = f"Your claim for {voice.units(claim.units)} {said}."
    yield Section(f"Claim {claim.id} of order {claim.order.order_id}", [whole])
    latest = f"claims were possible for {span(claim.latest_after, 'days')} after the order, until {day(claim.latest)}"
    grounds = [_ground(voice, ground) for ground in claim.grounds]
    yield Section("What it was for", lines=[tell(voice, claim.filed), *grounds, sentence(f"{latest} (CLAIM-1)")])
    if claim.decided is not None:
        yield Section("What was decided", lines=tell_all(voice, [claim.decided]))
    yield from _money(voice, claim.refunds)


def _ground(voice: Voice, ground: Ground) -> str:
    units, passed = voice.units(ground.units), day(ground.passed_at)
    unit = UNIT_OF_TIME.get(ground.number.name.partition(".")[2], "days") if ground.number is not None else ""
    after = f"{span(ground.number, unit)} after " if ground.number is not None else ""
    said = {
        "a": f"your request {ground.about} was not answered by {passed}, {after}you asked",
        "b": f"not delivered by {passed}, {after}the order was placed",
        "c": f"return {ground.about} was not received by {passed}, {after}it was handed over",
        "d": f"refund {ground.about} was not paid by {passed}, the time promised",
    }[ground.letter]
    return sentence(f"{units}: {said} (CLAIM-1)")


# --- an order ---------------------------------------------------------------------------------------------------------


def _order(voice: Voice, found: OrderExplained) -> Iterator[Section]:
    order = found.order
    paid = listed(f"{voice.money(p.amount)} by {method(p.method)}" for p in order.payments) if order.payments else ""
    whole = f"You paid {voice.money(order.total)}" + (f": {paid}" if len(order.payments) > 1 else "")
    yield Section(f"Order {order.order_id}", [f"{whole}."])
    yield Section("What each piece is worth", lines=arithmetic(voice, found))
    lines = [
        line for x in found.history for line in (_tried(voice, [x]) if isinstance(x, Attempt) else [tell(voice, x)])
    ]
    yield Section("What happened", lines=lines)
    yield from _money(voice, found.refunds)


_TELLERS: dict[type[Explained], Callable[[Voice, Any], Iterator[Section]]] = {
    RefundExplained: _refund,
    RequestExplained: _request,
    ReturnExplained: _return,
    ClaimExplained: _claim,
    OrderExplained: _order,
}
