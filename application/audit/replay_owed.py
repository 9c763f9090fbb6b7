"""What a replay asks of a refund: is it owed, and is it what the domain itself would owe, by its order's policy?

Not asked is which of the rules of a cancellation let it happen: that makes no difference in money.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from ...domain import Case, Order, Shipment, Unit
from ...domain import events as e
from ...domain.case import Debt
from ...domain.refunding import settle
from ...domain.vocabulary import STORE_CREDIT, Units
from .replay_asides import Asides
from .replay_moves import FINE, Check, Wrong, named, numbered, pick

AMOUNTS = "amounts"

Parcel = Callable[[str], Shipment | None]
"""A shipment by its id, wherever the replay is."""

_CANCELLED = ("CANCEL-1", "CANCEL-2", "CANCEL-3", "CANCEL-5", "SELLER-1", "SELLER-2", "PARTIAL-1")
_GROUNDS: dict[tuple[str, str], str] = {
    **{("cancelled", rule): "cancelled" for rule in _CANCELLED},
    **{("lost", rule): "lost" for rule in ("SCAN-1", "RETURN-6", "LOST-1")},
    ("cancelled", "CANCEL-4"): "returned",
    ("refused", "REFUSE-1"): "returned",
    ("undeliverable", "SCAN-1"): "returned",
    ("returned", "RETURN-2"): "returned",
}
"""The state of units for which a refund is owed, by its cause and rule; a granted claim (CLAIM-2) asks for none."""


def owed(asides: Asides, parcel: Parcel) -> Check:
    """The check of a refund that is made."""

    def check(order: Order, event: e.RefundOwed) -> Wrong:
        units = pick(order, event.units)
        if not units:
            return [(AMOUNTS, f"refund {event.refund_id} is for no units")]
        receipt = asides.last_receipt(event.stream) if event.return_id is not None else None
        wrong = [*_without_ground(order, event, units, receipt)]
        try:
            expected = _expected(order, event, units, pick(order, receipt.opened) if receipt else [], parcel)
        except AssertionError as error:
            return [*wrong, ("REFUND-1", str(error))]
        if all(getattr(event, name) == value for name, value in expected.items()):
            return wrong or FINE
        return [*wrong, *_otherwise(order, event, expected)]

    return check


# --- is it owed -------------------------------------------------------------------------------------------------------


def _without_ground(
    order: Order, event: e.RefundOwed, units: Sequence[Unit], receipt: e.ReturnReceived | None
) -> Iterator[tuple[str, str]]:
    for unit in units:
        if unit.refund_id is not None:
            yield "REFUND-1", f"{named(unit)} is refunded already by {unit.refund_id}"
    if event.cause == "claim":
        granted = {claim.claim_id for claim in order.claims.values() if claim.status == "granted"}
        strangers = [unit for unit in units if unit.claim_id not in granted or event.rule != "CLAIM-2"]
    else:
        state = _GROUNDS.get((event.cause, event.rule))
        strangers = [unit for unit in units if unit.state != state]
    for unit in strangers:
        yield event.rule, f"{named(unit)} is {unit.state}: nothing is owed for it as {event.cause} by {event.rule}"
    if not strangers and (event.cause, event.rule) in _GROUNDS:
        yield from _from_elsewhere(event, units, receipt)


def _from_elsewhere(
    event: e.RefundOwed, units: Sequence[Unit], receipt: e.ReturnReceived | None
) -> Iterator[tuple[str, str]]:
    """Goods that came back did so in the refund's parcel, or with the last receipt of its return."""
    of_return = event.cause == "returned"
    in_parcel = not of_return and _GROUNDS[event.cause, event.rule] == "returned"
    if of_return != (event.return_id is not None) or in_parcel != (event.shipment_id is not None):
        yield event.rule, f"return {event.return_id} and shipment {event.shipment_id} are no ground for {event.cause}"
    elif of_return and (receipt is None or receipt.return_id != event.return_id or not _holds(receipt.units, units)):
        yield "RETURN-5", f"its units are not what return {event.return_id} received last"
    elif in_parcel and any(unit.shipment_id != event.shipment_id for unit in units):
        yield "RETURN-5", f"its units did not come back in shipment {event.shipment_id}"


def _holds(received: Units, units: Sequence[Unit]) -> bool:
    return all(unit.number in received.get(unit.item_id, ()) for unit in units)


# --- what the domain would owe ----------------------------------------------------------------------------------------


class _Owed(Exception):
    """The event that would be recorded."""

    def __init__(self, rule: str, fields: dict[str, Any]) -> None:
        super().__init__(rule)
        self.fields = {"rule": rule, **fields}


class _Settling(Case):
    """A case with one debt, which gives the refund that this makes instead of recording it."""

    def __init__(self, debt: Debt, at: datetime, parcel: Parcel) -> None:
        self.at, self.orders, self.debts, self.paid = at, {}, [debt], []
        self._has_fee = debt.order.currency in debt.order.rules.refusal.fee_minor
        self._parcel = parcel

    def shipment(self, shipment_id: str) -> Shipment | None:
        """Asked for its mail class (REFUSE-2), which only matters where the policy has a fee."""
        return self._parcel(shipment_id) if self._has_fee else None

    def record(self, _order: Order, _kind: type[e.OrderEvent], rule: str, /, **fields: Any) -> None:
        raise _Owed(rule, fields)


def _expected(
    order: Order, event: e.RefundOwed, units: Sequence[Unit], opened: Sequence[Unit], parcel: Parcel
) -> dict[str, Any]:
    """The fields of the refund that the domain makes of the same debt."""
    # PARTIAL-1 stands in the place of the rule by which the units were cancelled.
    debt = Debt(order, event.cause, "" if event.rule == "PARTIAL-1" else event.rule)
    debt.units, debt.opened = [*units], [*opened]
    debt.return_id, debt.shipment_id = event.return_id, event.shipment_id
    # PARTIAL-1 is only about units that become cancelled.
    debt.deferrable = event.cause == "cancelled" and event.rule != "CANCEL-4"
    try:
        settle(_Settling(debt, event.at, parcel))
    except _Owed as owed:
        return owed.fields
    raise AssertionError("a debt makes a refund")


# --- where it is another ----------------------------------------------------------------------------------------------


def _otherwise(order: Order, event: e.RefundOwed, expected: dict[str, Any]) -> Wrong:
    wrong = [
        *numbered(order, "refund", event.refund_id, order.refunds),
        *_amounts(event, expected),
        *_to_whom(order, event),
        *_when(event, expected),
    ]
    if (event.funded_by, event.processor) != (expected["funded_by"], expected["processor"]):
        wrong.append(("REFUND-3", f"funded by the {event.funded_by} and processed by the {event.processor}"))
    if wrong:
        return wrong
    # It adds up, to whom and when it may: but that much is not kept, or it goes another way.
    if event.deductions != expected["deductions"]:
        return [*_kept_otherwise(event, expected["deductions"])]
    return [("REFUND-1", f"it goes to {_ways(event.payouts)}, and should to {_ways(expected['payouts'])}")]


def _amounts(event: e.RefundOwed, expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    value, tax = expected["value"], expected["tax"]
    kept = sum(deduction.amount for deduction in event.deductions)
    paid = sum(payout.amount for payout in event.payouts)
    if (event.value, event.tax) != (value, tax):
        yield AMOUNTS, f"the units are worth {value} (tax {tax}), not {event.value} (tax {event.tax})"
    if event.amount != event.value - kept or event.amount < 0:
        yield AMOUNTS, f"{event.value} less {kept} that is kept is not {event.amount}"
    if event.amount != paid:
        yield AMOUNTS, f"the payouts add up to {paid}, the refund to {event.amount}"
    elif any(payout.amount <= 0 for payout in event.payouts):
        yield AMOUNTS, "a payout of nothing"
    for deduction in event.deductions:
        if deduction.amount <= 0:
            yield AMOUNTS, f"a deduction of {deduction.amount} for {deduction.kind}"


def _to_whom(order: Order, event: e.RefundOwed) -> Iterator[tuple[str, str]]:
    a_return = order.returns.get(event.return_id or "")
    chosen = a_return is not None and a_return.refund_to == STORE_CREDIT
    for payout in event.payouts:
        payment = order.payments.get(payout.payment_id)
        if payment is not None:
            back = order.paid_back(payment.payment_id) + payout.amount
            if back > payment.amount:
                yield "REFUND-1", f"payment {payment.payment_id} of {payment.amount} would get back {back}"
        elif payout.payment_id != STORE_CREDIT:
            yield "REFUND-1", f"the order has no payment {payout.payment_id}"
        elif not chosen:
            yield "RETURN-3", "nobody chose store credit"


def _when(event: e.RefundOwed, expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if event.rule != expected["rule"] or (event.due_at is None) != (expected["due_at"] is None):
        said, right = ("deferred" if due_at is None else "due" for due_at in (event.due_at, expected["due_at"]))
        yield "PARTIAL-1", f"a refund by {event.rule} that is {said}, and should be {right}"
    elif event.due_at != expected["due_at"]:
        yield "REFUND-2", f"it falls due at {event.due_at}, and is made at {event.at}"
    else:
        promises = {payout.payment_id: payout.promised_by for payout in expected["payouts"]}
        for payout in event.payouts:
            promised = promises.get(payout.payment_id, payout.promised_by)
            if payout.promised_by != promised:
                yield "REFUND-2", f"payout {payout.payment_id} is promised by {payout.promised_by}, not {promised}"


def _kept_otherwise(event: e.RefundOwed, expected: list[e.Deduction]) -> Iterator[tuple[str, str]]:
    rules = {"restocking": "RETURN-2", "return-shipping": "REFUSE-2" if event.cause == "refused" else "RETURN-3"}
    for kind, rule in rules.items():
        said, right = ([d.amount for d in kept if d.kind == kind] for kept in (event.deductions, expected))
        if said != right:
            yield rule, f"{sum(said)} is kept for {kind}, and should be {sum(right)}"


def _ways(payouts: list[e.PayoutOwed]) -> str:
    return ", ".join(f"{payout.payment_id} by {payout.method} {payout.amount}" for payout in payouts) or "nobody"
