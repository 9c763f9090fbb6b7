"""An order's history in words: what happened, when it was learned, who, by which rule; and what was tried in vain."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from ..domain import Event, OrderEvent
from ..domain import events as e
from ..domain.admission import moment
from ..domain.vocabulary import Units
from .store import JournalEntry


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """``at`` when it happened, ``recorded_at`` when it was learned; rejected and noted attempts are entries too."""

    at: datetime
    recorded_at: datetime
    who: str
    what: str
    rule: str | None
    status: Literal["recorded", "rejected", "noted"] = "recorded"
    version: int | None = None
    command_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `timeline --json` prints it."""
        told = msgspec.structs.asdict(self)
        return told | {"at": moment(self.at), "recorded_at": moment(self.recorded_at)}


def timeline(order_id: str, events: Sequence[Event], attempts: Iterable[JournalEntry]) -> list[TimelineEntry]:
    """Events in their order; an attempt stands after what was known when it was decided."""
    entries: list[tuple[int, int, TimelineEntry]] = []
    last_of = {event.command_id: event.version for event in events}
    for event in events:
        entries.append((event.version, 0, _told(cast(OrderEvent, event))))
    for number, attempt in enumerate(attempts, 1):
        after = max(attempt.basis.get(f"order:{order_id}", 0), last_of.get(attempt.command_id, 0))
        entries.append((after, number, _tried(attempt)))
    return [entry for _, _, entry in sorted(entries, key=lambda e: e[:2])]


def _told(event: OrderEvent) -> TimelineEntry:
    return TimelineEntry(
        at=event.at,
        recorded_at=event.recorded_at,
        who=_who(event.actor, event.actor_id),
        what=in_words(event),
        rule=event.rule,
        version=event.version,
        command_id=event.command_id,
    )


def _tried(attempt: JournalEntry) -> TimelineEntry:
    command: dict[str, Any] = msgspec.json.decode(attempt.command)
    outcome: dict[str, Any] = msgspec.json.decode(attempt.outcome)
    what = command["command"]
    items = command.get("items")
    if isinstance(items, dict):
        what += " of " + ", ".join(f"{n} × {item_id}" for item_id, n in items.items())
    elif items is not None:
        what += " of everything"
    about = next((command[key] for key in _SUBJECTS if command.get(key)), None)
    what += f" {about}" if about and items is None else ""
    if attempt.status == "rejected":
        what += f": {outcome['reason']}"
    elif attempt.status == "noted":
        what += ": changes nothing"
    return TimelineEntry(
        at=attempt.at,
        recorded_at=attempt.recorded_at,
        who=_who(command.get("actor"), command.get("actor_id")),
        what=what,
        rule=outcome.get("rule"),
        status="rejected" if attempt.status == "rejected" else "noted",
        command_id=attempt.command_id,
    )


_SUBJECTS = ("request_id", "return_id", "refund_id", "claim_id", "shipment_id")


def _who(role: str | None, its_id: str | None) -> str:
    return f"{role} {its_id}" if its_id else role or "—"


def units_in_words(units: Units) -> str:
    """``2 × A, 1 × B``."""
    return ", ".join(f"{len(numbers)} × {item_id}" for item_id, numbers in units.items())


def in_words(event: OrderEvent) -> str:
    """What an event says, as a sentence without a subject; amounts in minor units with their field's name elsewhere."""
    teller = _TELLERS.get(type(event))
    if teller is not None:
        return teller(event)
    words = event.type.replace("-", " ")
    if isinstance(event, e.ItemsMoved):
        words += f": {units_in_words(event.units)}"
        words += f" (parcel {event.shipment_id})" if event.shipment_id else ""
        words += ", inferred from a later report" if event.inferred else ""
    return words


def _payouts(event: e.RefundOwed) -> str:
    parts = [f"{p.amount} to {p.payment_id}" for p in event.payouts]
    kept = [f"{d.amount} kept for {d.kind.replace('-', ' ')}" for d in event.deductions]
    return "; ".join(part for part in (", ".join(parts), ", ".join(kept)) if part)


def _refund(event: e.RefundOwed) -> str:
    when = "deferred" if event.due_at is None else "due"
    details = _payouts(event)
    said = f"refund {event.refund_id} of {event.amount} {when} for {units_in_words(event.units)} ({event.cause})"
    return f"{said}: {details}" if details else said


_TELLERS: dict[type[e.OrderEvent], Callable[[Any], str]] = {
    e.OrderPlaced: lambda x: (
        "order placed: "
        + ", ".join(f"{line.quantity} × {line.item_id}" for line in x.items)
        + f", {sum(p.amount for p in x.payments)} {x.currency} paid"
    ),
    e.ItemsRefunded: lambda x: f"items refunded: {units_in_words(x.units)}",
    e.CancellationRequested: lambda x: f"cancellation of {units_in_words(x.units)} asked of the {x.to}: {x.request_id}",
    e.CancellationApproved: lambda x: (
        f"request {x.request_id} approved" + (", for its units alone" if x.scope == "units" else "")
    ),
    e.CancellationDeclined: lambda x: f"request {x.request_id} declined",
    e.CancellationLapsed: lambda x: f"request {x.request_id} lapsed: {x.because}",
    e.ReturnStarted: lambda x: f"return {x.return_id} of {units_in_words(x.units)} started: {x.reason}",
    e.ReturnWithdrawn: lambda x: f"return {x.return_id} withdrawn",
    e.ReturnHandedOver: lambda x: f"return {x.return_id} handed over to a carrier",
    e.ReturnReceived: lambda x: (
        f"received of return {x.return_id}: {units_in_words(x.units)}"
        + (f", opened {units_in_words(x.opened)}" if x.opened else "")
    ),
    e.ReturnLapsed: lambda x: f"return {x.return_id} lapsed",
    e.ReturnLost: lambda x: f"return {x.return_id} lost: {units_in_words(x.units)}",
    e.RefundOwed: _refund,
    e.RefundReleased: lambda x: f"refund {x.refund_id} released: due at {moment(x.due_at)}",
    e.RefundTakenOver: lambda x: f"refund {x.refund_id} taken over by the marketplace",
    e.PayoutSubmitted: lambda x: (
        f"payout to {x.payment_id} of {x.refund_id} submitted, attempt {x.attempt}"
        + (" (inferred)" if x.inferred else "")
    ),
    e.PayoutPaid: lambda x: f"payout of {x.amount} to {x.payment_id} of {x.refund_id} paid, reference {x.reference}",
    e.PayoutFailed: lambda x: f"payout to {x.payment_id} of {x.refund_id} failed, reference {x.reference}",
    e.PayoutBounced: lambda x: f"payout of {x.amount} to {x.payment_id} of {x.refund_id} bounced: owed again",
    e.PaymentUnexpected: lambda x: (
        f"unexpected payment of {x.amount} to {x.payment_id} ({x.because}): someone must look"
    ),
    e.ExceptionRaised: lambda x: f"exception: {x.kind}, {units_in_words(x.units)}, {x.amount} at risk",
    e.ClaimFiled: lambda x: f"claim {x.claim_id} filed for {units_in_words(x.units)}",
    e.ClaimGranted: lambda x: f"claim {x.claim_id} granted",
    e.ClaimDenied: lambda x: f"claim {x.claim_id} denied",
    e.ClaimWithdrawn: lambda x: f"claim {x.claim_id} withdrawn",
}
