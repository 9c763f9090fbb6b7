"""How events change an order: one function an event, none of which rejects or asks policy."""

from collections.abc import Callable
from typing import Any, TypeVar

from . import events as e
from .moves import MOVES, Move
from .order import Claim, Order, Payout, Refund, Request, Return

E = TypeVar("E", bound=e.OrderEvent)

CHANGES: dict[type[e.Event], Callable[[Order, Any], None]] = {}
"""By event; each changes the order in place."""


def _on(kind: type[E]) -> Callable[[Callable[[Order, E], None]], Callable[[Order, E], None]]:
    def register(change: Callable[[Order, E], None]) -> Callable[[Order, E], None]:
        CHANGES[kind] = change
        return change

    return register


# --- units move -------------------------------------------------------------------------------------------------------


def _moving(move: Move[Any]) -> Callable[[Order, Any], None]:
    def change(order: Order, event: e.ItemsMoved) -> None:
        move(order.pick(event.units), event)

    return change


CHANGES.update({kind: _moving(move) for kind, move in MOVES.items()})


@_on(e.ItemsUnpacked)
def _unpacked(order: Order, event: e.ItemsUnpacked) -> None:
    for unit in order.pick(event.units):
        unit.state = event.to
        unit.shipment_id = None


@_on(e.ItemsRefunded)
def _refunded(order: Order, event: e.ItemsRefunded) -> None:
    for unit in order.pick(event.units):
        unit.state = "refunded"


# --- requests ---------------------------------------------------------------------------------------------------------


@_on(e.CancellationRequested)
def _requested(order: Order, event: e.CancellationRequested) -> None:
    order.requests[event.request_id] = Request(
        event.request_id, event.rule, event.to, event.units, event.accepted, event.at, event.answer_by
    )
    for unit in order.pick(event.units):
        unit.request_id = event.request_id


def _close_request(order: Order, request_id: str) -> Request:
    request = order.requests[request_id]
    for unit in order.pick(request.units):
        if unit.request_id == request_id:
            unit.request_id = None
    return request


@_on(e.CancellationApproved)
def _approved(order: Order, event: e.CancellationApproved) -> None:
    _close_request(order, event.request_id).status = "approved"


@_on(e.CancellationDeclined)
def _declined(order: Order, event: e.CancellationDeclined) -> None:
    _close_request(order, event.request_id).status = "declined"


@_on(e.CancellationLapsed)
def _lapsed(order: Order, event: e.CancellationLapsed) -> None:
    request = _close_request(order, event.request_id)
    request.status = "lapsed"
    request.lapsed_because = event.because


# --- returns ----------------------------------------------------------------------------------------------------------


@_on(e.ReturnStarted)
def _return_started(order: Order, event: e.ReturnStarted) -> None:
    order.returns[event.return_id] = Return(
        event.return_id, event.units, event.reason, event.refund_to, event.at, event.lapses_at
    )
    for unit in order.pick(event.units):
        unit.state = "in-return"
        unit.return_id = event.return_id


@_on(e.ReturnWithdrawn)
def _return_withdrawn(order: Order, event: e.ReturnWithdrawn) -> None:
    order.returns[event.return_id].closed = "withdrawn"
    for unit in order.pick(event.units):
        unit.state = "delivered"
        unit.return_id = None


@_on(e.ReturnLapsed)
def _return_lapsed(order: Order, event: e.ReturnLapsed) -> None:
    order.returns[event.return_id].closed = "lapsed"
    for unit in order.pick(event.units):
        unit.state = "delivered"


@_on(e.ReturnHandedOver)
def _return_handed_over(order: Order, event: e.ReturnHandedOver) -> None:
    order.returns[event.return_id].handed_over_at = event.at


@_on(e.ReturnReceived)
def _return_received(order: Order, event: e.ReturnReceived) -> None:
    received = order.returns[event.return_id].received
    for unit in order.pick(event.units):
        unit.state = "returned"
        received[unit.item_id] = received.get(unit.item_id, 0) + 1


@_on(e.ReturnLost)
def _return_lost(order: Order, event: e.ReturnLost) -> None:
    a_return = order.returns[event.return_id]
    a_return.closed = "lost"
    a_return.lost = event.units
    for unit in order.pick(event.units):
        unit.state = "lost"


# --- refunds ----------------------------------------------------------------------------------------------------------


@_on(e.RefundOwed)
def _refund_owed(order: Order, event: e.RefundOwed) -> None:
    order.refunds[event.refund_id] = Refund(
        refund_id=event.refund_id,
        cause=event.cause,
        rule=event.rule,
        units=event.units,
        amount=event.amount,
        funded_by=event.funded_by,
        processor=event.processor,
        deductions=event.deductions,
        payouts={p.payment_id: Payout(p.payment_id, p.method, p.amount, p.promised_by) for p in event.payouts},
        made_at=event.at,
        due_at=event.due_at,
    )
    for unit in order.pick(event.units):
        unit.refund_id = event.refund_id
    for deduction in event.deductions:
        if deduction.kind == "return-shipping" and event.return_id is not None:
            order.returns[event.return_id].shipping_deducted += deduction.amount
        elif deduction.kind == "return-shipping" and event.shipment_id is not None:
            order.fees_taken.add(event.shipment_id)


@_on(e.RefundReleased)
def _refund_released(order: Order, event: e.RefundReleased) -> None:
    refund = order.refunds[event.refund_id]
    refund.due_at = event.due_at
    for payment_id, promised_by in event.promises.items():
        refund.payouts[payment_id].promised_by = promised_by


@_on(e.RefundTakenOver)
def _refund_taken_over(order: Order, event: e.RefundTakenOver) -> None:
    refund = order.refunds[event.refund_id]
    refund.processor = "marketplace"
    refund.due_at = event.due_at
    for payment_id, promised_by in event.promises.items():
        refund.payouts[payment_id].promised_by = promised_by


@_on(e.PayoutSubmitted)
def _payout_submitted(order: Order, event: e.PayoutSubmitted) -> None:
    payout = order.refunds[event.refund_id].payouts[event.payment_id]
    payout.status = "submitted"
    payout.attempts = event.attempt


@_on(e.PayoutPaid)
def _payout_paid(order: Order, event: e.PayoutPaid) -> None:
    payout = order.refunds[event.refund_id].payouts[event.payment_id]
    payout.status = "paid"
    payout.paid_at = event.at
    payout.last_report = (event.reference, "paid")


def _payout_owed_again(order: Order, event: e.PayoutFailed | e.PayoutBounced) -> None:
    payout = order.refunds[event.refund_id].payouts[event.payment_id]
    payout.status = "owed"
    payout.last_report = (event.reference, "failed")


CHANGES[e.PayoutFailed] = CHANGES[e.PayoutBounced] = _payout_owed_again


@_on(e.PaymentUnexpected)
def _payment_unexpected(order: Order, event: e.PaymentUnexpected) -> None:
    if event.because != "other-amount":
        order.unexpected.add((event.refund_id, event.payment_id, event.reference))


@_on(e.ExceptionRaised)
def _exception_raised(order: Order, event: e.ExceptionRaised) -> None:
    """For people to look at; it changes no state."""
    if event.return_id is not None:
        order.returns[event.return_id].turned_up |= {unit.index for unit in order.pick(event.units)}


# --- claims -----------------------------------------------------------------------------------------------------------


@_on(e.ClaimFiled)
def _claim_filed(order: Order, event: e.ClaimFiled) -> None:
    order.claims[event.claim_id] = Claim(event.claim_id, event.units, event.grounds)
    for unit in order.pick(event.units):
        unit.claim_id = event.claim_id


@_on(e.ClaimGranted)
def _claim_granted(order: Order, event: e.ClaimGranted) -> None:
    order.claims[event.claim_id].status = "granted"


def _release_claimed(order: Order, claim: Claim) -> None:
    for unit in order.pick(claim.units):
        unit.claim_id = None


@_on(e.ClaimDenied)
def _claim_denied(order: Order, event: e.ClaimDenied) -> None:
    claim = order.claims[event.claim_id]
    claim.status = "denied"
    _release_claimed(order, claim)


@_on(e.ClaimWithdrawn)
def _claim_withdrawn(order: Order, event: e.ClaimWithdrawn) -> None:
    claim = order.claims[event.claim_id]
    claim.status = "withdrawn"
    _release_claimed(order, claim)
