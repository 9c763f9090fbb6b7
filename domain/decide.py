"""From a command to its outcome: the order of asking, in one place.

malformed (``commands.parse``); ORDER-0 (the journal's); then here: passed deadlines are recorded; ORDER-2; AUTH-1;
TIME-2; ORDER-5; the command's own rules in the order of the book; COMBINED-2; PACK-1; COMBINED-1. The first that says
no answers. Every module's function asks in that order before it records anything.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, NamedTuple

import msgspec

from . import commands as c
from .admission import admit, mentioned, owner
from .cancelling import cancel_items
from .carriage import dispatch_shipment, report
from .case import Case
from .claiming import decide_claim, file_claim, withdraw_claim
from .deadlines import catch_up
from .errors import CascadeUnits, Rejection
from .events import Event, OrderEvent
from .lifecycle import UNDER_WAY
from .packing import pack_shipment, unpack_shipment
from .payouts import report_payout, submit_payout
from .placing import place_order
from .refunding import settle
from .requests import answer_cancellation, request_cancellation
from .returning import hand_over_return, lose_return, receive_return, start_return, withdraw_return
from .rules import rule

Status = Literal["accepted", "noted", "rejected"]


class Outcome(NamedTuple):
    """What a decision made: ``events`` also where it was rejected or noted (deadlines that had passed)."""

    status: Status
    order_ids: list[str]
    events: list[Event]
    rule: str | None = None
    reason: str | None = None
    advice: str | None = None
    cascade: tuple[CascadeUnits, ...] = ()
    idempotency_key: str | None = None


def pass_time(case: Case, command: c.PassTime) -> None:
    """The deadlines that were due are recorded already, as before every command."""
    admit(case, command, [], natural="system")


_DECISIONS: dict[type[c.Command], Callable[[Case, Any], object]] = {
    c.PlaceOrder: place_order,
    c.CancelItems: cancel_items,
    c.RequestCancellation: request_cancellation,
    c.AnswerCancellation: answer_cancellation,
    c.PackShipment: pack_shipment,
    c.UnpackShipment: unpack_shipment,
    c.DispatchShipment: dispatch_shipment,
    c.StartDelivery: report,
    c.FailAttempt: report,
    c.Deliver: report,
    c.RefuseDelivery: report,
    c.TurnBack: report,
    c.LoseShipment: report,
    c.StartReturn: start_return,
    c.WithdrawReturn: withdraw_return,
    c.HandOverReturn: hand_over_return,
    c.ReceiveReturn: receive_return,
    c.LoseReturn: lose_return,
    c.SubmitPayout: submit_payout,
    c.ReportPayout: report_payout,
    c.FileClaim: file_claim,
    c.DecideClaim: decide_claim,
    c.WithdrawClaim: withdraw_claim,
    c.PassTime: pass_time,
}


def decide(case: Case, command: c.Command, *, reused: bool = False) -> Outcome:
    """Decide ``command`` on the case's aggregates (which it changes); never raises for a rule's no.

    ``reused``: its id was used before by a command with another content (ORDER-0).
    """
    named = overdue(case, command)
    changed_by_time = len(case.events)
    try:
        if reused:
            raise Rejection("ORDER-0", f"the command id {command.command_id} was used for another command")
        _DECISIONS[type(command)](case, command)
        settle(case)
    except Rejection as no:
        assert len(case.events) == changed_by_time, "a rejection leaves nothing half done"
        case.learn_at_once()
        return Outcome("rejected", _touched(case, named), case.events, no.rule, no.reason, no.advice, no.cascade)
    case.learn_at_once()
    status: Status = "noted" if case.noted else "accepted"
    return Outcome(status, _touched(case, named), case.events, idempotency_key=case.idempotency_key)


def overdue(case: Case, command: c.Command) -> list[str]:
    """Record the deadlines that passed before the command; gives the known orders that it names."""
    named = [order_id for order_id in _named(case, command) if case.order(order_id) is not None]
    catch_up(case, {*named, *_sharing_a_parcel(case, command)})
    return named


def _touched(case: Case, named: Iterable[str]) -> list[str]:
    return sorted({*named, *(event.order_id for event in case.events if isinstance(event, OrderEvent))})


def _named(case: Case, command: c.Command) -> list[str]:
    """The ids of the orders that a command names, itself or through a shipment's contents."""
    if isinstance(command, c.PassTime):
        return case.streams.due(case.at)
    order_ids, shipment_id = mentioned(command)
    return order_ids if shipment_id is None else [*order_ids, *_inside(case, shipment_id)]


def streams_named(command: c.Command) -> list[str]:
    """The streams that a command names, for whoever wants to load them beforehand."""
    order_ids, shipment_id = mentioned(command)
    return [*(f"order:{order_id}" for order_id in order_ids), *([f"shipment:{shipment_id}"] if shipment_id else [])]


def streams_made(command: c.Command) -> list[str]:
    """The streams that a command is to begin."""
    if isinstance(command, c.PlaceOrder):
        return [f"order:{command.order_id}"]
    if isinstance(command, (c.PackShipment, c.DispatchShipment)) and command.contents:
        return [f"shipment:{command.shipment_id}"]
    return []


def _inside(case: Case, shipment_id: str) -> list[str]:
    shipment = case.shipment(shipment_id)
    return list(shipment.contents) if shipment is not None else []


def _sharing_a_parcel(case: Case, command: c.Command) -> set[str]:
    """The orders that a cancellation would change through a parcel: their passed deadlines are recorded first."""
    if isinstance(command, (c.CancelItems, c.RequestCancellation)):
        order = case.order(command.order_id)
        wanted = command.items
        units = [u for u in order.units if wanted == "all" or u.item_id in wanted] if order else []
    elif isinstance(command, c.AnswerCancellation) and command.approve and command.scope == "parcel":
        order = case.order(owner(command.request_id, "request"))
        request = order.requests.get(command.request_id) if order else None
        units = order.pick(request.units) if order and request else []
    else:
        return set()
    moving = [unit for unit in units if unit.shipment_id and (unit.state == "preparing" or unit.state in UNDER_WAY)]
    return {order_id for sid in {u.shipment_id for u in moving} if sid for order_id in _inside(case, sid)}


@rule(
    "ORDER-0",
    "E",
    "A repeated command id answers as the first time and changes nothing; the same id with another content is "
    "rejected.",
)
def same_content(earlier: bytes, later: bytes) -> bool:
    """Whether two canonical commands say the same in all but their ``at``; if not, ORDER-0 answers."""
    return earlier == later or _without_time(earlier) == _without_time(later)


def _without_time(content: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(content)
    del fields["at"]
    return fields
