"""Who may cancel a unit directly, who must be asked, and what goes along (RULEBOOK section 4).

``verdict_for_buyer`` asks the rules in the order of ``BUYER_RULES``; the first that has an answer answers. The same
verdicts serve `cancel-items`, `request-cancellation` (whose ``ask`` names the party) and the options.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from . import events as e
from .admission import admit, known_order, moment, not_before_placing
from .case import Case
from .commands import CancelItems
from .errors import CascadeUnits, Rejection
from .lifecycle import UNDER_WAY, UNSHIPPED
from .order import Order
from .returning import may_return
from .rules import Verdict, allowed, refused, rule
from .selection import Chosen, check_known, choose, once_for_alike
from .shipment import Shipment
from .units import Unit, counts, numbers
from .vocabulary import OrderUnits, Party

Share = tuple[Order, list[Unit]]


def cancel_items(case: Case, command: CancelItems) -> None:
    """Cancel units directly, with whatever shares their parcel if that is accepted."""
    order = known_order(case, command.order_id)
    check_known(order, command.items)
    admit(case, command, [order])
    judge = verdict_for_buyer if case.role == "buyer" else verdict_for_keeper
    chosen = choose(order, command.items, once_for_alike(lambda unit: judge(case, order, unit)))
    cancel_directly(case, order, chosen, accepted=command.accept_cascade, reason=command.reason)


def cancel_directly(case: Case, order: Order, chosen: list[Chosen], *, accepted: bool, reason: str | None) -> None:
    """Cancel chosen units; packed ones take their whole parcel with them."""
    units = [c.unit for c in chosen]
    others = accepted_cascade(case, order, units, accepted=accepted)
    rule_id = chosen[0].verdict.rule
    cancel_units(case, with_own(order, units, others), rule_id, reason=reason)


# --- the rules, in the order in which they are asked ------------------------------------------------------------------


@rule(
    "CANCEL-6",
    "E",
    "A unit that is delivered, on its way back, returned, lost, cancelled or refunded cannot be cancelled or "
    "requested; the rejection advises what the buyer can do instead.",
)
def _finished(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if unit.state in UNSHIPPED or unit.state in UNDER_WAY:
        return None
    if unit.state == "delivered":
        advice = "start-return" if may_return(case, order, unit).allowed else None
    else:
        advice = None if unit.state == "refunded" else "wait"
    return refused("CANCEL-6", f"{named(unit)} is {unit.state}", advice=advice)


@rule(
    "CANCEL-1", "H", "Marketplace-fulfilled and not yet packed: the buyer cancels items directly; a reason is optional."
)
def _not_yet_packed(case: Case, order: Order, unit: Unit) -> Verdict | None:
    return allowed("CANCEL-1") if not order.by_seller and unit.state == "placed" else None


@rule(
    "CANCEL-2",
    "A",
    "Marketplace-fulfilled, packed but not dispatched: the cancellation is a request to the warehouse, which pulls the "
    "goods or does not; nothing is guaranteed.",
)
def _packed(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if order.by_seller or unit.state != "preparing":
        return None
    return _asking("CANCEL-2", unit, f"{named(unit)} is packed already: the warehouse must be asked", "warehouse")


@rule(
    "CANCEL-3",
    "A",
    "Marketplace-fulfilled, shipped with the marketplace's own carrier, not out for delivery: the request goes to the "
    "carrier. Approved, the units are cancelled at once and the refund does not wait for the parcel.",
)
def _in_own_van(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if order.by_seller or not can_be_intercepted(case, unit):
        return None
    return _asking("CANCEL-3", unit, f"{named(unit)} is shipped: the carrier must be asked", "carrier")


@rule(
    "CANCEL-4",
    "HA",
    "Marketplace-fulfilled, out for delivery or shipped with a partner carrier: the request is taken, nothing is "
    "guaranteed, and the buyer is advised to refuse the parcel if it comes. Approved, the parcel turns back; the "
    "refund falls due when it is received.",
)
def _beyond_reach(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if order.by_seller or unit.state not in UNDER_WAY:
        return None
    reason = f"{named(unit)} is {unit.state}: the carrier can be asked, but refuse the parcel if it comes"
    return _asking("CANCEL-4", unit, reason, "carrier")


@rule(
    "SELLER-1",
    "H",
    "Seller-fulfilled, not shipped, up to and including 30 minutes after placing: the buyer cancels directly.",
)
def _within_seller_window(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if not order.by_seller or unit.state not in UNSHIPPED:
        return None
    closes_at = order.placed_at + timedelta(minutes=order.rules.cancellation.seller_window_minutes)
    return allowed("SELLER-1", until=closes_at) if case.at <= closes_at else None


@rule(
    "SELLER-2",
    "H",
    "Seller-fulfilled, not shipped, after the seller window: the cancellation is a request to the seller. Approved, "
    "the units are cancelled and the seller processes the refund. Unanswered for 48 hours, the request lapses.",
)
def _after_seller_window(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if not order.by_seller or unit.state not in UNSHIPPED:
        return None
    closed_at = order.placed_at + timedelta(minutes=order.rules.cancellation.seller_window_minutes)
    return _asking("SELLER-2", unit, f"the seller window closed at {moment(closed_at)}", "seller")


@rule(
    "SELLER-3",
    "H",
    "Seller-fulfilled and shipped or out for delivery: it cannot be cancelled or requested. The buyer refuses the "
    "delivery, which starts the return and the refund.",
)
def _shipped_by_seller(case: Case, order: Order, unit: Unit) -> Verdict | None:
    return refused("SELLER-3", f"{named(unit)} is {unit.state} by its seller", advice="refuse-delivery")


@rule(
    "CANCEL-5",
    "E",
    "The marketplace may cancel unshipped units of any order, the seller unshipped units of its own seller-fulfilled "
    "orders, at any time, also in preparing, without asking anybody.",
)
def _unshipped(case: Case, order: Order, unit: Unit) -> Verdict | None:
    if unit.state in UNSHIPPED:
        return allowed("CANCEL-5")
    return refused("CANCEL-5", f"{named(unit)} is {unit.state}")


Asked = Callable[[Case, Order, Unit], Verdict | None]
BUYER_RULES: tuple[Asked, ...] = (
    _finished,
    _not_yet_packed,
    _packed,
    _in_own_van,
    _beyond_reach,
    _within_seller_window,
    _after_seller_window,
    _shipped_by_seller,
)
KEEPER_RULES: tuple[Asked, ...] = (_finished, _unshipped)


def verdict_for_buyer(case: Case, order: Order, unit: Unit) -> Verdict:
    """May the buyer cancel this unit directly; if not, who can be asked."""
    return _first_answer(BUYER_RULES, case, order, unit)


def verdict_for_keeper(case: Case, order: Order, unit: Unit) -> Verdict:
    """May the marketplace (or the seller that keeps it) cancel this unit."""
    return _first_answer(KEEPER_RULES, case, order, unit)


def _first_answer(rules: tuple[Asked, ...], case: Case, order: Order, unit: Unit) -> Verdict:
    for asked in rules:
        verdict = asked(case, order, unit)
        if verdict is not None:
            return verdict
    raise AssertionError(f"no rule answers for a unit that is {unit.state}")


def _asking(rule_id: str, unit: Unit, reason: str, party: Party) -> Verdict:
    advice = "request-cancellation" if unit.request_id is None else "wait"
    return refused(rule_id, reason, advice=advice, ask=party)


def can_be_intercepted(case: Case, unit: Unit) -> bool:
    """Whether the marketplace's own carrier holds the unit and has not set out to deliver it."""
    parcel = case.parcel(unit)
    return unit.state == "shipped" and parcel is not None and parcel.carrier.kind == "own"


# --- what goes along --------------------------------------------------------------------------------------------------


def companions(case: Case, units: Iterable[Unit], order: Order) -> list[Share]:
    """Every other unit in the parcels of ``units``, of whichever order, by order id."""
    asked = {(order.order_id, unit.index) for unit in units}
    shares: dict[str, Share] = {}
    for parcel in parcels(case, units):
        for other, riders in case.riders(parcel):
            rest = [unit for unit in riders if (other.order_id, unit.index) not in asked]
            if rest:
                shares.setdefault(other.order_id, (other, []))[1].extend(rest)
    return [shares[order_id] for order_id in sorted(shares)]


def parcels(case: Case, units: Iterable[Unit]) -> list[Shipment]:
    """The parcels that ``units`` are in."""
    found = {unit.shipment_id: case.parcel(unit) for unit in units}
    return [parcel for parcel in found.values() if parcel is not None]


@rule(
    "COMBINED-1",
    "H",
    "Cancelling a unit that is in a parcel may take the rest of the parcel with it, of whichever order. Whoever "
    "cancels or requests must have accepted that; a refusal lists every other unit that could go. All orders change or "
    "none.",
)
def accepted_cascade(case: Case, order: Order, units: list[Unit], *, accepted: bool) -> list[Share]:
    others = placed_by_now(case, companions(case, units, order))
    if others and not accepted:
        raise Rejection(
            "COMBINED-1",
            "the rest of the parcel may be cancelled too: accept_cascade is needed",
            cascade=spelled(others),
        )
    return others


def placed_by_now(case: Case, others: list[Share]) -> list[Share]:
    """What goes along must have been placed, too (TIME-2)."""
    not_before_placing(case, [other for other, _ in others])
    return others


def spelled(shares: Iterable[Share]) -> tuple[CascadeUnits, ...]:
    """Shares as results list them."""
    return tuple(
        CascadeUnits(order_id=order.order_id, item_id=item_id, quantity=quantity)
        for order, units in shares
        for item_id, quantity in counts(numbers(units)).items()
    )


def with_own(order: Order, units: list[Unit], others: Iterable[Share]) -> list[Share]:
    """The asked units and those that go along, one share an order, by order id."""
    shares: dict[str, Share] = {order.order_id: (order, list(units))}
    for other, rest in others:
        shares.setdefault(other.order_id, (other, []))[1].extend(rest)
    return [shares[order_id] for order_id in sorted(shares)]


def cancel_units(
    case: Case, shares: list[Share], rule_id: str, *, reason: str | None = None, taken_out: bool = False
) -> None:
    """Cancel units of one or several orders, owe their refunds, and close the parcels that this empties."""
    touched = {p.shipment_id: p for _, units in shares for p in parcels(case, units)}
    if taken_out:
        for parcel in touched.values():
            gone = [(o, [u for u in us if u.shipment_id == parcel.shipment_id]) for o, us in shares]
            contents = [OrderUnits(order.order_id, numbers(units)) for order, units in gone if units]
            case.record_parcel(parcel, e.ContentsTakenOut, rule_id, contents=contents)
    for order, units in shares:
        case.move(order, units, e.ItemsCancelled, rule_id, reason=reason, taken_out=taken_out)
        case.owe(order, units, "cancelled", rule_id).deferrable = True
    for parcel in touched.values():
        if not case.riders(parcel):
            case.record_parcel(parcel, e.ShipmentCancelled, rule_id, report=case.command_name)


def named(unit: Unit) -> str:
    """A unit in words."""
    return f"unit {unit.number} of item {unit.item_id}"
