"""What each read model must say of an order or a shipment as a replay has folded it: ``facts`` of the same names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from ...application.audit.replay_asides import Unusual
from ...domain import Order, Shipment
from ...domain import events as e
from ...domain.order import Refund
from ...domain.units import counts
from ...projections import accounts
from ...projections.audit_views import Facts, Fields, balance, exception
from ...projections.order_story import LETTERS
from ...projections.projection import microseconds


def _order(order: Order, _: Iterable[Unusual]) -> Facts:
    requests = order.requests.values()
    unanswered = [r for r in requests if r.status == "open" or r.lapsed_because == "unanswered"]
    payouts = [payout for refund in order.refunds.values() for payout in refund.payouts.values()]
    fields = {
        "state": order.state,
        "buyer": order.buyer_id,
        "seller": order.seller_id,
        "fulfilled by": order.fulfilled_by,
        "placed": order.placed_at,
        "currency": order.currency,
        "total": order.total,
        "open requests": sum(request.status == "open" for request in requests),
        "refunds owed": sum(payout.amount for payout in payouts if payout.status != "paid"),
        "to be answered": {r.request_id.removeprefix(order.order_id): r.answer_by for r in unanswered},
        "states of units": "".join([LETTERS[unit.state] for unit in order.units]),
    }
    return {"": fields}


def _refunds(order: Order, _: Iterable[Unusual]) -> Facts:
    return {refund.refund_id: _refund(order, refund) for refund in order.refunds.values()}


def _refund(order: Order, refund: Refund) -> Fields:
    payouts = refund.payouts.values()
    unpaid = [p.promised_by for p in payouts if p.status != "paid" and p.promised_by is not None]
    return {
        "status": refund.status,
        "status by its story": refund.status,
        "amount": refund.amount,
        "currency": order.currency,
        "buyer": order.buyer_id,
        "seller": order.seller_id,
        "cause": refund.cause,
        "rule": refund.rule,
        "funded by": refund.funded_by,
        "processor": refund.processor,
        "items": counts(refund.units),
        "kept": [(deduction.kind, deduction.amount) for deduction in refund.deductions],
        "due": refund.due_at,
        "next promise": min(unpaid, default=None),
        **{f"payout to {p.payment_id}": (p.amount, p.method, p.status, p.promised_by, p.attempts) for p in payouts},
    }


def _balances(order: Order, unusual: Iterable[Unusual]) -> Facts:
    """The sums of all that RULEBOOK 11 books of an order."""
    sold_by = accounts.of_seller(order.seller_id)
    tax = sum(item.line.tax for item in order.items.values())
    booked = [(accounts.of_payment(payment.method), payment.amount) for payment in order.payments.values()]
    booked += [(sold_by, tax - order.total), (accounts.TAX, -tax)]
    for refund in order.refunds.values():
        booked += _of_refund(order, refund, sold_by)
    for event in unusual:
        if isinstance(event, e.PaymentUnexpected):
            booked += [(accounts.SUSPENSE, event.amount), (accounts.of_payment(event.method), -event.amount)]
    balances: dict[str, int] = {}
    for account, amount in booked:
        balances[account] = balances.get(account, 0) + amount
    seller = order.seller_id
    fields = {balance(account, order.currency, seller): amount for account, amount in balances.items() if amount}
    return {"": fields} if fields else {}


def _of_refund(order: Order, refund: Refund, sold_by: str) -> Iterable[tuple[str, int]]:
    value = tax = 0
    for unit in order.pick(refund.units):
        value += order.value(unit)
        tax += order.items[unit.item_id].tax(unit.number)
    yield sold_by, value - tax
    yield accounts.TAX, tax
    yield (accounts.DEFERRED if refund.due_at is None else accounts.DUE), -refund.amount
    for deduction in refund.deductions:
        yield (accounts.FEES[deduction.kind] if order.seller_id is None else sold_by), -deduction.amount
    for payout in refund.payouts.values():
        if payout.status == "paid":
            yield accounts.DUE, payout.amount
            yield accounts.of_payment(payout.method), -payout.amount


def _requests(order: Order, _: Iterable[Unusual]) -> Facts:
    return {
        request.request_id: {
            "of": request.to,
            "buyer": order.buyer_id,
            "seller": order.seller_id,
            "asked": request.asked_at,
            "answer by": request.answer_by,
            "open": request.status == "open",
            "items": counts(request.units),
        }
        for request in order.requests.values()
    }


def _exceptions(order: Order, unusual: Iterable[Unusual]) -> Facts:
    found: Facts = {}
    for event in unusual:
        kind = event.kind if isinstance(event, e.ExceptionRaised) else "unexpected-payment"
        row = exception(kind, microseconds(event.at), event.amount, order.currency)
        whose = {"at": event.at, "buyer": order.buyer_id, "seller": order.seller_id, "times": 0}
        found.setdefault(row, whose)["times"] += 1
    return found


ORDER_FACTS: dict[str, Callable[[Order, Iterable[Unusual]], Facts]] = {
    "orders": _order,
    "refunds": _refunds,
    "ledger": _balances,
    "inbox": _requests,
    "exceptions": _exceptions,
}
"""By the name of the read model, of those that are about orders."""


def shipment_facts(shipment: Shipment) -> Facts:
    """Of the read model of shipments."""
    fields = {
        "state": shipment.state,
        "state by its history": shipment.state,
        "attempts": shipment.attempts,
        "buyer": shipment.buyer_id,
        "carrier": shipment.carrier.name,
        "tracking number": shipment.tracking_number,
        "mail class": shipment.mail_class,
        "contents": shipment.contents,
        "history": [(report.at, report.report, report.effect) for report in shipment.history],
    }
    return {"": fields}


# --- beside what it says ----------------------------------------------------------------------------------------------


def differences(name: str, log: Facts, told: Facts) -> list[str]:
    """Where a read model says something else: a row, a sentence."""
    if log == told:
        return []
    return [
        _sentence(name, row, log.get(row), told.get(row))
        for row in sorted(log.keys() | told.keys())
        if log.get(row) != told.get(row)
    ]


def _sentence(name: str, row: str, log: Fields | None, told: Fields | None) -> str:
    if told is None:
        return f"{row + ': ' if row else ''}not in the read model {name}"
    if log is None:
        return f"{row + ': ' if row else ''}in the read model {name}, and not in the log"
    if "its row" in told:
        return f"{row + ': ' if row else ''}its row in the read model {name} cannot be read"
    said = [
        f"{field}: {_text(log.get(field))} by the log, {_text(told.get(field))} by the read models"
        for field in dict.fromkeys([*log, *told])
        if log.get(field) != told.get(field)
    ]
    return f"{row + ': ' if row else ''}{'; '.join(said)}"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value}"
    if isinstance(value, (tuple, list)):
        return ", ".join(_text(each) for each in value) or "nothing"
    return "nothing" if value is None else f"{value}"
