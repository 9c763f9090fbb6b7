"""How an amount comes about, to the cent: what units are worth, what is kept, which payment gets it, until when.

Everything is reckoned anew from the order as it was placed and its policy; where that is not what was recorded, it is
doubted.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from ....domain import Order
from ....domain import events as e
from ....domain.money import share
from ....domain.order import Payout
from ....domain.units import Item, Unit
from ....domain.units import numbers as unit_numbers
from ....domain.vocabulary import STORE_CREDIT, Units
from .history import History
from .reckoning import Kept, Part, Promise, Restocking, ReturnShipping, Worth
from .recorded import Number


def worth(order: Order, units: Units) -> list[Worth]:
    """What units are worth, those alike together, in the order's sequence."""
    groups: dict[tuple[str, int, int, int], list[int]] = {}
    for unit in order.pick(units):
        item = order.items[unit.item_id]
        alike = (unit.item_id, item.goods(unit.number), item.tax(unit.number), _shipping(item, unit.number))
        groups.setdefault(alike, []).append(unit.number)
    return [_worth(order.items[item_id], item_id, numbers) for (item_id, *_), numbers in groups.items()]


def _worth(item: Item, item_id: str, numbers: list[int]) -> Worth:
    first = numbers[0]
    goods, tax, shipping = item.goods(first), item.tax(first), _shipping(item, first)
    value = goods + tax + shipping
    return Worth(
        item_id=item_id,
        units=numbers,
        price=item.line.unit_price,
        discount=item.line.unit_price - goods,
        goods=goods,
        tax=tax,
        shipping=shipping,
        value=value,
        total=value * len(numbers),
    )


def _shipping(item: Item, number: int) -> int:
    return share(item.line.shipping, item.line.quantity, number)


def total(parts: Iterable[Worth]) -> int:
    """What they are worth together."""
    return sum(part.total for part in parts)


def everything(order: Order) -> Units:
    """Every unit of an order."""
    return {item_id: list(range(1, item.line.quantity + 1)) for item_id, item in order.items.items()}


# --- what is kept -----------------------------------------------------------------------------------------------------


def restocking(history: History, owed: e.RefundOwed) -> Restocking | None:
    """RETURN-2, for a refund of goods that came back under a return."""
    if owed.return_id is None:
        return None
    reason = history.order.returns[owed.return_id].reason
    percent = history.number("returns", "restocking_percent")
    fault_reasons = history.number("returns", "fault_reasons")
    opened = _opened(history, owed)
    at_fault = reason in cast(list[str], fault_reasons.value)
    kept = [] if at_fault else _kept(history, opened, cast(int, percent.value))
    history.cite("RETURN-2")
    amount = sum(part.total for part in kept)
    return Restocking(amount, percent, kept, fault_reasons, reason, opened=unit_numbers(opened))


def _kept(history: History, opened: list[Unit], percent: int) -> list[Kept]:
    groups: dict[tuple[str, int], list[int]] = {}
    for unit in opened:
        goods = history.order.items[unit.item_id].goods(unit.number)
        groups.setdefault((unit.item_id, goods), []).append(unit.number)
    return [
        Kept(item_id=item_id, units=numbers, goods=goods, each=each, total=each * len(numbers))
        for (item_id, goods), numbers in groups.items()
        if (each := goods * percent // 100)
    ]


def _opened(history: History, owed: e.RefundOwed) -> list[Unit]:
    """The refund's units that came opened with the receipt that made it."""
    receipts = [event for event in history.together(owed) if isinstance(event, e.ReturnReceived)]
    opened = {unit.index for event in receipts for unit in history.order.pick(event.opened)}
    return [unit for unit in history.order.pick(owed.units) if unit.index in opened]


def return_shipping(history: History, owed: e.RefundOwed, before: Order, at_most: int) -> ReturnShipping | None:
    """RETURN-3 or REFUSE-2: what the way back costs the buyer, or None where neither asks for anything."""
    if owed.return_id is not None:
        return _of_a_return(history, owed.return_id, before, at_most)
    if owed.cause == "refused" and owed.shipment_id is not None:
        return _of_a_refusal(history, owed.shipment_id, before, at_most)
    return None


def _of_a_return(history: History, return_id: str, before: Order, at_most: int) -> ReturnShipping | None:
    a_return, currency = history.order.returns[return_id], history.order.currency
    if a_return.reason != "changed-mind" or a_return.refund_to != "original":
        return None
    if currency not in history.policy.returns.shipping_minor:
        return None
    cost = history.number("returns", "shipping_minor", currency)
    return _kept_for_shipping(history, "RETURN-3", cost, before.returns[return_id].shipping_deducted, at_most)


def _of_a_refusal(history: History, shipment_id: str, before: Order, at_most: int) -> ReturnShipping | None:
    refusal, currency = history.policy.refusal, history.order.currency
    if shipment_id in before.fees_taken or currency not in refusal.fee_minor:
        return None
    packed = history.store.events(f"shipment:{shipment_id}", up_to=1)
    mail_class = packed[0].mail_class if packed and isinstance(packed[0], e.ShipmentPacked) else None
    if mail_class is None or mail_class in refusal.free_mail_classes:
        return None
    return _kept_for_shipping(history, "REFUSE-2", history.number("refusal", "fee_minor", currency), 0, at_most)


def _kept_for_shipping(history: History, rule: str, cost: Number, kept_before: int, at_most: int) -> ReturnShipping:
    history.cite(rule)
    amount = min(at_most, max(0, cast(int, cost.value) - kept_before))
    return ReturnShipping(amount=amount, rule=rule, cost=cost, kept_before=kept_before, at_most=at_most)


# --- where it goes, and when ------------------------------------------------------------------------------------------


def split(before: Order, owed: e.RefundOwed) -> list[Part]:
    """REFUND-1, over all payments as they were listed; empty where it goes to store credit, or nowhere."""
    if owed.amount == 0 or _to_store_credit(owed):
        return []
    parts = []
    rest = owed.amount
    for payment in before.payments.values():
        given_back = before.paid_back(payment.payment_id)
        gets = min(rest, payment.amount - given_back)
        rest -= gets
        parts.append(
            Part(
                payment_id=payment.payment_id,
                method=payment.method,
                paid=payment.amount,
                given_back_before=given_back,
                left=payment.amount - given_back,
                gets=gets,
            )
        )
    return parts


def _to_store_credit(owed: e.RefundOwed) -> bool:
    return any(payout.payment_id == STORE_CREDIT for payout in owed.payouts)


def promise(history: History, payout: Payout, refund_id: str) -> Promise | None:
    """REFUND-2: how the time by which it was promised last was counted; None while it is deferred."""
    if payout.promised_by is None:
        return None
    counted_from = _counted_from(history, payout, refund_id)
    method = payout.method if payout.method in history.policy.promises else "other"
    terms = history.policy.promises[method]
    counted_in = "hours" if terms.business_days is None else "business_days"
    number = history.number("promises", method, counted_in)
    by = terms.after(counted_from)
    history.cite("REFUND-2")
    history.require(by == payout.promised_by, f"The time promised for {payout.payment_id} is not what REFUND-2 gives")
    return Promise(payout.promised_by, counted_from, number, "hours" if counted_in == "hours" else "business days")


def _counted_from(history: History, payout: Payout, refund_id: str) -> datetime:
    """When the refund fell due, or was taken over: the last of these that promised something to this payment."""
    made_at = history.order.refunds[refund_id].made_at
    for event in reversed(history.events):
        if isinstance(event, (e.RefundTakenOver, e.RefundReleased)) and event.refund_id == refund_id:
            if payout.payment_id in event.promises:
                return max(event.at, made_at)
        elif isinstance(event, e.RefundOwed) and event.refund_id == refund_id:
            return event.due_at or made_at
    return made_at
