"""What a replay asks of what people asked for, and of the answers: cancellation requests, claims and returns."""

from datetime import timedelta
from typing import Any

from ...domain import Order
from ...domain import events as e
from .replay_moves import FINE, Check, Wrong, moving, named, numbered, pick

# --- requests and claims ----------------------------------------------------------------------------------------------


def _requested(order: Order, event: e.CancellationRequested) -> Wrong:
    asked = [unit for unit in pick(order, event.units) if unit.request_id is not None]
    wrong = [("CANCEL-7", f"{named(unit)} is asked for already by {unit.request_id}") for unit in asked]
    hours = timedelta(hours=order.rules.cancellation.seller_answer_hours)
    answer_by = event.at + hours if event.to == "seller" else None
    if event.answer_by != answer_by:
        wrong.append(("SELLER-2", f"the {event.to} may answer until {event.answer_by}, and should until {answer_by}"))
    return [*numbered(order, "request", event.request_id, order.requests), *wrong]


def _request_closed(order: Order, event: Any) -> Wrong:
    request = order.requests[event.request_id]
    if request.status != "open":
        return [("ORDER-5", f"request {request.request_id} is already {request.status}")]
    if isinstance(event, e.CancellationLapsed) and event.because == "unanswered" and event.at != request.answer_by:
        return [("SELLER-2", f"request {request.request_id} lapsed at {event.at}, not at {request.answer_by}")]
    return FINE


def _claimed(order: Order, event: e.ClaimFiled) -> Wrong:
    claimed = [unit for unit in pick(order, event.units) if unit.claim_id is not None]
    again = [("CLAIM-1", f"{named(unit)} is claimed already by {unit.claim_id}") for unit in claimed]
    return [*numbered(order, "claim", event.claim_id, order.claims), *again]


def _claim_closed(order: Order, event: Any) -> Wrong:
    claim = order.claims[event.claim_id]
    return FINE if claim.status == "open" else [("ORDER-5", f"claim {claim.claim_id} is already {claim.status}")]


# --- returns ----------------------------------------------------------------------------------------------------------

_start_return = moving("start-return")


def _return_started(order: Order, event: e.ReturnStarted) -> Wrong:
    wrong = [*numbered(order, "return", event.return_id, order.returns), *_start_return(order, event)]
    if wrong:
        return wrong
    last_closes_at = event.at
    for unit in pick(order, event.units):
        opens_at = unit.delivered_at or event.at
        closes_at = opens_at + order.rules.return_window(order.items[unit.item_id].line.category)
        if not opens_at <= event.at <= closes_at:
            wrong.append(("RETURN-1", f"the return window of {named(unit)} is from {opens_at} to {closes_at}"))
        last_closes_at = max(last_closes_at, closes_at)
    lapses_at = last_closes_at + timedelta(days=order.rules.returns.lapse_days)
    if not wrong and event.lapses_at != lapses_at:
        wrong.append(("RETURN-4", f"return {event.return_id} lapses at {event.lapses_at}, and should at {lapses_at}"))
    return wrong


def _of_return(trigger: str) -> Check:
    move = moving(trigger)

    def check(order: Order, event: Any) -> Wrong:
        a_return = order.returns[event.return_id]
        if a_return.closed == "withdrawn" or (a_return.closed and not isinstance(event, e.ReturnReceived)):
            return [("ORDER-5", f"return {a_return.return_id} is already {a_return.closed}")]
        strangers = [unit for unit in pick(order, event.units) if unit.return_id != event.return_id]
        if strangers:
            return [("RETURN-5", f"{named(unit)} is not in return {event.return_id}") for unit in strangers]
        if isinstance(event, e.ReturnLapsed) and event.at != a_return.lapses_at:
            return [("RETURN-4", f"return {a_return.return_id} lapsed at {event.at}, not at {a_return.lapses_at}")]
        return move(order, event)

    return check


def _handed_over(order: Order, event: e.ReturnHandedOver) -> Wrong:
    status = order.return_status(order.returns[event.return_id])
    return FINE if status == "open" else [("ORDER-5", f"return {event.return_id} is already {status}")]


CHECKS: dict[type[e.Event], Check] = {
    e.CancellationRequested: _requested,
    e.CancellationApproved: _request_closed,
    e.CancellationDeclined: _request_closed,
    e.CancellationLapsed: _request_closed,
    e.ClaimFiled: _claimed,
    e.ClaimGranted: _claim_closed,
    e.ClaimDenied: _claim_closed,
    e.ClaimWithdrawn: _claim_closed,
    e.ReturnStarted: _return_started,
    e.ReturnHandedOver: _handed_over,
    e.ReturnReceived: _of_return("receive"),
    e.ReturnWithdrawn: _of_return("drop-return"),
    e.ReturnLapsed: _of_return("drop-return"),
    e.ReturnLost: _of_return("lose"),
}
"""By event."""
