"""Why a refund is owed, how much, and how it is paid: back to front."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import cast

from ....domain import OrderEvent
from ....domain import events as e
from ....domain.lifecycle import UNSHIPPED
from ....domain.order import Payout
from ....domain.units import numbers
from ....domain.vocabulary import STORE_CREDIT
from . import arithmetic
from .explanation import RefundExplained
from .history import History, touches
from .reckoning import Deferral, PayoutExplained, Restocking, ReturnShipping, Worth
from .recorded import Step

REPORTS = (e.PayoutSubmitted, e.PayoutPaid, e.PayoutFailed, e.PayoutBounced, e.PaymentUnexpected)
SHIPS_OR_ENDS = (e.ItemsDispatched, e.ItemsCancelled, e.ItemsRefunded)


def explain_refund(history: History, refund_id: str) -> RefundExplained:
    """The whole chain of one refund of the order."""
    refund = history.order.refunds[refund_id]
    owed = history.first(e.RefundOwed, refund_id=refund_id)
    before = history.before(owed)
    worth = arithmetic.worth(history.order, owed.units)
    restocking = arithmetic.restocking(history, owed)
    kept = restocking.amount if restocking is not None else 0
    shipping = arithmetic.return_shipping(history, owed, before, arithmetic.total(worth) - kept)
    split = arithmetic.split(before, owed)
    _check(history, owed, worth, restocking, shipping)
    if split:
        parts = {part.payment_id: part.gets for part in split if part.gets}
        history.require(
            parts == {payout.payment_id: payout.amount for payout in owed.payouts},
            f"The payouts of {refund_id} are not those of REFUND-1",
        )
    to_store_credit = any(payout.payment_id == STORE_CREDIT for payout in owed.payouts)
    history.cite("REFUND-3", "RETURN-3" if to_store_credit else "REFUND-1")
    return RefundExplained(
        id=refund_id,
        order=history.about(),
        status=refund.status,
        cause=refund.cause,
        rule=refund.rule,
        amount=refund.amount,
        value=owed.value,
        tax=owed.tax,
        units=owed.units,
        funded_by=refund.funded_by,
        processor=refund.processor,
        made_at=refund.made_at,
        due_at=refund.due_at,
        payouts=[_payout(history, refund_id, payout) for payout in refund.payouts.values()],
        unexpected=history.steps(
            event
            for event in history.all(e.PaymentUnexpected, refund_id=refund_id)
            if event.payment_id not in refund.payouts
        ),
        worth=worth,
        restocking=restocking,
        return_shipping=shipping,
        refund_to="store-credit" if to_store_credit else "original",
        split=split,
        settled=history.maybe(history.last(e.ItemsRefunded, refund_id=refund_id)),
        taken_over=history.maybe(history.last(e.RefundTakenOver, refund_id=refund_id)),
        deferral=_deferral(history, owed),
        owed=history.step(owed),
        because=because(history, owed),
        attempts=history.attempts("refund_id", refund_id),
    )


def _check(
    history: History,
    owed: e.RefundOwed,
    worth: list[Worth],
    restocking: Restocking | None,
    shipping: ReturnShipping | None,
) -> None:
    """What was recorded must be what the arithmetic gives."""
    recorded: dict[str, int] = {"restocking": 0, "return-shipping": 0}
    for deduction in owed.deductions:
        recorded[deduction.kind] += deduction.amount
    reckoned = {
        "restocking": restocking.amount if restocking is not None else 0,
        "return-shipping": shipping.amount if shipping is not None else 0,
    }
    value = arithmetic.total(worth)
    taxes = sum(part.tax * len(part.units) for part in worth)
    for what, held, made in (
        ("value", owed.value, value),
        ("tax", owed.tax, taxes),
        ("amount", owed.amount, value - sum(reckoned.values())),
        ("payouts", sum(payout.amount for payout in owed.payouts), owed.amount),
        *((f"{kind} kept", recorded[kind], reckoned[kind]) for kind in recorded),
    ):
        history.require(held == made, f"Of {owed.refund_id}, {what} is recorded as {held}, and reckoned {made}")


def _payout(history: History, refund_id: str, payout: Payout) -> PayoutExplained:
    reports = history.all(REPORTS, refund_id=refund_id, payment_id=payout.payment_id)
    return PayoutExplained(
        payment_id=payout.payment_id,
        method=payout.method,
        amount=payout.amount,
        status=payout.status,
        attempts=payout.attempts,
        promise=arithmetic.promise(history, payout, refund_id),
        reports=history.steps(reports),
    )


# --- why it is owed ---------------------------------------------------------------------------------------------------


def because(history: History, owed: e.RefundOwed) -> list[Step]:
    """What happened to its units up to the refund, with the request, return or claim that it came by; latest first."""
    earlier = history.events[: owed.version - 1]
    units = owed.units
    about = {
        its_id
        for event in earlier
        if touches(event, units)
        for field in ("request_id", "return_id", "claim_id")
        if (its_id := getattr(event, field, None)) is not None
    }
    return history.steps(reversed([event for event in earlier if touches(event, units) or _names(event, about)]))


def _names(event: OrderEvent, about: set[str]) -> bool:
    if isinstance(event, e.OrderPlaced):
        return True
    return any(getattr(event, field, None) in about for field in ("request_id", "return_id", "claim_id"))


# --- why it had to wait -----------------------------------------------------------------------------------------------


def _deferral(history: History, owed: e.RefundOwed) -> Deferral | None:
    if owed.due_at is not None:
        return None
    history.cite("PARTIAL-1")
    number = history.number("cancellation", "deferred_refund_days")
    waiting = history.before(owed)
    released = history.last(e.RefundReleased, refund_id=owed.refund_id)
    return Deferral(
        waiting=numbers(unit for unit in waiting.units if unit.state in UNSHIPPED),
        latest=owed.at + timedelta(days=cast(int, number.value)),
        number=number,
        released=history.maybe(released),
        by=history.steps(_released_by(history, released)) if released is not None else [],
    )


def _released_by(history: History, released: e.RefundReleased) -> Iterator[OrderEvent]:
    """What left no unit unshipped; nothing where it was the time alone."""
    if released.actor == "system":
        return
    yield from _ending(history.together(released))


def _ending(events: Iterable[OrderEvent]) -> Iterator[OrderEvent]:
    """Events by which units no longer wait to be shipped."""
    return (event for event in events if isinstance(event, SHIPS_OR_ENDS))
