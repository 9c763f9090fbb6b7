"""The arithmetic of an explanation, written out: every line of it adds up, and says where a fraction is dropped."""

from collections.abc import Iterator
from typing import cast

from .explanation import OrderExplained, RefundExplained
from .prose import Voice, number_of
from .reckoning import Kept, Part, Restocking, Worth
from .tells_questions import REASONS


def arithmetic(voice: Voice, found: RefundExplained | OrderExplained) -> list[str]:
    """Each group of units that are worth the same, then the sum, less what is kept."""
    lines = [_worth(voice, part) for part in found.worth]
    if isinstance(found, OrderExplained):
        return [*lines, *_sum(voice, "Together", [part.total for part in found.worth])]
    lines += _sum(voice, "Together", [part.total for part in found.worth])
    return [*lines, *_deductions(voice, found)]


def _worth(voice: Voice, part: Worth) -> str:
    """``lamp, unit 1 of 3: price 3.33 - discount 0.01 + tax 0.34 + shipping 0.17 = 3.83 USD.``"""
    terms = f"price {voice.figure(part.price)}"
    for name, sign, amount in (
        ("discount", "-", part.discount),
        ("tax", "+", part.tax),
        ("shipping", "+", part.shipping),
    ):
        terms += f" {sign} {name} {voice.figure(amount)}" if amount else ""
    each = "each " if len(part.units) > 1 else ""
    value = f" = {voice.money(part.value)}" if terms.count(" ") > 1 else f" {voice.order.currency}"
    times = f", {len(part.units):,} × {voice.figure(part.value)} = {voice.money(part.total)}" if each else ""
    return f"{voice.which(part.item_id, part.units)}: {each}{terms}{value}{times}."


def _sum(voice: Voice, name: str, amounts: list[int]) -> Iterator[str]:
    if len(amounts) > 1:
        yield f"{name}: {' + '.join(voice.figure(amount) for amount in amounts)} = {voice.money(sum(amounts))}."


def _deductions(voice: Voice, refund: RefundExplained) -> Iterator[str]:
    restocking, shipping = refund.restocking, refund.return_shipping
    if restocking is not None:
        percent = cast(int, restocking.percent.value)
        yield from (_kept(voice, kept, percent) for kept in restocking.kept)
        if not restocking.amount:
            yield f"Nothing is kept, as {_why_nothing(restocking, percent)} (RETURN-2)."
    if shipping is not None:
        what = "the return's shipping" if shipping.rule == "RETURN-3" else "the way back of the refused parcel"
        cost = voice.money(shipping.cost.value) if isinstance(shipping.cost.value, int) else ""
        before = f", of which {voice.money(shipping.kept_before)} was kept before" if shipping.kept_before else ""
        bound = ", and no more than is left" if shipping.amount == shipping.at_most else ""
        kept = voice.money(shipping.amount)
        yield f"Kept for {what}, which costs {cost}{before}{bound}: {kept} ({shipping.rule})."
    kept_amounts = [part.amount for part in (restocking, shipping) if part is not None and part.amount]
    if kept_amounts:
        less = " - ".join(voice.figure(amount) for amount in [refund.value, *kept_amounts])
        yield f"Refund: {less} = {voice.money(refund.amount)}."


def _why_nothing(restocking: Restocking, percent: int) -> str:
    if not restocking.opened:
        return "nothing came back opened"
    if restocking.reason in cast(list[str], restocking.fault_reasons.value):
        return f"your reason was: {REASONS.get(restocking.reason, restocking.reason)}"
    return f"{percent} % of each opened piece, rounded down in your favour, is nothing"


def _kept(voice: Voice, kept: Kept, percent: int) -> str:
    """What is kept of opened units; the fraction of a cent is the buyer's."""
    each = "each " if len(kept.units) > 1 else ""
    said = f"{each}{percent} % of {voice.figure(kept.goods)} (price less discount) = {voice.share(kept.goods, percent)}"
    if kept.goods * percent % 100:
        said += f", rounded down in your favour: {voice.money(kept.each)}"
    times = f", {len(kept.units):,} × {voice.figure(kept.each)} = {voice.money(kept.total)}" if each else ""
    return f"Kept, as opened: {voice.which(kept.item_id, kept.units)}: {said}{times} (RETURN-2)."


def splitting(voice: Voice, refund: RefundExplained) -> tuple[str, list[str]]:
    """Which payment gets how much, and why that one: a sentence, and a line for each of several payments."""
    if refund.refund_to == "store-credit":
        return "You chose store credit for this return, so all of it goes there (RETURN-3).", []
    if not refund.split:
        return "Nothing is to be paid.", []
    if len(refund.split) == 1:
        part = refund.split[0]
        return f"All of it goes to {voice.account(part.payment_id)}: {_left(voice, part)} (REFUND-1).", []
    many = number_of(len(refund.split), "payments")
    lines = []
    for part in refund.split:
        account = voice.account(part.payment_id).removeprefix("your ")
        gets = voice.money(part.gets) if part.gets else "nothing"
        lines.append(f"{account}: {_left(voice, part)}; it gets {gets}.")
    return f"You made {many}; each gets what is left of it, in the order in which they are listed (REFUND-1).", lines


def _left(voice: Voice, part: Part) -> str:
    if not part.given_back_before:
        return f"{voice.money(part.paid)} paid, and no earlier refund gives any of it back"
    before = f"{voice.figure(part.given_back_before)} that earlier refunds give back"
    return f"{voice.figure(part.paid)} paid - {before} = {voice.money(part.left)} left"
