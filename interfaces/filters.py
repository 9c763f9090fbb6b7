"""The filters of the query commands: which options there are, what they take, and which words they know.

Imported by every call, also `--help`: it must import nothing heavy at its top, so the words stand here once more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .parameters import Command, identifier, moment

LAST_NUMBER = 2**63 - 1  # that a database can hold
MOST_ROWS = 10**9
ORDER_STATES = (
    *("placed", "seller-window", "with-seller", "preparing", "shipped", "out-for-delivery", "delivered", "refused"),
    *("returning", "in-return", "returned", "lost", "cancelled", "refunded"),
)
SHIPMENT_STATES = (
    *("preparing", "unpacked", "shipped", "out-for-delivery", "delivered", "refused", "returning", "returned"),
    *("lost", "cancelled"),
)
REFUND_STATUSES = ("deferred", "due", "paid")
PARTIES = ("warehouse", "seller", "carrier")
EXCEPTION_KINDS = ("delivered-after-refund", "turned-up", "unexpected-payment", "overdue-refund")

Option = Callable[[Command], Command]


def words(*names: str, of: tuple[str, ...], what: str, metavar: str) -> Option:
    """An option that takes one of a few words."""
    help_text = f"{what}: {', '.join(of)}."
    return click.option(*names, type=click.Choice(of), metavar=metavar, help=help_text)


def by_id(*names: str, what: str) -> Option:
    """An option that takes an id."""
    return click.option(*names, metavar="ID", type=identifier, help=what)


def at_time(*names: str, what: str) -> Option:
    """An option that takes a time."""
    return click.option(*names, metavar="T", type=moment, help=what)


def after(what: str, *, metavar: str = "ID", kind: Any = identifier, default: int | None = None) -> Option:
    """The cursor of a list."""
    return click.option("--after", metavar=metavar, type=kind, default=default, help=f"Begin behind this {what}.")


order = by_id("--order", "order_id", what="Of this order.")
buyer = by_id("--buyer", "buyer_id", what="Of this buyer.")
seller = by_id("--seller", "seller_id", what="Of what this seller sold.")
shipment = by_id("--shipment", "shipment_id", what="Of this parcel.")
order_state = words("--state", of=ORDER_STATES, what="In this state", metavar="STATE")
shipment_state = words("--state", of=SHIPMENT_STATES, what="In this state", metavar="STATE")
refund_status = words("--status", "--state", "status", of=REFUND_STATUSES, what="In this status", metavar="STATUS")
party = words("--to", of=PARTIES, what="Asked of this party", metavar="PARTY")
exception_kind = words("--kind", of=EXCEPTION_KINDS, what="Of this kind", metavar="KIND")
method = click.option("--method", metavar="METHOD", type=identifier, help="Paid back to this payment method.")
overdue = click.option("--overdue", is_flag=True, help="Only what should have been paid by then, and is not.")
placed_from = at_time("--placed-from", what="Placed then or later.")
placed_before = at_time("--placed-before", what="Placed earlier than then.")
at = at_time("--at", what="Judge what is open or overdue at that time.  [default: --as-of, --as-known-at, or now]")
as_of = at_time("--as-of", what="By what had happened until that time.")
as_known_at = at_time(
    "--as-known-at", what="By what was recorded until that time, made anew from all events, without the read models."
)
limit = click.option("--limit", metavar="N", type=click.IntRange(1, MOST_ROWS), help="At most so many.")
