"""Aggregates as the interface shows them: plain dicts of `show --json` and `shipments --json`."""

from datetime import datetime
from typing import Any

from ..domain import Order, Shipment
from ..domain.admission import moment
from ..domain.order import Claim, Refund, Request, Return, runs
from ..domain.units import counts


def order_view(order: Order) -> dict[str, Any]:
    """`show --json`: amounts in minor units, times in RFC 3339 with ``Z``."""
    return {
        "order_id": order.order_id,
        "version": order.version,
        "state": order.state,
        "buyer_id": order.buyer_id,
        "seller_id": order.seller_id,
        "fulfilled_by": order.fulfilled_by,
        "currency": order.currency,
        "total": order.total,
        "placed_at": moment(order.placed_at),
        "policy_version": order.policy_version,
        "items": [_item(order, item_id) for item_id in order.items],
        "payments": [
            {"payment_id": p.payment_id, "method": p.method, "amount": p.amount} for p in order.payments.values()
        ],
        "requests": [_request(request) for request in order.requests.values()],
        "returns": [_return(order, a_return) for a_return in order.returns.values()],
        "refunds": [refund_view(refund) for refund in order.refunds.values()],
        "claims": [_claim(claim) for claim in order.claims.values()],
    }


def _item(order: Order, item_id: str) -> dict[str, Any]:
    line = order.items[item_id].line
    return {
        "item_id": item_id,
        "sku": line.sku,
        "quantity": line.quantity,
        "units": [
            {
                "numbers": [unit.number for unit in units],
                "state": state,
                "shipment_id": shipment_id,
                "value": sum(order.value(unit) for unit in units),
            }
            for state, shipment_id, units in runs(order, item_id)
        ],
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "request_id": request.request_id,
        "to": request.to,
        "status": request.status,
        "items": counts(request.units),
        "asked_at": moment(request.asked_at),
        "answer_by": _maybe(request.answer_by),
        "lapsed_because": request.lapsed_because,
    }


def _return(order: Order, a_return: Return) -> dict[str, Any]:
    return {
        "return_id": a_return.return_id,
        "status": order.return_status(a_return),
        "reason": a_return.reason,
        "refund_to": a_return.refund_to,
        "items": counts(a_return.units),
        "received": dict(a_return.received),
        "started_at": moment(a_return.started_at),
        "handed_over_at": _maybe(a_return.handed_over_at),
        "lapses_at": moment(a_return.lapses_at),
    }


def refund_view(refund: Refund) -> dict[str, Any]:
    """One of `show`'s refunds."""
    return {
        "refund_id": refund.refund_id,
        "status": refund.status,
        "cause": refund.cause,
        "rule": refund.rule,
        "funded_by": refund.funded_by,
        "processor": refund.processor,
        "amount": refund.amount,
        "items": counts(refund.units),
        "deductions": [{"kind": d.kind, "amount": d.amount} for d in refund.deductions],
        "due_at": _maybe(refund.due_at),
        "payouts": [
            {
                "payment_id": payout.payment_id,
                "method": payout.method,
                "amount": payout.amount,
                "status": payout.status,
                "promised_by": _maybe(payout.promised_by),
                "attempts": payout.attempts,
            }
            for payout in refund.payouts.values()
        ],
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {"claim_id": claim.claim_id, "status": claim.status, "items": counts(claim.units)}


def shipment_view(shipment: Shipment) -> dict[str, Any]:
    """One of `shipments --json`."""
    return {
        "shipment_id": shipment.shipment_id,
        "state": shipment.state,
        "carrier": shipment.carrier.name,
        "tracking_number": shipment.tracking_number,
        "mail_class": shipment.mail_class,
        "attempts": shipment.attempts,
        "contents": [
            {"order_id": order_id, "item_id": item_id, "quantity": len(numbers)}
            for order_id, units in sorted(shipment.contents.items())
            for item_id, numbers in units.items()
        ],
        "history": [{"at": moment(r.at), "report": r.report, "effect": r.effect} for r in shipment.history],
    }


def _maybe(at: datetime | None) -> str | None:
    return None if at is None else moment(at)
