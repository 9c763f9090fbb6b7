"""The guarantee: what the marketplace does where a seller does not (RULEBOOK section 8)."""

from collections.abc import Iterator
from datetime import timedelta

from . import events as e
from .admission import admit, known_claim, known_order, moment, still_open
from .case import Case
from .commands import DecideClaim, FileClaim, WithdrawClaim
from .lifecycle import COMING_BACK, UNDER_WAY, UNSHIPPED
from .order import Order
from .refunding import new_promises
from .rules import Verdict, allowed, refused, rule
from .selection import check_known, choose
from .units import Unit, numbers

_NOT_YET_DELIVERED = UNSHIPPED | UNDER_WAY | COMING_BACK | {"lost"}


def file_claim(case: Case, command: FileClaim) -> None:
    """The buyer calls the guarantee."""
    order = known_order(case, command.order_id)
    check_known(order, command.items)
    admit(case, command, [order])
    units = [c.unit for c in choose(order, command.items, lambda unit: may_claim(case, order, unit))]
    grounds: dict[str, list[Unit]] = {}
    for unit in units:
        for ground in _grounds(case, order, unit):
            grounds.setdefault(ground, []).append(unit)
    case.record(
        order,
        e.ClaimFiled,
        "CLAIM-1",
        claim_id=f"{order.order_id}:claim:{len(order.claims) + 1}",
        units=numbers(units),
        grounds={ground: numbers(held) for ground, held in grounds.items()},
        reason=command.reason,
    )


@rule(
    "CLAIM-1",
    "H",
    "The buyer of a seller-fulfilled order may claim units when (a) their cancellation request was unanswered when its "
    "time was over; (b) they are unshipped or undelivered 30 days after placing; (c) their return was handed over 15 "
    "days ago and is not received; (d) a refund that the seller processes is unpaid after its promised time. None of "
    "these while a refund of the unit is deferred, or due and within its promised time; at most 90 days after placing.",
)
def may_claim(case: Case, order: Order, unit: Unit) -> Verdict:
    latest = order.placed_at + timedelta(days=order.rules.claims.latest_days)
    what = f"unit {unit.number} of item {unit.item_id}"
    refund = order.refunds.get(unit.refund_id or "")
    if not order.by_seller:
        return refused("CLAIM-1", "the guarantee is for seller-fulfilled orders")
    if unit.state == "refunded":
        return refused("CLAIM-1", f"{what} is refunded already")
    if unit.claim_id is not None:
        return refused("CLAIM-1", f"{what} is claimed already by {unit.claim_id}", advice="wait")
    if case.at > latest:
        return refused("CLAIM-1", f"claims were possible until {moment(latest)}")
    if refund is not None and not refund.is_overdue(case.at):
        return refused("CLAIM-1", f"{what} has a refund that is {refund.status}: {refund.refund_id}", advice="wait")
    held = set(_grounds(case, order, unit))
    if not held:
        return refused("CLAIM-1", f"nothing is overdue for {what}", advice="wait" if _in_hope(unit) else None)
    return _not_decided_before(order, unit, held) or allowed("CLAIM-1", until=latest)


def _in_hope(unit: Unit) -> bool:
    return unit.state in _NOT_YET_DELIVERED or unit.state == "in-return"


def _grounds(case: Case, order: Order, unit: Unit) -> Iterator[str]:
    """The grounds that hold for a unit now: the letter of CLAIM-1, and what it is about."""
    for request in order.requests.values():
        if request.lapsed_because == "unanswered" and unit.number in request.units.get(unit.item_id, ()):
            yield f"a:{request.request_id}"
    terms = order.rules.claims
    overdue_at = order.placed_at + timedelta(days=terms.undelivered_days)
    if unit.state in _NOT_YET_DELIVERED and unit.refund_id is None and case.at > overdue_at:
        yield "b"
    a_return = order.returns.get(unit.return_id or "")
    handed_over_at = a_return.handed_over_at if a_return is not None and unit.state == "in-return" else None
    if handed_over_at is not None and case.at > handed_over_at + timedelta(days=terms.unreceived_return_days):
        yield f"c:{unit.return_id}"
    refund = order.refunds.get(unit.refund_id or "")
    if refund is not None and refund.processor == "seller" and refund.is_overdue(case.at):
        yield f"d:{refund.refund_id}"


@rule(
    "CLAIM-3",
    "E",
    "Denied or withdrawn: nothing else changes, and the same ground for the same unit cannot be claimed again.",
)
def _not_decided_before(order: Order, unit: Unit, held: set[str]) -> Verdict | None:
    used = {
        ground
        for claim in order.claims.values()
        if claim.status in ("denied", "withdrawn")
        for ground, units in claim.grounds.items()
        if unit.number in units.get(unit.item_id, ())
    }
    if held <= used:
        return refused("CLAIM-3", f"this was claimed before for unit {unit.number} of item {unit.item_id}")
    return None


def decide_claim(case: Case, command: DecideClaim) -> None:
    """The marketplace grants or denies."""
    order, claim = known_claim(case, command.claim_id)
    admit(case, command, [order])
    still_open("claim", claim.claim_id, claim.status)
    if command.approve:
        case.record(order, e.ClaimGranted, "CLAIM-2", claim_id=claim.claim_id, reason=command.reason)
        _make_good(case, order, order.pick(claim.units))
    else:
        case.record(order, e.ClaimDenied, "CLAIM-3", claim_id=claim.claim_id, reason=command.reason)


@rule(
    "CLAIM-2",
    "E",
    "Granted, at once: units without a refund get one, of full value, due; an unpaid refund of the units is taken over "
    "by the marketplace as a whole. So never two refunds for a unit. When paid, the units are refunded, wherever they "
    "are.",
)
def _make_good(case: Case, order: Order, units: list[Unit]) -> None:
    case.lapse_requests(order, units, "claimed")
    taken = {unit.refund_id: None for unit in units if unit.refund_id is not None}
    for refund in [order.refunds[refund_id] for refund_id in order.refunds if refund_id in taken]:
        if refund.status == "paid" or refund.processor == "marketplace":
            continue
        due_at = refund.due_at or max(case.at, refund.made_at)
        case.record(
            order,
            e.RefundTakenOver,
            "CLAIM-2",
            refund_id=refund.refund_id,
            due_at=due_at,
            promises=new_promises(order, refund, max(case.at, refund.made_at)),
            was_deferred=refund.due_at is None,
        )
    case.owe(order, units, "claim", "CLAIM-2")


def withdraw_claim(case: Case, command: WithdrawClaim) -> None:
    """The buyer needs the guarantee no longer."""
    order, claim = known_claim(case, command.claim_id)
    admit(case, command, [order])
    still_open("claim", claim.claim_id, claim.status)
    case.record(order, e.ClaimWithdrawn, "CLAIM-3", claim_id=claim.claim_id)
