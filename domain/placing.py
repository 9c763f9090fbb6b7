"""Placing an order (RULEBOOK section 3)."""

from . import lifecycle
from .admission import admit
from .case import Case
from .commands import PlaceOrder
from .errors import Rejection
from .rules import rule


@rule("ORDER-4", "E", "The host places an order when its money is captured in full; authorisations are its own affair.")
def place_order(case: Case, command: PlaceOrder) -> None:
    earlier = case.order(command.order_id)
    admit(case, command, [])
    _placed_once(command, already=earlier is not None)
    _fully_paid(command)
    if command.fulfilled_by == "seller":
        lifecycle.move("open-seller-window", "placed")
    case.place(
        command.order_id,
        "ORDER-1",
        buyer_id=command.buyer_id,
        seller_id=command.seller_id,
        fulfilled_by=command.fulfilled_by,
        currency=command.currency,
        items=command.items,
        payments=command.payments,
        policy_version=case.policy.version,
    )


@rule("ORDER-1", "E", "An order is placed once: placing an id again under another command id is rejected.")
def _placed_once(command: PlaceOrder, *, already: bool) -> None:
    if already:
        raise Rejection("ORDER-1", f"order {command.order_id} has been placed already")


@rule(
    "ORDER-3",
    "E",
    "The payments add up to exactly the items' total (unit price × quantity + tax + shipping - discount); a line's "
    "discount is at most its unit price × quantity; item and payment ids are unique within the order.",
)
def _fully_paid(command: PlaceOrder) -> None:
    if len({line.item_id for line in command.items}) < len(command.items):
        raise Rejection("ORDER-3", "an item id occurs twice")
    if len({payment.payment_id for payment in command.payments}) < len(command.payments):
        raise Rejection("ORDER-3", "a payment id occurs twice")
    for line in command.items:
        if line.discount > line.unit_price * line.quantity:
            raise Rejection("ORDER-3", f"the discount of item {line.item_id} is more than its price")
    total, paid = sum(line.total for line in command.items), sum(payment.amount for payment in command.payments)
    if total != paid:
        raise Rejection("ORDER-3", f"the payments add up to {paid}, the items to {total}")
