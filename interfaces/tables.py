"""An order for people: what it is now (`show`) and how it came to be so (`timeline`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ..domain.money import in_major_units
from .cells import NOTHING, facts, moment, number, quantities, ranges, state, table

if TYPE_CHECKING:
    from ..application import TimelineEntry

Shown = dict[str, Any]
"""What `show --json` prints, or a part of it."""

MARKS = {"recorded": Text(""), "rejected": Text("✗ rejected", "bold red"), "noted": Text("· noted", "bright_black")}


def order_tables(order: Shown) -> list[Table]:
    """The parts of `show`: header, units, and what there is of requests, returns, refunds, payouts and claims."""
    return [_header(order), _units(order), *_groups(order)]


def timeline_table(order_id: str, entries: Sequence[TimelineEntry]) -> Table:
    """The history; the time at which something was learned stands there only where it is not when it happened."""
    late = any(entry.recorded_at != entry.at for entry in entries)
    learned = ("learned",) if late else ()
    made = table(f"Order {order_id}", "happened", *learned, "who", "", "what", "rule")
    for entry in entries:
        when = [moment(entry.at)]
        if late:
            when.append(moment(entry.recorded_at) if entry.recorded_at != entry.at else "")
        style = "bright_black" if entry.status == "noted" else ""
        made.add_row(
            *when, entry.who, MARKS.get(entry.status, state(entry.status)), entry.what, entry.rule or "", style=style
        )
    return made


def _header(order: Shown) -> Table:
    title = Text.assemble(("Order ", "bold"), (order["order_id"], "bold"), "  ", state(order["state"]))
    seller = order["seller_id"]
    made = facts(
        [
            ("buyer", order["buyer_id"]),
            ("sold by", f"seller {seller}" if seller else "the marketplace"),
            ("fulfilled by", f"the {order['fulfilled_by']}"),
            ("total", in_major_units(order["total"], order["currency"])),
            ("paid with", ", ".join(_payment(payment, order["currency"]) for payment in order.get("payments", ()))),
            ("placed", moment(order["placed_at"])),
            ("policy", order["policy_version"]),
            ("version", str(order["version"])),
        ]
    )
    made.title, made.title_justify, made.title_style = title, "left", ""
    return made


def _payment(payment: Shown, currency: str) -> str:
    return f"{payment['payment_id']}: {payment['method']} {in_major_units(payment['amount'], currency)}"


def _units(order: Shown) -> Table:
    made = table("Units", "item", "sku", "units", "state", "parcel", "value", right=["value"])
    for item in order["items"]:
        for row, units in enumerate(item["units"]):
            made.add_row(
                item["item_id"] if row == 0 else "",
                item["sku"] if row == 0 else "",
                f"{ranges(units['numbers'])} of {item['quantity']}",
                state(units["state"]),
                units["shipment_id"] or NOTHING,
                in_major_units(units["value"], order["currency"]),
            )
    return made


def _groups(order: Shown) -> Iterator[Table]:
    if order["requests"]:
        yield _requests(order["requests"])
    if order["returns"]:
        yield _returns(order["returns"])
    if order["refunds"]:
        yield _refunds(order["refunds"], order["currency"])
        yield _payouts(order["refunds"], order["currency"])
    if order["claims"]:
        yield _claims(order["claims"])


def _requests(requests: list[Shown]) -> Table:
    made = table("Cancellation requests", "request", "asked of", "items", "status", "asked", "answer by")
    for request in requests:
        made.add_row(
            request["request_id"],
            request["to"],
            quantities(request["items"]),
            _request_status(request),
            moment(request["asked_at"]),
            moment(request["answer_by"]),
        )
    return made


def _request_status(request: Shown) -> Text:
    because = request.get("lapsed_because")
    return Text.assemble(state(request["status"]), f": {because}" if because else "")


def _returns(returns: list[Shown]) -> Table:
    made = table("Returns", "return", "items", "received", "reason", "refund to", "status", "lapses")
    for one in returns:
        made.add_row(
            one["return_id"],
            quantities(one["items"]),
            quantities(one["received"]),
            one["reason"],
            one["refund_to"],
            state(one["status"]),
            moment(one["lapses_at"]),
        )
    return made


def _refunds(refunds: list[Shown], currency: str) -> Table:
    # Who funds them is told where it is not who pays them, which stands with the payouts.
    funded = ("funded by",) if any(refund["funded_by"] != refund["processor"] for refund in refunds) else ()
    columns = ("refund", "for", "items", "amount", "kept", "status", "due", *funded, "rule")
    made = table("Refunds", *columns, right=["amount"])
    for refund in refunds:
        kept = "\n".join(f"{d['kind']} {number(d['amount'], currency)}" for d in refund["deductions"])
        made.add_row(
            refund["refund_id"],
            refund["cause"],
            quantities(refund["items"]),
            in_major_units(refund["amount"], currency),
            kept or NOTHING,
            state(refund["status"]),
            moment(refund["due_at"]),
            *([refund["funded_by"]] if funded else []),
            refund["rule"],
        )
    return made


def _payouts(refunds: list[Shown], currency: str) -> Table:
    columns = ("refund", "payment", "method", "amount", "status", "attempts", "promised by", "paid by")
    made = table("Payouts", *columns, right=["amount"])
    for refund in refunds:
        for payout in refund["payouts"]:
            made.add_row(
                refund["refund_id"],
                payout["payment_id"],
                payout["method"],
                in_major_units(payout["amount"], currency),
                state(payout["status"]),
                str(payout.get("attempts", NOTHING)),
                moment(payout["promised_by"]),
                refund["processor"],
            )
    return made


def _claims(claims: list[Shown]) -> Table:
    made = table("Claims", "claim", "items", "status")
    for claim in claims:
        made.add_row(claim["claim_id"], quantities(claim["items"]), state(claim["status"]))
    return made
