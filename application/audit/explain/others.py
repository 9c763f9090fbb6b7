"""Why a request, a return, a claim or a whole order stands as it does."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, cast

from ....domain import OrderEvent
from ....domain import events as e
from ....domain.order import Claim, Order
from ....domain.units import Unit, numbers
from ....domain.vocabulary import Units
from . import arithmetic
from .explanation import ClaimExplained, Ground, OrderExplained, RequestExplained, ReturnExplained, Window
from .history import History, touches
from .recorded import Number

CLOSES_A_REQUEST = (e.CancellationApproved, e.CancellationDeclined, e.CancellationLapsed)
CLOSES_A_CLAIM = (e.ClaimGranted, e.ClaimDenied, e.ClaimWithdrawn)
OF_A_RETURN = (e.ReturnWithdrawn, e.ReturnHandedOver, e.ReturnReceived, e.ReturnLapsed, e.ReturnLost)


# --- requests ---------------------------------------------------------------------------------------------------------


def explain_request(history: History, request_id: str) -> RequestExplained:
    """Who was asked to cancel what, until when, and what came of it."""
    request = history.order.requests[request_id]
    asked = history.first(e.CancellationRequested, request_id=request_id)
    closed = next(iter(history.all(CLOSES_A_REQUEST, request_id=request_id)), None)
    if request.accepted:
        history.cite("COMBINED-1")
    return RequestExplained(
        id=request_id,
        order=history.about(),
        status=request.status,
        rule=request.rule,
        to=request.to,
        units=request.units,
        accepted=request.accepted,
        answer_by=request.answer_by,
        answer_within=_answer_within(history, asked),
        asked=history.step(asked),
        closed=history.maybe(closed),
        outcome=history.steps(_outcome(history, closed, request.units)),
        refunds=history.refunds(request.units),
        attempts=history.attempts("request_id", request_id),
    )


def _answer_within(history: History, asked: e.CancellationRequested) -> Number | None:
    if asked.answer_by is None:
        return None
    number = history.number("cancellation", "seller_answer_hours")
    ends_at = asked.at + timedelta(hours=cast(int, number.value))
    history.require(
        ends_at == asked.answer_by, f"The time to answer {asked.request_id} is not what {number.name} gives"
    )
    return number


def _outcome(history: History, closed: OrderEvent | None, units: Units) -> Iterator[OrderEvent]:
    if closed is None:
        return
    for event in history.together(closed):
        if event is not closed and isinstance(event, (e.ItemsMoved, e.RefundOwed)) and touches(event, units):
            yield event


# --- returns ----------------------------------------------------------------------------------------------------------


def explain_return(history: History, return_id: str) -> ReturnExplained:
    """Until when units could go back, what became of the return, and what it means in money."""
    a_return = history.order.returns[return_id]
    started = history.first(e.ReturnStarted, return_id=return_id)
    windows = _windows(history, a_return.units)
    lapse_after = history.number("returns", "lapse_days")
    lapses_at = max(window.until for window in windows) + timedelta(days=cast(int, lapse_after.value))
    history.require(lapses_at == a_return.lapses_at, f"The end of {return_id} is not what {lapse_after.name} gives")
    history.require(
        all(started.at <= window.until for window in windows), f"{return_id} was started after a window had closed"
    )
    history.cite("RETURN-1", "RETURN-4")
    refunds = history.refunds(a_return.units)
    if any(deduction.kind == "restocking" for refund in refunds for deduction in refund.deductions):
        history.cite("RETURN-2")
        history.number("returns", "restocking_percent")
    return ReturnExplained(
        id=return_id,
        order=history.about(),
        status=history.order.return_status(a_return),
        reason=a_return.reason,
        refund_to=a_return.refund_to,
        units=a_return.units,
        windows=windows,
        lapses_at=a_return.lapses_at,
        lapse_after=lapse_after,
        started=history.step(started),
        steps=history.steps(history.all(OF_A_RETURN, return_id=return_id)),
        refunds=refunds,
        attempts=history.attempts("return_id", return_id),
    )


def _windows(history: History, units: Units) -> list[Window]:
    groups: dict[tuple[str, datetime], list[Unit]] = {}
    for unit in history.order.pick(units):
        assert unit.delivered_at is not None, "only delivered units go back"
        groups.setdefault((unit.item_id, unit.delivered_at), []).append(unit)
    return [
        Window(
            item_id=item_id,
            units=[unit.number for unit in alike],
            delivered_at=delivered_at,
            number=(number := _window_days(history, item_id)),
            until=delivered_at + timedelta(days=cast(int, number.value)),
        )
        for (item_id, delivered_at), alike in groups.items()
    ]


def _window_days(history: History, item_id: str) -> Number:
    category = history.order.items[item_id].line.category
    of_category = history.policy.returns.category_window_days.get(category or "")
    if category is not None and of_category is not None and of_category < history.policy.returns.window_days:
        return history.number("returns", "category_window_days", category)
    return history.number("returns", "window_days")


# --- claims -----------------------------------------------------------------------------------------------------------


def explain_claim(history: History, claim_id: str) -> ClaimExplained:
    """What the guarantee was called for, whether in time, and what was decided."""
    claim = history.order.claims[claim_id]
    filed = history.first(e.ClaimFiled, claim_id=claim_id)
    latest_after = history.number("claims", "latest_days")
    latest = history.order.placed_at + timedelta(days=cast(int, latest_after.value))
    history.require(filed.at <= latest, f"{claim_id} was filed after {latest_after.name}")
    return ClaimExplained(
        id=claim_id,
        order=history.about(),
        status=claim.status,
        units=claim.units,
        grounds=list(_grounds(history, history.before(filed), claim, filed.at)),
        latest=latest,
        latest_after=latest_after,
        filed=history.step(filed),
        decided=history.maybe(next(iter(history.all(CLOSES_A_CLAIM, claim_id=claim_id)), None)),
        refunds=history.refunds(claim.units),
        attempts=history.attempts("claim_id", claim_id),
    )


def _grounds(history: History, before: Order, claim: Claim, filed_at: datetime) -> Iterator[Ground]:
    for name, units in claim.grounds.items():
        letter, _, about = name.partition(":")
        counted_from, number = _clock(history, before, letter, about)
        days = timedelta(days=cast(int, number.value)) if letter in "bc" and number is not None else None
        if letter == "a":
            passed_at = before.requests[about].answer_by
        elif letter == "d":
            unpaid = [payout for payout in before.refunds[about].payouts.values() if payout.status != "paid"]
            passed_at = min(payout.promised_by for payout in unpaid if payout.promised_by is not None)
        else:
            passed_at = counted_from + days if counted_from is not None and days is not None else None
        assert passed_at is not None, f"ground {name} has a time that had passed"
        if letter != "a":  # that one holds because the request is recorded as unanswered
            history.require(passed_at < filed_at, f"Ground {name} did not hold yet when {claim.claim_id} was filed")
        yield Ground(
            letter=cast(Literal["a", "b", "c", "d"], letter),
            about=about or None,
            units=units,
            passed_at=passed_at,
            counted_from=counted_from,
            number=number,
        )


def _clock(history: History, before: Order, letter: str, about: str) -> tuple[datetime | None, Number | None]:
    if letter == "a":
        return before.requests[about].asked_at, history.number("cancellation", "seller_answer_hours")
    if letter == "b":
        return before.placed_at, history.number("claims", "undelivered_days")
    if letter == "c":
        return before.returns[about].handed_over_at, history.number("claims", "unreceived_return_days")
    return before.refunds[about].due_at, None


# --- orders -----------------------------------------------------------------------------------------------------------


def explain_order(history: History) -> OrderExplained:
    """What was bought, what each unit is worth, and everything that happened, in order."""
    order = history.order
    worth = arithmetic.worth(order, arithmetic.everything(order))
    history.require(
        arithmetic.total(worth) == sum(payment.amount for payment in order.payments.values()),
        f"The payments of {order.order_id} are not what its units are worth",
    )
    return OrderExplained(
        id=order.order_id,
        order=history.about(),
        worth=worth,
        refunds=history.refunds(numbers(order.units)),
        history=history.everything(),
    )
