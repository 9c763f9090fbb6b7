"""What the demo prints at its end: orders, commands, parcels and money at a glance, and where to look next."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...projections.database import Database
from ...projections.ledger import Balances, balances
from ...projections.shipments import ListedShipment, shipments
from ..cells import NOTHING, STYLES, number, state, table
from .accounts import accounts
from .market import Case
from .week import ENDS_AT, STARTS_AT, Tally, Week

BAR_WIDTH = 16
IN_MEMORY = "memory:"
OFF_SCRIPT_SHOWN = 5
RULES_SHOWN = 8
SELLERS = "Liabilities:Orders:Sellers:"
OUTCOMES = ("accepted", "noted", "duplicate", "rejected", "invalid")
STORIES = {
    "combined parcel, cancelled together": "orders in one parcel: the first try was rejected, the second took all",
    "cancelled line by line": "cancelled line by line: its refunds waited until the last line had left",
    "changed mind": "sent back, less what the return cost",
    "slow boat": "still on its way: what its buyer can do, until when, and why not the rest",
}
PARCEL_FACTS = {
    "deliver": "delivered",
    "refuse-delivery": "refused at the door",
    "turn-back": "undeliverable",
    "lose-shipment": "reported lost",
    "receive-return": "came back",
}


def print_summary(console: Console, week: Week, database: Database, seconds: float, *, durable: bool) -> None:
    """Print all but where to look next. `seconds` is how long the simulation took on the wall's clock."""
    orders = [week.orders.show(order_id) for order_id in week.cases]
    placed = "1 order" if len(orders) == 1 else f"{len(orders):,} orders"
    commands = week.tally.outcomes.total()
    kept = ", each durable when it was answered" if durable else ""
    states = [orders_table(orders), shipments_table(shipments(database))]
    counts = [outcomes_table(week.tally), parcels_table(week.tally)]
    console.print(
        Text(f"{placed} of the week from {_day(STARTS_AT)}, followed until {_day(ENDS_AT)}", "bold"),
        f"{commands:,} commands in {seconds:.1f} s: {commands / seconds:,.0f} a second{kept}",
        "",
        Columns(states, padding=(0, 4)),
        "",
        Columns(counts, padding=(0, 4)),
        "",
        rejections_table(week.tally),
        "",
        ledger_table(balances(database)),
        "",
        money_table(orders),
        "",
        sep="\n",
    )
    print_off_script(console, week.tally)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def orders_table(orders: list[dict[str, Any]]) -> Table:
    return states_table("Orders", "orders", Counter(order["state"] for order in orders))


def shipments_table(shipments: list[ListedShipment]) -> Table:
    return states_table("Shipments", "parcels", Counter(shipment.state for shipment in shipments))


def states_table(title: str, what: str, by_state: Counter[str]) -> Table:
    made = table(title, "state", what, "", right=[what])
    for name in [name for name in STYLES if name in by_state]:  # STYLES begins with the states in their sequence
        bar = ProgressBar(total=by_state.total(), completed=by_state[name], width=BAR_WIDTH)
        made.add_row(state(name), f"{by_state[name]:,}", bar)
    return made


def outcomes_table(tally: Tally) -> Table:
    made = table("Commands", "outcome", "times", right=["times"])
    for name in OUTCOMES:
        if tally.outcomes[name]:
            made.add_row(state(name), f"{tally.outcomes[name]:,}")
    return made


def parcels_table(tally: Tally) -> Table:
    made = table("Parcels", "", "parcels", right=["parcels"])
    packed = {shipment for shipments in tally.parcels.values() for shipment in shipments}
    made.add_row("packed", f"{len(packed):,}")
    made.add_row("holding several orders", f"{len(tally.combined):,}")
    for report, words in PARCEL_FACTS.items():
        made.add_row(words, f"{len(tally.parcels.get(report, ())):,}")
    made.add_row("reports noted, changing nothing", f"{tally.noted_reports:,}")
    return made


def rejections_table(tally: Tally) -> Table:
    made = table("Most often rejected", "rule", "times", "for example", "because", right=["times"])
    for rule, times in sorted(tally.rejections.items(), key=lambda pair: (-pair[1], pair[0]))[:RULES_SHOWN]:
        command, reason = tally.reasons[rule]
        made.add_row(Text(rule, "red"), f"{times:,}", command, reason)
    return made


def ledger_table(balances: Balances) -> Table:
    """An account a line, a currency a column; those of all sellers together."""
    made = table("Ledger", "account", *balances, right=balances)
    sums: dict[str, Counter[str]] = {}
    sellers = set()
    for currency, accounts_of_it in balances.items():
        for account, amount in accounts_of_it.items():
            if account.startswith(SELLERS):
                sellers.add(account)
            sums.setdefault(SELLERS if account.startswith(SELLERS) else account, Counter())[currency] += amount
    for account, by_currency in sorted(sums.items()):
        name = f"{account}… ({len(sellers)})" if account == SELLERS else account
        made.add_row(name, *(number(by_currency[c], c) if by_currency[c] else NOTHING for c in balances))
    made.show_footer = True
    made.columns[0].footer = "sum"
    for column, (currency, accounts_of_it) in zip(made.columns[1:], balances.items(), strict=True):
        total = sum(accounts_of_it.values())
        column.footer = Text(number(total, currency), "bold green" if total == 0 else "bold red")
    return made


def money_table(orders: list[dict[str, Any]]) -> Table:
    columns = ("came in", "kept", "paid back", "owed")
    made = table("Money", "", *columns, "in = kept + paid back + owed", right=columns)
    for currency, account in accounts(orders).items():
        figures = (account.came_in, account.kept, account.refunded, account.owed)
        check = Text("to the cent", "green") if account.adds_up else Text("does not add up", "bold red")
        made.add_row(currency, *(number(figure, currency) for figure in figures), check)
    return made


def print_off_script(console: Console, tally: Tally) -> None:
    """Lives that the engine answered otherwise than their script expects: none, unless one of the two is wrong."""
    if tally.off_script:
        lives = "1 life" if len(tally.off_script) == 1 else f"{len(tally.off_script):,} lives"
        console.print(Text(f"{lives} did not go as scripted, for example", "yellow"))
        for line in tally.off_script[:OFF_SCRIPT_SHOWN]:
            console.print(f"  {line}", soft_wrap=True)
        console.print()


def print_where_next(console: Console, week: Week, where: str) -> None:
    """Commands to try, some on an order that has a story; never wrapped, so that they can be copied."""
    together = pick(week, ["combined parcel, cancelled together"])
    partly = pick(week, ["cancelled line by line", "changed mind"], least_payments=2)
    afloat = pick(week, ["slow boat"])
    then = f"--at {ENDS_AT:%Y-%m-%dT%H:%M:%SZ}"
    console.print(Text("What to look at next", "bold"))
    for command, story in (
        (f"timeline {together.order_id}", STORIES.get(together.life, together.life)),
        (f"show {partly.order_id}", STORIES.get(partly.life, partly.life)),
        (f"ledger --order {partly.order_id}", "the same order's money, entry by entry"),
        (f"options {afloat.order_id} {then}", STORIES.get(afloat.life, afloat.life)),
        ("balances", "what lies on each account, in full; it sums to zero"),
        (f"refunds --overdue {then}", "refunds that should have been paid by then"),
        (f"exceptions {then}", "what a person must look at"),
    ):
        console.print(Text(f"  # {story}", "dim"))
        console.print(Text(f"  {program()} {command}{where}", "bold cyan"), soft_wrap=True)


def program() -> str:
    """How `ordertrail` is called here: by its path, where a shell would not find it, as in a new environment."""
    called = sys.argv[0]
    found = shutil.which("ordertrail") is not None or Path(called).name != "ordertrail"
    return "ordertrail" if found else shlex.quote(called)


def pick(week: Week, lives: Iterable[str], *, least_payments: int = 1) -> Case:
    """The first order that lived one of the lives, the earlier named the better; any order if none did."""
    cases = list(week.cases.values())
    for life in lives:
        lived = [case for case in cases if case.life == life]
        if lived:
            return next((case for case in lived if len(case.payments) >= least_payments), lived[0])
    return cases[0]
