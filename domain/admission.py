"""What every command is asked before its own rules: does it exist, may this party, is it in time, is it still open."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NoReturn

from .case import Case
from .commands import Command
from .errors import Rejection
from .order import Claim, Order, Refund, Request, Return
from .rules import rule
from .shipment import Shipment
from .vocabulary import Role


def owner(given_id: str, kind: str) -> str:
    """The order of an id that the engine gave: ``O1`` for ``O1:refund:1``; "" where it is not of this kind."""
    order_id, _, tail = given_id.rpartition(f":{kind}:")
    return order_id if tail.isascii() and tail.isdigit() else ""


AHEAD_MINUTES = 5
"""How far clocks may differ (TIME-3): the engine's, not a policy's, for it judges before there is an order."""

_KINDS = {
    "contents": "",
    "order_id": "order",
    "shipment_id": "shipment",
    "request_id": "request",
    "return_id": "return",
    "refund_id": "refund",
    "claim_id": "claim",
}


def mentioned(command: Command) -> tuple[list[str], str | None]:
    """The ids of the orders that a command names (through ids that the engine gave, too), and of its shipment."""
    order_ids = []
    shipment_id = None
    for field, kind in _naming_fields(type(command)):
        named = getattr(command, field)
        if named is None:
            continue
        if field == "contents":
            order_ids += [content.order_id for content in named]
        elif field == "order_id":
            order_ids.append(named)
        elif field == "shipment_id":
            shipment_id = named
        else:
            order_ids.append(owner(named, kind))
    return order_ids, shipment_id


@cache
def _naming_fields(kind: type[Command]) -> tuple[tuple[str, str], ...]:
    """Which of a command's fields name something, and what kind of thing."""
    return tuple((field, named) for field, named in _KINDS.items() if field in kind.__struct_fields__)


@rule(
    "ORDER-2",
    "E",
    "Every command but a placing needs an order, shipment, request, return, refund or claim that exists.",
)
def known_order(case: Case, order_id: str) -> Order:
    order = case.order(order_id)
    if order is None:
        missing("order", order_id)
    return order


def known_shipment(case: Case, shipment_id: str) -> Shipment:
    """The parcel, or ORDER-2."""
    shipment = case.shipment(shipment_id)
    if shipment is None:
        missing("shipment", shipment_id)
    return shipment


def known_request(case: Case, request_id: str) -> tuple[Order, Request]:
    """The request and its order, or ORDER-2."""
    order = case.order(owner(request_id, "request"))
    if order is None or request_id not in order.requests:
        missing("cancellation request", request_id)
    return order, order.requests[request_id]


def known_return(case: Case, return_id: str) -> tuple[Order, Return]:
    """The return and its order, or ORDER-2."""
    order = case.order(owner(return_id, "return"))
    if order is None or return_id not in order.returns:
        missing("return", return_id)
    return order, order.returns[return_id]


def known_refund(case: Case, refund_id: str) -> tuple[Order, Refund | None]:
    """The refund (None: not one of this order's) and its order, or ORDER-2."""
    order = case.order(owner(refund_id, "refund"))
    if order is None:
        missing("refund", refund_id)
    return order, order.refunds.get(refund_id)


def known_claim(case: Case, claim_id: str) -> tuple[Order, Claim]:
    """The claim and its order, or ORDER-2."""
    order = case.order(owner(claim_id, "claim"))
    if order is None or claim_id not in order.claims:
        missing("claim", claim_id)
    return order, order.claims[claim_id]


def missing(what: str, its_id: str) -> NoReturn:
    """Say ORDER-2."""
    raise Rejection("ORDER-2", f"there is no {what} {its_id}")


def admit(
    case: Case, command: Command, orders: Iterable[Order], *, natural: Role | None = None, party: Role | None = None
) -> None:
    """AUTH-1, then TIME-2 and TIME-3. ``natural`` acts where nobody is named; ``party`` must be the one here."""
    orders = list(orders)
    if case.actor is None:
        case.role = natural or case.role
    else:
        _authorised(case, command, orders, party)
    not_before_placing(case, orders)
    _not_ahead(case)


@rule(
    "AUTH-1",
    "E",
    "Each command belongs to roles. The buyer acts only on own orders; the seller only on own orders that it fulfils; "
    "the warehouse only on marketplace-fulfilled ones; an answer comes from the party asked; the seller submits and "
    "reports only payouts that it processes; the marketplace acts on any.",
)
def _authorised(case: Case, command: Command, orders: list[Order], party: Role | None) -> None:
    role, who = case.role, case.actor_id
    if role not in command.roles:
        raise Rejection("AUTH-1", f"{command.name} is not for the {role} to give")
    if party is not None and role not in (party, "marketplace"):
        raise Rejection("AUTH-1", f"this is for the {party}, not the {role}")
    for order in orders:
        if role == "buyer" and who not in (None, order.buyer_id):
            raise Rejection("AUTH-1", f"order {order.order_id} is not this buyer's")
        if role == "seller" and (not order.by_seller or who not in (None, order.seller_id)):
            raise Rejection("AUTH-1", f"order {order.order_id} is not fulfilled by this seller")
        if role == "warehouse" and order.by_seller:
            raise Rejection("AUTH-1", f"order {order.order_id} is fulfilled by its seller, not by the warehouse")


@rule("TIME-2", "E", "A command earlier than its order's placing is rejected. Exactly at a deadline is still in time.")
def not_before_placing(case: Case, orders: list[Order]) -> None:
    for order in orders:
        if case.at < order.placed_at:
            raise Rejection("TIME-2", f"order {order.order_id} was placed only at {moment(order.placed_at)}")


@rule(
    "TIME-3",
    "E",
    "Embedded, the engine stamps the time from its clock; only reports (carrier, warehouse, gateway) may bring an "
    "earlier one, and none may be more than 5 minutes ahead. In a command log the log's own times are the clock.",
)
def _not_ahead(case: Case) -> None:
    if is_ahead(case):
        raise Rejection("TIME-3", f"{moment(case.at)} is more than {AHEAD_MINUTES} minutes ahead of the clock")


def is_ahead(case: Case) -> bool:
    """Whether the command's time is too far in the future of the clock, where there is one."""
    return case.now is not None and case.at > case.now + timedelta(minutes=AHEAD_MINUTES)


@rule("ORDER-5", "E", "What is closed stays closed: no answer to, withdrawal or decision of what is no longer open.")
def still_open(what: str, its_id: str, status: str, *, open_statuses: tuple[str, ...] = ("open",)) -> None:
    if status not in open_statuses:
        raise Rejection("ORDER-5", f"{what} {its_id} is already {status}")


def in_utc(at: datetime) -> datetime:
    """The same moment in UTC; raises ``ValueError`` for a time without an offset."""
    if at.utcoffset() is None:
        raise ValueError(f"{at} is a time without an offset")
    return at.astimezone(UTC)


def moment(at: datetime) -> str:
    """A time as people and programs read it: RFC 3339, UTC, with ``Z``, with fractions only where there are any."""
    text = at.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"
