"""What the buyer can do at a moment, until when, with what refund; and why not the rest.

The verdicts are those of the commands; the refunds are read off a trial of the very same decisions on copies of the
aggregates, so that options cannot say what `run` would not do.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from . import commands as c
from . import events as e
from .admission import moment
from .cancelling import Share, can_be_intercepted, companions, spelled, verdict_for_buyer
from .carriage import move_parcel
from .case import Case, Streams
from .claiming import may_claim
from .decide import decide, overdue
from .lifecycle import COMING_BACK
from .order import Order
from .policy import Policy
from .refunding import settle
from .requests import can_ask, carry_out, may_ask
from .returning import may_return, may_withdraw
from .rules import Verdict
from .units import Unit, counts, numbers
from .vocabulary import Party

Option = dict[str, Any]
ACTIONS = (
    "cancel-items",
    "request-cancellation",
    "refuse-delivery",
    "start-return",
    "withdraw-return",
    "file-claim",
    "withdraw-claim",
)
CAN_BE_REFUSED = frozenset({"shipped", "out-for-delivery", "returning"})
_OUTCOME = {"CANCEL-2": "not-guaranteed", "CANCEL-4": "not-guaranteed"}


class _Trial:
    """Fresh cases on the same order at the same moment, for looking and for trying."""

    def __init__(self, fresh: Callable[[], Streams], order_id: str, at: datetime, policy: Policy) -> None:
        self.fresh = fresh
        self.order_id = order_id
        self.at = at
        self.policy = policy

    def case(self, command: c.Command | None = None) -> Case:
        """A case of its own, with the passed deadlines recorded."""
        command = command or c.CancelItems(command_id="-", order_id=self.order_id, items="all")
        case = Case(
            self.fresh(), command, policy=self.policy, at=self.at, recorded_at=self.at, actor=None, actor_id=None
        )
        overdue(case, command)
        return case

    def refund_of(self, *attempts: c.Command, when: str | None = None) -> dict[str, Any] | None:
        """The refund that commands, one after the other, would make for the order."""
        case = self.case()
        start = len(case.events)
        for command in attempts:
            decide(case, command)
        return _refund(case.events[start:], self.order_id, when)

    def refund_by(self, act: Callable[[Case, Order], None], *, when: str | None = None) -> dict[str, Any] | None:
        """The refund that an act on the order would make."""
        case = self.case()
        start = len(case.events)
        act(case, case.orders[self.order_id])
        settle(case)
        return _refund(case.events[start:], self.order_id, when)


def options(fresh: Callable[[], Streams], order_id: str, at: datetime, policy: Policy) -> dict[str, Any]:
    """`options --json` for an order that exists; ``fresh`` gives copies of the aggregates that may be changed."""
    trial = _Trial(fresh, order_id, at, policy)
    case = trial.case()
    order = case.orders[order_id]
    if at < order.placed_at:
        why = Verdict("TIME-2", False, f"order {order_id} was placed only at {moment(order.placed_at)}")
        return {"order_id": order_id, "state": order.state, "at": moment(at), "options": [_no(a, why) for a in ACTIONS]}
    entries = [
        _cancel(trial, case, order),
        *_request(trial, case, order),
        _refuse(trial, case, order),
        _start_return(trial, case, order),
        *_withdraw_return(order),
        _file_claim(trial, case, order),
        *_withdraw_claim(order),
    ]
    return {"order_id": order_id, "state": order.state, "at": moment(at), "options": entries}


def _cancel(trial: _Trial, case: Case, order: Order) -> Option:
    verdicts = [verdict_for_buyer(case, order, unit) for unit in order.units]
    units = [unit for unit, verdict in zip(order.units, verdicts, strict=True) if verdict.allowed]
    if not units:
        return _no("cancel-items", verdicts[0])
    refund = trial.refund_of(
        c.CancelItems(command_id="-", order_id=order.order_id, items=counts(numbers(units)), accept_cascade=True)
    )
    verdict = next(v for v in verdicts if v.allowed)
    return _yes("cancel-items", verdict, units, "immediate", refund, companions(case, units, order))


def _request(trial: _Trial, case: Case, order: Order) -> list[Option]:
    judged = [(unit, may_ask(case, order, unit)) for unit in order.units]
    asked: dict[Party, list[tuple[Unit, Verdict]]] = {}
    for unit, verdict in _first_reached(judged):
        if verdict.ask is not None:
            asked.setdefault(verdict.ask, []).append((unit, verdict))
    if not asked:
        direct = next((verdict for _, verdict in judged if verdict.allowed), None)
        if direct is None:
            return [_no("request-cancellation", judged[0][1])]
        reason = "nobody need be asked: it can be cancelled directly"
        return [_no("request-cancellation", direct._replace(reason=reason, advice="cancel-items"))]
    return [_ask(trial, case, order, party, group) for party, group in asked.items()]


def _first_reached(judged: Iterable[tuple[Unit, Verdict]]) -> Iterator[tuple[Unit, Verdict]]:
    """Of each line the lowest-numbered units that one party answers for.

    A command names units by their number only, so those behind them cannot be asked for until these are.
    """
    for _, line in groupby(judged, key=lambda pair: pair[0].item_id):
        eligible = [(unit, verdict) for unit, verdict in line if can_ask(verdict)]
        for _, reached in islice(groupby(eligible, key=lambda pair: pair[1].ask), 1):
            yield from reached


def _ask(trial: _Trial, case: Case, order: Order, party: Party, group: list[tuple[Unit, Verdict]]) -> Option:
    units = [unit for unit, _ in group]
    rules = {verdict.rule for _, verdict in group}
    turning_back = party == "carrier" and not all(can_be_intercepted(case, unit) for unit in units)

    def approved(copy: Case, its_order: Order) -> None:
        mine = [its_order.units[unit.index] for unit in units]
        came_back_before = _coming_back(its_order)
        carry_out(copy, its_order, party, group[0][1].rule, mine, companions(copy, mine, its_order))
        _receive(copy, _coming_back(its_order) - came_back_before)

    refund = trial.refund_by(approved, when="on-receipt" if turning_back else None)
    outcome = "not-guaranteed" if rules & _OUTCOME.keys() else "needs-approval"
    option = _yes("request-cancellation", group[0][1], units, outcome, refund, companions(case, units, order))
    return {**option, "to": party, "until": None}


def _refuse(trial: _Trial, case: Case, order: Order) -> Option:
    units = [unit for unit in order.units if unit.state in CAN_BE_REFUSED and unit.shipment_id is not None]
    if not units:
        may = any(may_return(case, order, unit).allowed for unit in order.units)
        why = Verdict("REFUSE-1", False, "no parcel of the order is under way", "start-return" if may else None)
        return _no("refuse-delivery", why)

    def refused(copy: Case, _: Order) -> None:
        parcel_ids = {unit.shipment_id for unit in units if unit.shipment_id is not None}
        for shipment_id in sorted(parcel_ids):
            shipment = copy.shipment(shipment_id)
            if shipment is not None:
                move_parcel(copy, shipment, "refuse", "refuse-delivery")
        _receive(copy, parcel_ids)

    refund = trial.refund_by(refused, when="on-receipt")
    others = companions(case, units, order)
    return _yes("refuse-delivery", Verdict("REFUSE-1", True), units, "immediate", refund, others)


def _coming_back(order: Order) -> set[str]:
    """The parcels in which units of the order come back."""
    return {unit.shipment_id for unit in order.units if unit.state in COMING_BACK and unit.shipment_id is not None}


def _receive(case: Case, parcel_ids: set[str]) -> None:
    """Parcels that a trial sent back are received, so that it shows the refund that this makes."""
    for shipment_id in sorted(parcel_ids):
        decide(case, c.ReceiveReturn(command_id="-", shipment_id=shipment_id))


def _start_return(trial: _Trial, case: Case, order: Order) -> Option:
    verdicts = [may_return(case, order, unit) for unit in order.units]
    units = [unit for unit, verdict in zip(order.units, verdicts, strict=True) if verdict.allowed]
    if not units:
        return _no("start-return", verdicts[0])
    wanted = counts(numbers(units))
    return_id = f"{order.order_id}:return:{len(order.returns) + 1}"
    refund = trial.refund_of(
        c.StartReturn(command_id="-", order_id=order.order_id, items=wanted, reason="other"),
        c.ReceiveReturn(
            command_id="-",
            return_id=return_id,
            received=[c.Received(item_id, quantity, "unopened") for item_id, quantity in wanted.items()],
        ),
        when="on-receipt",
    )
    soonest = min((v for v in verdicts if v.allowed and v.until), key=lambda v: v.until or trial.at)
    return _yes("start-return", soonest, units, "immediate", refund)


def _withdraw_return(order: Order) -> list[Option]:
    entries = []
    for a_return in order.returns.values():
        if order.return_status(a_return) in ("open", "handed-over"):
            verdict = may_withdraw(a_return)
            units = order.outstanding(a_return)
            option = (
                _yes("withdraw-return", verdict, units, "immediate")
                if verdict.allowed
                else _no("withdraw-return", verdict)
            )
            entries.append({**option, "return_id": a_return.return_id})
    return entries or [_no("withdraw-return", Verdict("RETURN-4", False, "no return is open"))]


def _file_claim(trial: _Trial, case: Case, order: Order) -> Option:
    verdicts = [may_claim(case, order, unit) for unit in order.units]
    units = [unit for unit, verdict in zip(order.units, verdicts, strict=True) if verdict.allowed]
    if not units:
        return _no("file-claim", verdicts[0])
    claim_id = f"{order.order_id}:claim:{len(order.claims) + 1}"
    refund = trial.refund_of(
        c.FileClaim(command_id="-", order_id=order.order_id, items=counts(numbers(units))),
        c.DecideClaim(command_id="-", claim_id=claim_id, approve=True),
    )
    verdict = next(v for v in verdicts if v.allowed)
    return _yes("file-claim", verdict, units, "needs-approval", refund)


def _withdraw_claim(order: Order) -> list[Option]:
    entries = [
        {
            **_yes("withdraw-claim", Verdict("CLAIM-3", True), order.pick(claim.units), "immediate"),
            "claim_id": claim.claim_id,
        }
        for claim in order.claims.values()
        if claim.status == "open"
    ]
    return entries or [_no("withdraw-claim", Verdict("CLAIM-3", False, "no claim is open"))]


def _yes(
    action: str,
    verdict: Verdict,
    units: Iterable[Unit],
    outcome: str,
    refund: dict[str, Any] | None = None,
    others: Iterable[Share] = (),
) -> Option:
    return {
        "action": action,
        "allowed": True,
        "rule": verdict.rule,
        "items": counts(numbers(units)),
        "until": None if verdict.until is None else moment(verdict.until),
        "outcome": outcome,
        "cascade": list(spelled(others)),
        "refund": refund,
    }


def _no(action: str, verdict: Verdict) -> Option:
    return {
        "action": action,
        "allowed": False,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "advice": verdict.advice,
    }


def _refund(events: Iterable[e.Event], order_id: str, when: str | None) -> dict[str, Any] | None:
    """What the buyer gets: refunds made, and unpaid ones that a claim takes over are not counted again."""
    made = [event for event in events if isinstance(event, e.RefundOwed) and event.order_id == order_id]
    if not made:
        return None
    return {
        "amount": sum(refund.amount for refund in made),
        "when": when or ("deferred" if made[0].due_at is None else "due"),
        "payouts": [
            {
                "payment_id": payout.payment_id,
                "method": payout.method,
                "amount": payout.amount,
                "promised_by": None if when or payout.promised_by is None else moment(payout.promised_by),
            }
            for refund in made
            for payout in refund.payouts
        ],
    }
