"""Runs a log on a store and asks the store and its ledger what they hold: the engine's side of the reconciliation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from reconciliation import UNSHIPPED, Account, Holdings, Report

from ordertrail.application import Orders
from ordertrail.domain import OrdertrailError
from ordertrail.projections import Database, Runner, accounts, builtin_projections, ledger

CURRENCY = "BRL"


def apply(lines: Iterable[bytes], url: str, report: Report) -> Holdings:
    """Runs the log on a store and catches up the read models beside it; `report` is complete when the lines are."""
    held: Counter[str] = Counter()
    try:
        with Orders.open(url) as orders:
            for result in orders.run(lines):
                answer = result.to_dict()
                answer = answer.get("first") or answer  # the log may be run again
                no = f" {answer['rule']}" if answer["status"] == "rejected" else ""
                held[f"commands {answer['status']}{no}"] += 1
            for order_id in report.orders:
                count(orders.show(order_id), held)
            with Database.open(url) as database:
                runner = Runner(orders, database, builtin_projections())
                position = orders.last_position()
                runner.catch_up()
                runner.wait_for(position)  # an error where one has stopped
                return Holdings(held, compare(database, report))
    except OrdertrailError as error:
        raise OSError(str(error)) from error


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


def compare(database: Database, report: Report) -> list[Account]:
    """Every account that the ledger has or should have, and the refunds that it has booked as paid."""
    expected = expected_balances(report)
    held: Counter[str] = Counter()
    for currency, balances in ledger.balances(database).items():
        for account, amount in balances.items():
            held[account if currency == CURRENCY else f"{account} ({currency})"] = amount
    names = sorted(expected.keys() | held.keys())
    return [
        *(Account(name, held[name], expected[name]) for name in names),
        Account("all accounts", held.total(), 0),
        Account("refunds paid", refunds_paid(database), 0),
    ]


def expected_balances(report: Report) -> Counter[str]:
    """What the import puts on each account: all that was paid in, and of each order either its seller's or a refund.

    Olist knows no tax, and no payment back. Orders are cancelled as a whole, so that no refund is deferred; a seller's
    goods are refunded in full, so that no fee is kept.
    """
    expected: Counter[str] = Counter()
    for name in (accounts.TAX, accounts.DUE, accounts.DEFERRED, *accounts.FEES.values()):
        expected[name] = 0
    for method, amount in report.money.items():
        expected[accounts.of_payment(method)] += amount
    for order in report.orders.values():
        expected[accounts.of_seller(order.seller_id)] -= order.total - order.owed
        expected[accounts.DUE] -= order.owed
    return expected


def refunds_paid(database: Database) -> int:
    """What payouts took from the refunds due, less what bounced."""
    return sum(
        posting.amount
        for entry in ledger.each_entry(database)
        if entry.event in ("payout-paid", "payout-bounced")
        for posting in entry.postings
        if posting.account == accounts.DUE
    )
