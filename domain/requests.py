"""Asking a party to cancel, and its answer (RULEBOOK section 4)."""

from datetime import timedelta

from . import events as e
from .admission import admit, known_order, known_request, still_open
from .cancelling import (
    Share,
    accepted_cascade,
    can_be_intercepted,
    cancel_directly,
    cancel_units,
    companions,
    named,
    parcels,
    placed_by_now,
    spelled,
    verdict_for_buyer,
    with_own,
)
from .carriage import move_parcel
from .case import Case
from .commands import AnswerCancellation, RequestCancellation
from .errors import Rejection
from .order import Order, Request
from .rules import Verdict, refused, rule
from .selection import Chosen, check_known, choose, once_for_alike
from .units import Unit, numbers
from .vocabulary import OrderUnits, Party


def request_cancellation(case: Case, command: RequestCancellation) -> None:
    """Ask the party that can cancel the units; units that can all be cancelled directly simply are."""
    order = known_order(case, command.order_id)
    check_known(order, command.items)
    admit(case, command, [order])
    chosen = choose(order, command.items, once_for_alike(lambda unit: may_ask(case, order, unit)), can_ask)
    party = _one_party(chosen)
    if party is None:
        cancel_directly(case, order, chosen, accepted=command.accept_cascade, reason=command.reason)
        return
    units = [c.unit for c in chosen]
    others = accepted_cascade(case, order, units, accepted=command.accept_cascade)
    hours = order.rules.cancellation.seller_answer_hours
    case.record(
        order,
        e.CancellationRequested,
        chosen[0].verdict.rule,
        request_id=f"{order.order_id}:request:{len(order.requests) + 1}",
        to=party,
        units=numbers(units),
        accepted=[OrderUnits(other.order_id, numbers(rest)) for other, rest in others],
        answer_by=case.at + timedelta(hours=hours) if party == "seller" else None,
        reason=command.reason,
    )


@rule("CANCEL-7", "E", "A unit with an open request cannot be requested again.")
def may_ask(case: Case, order: Order, unit: Unit) -> Verdict:
    """The buyer's verdict, where an open request stands in the way of another."""
    verdict = verdict_for_buyer(case, order, unit)
    if verdict.ask is not None and unit.request_id is not None:
        return refused("CANCEL-7", f"{named(unit)} is asked for already by {unit.request_id}", advice="wait")
    return verdict


def can_ask(verdict: Verdict) -> bool:
    """Whether a unit can be requested: somebody can be asked, or nobody need be."""
    return verdict.allowed or verdict.ask is not None


@rule(
    "CANCEL-8",
    "E",
    "One request asks one party: units that need different answerers, or of which only some could be cancelled "
    "directly, are rejected together and asked for apart.",
)
def _one_party(chosen: list[Chosen]) -> str | None:
    parties = {c.verdict.ask for c in chosen}
    if len(parties) > 1:
        who = sorted("nobody" if party is None else f"the {party}" for party in parties)
        raise Rejection("CANCEL-8", f"these units need different answers: {', '.join(who)}", "request-cancellation")
    return parties.pop()


def answer_cancellation(case: Case, command: AnswerCancellation) -> None:
    """The party that was asked approves (for the whole parcel, or before dispatch for the units alone) or declines."""
    order, request = known_request(case, command.request_id)
    admit(case, command, [order], natural=request.to, party=request.to)
    still_open("request", request.request_id, request.status)
    if not command.approve:
        case.record(order, e.CancellationDeclined, request.rule, request_id=request.request_id, reason=command.reason)
        return
    units = order.pick(request.units)
    others = _listed(case, order, request, units) if command.scope == "parcel" else _none_dispatched(request)
    case.record(
        order,
        e.CancellationApproved,
        request.rule,
        request_id=request.request_id,
        scope=command.scope,
        reason=command.reason,
    )
    taken_out = command.scope == "units"
    carry_out(case, order, request.to, request.rule, units, others, reason=command.reason, taken_out=taken_out)


def carry_out(
    case: Case,
    order: Order,
    party: Party,
    rule_id: str,
    units: list[Unit],
    others: list[Share],
    *,
    reason: str | None = None,
    taken_out: bool = False,
) -> None:
    """What an approval does: cancel, or under CANCEL-4 turn the parcel back."""
    shares = with_own(order, units, others)
    if party == "carrier":
        _stop_or_turn_back(case, shares, units)
    else:
        cancel_units(case, shares, rule_id, reason=reason, taken_out=taken_out)


def _listed(case: Case, order: Order, request: Request, units: list[Unit]) -> list[Share]:
    """What goes along, all of which the request's acceptance must have listed (COMBINED-1)."""
    listed = {(a.order_id, item_id, n) for a in request.accepted for item_id, ns in a.units.items() for n in ns}
    others = placed_by_now(case, companions(case, units, order))
    unlisted = [
        (other, [u for u in rest if (other.order_id, u.item_id, u.number) not in listed]) for other, rest in others
    ]
    unlisted = [(other, rest) for other, rest in unlisted if rest]
    if unlisted:
        raise Rejection(
            "COMBINED-1", "the parcel holds units that the buyer did not accept to lose", cascade=spelled(unlisted)
        )
    return others


def _none_dispatched(request: Request) -> list[Share]:
    if request.to == "carrier":
        raise Rejection(
            "COMBINED-1", "the parcel is dispatched: its goods cannot be taken out, scope units is too late"
        )
    return []


def _stop_or_turn_back(case: Case, shares: list[Share], asked: list[Unit]) -> None:
    """Judged by the units' state now: own carrier and still shipped, CANCEL-3; otherwise CANCEL-4."""
    stopped = [(order, [u for u in units if can_be_intercepted(case, u)]) for order, units in shares]
    turning = [
        parcel for parcel in parcels(case, asked) if not (parcel.carrier.kind == "own" and parcel.state == "shipped")
    ]
    if any(units for _, units in stopped):
        cancel_units(case, [(order, units) for order, units in stopped if units], "CANCEL-3")
    for parcel in turning:
        move_parcel(case, parcel, "turn-back", case.command_name, rule_id="CANCEL-4", requested=True)
