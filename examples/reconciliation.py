"""The reconciliation of an import: what was read, what the log made of it, and whether a store and its ledger agree.

It counts from the finished commands, apart from the engine and without it: no figure here is the engine's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from olist import Item, Payment

Command = dict[str, Any]

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
SELLERS = "Liabilities:Orders:Sellers:"


@dataclass
class Order:
    """What the log says of one order; its total in cents."""

    total: int
    placed_at: datetime
    seller_id: str
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
            total = sum(paid["amount"] for paid in command["payments"])
            self.orders[command["order_id"]] = Order(total, at, command["seller_id"])
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


class Account(NamedTuple):
    """An account of the ledger, or a total of it: cents as the ledger has them, debits positive, and as it should."""

    name: str
    in_ledger: int
    by_import: int

    @property
    def is_equal(self) -> bool:
        return self.in_ledger == self.by_import


class Holdings(NamedTuple):
    """What a store holds, under the names of `Report.totals`, and its ledger's accounts."""

    store: Counter[str]
    ledger: list[Account]


def reconcile(report: Report, held: Holdings | None = None) -> tuple[str, bool]:
    """The reconciliation as text, and whether everything adds up; `held` where a store ran the log."""
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
    for name in expected if held is None else expected | held.store:
        row(name, expected[name], *([] if held is None else [held.store[name]]))
        wrong += [name] * (held is not None and expected[name] != held.store[name])
    if held is not None:
        text += ["", *ledger_part(held.ledger)]
        wrong += [account.name for account in held.ledger if not account.is_equal]
    text += ["", f"DOES NOT ADD UP: {', '.join(wrong)}" if wrong else "everything adds up"]
    return "\n".join(text), not wrong


def ledger_part(ledger: list[Account]) -> Iterator[str]:
    """The ledger against the import, to the cent; the sellers in one line, and each that differs in its own."""
    yield f"{'Ledger (BRL, debits positive)':<52}{'in the ledger':>16}{'by the import':>16}{'equal':>7}"
    sellers = [account for account in ledger if account.name.startswith(SELLERS)]
    kept = (sum(account.in_ledger for account in sellers), sum(account.by_import for account in sellers))
    shown = [account for account in ledger if not (account.name.startswith(SELLERS) and account.is_equal)]
    for account in sorted([*shown, Account(f"{SELLERS}* ({len(sellers):,} accounts)", *kept)]):
        figures = "".join(f"{money(amount):>16}" for amount in account[1:])
        yield f"{account.name:<52}{figures}{'yes' if account.is_equal else 'NO':>7}"


def figure(name: str, number: int) -> str:
    """A count, or an amount in BRL where the name is one of money."""
    return money(number) if name.startswith("money") else f"{number:,}"


def money(amount: int) -> str:
    return f"{Decimal(amount) / 100:,.2f}"
