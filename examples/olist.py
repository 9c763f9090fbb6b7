#!/usr/bin/env python3
"""Turns the Olist CSV files (Brazilian e-commerce, on Kaggle) into a command log: a model for your own import.

    python examples/olist.py DIRECTORY > log.jsonl       # the log; a reconciliation goes to standard error
    python examples/olist.py DIRECTORY --store shop.db   # applies it instead, and reconciles the store with the files

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
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
CARRIER = {"name": "carrier", "kind": "partner"}  # Olist names none

Command = dict[str, Any]
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


# --- The reconciliation ----------------------------------------------------------------------------------------------

# What an accepted command makes of its order. All units of an order share one fate here.
STATES = {
    "cancel-items": "cancelled",
    "pack-shipment": "preparing",
    "dispatch-shipment": "shipped",
    "deliver": "delivered",
    "turn-back": "returning",
    "receive-return": "returned",
}
UNSHIPPED = ("placed", "seller-window", "with-seller")  # which of them, is the clock's affair: here "unshipped"


@dataclass
class Order:
    """What the log says of one order; its total in cents."""

    total: int
    placed_at: datetime
    state: str = "unshipped"

    @property
    def owed(self) -> int:
        """The refund: what was paid, where the goods stayed or came back. Olist says nothing of money paid back."""
        return self.total * (self.state in ("cancelled", "returned"))


@dataclass
class Report:
    """What was read, what was made of it, and what an engine should answer. Money in cents, by payment method."""

    # Counted while reading.
    orders_read: int = 0
    orders_converted: int = 0
    units_read: int = 0
    units_skipped: int = 0
    money_read: Counter[str] = field(default_factory=Counter)
    money_skipped: Counter[str] = field(default_factory=Counter)
    money_scaled: Counter[str] = field(default_factory=Counter)  # paid, less what the items cost: may be negative
    orders_scaled: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)  # Olist order, why
    oddities: Counter[str] = field(default_factory=Counter)  # of the Olist orders that were not skipped

    # Counted from the finished commands, so that the two sides are counted apart.
    orders: dict[str, Order] = field(default_factory=dict)
    lines: int = 0
    units: int = 0
    money: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)  # as the engine should give them: status, and rule of a no

    def skip(self, order_id: str, why: str, pieces: list[Item], payments: list[Payment]) -> None:
        self.skipped.append((order_id, why))
        self.units_skipped += len(pieces)
        for paid in payments:
            self.money_skipped[paid.method] += paid.amount

    def scale(self, payments: list[Payment], scaled: list[int]) -> None:
        differences = [paid.amount - amount for paid, amount in zip(payments, scaled, strict=True)]
        self.orders_scaled += any(differences)
        for paid, difference in zip(payments, differences, strict=True):
            self.money_scaled[paid.method] += difference
            self.oddities.update(["payment of 0.00 (left out)"] * (not paid.amount))

    def add(self, command: Command) -> None:
        """Counts a line of the log, in the log's order."""
        name, at = command["command"], datetime.fromisoformat(command["at"])
        self.commands[name] += 1
        if name == "place-order":
            self.orders[command["order_id"]] = Order(sum(paid["amount"] for paid in command["payments"]), at)
            self.lines += len(command["items"])
            self.units += sum(line["quantity"] for line in command["items"])
            for paid in command["payments"]:
                self.money[paid["method"]] += paid["amount"]
            self.answers["accepted"] += 1
            return
        order = self.orders[command["command_id"].rpartition(":")[0]]
        if at < order.placed_at:
            self.answers["rejected TIME-2"] += 1
        elif name == "dispatch-shipment" and order.state not in ("unshipped", "preparing"):
            self.answers["noted"] += 1  # SCAN-1
        else:
            self.answers["accepted"] += 1
            order.state = STATES[name]
            if not order.total and order.state in ("cancelled", "returned"):
                order.state = "refunded"  # a refund of 0 is paid at once

    def sums(self) -> Iterator[tuple[str, int, dict[str, int]]]:
        """What must add up: a whole and its parts."""
        unread = sum(why == "not in the orders file" for _, why in self.skipped)
        skipped = len(self.skipped) - unread
        yield "Olist orders read", self.orders_read, {"converted": self.orders_converted, "skipped": skipped}
        yield "units read", self.units_read, {"in the log": self.units, "skipped": self.units_skipped}
        money = (self.money_read, self.money, self.money_scaled, self.money_skipped)
        for method in [*sorted(self.money_read), "in all"]:
            whole, *parts = (sums.total() if method == "in all" else sums[method] for sums in money)
            names = ("in the log", "scaled away", "skipped")
            yield f"money read, {method}", whole, dict(zip(names, parts, strict=True))
        yield "orders in the log", len(self.orders), Counter(order.state for order in self.orders.values())
        yield "commands in the log", sum(self.commands.values()), self.commands
        yield "answers expected", sum(self.commands.values()), self.answers

    def totals(self) -> Counter[str]:
        """What a store that has the whole log must hold."""
        orders = self.orders.values()
        return Counter(
            {"orders": len(orders), "lines": self.lines, "units": self.units, "money in": self.money.total()}
            | {f"orders {state}": count for state, count in Counter(order.state for order in orders).items()}
            | {f"commands {answer}": count for answer, count in self.answers.items()}
            | {"refunds": sum(order.owed > 0 for order in orders), "money owed": sum(order.owed for order in orders)}
        )


def apply(directory: Path, url: str, report: Report) -> Counter[str]:
    """Runs the log on a store; what the store then holds, under the names of `Report.totals`."""
    from ordertrail.application import Orders  # only here: the log can be made without the engine
    from ordertrail.application.errors import StoreError

    held: Counter[str] = Counter()
    try:
        with Orders.open(url) as orders:
            for result in orders.run(encode(command) for command in convert(directory, report)):
                answer = result.to_dict()
                answer = answer.get("first") or answer  # the log may be run again
                no = f" {answer['rule']}" if answer["status"] == "rejected" else ""
                held[f"commands {answer['status']}{no}"] += 1
            for order_id in report.orders:
                count(orders.show(order_id), held)
    except StoreError as error:
        raise OSError(str(error)) from error
    return held


def count(order: dict[str, Any], held: Counter[str]) -> None:
    """Adds an order, as `show` gives it."""
    state = "unshipped" if order["state"] in UNSHIPPED else order["state"]
    held.update(["orders", f"orders {state}"])
    held["lines"] += len(order["items"])
    held["units"] += sum(line["quantity"] for line in order["items"])
    held["money in"] += order["total"]
    for refund in order["refunds"]:
        held["refunds"] += refund["amount"] > 0
        held["money owed"] += sum(payout["amount"] for payout in refund["payouts"] if payout["status"] != "paid")


def encode(command: Command) -> bytes:
    return json.dumps(command, ensure_ascii=False, separators=(",", ":")).encode()


def figure(name: str, number: int) -> str:
    """A count, or an amount in BRL where the name is one of money."""
    return f"{Decimal(number) / 100:,.2f}" if name.startswith("money") else f"{number:,}"


def reconcile(report: Report, held: Counter[str] | None = None) -> tuple[str, bool]:
    """The reconciliation as text, and whether everything adds up; `held` is what a store holds."""
    wrong: list[str] = []
    text = [f"skipped {order_id}: {why}" for order_id, why in report.skipped]

    def row(label: str, *numbers: int, of: str = "") -> None:
        text.append(f"{label:<52}" + "".join(f"{figure(of or label, number):>16}" for number in numbers))

    text += ["", "By the files (money in BRL)"]
    for name, whole, parts in report.sums():
        row(name, whole)
        for part, number in parts.items():
            row(f"  {part}", number, of=name)
        wrong += [name] * (whole != sum(parts.values()))
    text += ["", f"Of the {report.orders_converted:,} Olist orders converted"]
    row("paid another sum than their items cost (scaled)", report.orders_scaled)
    for oddity, count in sorted(report.oddities.items()):
        row(oddity, count)

    expected = report.totals()
    text += ["", f"{'':<52}{'by the log':>16}" + ("" if held is None else f"{'in the store':>16}")]
    for name in expected if held is None else expected | held:
        row(name, expected[name], *([] if held is None else [held[name]]))
        wrong += [name] * (held is not None and expected[name] != held[name])
    text += ["", f"DOES NOT ADD UP: {', '.join(wrong)}" if wrong else "everything adds up"]
    return "\n".join(text), not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Turns the Olist CSV files into a command log.")
    parser.add_argument("directory", type=Path, help="the folder of the olist_…_dataset.csv files")
    parser.add_argument("--store", help="apply the log to this store, and reconcile it with the files")
    arguments = parser.parse_args()
    report, held = Report(), None
    try:
        if arguments.store:
            held = apply(arguments.directory, arguments.store, report)
        else:
            for command in convert(arguments.directory, report):
                sys.stdout.buffer.write(encode(command) + b"\n")
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
