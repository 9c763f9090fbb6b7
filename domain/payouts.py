"""Money on its way back: intent first, then the gateway's word (RULEBOOK section 7)."""

from . import events as e
from .admission import admit, known_refund, missing
from .case import Case
from .commands import ReportPayout, SubmitPayout
from .errors import Rejection
from .order import Order, Payout, Refund
from .rules import rule


@rule(
    "REFUND-4",
    "E",
    "A payout goes owed, submitted, paid or failed. Submission comes before the gateway is called and answers with its "
    "idempotency key. Failed leaves it owed; failed after paid makes it owed again. When every payout is paid the "
    "units are refunded. A refund of 0 is paid at once.",
)
def submit_payout(case: Case, command: SubmitPayout) -> None:
    order, refund = known_refund(case, command.refund_id)
    if refund is None:
        missing("refund", command.refund_id)
    admit(case, command, [order], natural=refund.processor, party=refund.processor)
    payout = _submittable(refund, command.payment_id)
    case.idempotency_key = _submit(case, order, refund, payout)


@rule(
    "REFUND-5",
    "E",
    "Only a due payout that is owed can be submitted. A report that money moved is never refused: for an owed payout "
    "the submission is inferred; the same report again is noted; a payment that nobody owes is recorded as unexpected, "
    "booked to suspense, and listed as an exception.",
)
def _submittable(refund: Refund, payment_id: str) -> Payout:
    payout = refund.payouts.get(payment_id)
    if payout is None:
        raise Rejection("REFUND-5", f"refund {refund.refund_id} pays nothing to {payment_id}")
    if refund.due_at is None:
        raise Rejection("REFUND-5", f"refund {refund.refund_id} is deferred", "wait")
    if payout.status != "owed":
        raise Rejection("REFUND-5", f"the payout to {payment_id} is already {payout.status}")
    return payout


def _submit(case: Case, order: Order, refund: Refund, payout: Payout, *, inferred: bool = False) -> str:
    attempt = payout.attempts + 1
    key = f"{refund.refund_id}:{payout.payment_id}:{attempt}"
    case.record(
        order,
        e.PayoutSubmitted,
        "REFUND-5" if inferred else "REFUND-4",
        refund_id=refund.refund_id,
        payment_id=payout.payment_id,
        attempt=attempt,
        idempotency_key=key,
        inferred=inferred,
    )
    return key


def report_payout(case: Case, command: ReportPayout) -> None:
    """The gateway's word: the money moved, or it did not."""
    order, refund = known_refund(case, command.refund_id)
    payout = refund.payouts.get(command.payment_id) if refund is not None else None
    _nameable(order, payout, command)
    processor = refund.processor if refund is not None else order.fulfilled_by
    admit(case, command, [order], natural=processor, party=processor)
    if command.outcome == "paid":
        _paid(case, command, order, refund, payout)
    else:
        assert refund is not None
        assert payout is not None
        _failed(case, command, order, refund, payout)


def _nameable(order: Order, payout: Payout | None, command: ReportPayout) -> None:
    """ORDER-2 where nothing says which payment, or how much."""
    if payout is not None:
        return
    if command.outcome == "failed":
        missing("payout to", f"{command.payment_id} in refund {command.refund_id}")
    if _method(order, command.payment_id) is None:
        missing(f"payment {command.payment_id} in order", order.order_id)
    if command.amount is None:
        missing("payout that gives the amount, to", f"{command.payment_id} in refund {command.refund_id}")


def _method(order: Order, payment_id: str) -> str | None:
    payment = order.payments.get(payment_id)
    if payment is not None:
        return payment.method
    return next((r.payouts[payment_id].method for r in order.refunds.values() if payment_id in r.payouts), None)


def _paid(case: Case, command: ReportPayout, order: Order, refund: Refund | None, payout: Payout | None) -> None:
    again = (command.refund_id, command.payment_id, command.reference) in order.unexpected
    if again or (payout is not None and payout.status == "paid" and payout.last_report == (command.reference, "paid")):
        case.noted = True
    elif refund is None or payout is None:
        _unexpected(case, command, order, command.amount or 0, "unknown-payout")
    elif refund.due_at is None:
        _unexpected(case, command, order, command.amount or payout.amount, "deferred")
    elif payout.status == "paid":
        _unexpected(case, command, order, command.amount or payout.amount, "already-paid")
    else:
        if payout.status == "owed":
            _submit(case, order, refund, payout, inferred=True)
        case.record(
            order,
            e.PayoutPaid,
            "REFUND-4",
            refund_id=refund.refund_id,
            payment_id=payout.payment_id,
            method=payout.method,
            amount=payout.amount,
            reference=command.reference,
        )
        if command.amount not in (None, payout.amount):
            _unexpected(case, command, order, (command.amount or 0) - payout.amount, "other-amount")
        case.paid.append((order, refund))


def _failed(case: Case, command: ReportPayout, order: Order, refund: Refund, payout: Payout) -> None:
    if payout.last_report == (command.reference, "failed"):
        case.noted = True
        return
    if refund.due_at is None:
        raise Rejection("REFUND-5", f"refund {refund.refund_id} is deferred: nothing was to be paid", "wait")
    about = {"refund_id": refund.refund_id, "payment_id": payout.payment_id}
    if payout.status == "paid":
        if payout.last_report != (command.reference, "paid"):
            case.noted = True
            return
        bounced = {"method": payout.method, "amount": payout.amount}
        case.record(
            order,
            e.PayoutBounced,
            "REFUND-4",
            **about,
            **bounced,
            reference=command.reference,
            reason=command.reason,
        )
        return
    if payout.status == "owed":
        _submit(case, order, refund, payout, inferred=True)
    case.record(order, e.PayoutFailed, "REFUND-4", **about, reference=command.reference, reason=command.reason)


def _unexpected(case: Case, command: ReportPayout, order: Order, amount: int, because: e.UnexpectedBecause) -> None:
    case.record(
        order,
        e.PaymentUnexpected,
        "REFUND-5",
        refund_id=command.refund_id,
        payment_id=command.payment_id,
        method=_method(order, command.payment_id) or command.payment_id,
        amount=amount,
        reference=command.reference,
        because=because,
    )
