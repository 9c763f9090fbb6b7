#!/usr/bin/env python3
"""Turns the Olist CSV files (Brazilian e-commerce, on Kaggle) into a command log: a model for your own import.

    python examples/olist.py DIRECTORY > log.jsonl       # the log; a reconciliation goes to standard error
    python examples/olist.py DIRECTORY --store shop.db   # applies it instead, and reconciles store and ledger with it

What Olist does not say, and what is assumed here instead:

* An Olist order becomes one seller-fulfilled order for each of its sellers, placed at the purchase's time.
* Payments are scaled to what the items cost and then split over the sellers, each time by largest remainder (ties to
  the earlier payment): to the cent, in proportion, and no payment gives more to the sellers than it has. A share of 0
  is left out.
* A cancellation has no time: an order that was never handed over is cancelled when it was approved, else when placed.
* A `canceled` order that was handed over came back: it turned back when it last moved (its customer date, else its
  estimated delivery), and was received at its estimated delivery or when it turned back, whichever is later. Its
  customer date is thus no delivery.
* A parcel has no packing time: its hand-over packs it. Where another report came before that, or the hand-over is dated
  before the placing, the parcel is packed by a line of its own, so that no report meets a parcel that does not exist.
* Of an hour that the clocks repeated, the first is meant.

Impossible times go in as they are. The log is sorted by `at`; only a report dated before its order's placing comes
right after the placing, so that it is rejected in the history of the order that it is about, not of an unknown one.
"""

from __future__ import annotations

import argparse
import csv
import heapq
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from reconciliation import Command, Report, reconcile

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
CARRIER = {"name": "carrier", "kind": "partner"}  # Olist names none

Row = dict[str, str]
T = TypeVar("T")


# --- The files -------------------------------------------------------------------------------------------------------


class Item(NamedTuple):
    """A row of the items file: one piece; amounts in cents."""

    order_id: str
    number: int
    product_id: str
    seller_id: str
    price: int
    freight: int


class Payment(NamedTuple):
    """A row of the payments file; its amount in cents."""

    order_id: str
    number: int
    method: str
    amount: int


class Purchase(NamedTuple):
    """A row of the orders file."""

    order_id: str
    customer_id: str
    status: str
    placed_at: datetime
    approved_at: datetime | None
    handed_over_at: datetime | None
    delivered_at: datetime | None
    estimated_at: datetime | None


def cents(text: str) -> int:
    """Cents of an amount such as `19.99`, which must be whole."""
    amount = Decimal(text) * 100
    if amount != int(amount):
        raise ValueError(f"{text} is not in whole cents")
    return int(amount)


def moment(text: str) -> datetime:
    """A naive local time with the offset that São Paulo had then; fixed, so that times compare as instants."""
    return datetime.fromisoformat(datetime.fromisoformat(text).replace(tzinfo=SAO_PAULO).isoformat())


def item(row: Row) -> Item:
    price, freight = cents(row["price"]), cents(row["freight_value"])
    return Item(row["order_id"], int(row["order_item_id"]), row["product_id"], row["seller_id"], price, freight)


def payment(row: Row) -> Payment:
    method = row["payment_type"].replace("_", "-")
    return Payment(row["order_id"], int(row["payment_sequential"]), method, cents(row["payment_value"]))


def purchase(row: Row) -> Purchase:
    def maybe(column: str) -> datetime | None:
        return moment(row[column]) if row[column] else None

    return Purchase(
        row["order_id"],
        row["customer_id"],
        row["order_status"],
        moment(row["order_purchase_timestamp"]),
        maybe("order_approved_at"),
        maybe("order_delivered_carrier_date"),
        maybe("order_delivered_customer_date"),
        maybe("order_estimated_delivery_date"),
    )


def read(directory: Path, name: str, parse: Callable[[Row], T]) -> Iterator[T]:
    """The rows of a file, one by one; an unreadable one is an error that names its line."""
    with (directory / f"olist_{name}_dataset.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        for row in rows:
            try:
                yield parse(row)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                why = "is not an amount" if isinstance(error, InvalidOperation) else error
                raise ValueError(f"{file.name}, line {rows.line_num}: {why!s} in {row}") from error


# --- From an Olist order to commands ---------------------------------------------------------------------------------


def convert(directory: str | Path, report: Report | None = None) -> Iterator[Command]:
    """The command log, in its order; `report` is filled along the way and complete at the end."""
    report = report if report is not None else Report()
    for command in in_order_of_time(lives(Path(directory), report)):
        report.add(command)
        yield command


def in_order_of_time(lives: Iterable[list[Command]]) -> Iterator[Command]:
    """Merges lives that are sorted by their placing; holds no more than the lines that are still to come."""
    waiting: list[tuple[datetime, int, Command]] = []
    number = 0
    for life in lives:
        placed_at = datetime.fromisoformat(life[0]["at"])
        while waiting and waiting[0][0] < placed_at:
            yield heapq.heappop(waiting)[2]
        for command in life:
            number += 1
            heapq.heappush(waiting, (max(placed_at, datetime.fromisoformat(command["at"])), number, command))
    while waiting:
        yield heapq.heappop(waiting)[2]


def lives(directory: Path, report: Report) -> Iterator[list[Command]]:
    """Each seller's order as the commands of its life, by the time of its placing."""
    items: defaultdict[str, list[Item]] = defaultdict(list)
    for row in read(directory, "order_items", item):
        items[row.order_id].append(row)
        report.units_read += 1
    payments: defaultdict[str, list[Payment]] = defaultdict(list)
    for paid in read(directory, "order_payments", payment):
        payments[paid.order_id].append(paid)
        report.money_read[paid.method] += paid.amount
    buyers: dict[str, str] = {}
    if (directory / "olist_customers_dataset.csv").exists():
        people = read(directory, "customers", lambda row: (row["customer_id"], row["customer_unique_id"]))
        buyers.update(people)

    for bought in sorted(read(directory, "orders", purchase), key=lambda bought: (bought.placed_at, bought.order_id)):
        report.orders_read += 1
        pieces = sorted(items.pop(bought.order_id, []), key=lambda piece: piece.number)
        paid_with = sorted(payments.pop(bought.order_id, []), key=lambda paid: paid.number)
        if not pieces:
            report.skip(bought.order_id, "no items", pieces, paid_with)
        elif not any(paid.amount for paid in paid_with) and any(piece.price + piece.freight for piece in pieces):
            report.skip(bought.order_id, "no payments", pieces, paid_with)
        else:
            report.orders_converted += 1
            report.oddities.update(oddities(bought))
            buyer_id = buyers.get(bought.customer_id, bought.customer_id)
            for order in orders_of_sellers(bought, buyer_id, pieces, paid_with, report):
                yield [order, *what_came_of(order, bought)]
    for order_id in sorted(items.keys() | payments.keys()):
        report.skip(order_id, "not in the orders file", items.get(order_id, []), payments.get(order_id, []))


def orders_of_sellers(
    bought: Purchase, buyer_id: str, pieces: list[Item], payments: list[Payment], report: Report
) -> Iterator[Command]:
    """Places an Olist order: once for each seller, with that seller's share of each payment."""
    left = share(sum(piece.price + piece.freight for piece in pieces), [paid.amount for paid in payments])
    report.scale(payments, left)
    sellers = sorted({piece.seller_id for piece in pieces})
    for number, seller_id in enumerate(sellers, start=1):
        lines = list(lines_of([piece for piece in pieces if piece.seller_id == seller_id]))
        total = sum(line["unit_price"] * line["quantity"] + line["shipping"] for line in lines)
        amounts = share(total, left)
        left = [before - taken for before, taken in zip(left, amounts, strict=True)]
        yield line_of_log(
            "place-order",
            bought.order_id if len(sellers) == 1 else f"{bought.order_id}-{number}",
            bought.placed_at,
            buyer_id=buyer_id,
            seller_id=seller_id,
            fulfilled_by="seller",
            currency="BRL",
            items=lines,
            payments=[
                {"payment_id": str(paid.number), "method": paid.method, "amount": amount}
                for paid, amount in zip(payments, amounts, strict=True)
                if amount
            ],
        )


def lines_of(pieces: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """A line for each product and price; it takes the number of its first piece."""
    alike: defaultdict[tuple[str, int], list[Item]] = defaultdict(list)
    for piece in pieces:
        alike[piece.product_id, piece.price].append(piece)
    for (product_id, price), same in alike.items():
        line = {"item_id": str(same[0].number), "sku": product_id, "quantity": len(same), "unit_price": price}
        yield line | {"shipping": sum(piece.freight for piece in same)}


def share(total: int, weights: list[int]) -> list[int]:
    """Splits cents in proportion to the weights, by largest remainder: each gets its proportion, rounded up or down."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def what_came_of(order: Command, bought: Purchase) -> Iterator[Command]:
    """The rest of an order's life: cancelled, or on its way as far as Olist knows."""
    order_id, seller_id = order["order_id"], order["seller_id"]
    if bought.handed_over_at or bought.delivered_at:
        yield from journey(order_id, bought)
    elif bought.status in ("canceled", "unavailable"):
        at = max(bought.placed_at, bought.approved_at or bought.placed_at)
        yield line_of_log("cancel-items", order_id, at, actor="seller", actor_id=seller_id, items="all")


def journey(order_id: str, bought: Purchase) -> Iterator[Command]:
    """What the carrier reported of the order's one parcel."""
    reports: list[tuple[str, datetime]] = []
    if bought.handed_over_at:
        reports.append(("dispatch-shipment", bought.handed_over_at))
    if bought.status == "canceled":
        last_moved_at = bought.delivered_at or bought.estimated_at
        turned_at = max(at for at in (bought.placed_at, bought.handed_over_at, last_moved_at) if at)
        reports.append(("turn-back", turned_at))
        reports.append(("receive-return", max(turned_at, bought.estimated_at or turned_at)))
    elif bought.delivered_at:
        reports.append(("deliver", bought.delivered_at))

    shipment_id = f"{order_id}:parcel"
    packing = {"contents": [{"order_id": order_id, "items": "all"}], "carrier": CARRIER}
    first, first_at = min(reports, key=lambda report: report[1])
    at_once = first == "dispatch-shipment" and first_at >= bought.placed_at
    if not at_once:
        packed_at = max(bought.placed_at, first_at)
        yield line_of_log("pack-shipment", order_id, packed_at, shipment_id=shipment_id, **packing)
    for name, at in reports:
        details = packing if at_once and name == first else {}
        yield line_of_log(name, order_id, at, shipment_id=shipment_id, **details)


def line_of_log(name: str, order_id: str, at: datetime, **fields: Any) -> Command:
    """A command; its id says what it is, so that running the log again changes nothing."""
    line: Command = {"command": name, "command_id": f"{order_id}:{name.partition('-')[0]}", "at": at.isoformat()}
    return line | ({} if "shipment_id" in fields else {"order_id": order_id}) | fields


def oddities(bought: Purchase) -> Iterator[str]:
    """What is impossible or missing in an Olist order's times."""
    placed, approved, handed_over, delivered = bought[3:7]
    known = {"approval": approved, "hand-over": handed_over, "delivery": delivered}
    yield from (f"{what} before purchase" for what, at in known.items() if at and at < placed)
    if approved and handed_over and handed_over < approved:
        yield "hand-over before approval"
    if delivered and handed_over and delivered < handed_over:
        yield "delivery before hand-over"
    if delivered and not handed_over:
        yield "delivery without hand-over"
    if bought.status == "canceled" and delivered:
        yield "delivery of a canceled order (read as its turning back)"
    proof = {"delivered": delivered, "shipped": handed_over or delivered}
    if bought.status in proof and not proof[bought.status]:
        yield f"{bought.status}, but no date says so (left where it was)"


# --- The program -----------------------------------------------------------------------------------------------------


def encode(command: Command) -> bytes:
    return json.dumps(command, ensure_ascii=False, separators=(",", ":")).encode()


def main() -> int:
    parser = argparse.ArgumentParser(description="Turns the Olist CSV files into a command log.")
    parser.add_argument("directory", type=Path, help="the folder of the olist_…_dataset.csv files")
    parser.add_argument("--store", help="apply the log to this store, and reconcile it with the files")
    arguments = parser.parse_args()
    report, held = Report(), None
    lines = map(encode, convert(arguments.directory, report))
    try:
        if arguments.store:
            from holdings import apply  # only here: the log can be made without the engine

            held = apply(lines, arguments.store, report)
        else:
            for line in lines:
                sys.stdout.buffer.write(line + b"\n")
            sys.stdout.flush()
    except BrokenPipeError:  # the reader had enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError) as error:
        print(f"olist: {error}", file=sys.stderr)
        return 2
    text, adds_up = reconcile(report, held)
    print(text, file=sys.stderr)
    return 0 if adds_up else 1


if __name__ == "__main__":
    sys.exit(main())
