"""What a replay asks of a refund that falls due later: when may it, and what is promised then?"""

from datetime import datetime, timedelta

from ...domain import Order
from ...domain import events as e
from ...domain.refunding import new_promises
from .replay_moves import FINE, Wrong


def released(order: Order, event: e.RefundReleased) -> Wrong:
    """A deferred refund falls due: not while units wait to be shipped, but for its last day (PARTIAL-1)."""
    refund = order.refunds[event.refund_id]
    if refund.due_at is not None:
        return [("PARTIAL-1", f"refund {refund.refund_id} is {refund.status}")]
    last_day = refund.made_at + timedelta(days=order.rules.cancellation.deferred_refund_days)
    # Units of a refund that is paid are settled by this very command.
    settled = {
        unit.index for paid in order.refunds.values() if paid.status == "paid" for unit in order.pick(paid.units)
    }
    if event.at != last_day and order.has_unshipped(settled):
        return [("PARTIAL-1", f"refund {refund.refund_id} is released, and units of the order are unshipped")]
    due_at = max(event.at, refund.made_at)
    return _fell_due(event, due_at, new_promises(order, refund, due_at))


def taken_over(order: Order, event: e.RefundTakenOver) -> Wrong:
    """The marketplace promises anew what is owed; what was due stays due (CLAIM-2)."""
    refund = order.refunds[event.refund_id]
    now = max(event.at, refund.made_at)
    if event.was_deferred != (refund.due_at is None) or refund.status == "paid" or refund.processor == "marketplace":
        return [("CLAIM-2", f"refund {refund.refund_id} is {refund.status}, its processor the {refund.processor}")]
    return _fell_due(event, refund.due_at or now, new_promises(order, refund, now))


def _fell_due(event: e.RefundReleased | e.RefundTakenOver, due_at: datetime, promises: dict[str, datetime]) -> Wrong:
    wrong = []
    if event.due_at != due_at:
        wrong.append((event.rule, f"refund {event.refund_id} falls due at {event.due_at}, not at {due_at}"))
    if event.promises != promises:
        said, right = (", ".join(f"{to} by {by}" for to, by in sorted(p.items())) for p in (event.promises, promises))
        wrong.append(("REFUND-2", f"promised is {said or 'nothing'}, not {right or 'nothing'}"))
    return wrong or FINE
