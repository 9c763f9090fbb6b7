"""`ordertrail audit what-if`: what the command takes, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..parameters import json_option, policy_file, store_option

if TYPE_CHECKING:
    from rich.table import Table

    from ...application.audit.refunds import Amounts
    from ...application.audit.verdicts import Otherwise, Verdict
    from ...application.audit.what_if import WhatIf, Which

LISTED = 20
LISTED_AS_JSON = 300


@click.command("what-if", short_help="The journal under another policy.")
@click.option("--policy", type=policy_file, required=True, help="The other policy, a file in TOML.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"Name the first N commands decided otherwise. [default: {LISTED}; {LISTED_AS_JSON} with --json]",
)
@json_option
@store_option()
def what_if(policy: str, limit: int | None, as_json: bool, store: str) -> None:
    """Decide every journaled command under another policy, and compare: decisions, refunds, money.

    Nothing is written to the store. Needs as much room for temporary files as the store takes.
    """
    from ...application.audit.what_if import what_if
    from ...application.policy_text import policy_text
    from .bar import bar

    toml = policy_text(policy)
    with bar("deciding anew") as advance:
        most = (LISTED_AS_JSON if as_json else LISTED) if limit is None else limit
        result = what_if(store, toml, listed=most, advance=advance)
    if as_json:
        from ..documents import show_json

        return show_json(_json(result))
    from ..screen import show_tables

    return show_tables(_tables(result))


def _json(result: WhatIf) -> dict[str, Any]:
    from msgspec import to_builtins

    otherwise = [to_builtins(how) | to_builtins(times) for how, times in result.otherwise.items()]
    return {
        "policy": result.policy,
        "commands": result.commands,
        "directly": result.directly,
        "as_consequence": result.as_consequence,
        "at_other_times": result.at_other_times,
        "orders_touched": result.orders_touched,
        "otherwise": otherwise,
        "which": [_which(which) for which in result.which],
        "by_time": [to_builtins(made) | to_builtins(counts) for made, counts in result.by_time.items()],
        "owed": {currency: _amounts(amounts) for currency, amounts in result.owed.items()},
        "kept": {c: {kind: _amounts(amounts) for kind, amounts in kinds.items()} for c, kinds in result.kept.items()},
        "refunds": [{"rule": rule} | to_builtins(changes) for rule, changes in result.refunds.items()],
        "promises_moved": result.promises_moved,
    }


def _which(which: Which) -> dict[str, Any]:
    from msgspec import to_builtins

    told: dict[str, Any] = to_builtins(which)
    how: dict[str, Any] = told.pop("how")
    return told | how


def _amounts(amounts: Amounts) -> dict[str, int]:
    return {"before": amounts.before, "after": amounts.after, "difference": amounts.difference}


def _tables(result: WhatIf) -> Iterator[Table]:
    from ..cells import facts

    changes = result.refunds.values()
    refunds = [f"{sum(getattr(c, how) for c in changes):,} {how}" for how in ("new", "gone", "changed")]
    yield facts(
        [
            ("policy", result.policy),
            ("commands", f"{result.commands:,}"),
            ("decided otherwise", f"{result.directly:,}, and as a consequence {result.as_consequence:,} more"),
            ("at other times", f"{result.at_other_times:,} decided alike, but for deadlines or promises"),
            ("orders touched", f"{result.orders_touched:,}"),
            ("refunds", ", ".join(refunds)),
            ("payouts promised", f"{result.promises_moved:,} for another time"),
        ]
    )
    if result.otherwise:
        yield _otherwise(result)
    if result.which:
        yield _one_by_one(result)
    if result.by_time:
        yield _by_time(result)
    if result.refunds:
        yield _by_rule(result)
    if result.owed:
        yield _money(result)


def _otherwise(result: WhatIf) -> Table:
    from ..cells import table

    columns = ("command", "recorded", "under this policy", "directly", "consequences", "the first of")
    made = table("Commands decided otherwise", *columns, right=["directly", "consequences"])
    for how, times in sorted(result.otherwise.items(), key=lambda row: (-row[1].directly, -row[1].as_consequence)):
        counts = (f"{count:,}" if count else "" for count in (times.directly, times.as_consequence))
        made.add_row(how.command, _verdict(how.before, how), _verdict(how.after, how), *counts, times.first)
    return made


def _one_by_one(result: WhatIf) -> Table:
    from ..cells import table

    total = result.directly + result.as_consequence
    named = "One by one" if len(result.which) == total else f"The first {len(result.which):,} of {total:,}"
    columns = ("entry", "command", "of", "recorded", "under this policy", "")
    made = table(named, *columns, right=["entry"])
    for which in result.which:
        how, following = which.how, "" if which.directly else "a consequence"
        command = f"{how.command} {which.command_id}"
        verdicts = (_verdict(how.before, how), _verdict(how.after, how))
        made.add_row(f"{which.entry}", command, ", ".join(which.order_ids), *verdicts, following)
    return made


def _verdict(verdict: Verdict, how: Otherwise) -> str:
    said = verdict.status + (f" by {verdict.rule}" if verdict.rule else "")
    if verdict.events:
        said += ", with " + ", ".join(f"{made.type} ({made.rule})" for made in verdict.events)
    return f"{said} of another amount" if how.differs == "amounts" and verdict is how.after else said


def _by_time(result: WhatIf) -> Table:
    from ..cells import table

    made = table("By the passing of time", "event", "rule", "recorded", "under this policy", right=_COUNTS)
    for event, counts in result.by_time.items():
        made.add_row(event.type, event.rule, f"{counts.before:,}", f"{counts.after:,}")
    return made


def _by_rule(result: WhatIf) -> Table:
    from ..cells import table

    made = table("Refunds", "rule", "new", "gone", "changed", "money", right=["new", "gone", "changed", "money"])
    for rule, changes in result.refunds.items():
        counts = (f"{count:,}" if count else "" for count in (changes.new, changes.gone, changes.changed))
        moved = [_signed(amount, currency) for currency, amount in sorted(changes.moved.items()) if amount]
        made.add_row(rule, *counts, "\n".join(moved))
    return made


def _money(result: WhatIf) -> Table:
    from ...domain.money import in_major_units
    from ..cells import table

    made = table("Money", "", "recorded", "under this policy", "difference", right=[*_COUNTS, "difference"])
    for currency, owed in result.owed.items():
        kept = result.kept.get(currency, {})
        for name, amounts in [("refunds", owed), *((f"kept for {kind}", amounts) for kind, amounts in kept.items())]:
            before, after = (in_major_units(amount, currency) for amount in (amounts.before, amounts.after))
            made.add_row(name, before, after, _signed(amounts.difference, currency) if amounts.difference else "")
    return made


_COUNTS = ("recorded", "under this policy")


def _signed(amount: int, currency: str) -> str:
    from ...domain.money import in_major_units

    return ("+" if amount > 0 else "") + in_major_units(amount, currency)
