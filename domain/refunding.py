"""What is owed, to which payment, when (RULEBOOK section 7). ``settle`` ends every decision and every deadline."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from . import events as e
from .case import Case, Debt
from .order import Order, Refund
from .rules import rule
from .units import Unit, numbers
from .vocabulary import STORE_CREDIT, Fulfiller


def settle(case: Case) -> None:
    """Make the refunds that the case owes (by order id), release deferred ones, then settle what is paid."""
    if not case.debts and not case.paid and not any(order.refunds for order in case.orders.values()):
        return
    debts, case.debts = sorted(case.debts, key=lambda debt: debt.order.order_id), []
    for debt in debts:
        if debt.units:
            _make(case, debt)
    paid, case.paid = sorted(case.paid, key=lambda pair: pair[0].order_id), []
    settled = [(order, refund, _to_be_refunded(order, refund)) for order, refund in paid if refund.status == "paid"]
    _release(case, settled)
    for order, refund, units in settled:
        if units:
            case.refunded(order, units, refund)


def _make(case: Case, debt: Debt) -> None:
    order, units = debt.order, sorted(debt.units, key=lambda unit: unit.index)
    value = sum(order.value(unit) for unit in units)
    deductions = _deductions(case, debt, value)
    amount = value - sum(d.amount for d in deductions)
    deferred = debt.deferrable and amount > 0 and order.has_unshipped()
    due_at = None if deferred else case.at
    to_store_credit = debt.return_id is not None and order.returns[debt.return_id].refund_to == STORE_CREDIT
    refund_id = f"{order.order_id}:refund:{len(order.refunds) + 1}"
    funded_by, processor = _who_pays(order, by_claim=debt.cause == "claim")
    case.record(
        order,
        e.RefundOwed,
        "PARTIAL-1" if deferred else debt.rule,
        refund_id=refund_id,
        cause=debt.cause,
        units=numbers(units),
        value=value,
        tax=sum(order.items[unit.item_id].tax(unit.number) for unit in units),
        amount=amount,
        funded_by=funded_by,
        processor=processor,
        payouts=_to_store_credit(order, amount, due_at) if to_store_credit else _to_payments(order, amount, due_at),
        deductions=deductions,
        due_at=due_at,
        return_id=debt.return_id,
        shipment_id=debt.shipment_id,
    )
    if amount == 0:
        case.paid.append((order, order.refunds[refund_id]))


@rule("REFUND-3", "H", "A refund is funded by whoever sold the goods, and processed by whoever fulfilled the order.")
def _who_pays(order: Order, *, by_claim: bool) -> tuple[Fulfiller, Fulfiller]:
    return order.sold_by, "marketplace" if by_claim else order.fulfilled_by


@rule(
    "REFUND-1",
    "H",
    "A refund goes back to the payments it came from, in the order in which they were listed, to each at most what "
    "earlier refunds left of it. No payment gets back more than was captured from it; no unit is refunded twice.",
)
def _to_payments(order: Order, amount: int, due_at: datetime | None) -> list[e.PayoutOwed]:
    payouts = []
    for payment in order.payments.values():
        part = min(amount, payment.amount - order.paid_back(payment.payment_id))
        if part > 0:
            promise = promised_by(order, payment.method, due_at)
            payouts.append(e.PayoutOwed(payment.payment_id, payment.method, part, promise))
            amount -= part
    assert amount == 0, "refunds never add up to more than was paid"
    return payouts


def _to_store_credit(order: Order, amount: int, due_at: datetime | None) -> list[e.PayoutOwed]:
    """RETURN-3's choice: it does not use up what the payments have left."""
    if amount == 0:
        return []
    return [e.PayoutOwed(STORE_CREDIT, STORE_CREDIT, amount, promised_by(order, STORE_CREDIT, due_at))]


@rule(
    "REFUND-2",
    "HE",
    "When a refund falls due, each payout gets the time by which the buyer will have it, by payment method: credit "
    "card 5, debit card, bank transfer and any other 10 business days, gift card 3 hours, store credit 2 hours.",
)
def promised_by(order: Order, method: str, due_at: datetime | None) -> datetime | None:
    return None if due_at is None else order.rules.promised_by(method, due_at)


# --- what is kept -----------------------------------------------------------------------------------------------------


def _deductions(case: Case, debt: Debt, value: int) -> list[e.Deduction]:
    kept = [e.Deduction("restocking", _restocking(debt.order, debt.return_id, debt.opened))]
    rest = value - kept[0].amount
    kept.append(e.Deduction("return-shipping", min(rest, _return_shipping(debt) + _refusal_fee(case, debt))))
    return [deduction for deduction in kept if deduction.amount > 0]


@rule(
    "RETURN-2",
    "A",
    "Received unopened, units are refunded at full value. Received opened, the restocking share (default 50 %) of "
    "their goods is kept, per unit, the fraction of a cent to the buyer; never where the reason is the fulfiller's "
    "fault.",
)
def _restocking(order: Order, return_id: str | None, opened: Iterable[Unit]) -> int:
    if return_id is None or order.returns[return_id].reason in order.rules.returns.fault_reasons:
        return 0
    percent = order.rules.returns.restocking_percent
    return sum(
        order.items[unit.item_id].goods(unit.number) * percent // 100 for unit in opened if unit.refund_id is None
    )


@rule(
    "RETURN-3",
    "A",
    "With reason changed-mind and the refund to the original payments, the cost of the return's shipping (USD 500; "
    "other currencies none) is deducted, once per return: from its first refund, what that cannot bear from the next.",
)
def _return_shipping(debt: Debt) -> int:
    if debt.return_id is None:
        return 0
    a_return = debt.order.returns[debt.return_id]
    if a_return.reason != "changed-mind" or a_return.refund_to != "original":
        return 0
    cost = debt.order.rules.returns.shipping_minor.get(debt.order.currency, 0)
    return max(0, cost - a_return.shipping_deducted)


@rule(
    "REFUSE-2",
    "A",
    "Refusing first-class mail is free. For other mail classes the policy may name a return fee by currency (default: "
    "none), deducted once per order and parcel.",
)
def _refusal_fee(case: Case, debt: Debt) -> int:
    if debt.cause != "refused" or debt.shipment_id is None or debt.shipment_id in debt.order.fees_taken:
        return 0
    shipment = case.shipment(debt.shipment_id)
    refusal = debt.order.rules.refusal
    if shipment is None or shipment.mail_class is None or shipment.mail_class in refusal.free_mail_classes:
        return 0
    return refusal.fee_minor.get(debt.order.currency, 0)


# --- release and settlement -------------------------------------------------------------------------------------------


@rule(
    "PARTIAL-1",
    "H",
    "A cancellation that leaves other units of the order unshipped makes a deferred refund. All deferred refunds of an "
    "order fall due by whatever leaves no unit of it unshipped, and each at the latest 30 days after its cancellation.",
)
def _release(case: Case, settled: Sequence[tuple[Order, Refund, list[Unit]]]) -> None:
    done = {(order.order_id, unit.index) for order, _, units in settled for unit in units}
    waiting = [
        order
        for order in case.orders.values()
        if order.refunds and not order.has_unshipped({index for order_id, index in done if order_id == order.order_id})
    ]
    for order in sorted(waiting, key=lambda order: order.order_id):
        for refund in order.refunds.values():
            if refund.due_at is None:
                release(case, order, refund)


def release(case: Case, order: Order, refund: Refund) -> None:
    """A deferred refund falls due now, but never before it was made."""
    due_at = max(case.at, refund.made_at)
    case.record(
        order,
        e.RefundReleased,
        "PARTIAL-1",
        refund_id=refund.refund_id,
        due_at=due_at,
        promises=new_promises(order, refund, due_at),
    )


def new_promises(order: Order, refund: Refund, due_at: datetime) -> dict[str, datetime]:
    """Promised times of a refund's owed payouts, counted from ``due_at``."""
    return {
        payout.payment_id: order.rules.promised_by(payout.method, due_at)
        for payout in refund.payouts.values()
        if payout.status == "owed"
    }


def _to_be_refunded(order: Order, refund: Refund) -> list[Unit]:
    """The units that a paid refund settles; a bounced and paid one has settled them before."""
    return [unit for unit in order.pick(refund.units) if unit.state != "refunded"]
