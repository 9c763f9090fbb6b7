"""What queries find, for people: lists of orders, parcels, refunds, requests, exceptions; the journal, balances."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from .amounts import amount, figure
from .cells import NOTHING, moment, quantities, state, table

if TYPE_CHECKING:
    from ..projections.exceptions import ListedException
    from ..projections.inbox import OpenRequest
    from ..projections.ledger import Balances, Entry
    from ..projections.orders import ListedOrder
    from ..projections.refunds import ListedRefund
    from ..projections.runner import Status
    from ..projections.shipments import ListedShipment, Report

Columns = Mapping[str, Sequence[Any]]
"""Cells by the names of their columns."""
STATUS_STYLES = {
    "following": "green",
    "not-built": "yellow",
    "needs-rebuild": "yellow",
    "diverged": "bold red",
    "failed": "bold red",
}


def next_page(cursor: Any) -> str:
    """How to go on where a list is longer than a page."""
    return f"there are more: --after {shlex.quote(str(cursor))}"


def order_tables(orders: Sequence[ListedOrder]) -> Iterator[Table]:
    """A line an order; what is open or owed only where there is any."""
    columns: Columns = {
        "order": [order.order_id for order in orders],
        "buyer": [order.buyer_id for order in orders],
        "seller": [order.seller_id for order in orders],
        "state": [state(order.state) for order in orders],
        "placed": [day(order.placed_at) for order in orders],
        "total": [amount(order.total, order.currency) for order in orders],
        "requests": [str(order.open_requests or "") for order in orders],
        "owed": [order.refunds_owed and amount(order.refunds_owed, order.currency) for order in orders],
    }
    yield filled(columns, right=("total", "requests", "owed"))


def shipment_tables(shipments: Sequence[ListedShipment]) -> Iterator[Table]:
    """A line a parcel, without columns that would be empty; where there is one alone, what was reported of it."""
    columns: Columns = {
        "parcel": [shipment.shipment_id for shipment in shipments],
        "state": [state(shipment.state) for shipment in shipments],
        "carrier": [shipment.carrier for shipment in shipments],
        "tracking": [shipment.tracking_number for shipment in shipments],
        "mail class": [shipment.mail_class for shipment in shipments],
        "failed": [str(shipment.attempts or "") for shipment in shipments],
        "contents": [_contents(shipment) for shipment in shipments],
    }
    yield filled(columns, right=("failed",))
    if len(shipments) == 1 and shipments[0].history:
        yield _history(shipments[0].history)


def _contents(shipment: ListedShipment) -> str:
    """The units in it, a line an order."""
    by_order: dict[str, dict[str, int]] = {}
    for content in shipment.contents:
        by_order.setdefault(content.order_id, {})[content.item_id] = content.quantity
    return "\n".join(f"{order_id}: {quantities(items)}" for order_id, items in by_order.items())


def _history(reports: Sequence[Report]) -> Table:
    made = table("Reports", "happened", "report", "effect")
    for report in reports:
        style = "bright_black" if report.effect == "noted" else ""
        made.add_row(moment(report.at), report.report, report.effect, style=style)
    return made


def journal_tables(entries: Sequence[Entry]) -> Iterator[Table]:
    """A line an entry, with its number, day, event and order or refund; below it, a line a posting."""
    made = table(None, "entry, date, event, order; accounts", "debit", "credit", right=("debit", "credit"))
    for entry in entries:
        about = entry.refund_id or entry.order_id
        made.add_row(Text.assemble((f"{entry.entry}  {day(entry.at)}  {entry.event}  {about}", "bold")))
        for posting in entry.postings:
            moved = amount(abs(posting.amount), posting.currency)
            made.add_row(f"  {posting.account}", *((moved, "") if posting.amount > 0 else ("", moved)))
    yield made


def balance_tables(balances: Balances) -> Iterator[Table]:
    """A table a currency, with the sum of all its accounts."""
    for currency, accounts in balances.items():
        made = table(None, "account", "balance", right=("balance",))
        made.show_footer = True
        for account, minor in accounts.items():
            made.add_row(account, amount(minor, currency))
        total = sum(accounts.values())
        made.columns[0].footer = Text("sum", "dim")
        made.columns[1].footer = Text(amount(total, currency), "bold green" if total == 0 else "bold red")
        yield made


def refund_tables(refunds: Sequence[ListedRefund]) -> Iterator[Table]:
    """A line a refund, with its payouts, and the first promised time of those that are not paid."""
    made = table(None, "refund", "status", "amount", "paid by", "payouts", "promised by", right=("amount",))
    for refund in refunds:
        payouts = [f"{p.method} {figure(p.amount, refund.currency)} {p.status}" for p in refund.payouts]
        promises = [p.promised_by for p in refund.payouts if p.status != "paid" and p.promised_by is not None]
        made.add_row(
            refund.refund_id,
            Text("overdue", "bold red") if refund.overdue else state(refund.status),
            amount(refund.amount, refund.currency),
            refund.processor,
            "\n".join(payouts) or NOTHING,
            moment(min(promises, default=None)),
        )
    yield made


def inbox_tables(requests: Sequence[OpenRequest]) -> Iterator[Table]:
    """A line a request."""
    columns: Columns = {
        "request": [request.request_id for request in requests],
        "asked of": [request.to for request in requests],
        "seller": [request.seller_id for request in requests],
        "items": [quantities(request.items) for request in requests],
        "asked": [day(request.asked_at) for request in requests],
        "answer by": [moment(request.answer_by) for request in requests],
    }
    yield filled(columns)


def exception_tables(exceptions: Sequence[ListedException]) -> Iterator[Table]:
    """A line an exception."""
    made = table(None, "since", "what", "order", "amount", right=("amount",))
    for exception in exceptions:
        figure = amount(exception.amount, exception.currency)
        made.add_row(moment(exception.at), exception.kind, exception.order_id, figure)
    yield made


def projection_tables(statuses: Sequence[Status]) -> Iterator[Table]:
    """A line a projection."""
    columns: Columns = {
        "projection": [status.name for status in statuses],
        "state": [Text(status.state, STATUS_STYLES.get(status.state, "")) for status in statuses],
        "position": [f"{status.position:,}" for status in statuses],
        "behind": [f"{status.lag:,}" for status in statuses],
        "stopped at": [_stopped(status) for status in statuses],
    }
    yield filled(columns, right=("position", "behind"))


def _stopped(status: Status) -> str:
    return f"{status.failed_position:,}, {status.failed_event}: {status.why}" if status.why else ""


def filled(columns: Columns, *, right: Sequence[str] = ()) -> Table:
    """A table of those columns in which there is anything."""
    there = {name: cells for name, cells in columns.items() if any(cells)}
    made = table(None, *there, right=right)
    for row in zip(*there.values(), strict=True):
        made.add_row(*(cell or NOTHING for cell in row))
    return made


def day(at: datetime) -> str:
    """The day of a time, in UTC."""
    return f"{at:%Y-%m-%d}"
