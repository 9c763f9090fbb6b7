"""An order's history in words: what happened, when it was learned, who, by which rule; and what was tried in vain."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from ..domain import Event, OrderEvent, fold
from ..domain import events as e
from ..domain.admission import moment
from ..domain.commands import COMMANDS
from ..domain.money import in_major_units
from ..domain.packing import keeper
from ..domain.vocabulary import Role, Units
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
    currency = cast(e.OrderPlaced, events[0]).currency
    for event in events:
        entries.append((event.version, 0, _told(cast(OrderEvent, event), currency)))
    for number, attempt in enumerate(attempts, 1):
        after = max(attempt.basis.get(f"order:{order_id}", 0), last_of.get(attempt.command_id, 0))
        entries.append((after, number, _tried(attempt, events[:after])))
    return [entry for _, _, entry in sorted(entries, key=lambda e: e[:2])]


def _told(event: OrderEvent, currency: str) -> TimelineEntry:
    return TimelineEntry(
        at=event.at,
        recorded_at=event.recorded_at,
        who=_who(event.actor, event.actor_id),
        what=in_words(event, currency),
        rule=event.rule,
        version=event.version,
        command_id=event.command_id,
    )


def _tried(attempt: JournalEntry, known: Sequence[Event]) -> TimelineEntry:
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
        who=_who(command.get("actor") or _natural_role(command, known), command.get("actor_id")),
        what=what,
        rule=outcome.get("rule"),
        status="rejected" if attempt.status == "rejected" else "noted",
        command_id=attempt.command_id,
    )


_SUBJECTS = ("request_id", "return_id", "refund_id", "claim_id", "shipment_id")


def _who(role: str, its_id: str | None) -> str:
    return f"{role} {its_id}" if its_id else role


def _natural_role(command: dict[str, Any], known: Sequence[Event]) -> Role:
    """Who gives a command that names nobody (AUTH-1), by what was known of the order when it was decided."""
    name, order = command["command"], fold(known)
    if order is not None and name in ("pack-shipment", "unpack-shipment", "receive-return"):
        return keeper(order)
    if order is not None and name == "answer-cancellation" and command["request_id"] in order.requests:
        return order.requests[command["request_id"]].to
    if order is not None and name in ("submit-payout", "report-payout"):
        refund = order.refunds.get(command["refund_id"])
        return order.fulfilled_by if refund is None else refund.processor
    return COMMANDS[name].roles[0]


def units_in_words(units: Units) -> str:
    """``2 × A, 1 × B``."""
    return ", ".join(f"{len(numbers)} × {item_id}" for item_id, numbers in units.items())


def in_words(event: OrderEvent, currency: str) -> str:
    """What an event says, as a sentence without a subject; ``currency`` is that of its order."""
    if (teller := _TELLERS.get(type(event))) is not None:
        return teller(event)
    if (teller_of_money := _TELLERS_OF_MONEY.get(type(event))) is not None:
        return teller_of_money(event, lambda amount: in_major_units(amount, currency))
    words = event.type.replace("-", " ")
    if isinstance(event, e.ItemsMoved):
        words += f": {units_in_words(event.units)}"
        words += f" (parcel {event.shipment_id})" if event.shipment_id else ""
        words += ", inferred from a later report" if event.inferred else ""
    return words


Money = Callable[[int], str]
"""Spells an amount of the order."""


def _payouts(event: e.RefundOwed, money: Money) -> str:
    parts = [f"{money(p.amount)} to {p.payment_id}" for p in event.payouts]
    kept = [f"{money(d.amount)} kept for {d.kind.replace('-', ' ')}" for d in event.deductions]
    return "; ".join(part for part in (", ".join(parts), ", ".join(kept)) if part)


def _refund(event: e.RefundOwed, money: Money) -> str:
    when = "deferred" if event.due_at is None else "due"
    details = _payouts(event, money)
    said = f"refund {event.refund_id} of {money(event.amount)} {when} for {units_in_words(event.units)} ({event.cause})"
    return f"{said}: {details}" if details else said


def _placed(event: e.OrderPlaced, money: Money) -> str:
    lines = ", ".join(f"{line.quantity} × {line.item_id}" for line in event.items)
    return f"order placed: {lines}, {money(sum(payment.amount for payment in event.payments))} paid"


_TELLERS: dict[type[e.OrderEvent], Callable[[Any], str]] = {
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
    e.RefundReleased: lambda x: f"refund {x.refund_id} released: due at {moment(x.due_at)}",
    e.RefundTakenOver: lambda x: f"refund {x.refund_id} taken over by the marketplace",
    e.PayoutSubmitted: lambda x: (
        f"payout to {x.payment_id} of {x.refund_id} submitted, attempt {x.attempt}"
        + (" (inferred)" if x.inferred else "")
    ),
    e.PayoutFailed: lambda x: f"payout to {x.payment_id} of {x.refund_id} failed, reference {x.reference}",
    e.ClaimFiled: lambda x: f"claim {x.claim_id} filed for {units_in_words(x.units)}",
    e.ClaimGranted: lambda x: f"claim {x.claim_id} granted",
    e.ClaimDenied: lambda x: f"claim {x.claim_id} denied",
    e.ClaimWithdrawn: lambda x: f"claim {x.claim_id} withdrawn",
}
_TELLERS_OF_MONEY: dict[type[e.OrderEvent], Callable[[Any, Money], str]] = {
    e.OrderPlaced: _placed,
    e.RefundOwed: _refund,
    e.PayoutPaid: lambda x, money: (
        f"payout of {money(x.amount)} to {x.payment_id} of {x.refund_id} paid, reference {x.reference}"
    ),
    e.PayoutBounced: lambda x, money: (
        f"payout of {money(x.amount)} to {x.payment_id} of {x.refund_id} bounced: owed again"
    ),
    e.PaymentUnexpected: lambda x, money: (
        f"unexpected payment of {money(x.amount)} to {x.payment_id} ({x.because}): someone must look"
    ),
    e.ExceptionRaised: lambda x, money: f"exception: {x.kind}, {units_in_words(x.units)}, {money(x.amount)} at risk",
}
