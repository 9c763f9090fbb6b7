"""What the demo prints at its end: orders, commands, parcels and money at a glance, and where to look next."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from rich.columns import Columns
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ..cells import STYLES, number, state, table
from ..parameters import DEFAULT_STORE
from .accounts import accounts
from .market import Case
from .week import ENDS_AT, STARTS_AT, Tally, Week

BAR_WIDTH = 16
IN_MEMORY = "memory:"
OFF_SCRIPT_SHOWN = 5
RULES_SHOWN = 8
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


def print_summary(console: Console, week: Week, store: str, seconds: float) -> None:
    """Print all of it. `seconds` is how long the simulation took on the wall's clock."""
    orders = [week.orders.show(order_id) for order_id in week.cases]
    placed = "1 order" if len(orders) == 1 else f"{len(orders):,} orders"
    commands = week.tally.outcomes.total()
    durable = "" if store == IN_MEMORY else ", each durable when it was answered"
    counts = [orders_table(orders), outcomes_table(week.tally), parcels_table(week.tally)]
    console.print(
        Text(f"{placed} of the week from {_day(STARTS_AT)}, followed until {_day(ENDS_AT)}", "bold"),
        f"{commands:,} commands in {seconds:.1f} s: {commands / seconds:,.0f} a second{durable}",
        "",
        Columns(counts, padding=(0, 4)),
        "",
        rejections_table(week.tally),
        "",
        money_table(orders),
        "",
        sep="\n",
    )
    print_off_script(console, week.tally)
    if store != IN_MEMORY:
        print_where_next(console, week, store)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def orders_table(orders: list[dict[str, Any]]) -> Table:
    made = table("Orders", "state", "orders", "", right=["orders"])
    by_state = Counter(order["state"] for order in orders)
    for name in [name for name in STYLES if name in by_state]:  # STYLES begins with the states in their sequence
        bar = ProgressBar(total=len(orders), completed=by_state[name], width=BAR_WIDTH)
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


def print_where_next(console: Console, week: Week, store: str) -> None:
    """Three commands to try, each on an order that has a story; never wrapped, so that they can be copied."""
    where = store_argument(store)
    together = pick(week, ["combined parcel, cancelled together"])
    partly = pick(week, ["cancelled line by line", "changed mind"], least_payments=2)
    afloat = pick(week, ["slow boat"])
    console.print(Text("What to look at next", "bold"))
    for command, case, until in (
        ("timeline", together, ""),
        ("show", partly, ""),
        ("options", afloat, f" --at {ENDS_AT:%Y-%m-%dT%H:%M:%SZ}"),
    ):
        console.print(Text(f"  # {STORIES.get(case.life, case.life)}", "dim"))
        line = f"  {program()} {command} {case.order_id}{until}{where}"
        console.print(Text(line, "bold cyan"), soft_wrap=True)


def program() -> str:
    """How `ordertrail` is called here: by its path, where a shell would not find it, as in a new environment."""
    called = sys.argv[0]
    found = shutil.which("ordertrail") is not None or Path(called).name != "ordertrail"
    return "ordertrail" if found else shlex.quote(called)


def store_argument(store: str) -> str:
    """What a call needs to find the store again; a password is never printed."""
    if store == (os.environ.get("ORDERTRAIL_STORE") or DEFAULT_STORE):
        return ""
    return ' --store "$ORDERTRAIL_STORE"' if has_password(store) else f" --store {shlex.quote(store)}"


def has_password(store: str) -> bool:
    """Whether an address holds one, before its `@` or among its parameters."""
    if not store.startswith(("postgresql://", "postgres://")):
        return False
    base, _, query = store.partition("?")
    user = base.partition("//")[2].rpartition("@")[0]
    return ":" in user or any("password" in name.lower() for name, _ in parse_qsl(query, keep_blank_values=True))


def pick(week: Week, lives: Iterable[str], *, least_payments: int = 1) -> Case:
    """The first order that lived one of the lives, the earlier named the better; any order if none did."""
    cases = list(week.cases.values())
    for life in lives:
        lived = [case for case in cases if case.life == life]
        if lived:
            return next((case for case in lived if len(case.payments) >= least_payments), lived[0])
    return cases[0]
