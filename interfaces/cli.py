"""The `ordertrail` command line: which commands there are, what they take, how they end. What they do is elsewhere.

Nothing heavy is imported before a command runs: `ordertrail --help` answers at once.
"""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

import click

from .auditing import audit
from .documents import show_json
from .exits import DONE, FOUND, INTERRUPTED, WRONG_INPUT, Failure, OneSentenceGroup, call
from .exports.command import export
from .exports.events_command import events
from .imports import imports
from .parameters import (
    STORE_HELP,
    json_option,
    moment,
    no_store_needed,
    open_orders,
    order_argument,
    policy_option,
    read_models_option,
    store_address,
    store_option,
)
from .queries import QUERIES
from .upkeep import projections, rebuild

LAST_VERSION = 2**63 - 1  # that a store can hold


def main() -> None:
    """Run the command line, and exit with its status."""
    call(ordertrail)


@click.group(
    cls=OneSentenceGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit status: 0 done, also where commands were rejected; 1 --strict found a rejection; "
    "2 a malformed line or a wrong argument; 3 the store failed; 74 the output could not be written.",
)
@click.option("--store", metavar="STORE", type=store_address, envvar="ORDERTRAIL_STORE", help=STORE_HELP)
@click.version_option(package_name="ordertrail", message="%(prog)s %(version)s")
@click.pass_context
def ordertrail(ctx: click.Context, store: str | None) -> None:  # noqa: ARG001 - store_option finds it in the context
    """Marketplace orders from placing to refund: every decision with its rule."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@ordertrail.command()
@click.option(
    "--orders", metavar="N", type=click.IntRange(min=1), default=2000, show_default=True, help="About how many."
)
@click.option("--seed", metavar="N", type=int, default=7, show_default=True, help="The same seed makes the same week.")
@policy_option
@read_models_option
@store_option()
def demo(orders: int, seed: int, policy: str | None, read_models: str | None, store: str) -> None:
    """Simulate a marketplace's week into a fresh store."""
    from .demo import run_demo
    from .screen import screen

    run_demo(store, orders=orders, seed=seed, policy=policy, read_models=read_models, console=screen())


@ordertrail.command(short_help="Apply a command log.")
@click.argument("log", metavar="LOG.jsonl", type=click.File("rb"))
@click.option("--quiet", is_flag=True, help="Print no results, only the summary.")
@click.option("--strict", is_flag=True, help="Exit status 1 if anything was rejected.")
@policy_option
@store_option()
def run(log: BinaryIO, quiet: bool, strict: bool, policy: str | None, store: str) -> int:
    """Apply a command log (- for standard input): one JSON result a line, a summary on standard error."""
    from .replay import apply_log

    try:
        with open_orders(store, policy, create=True) as orders:
            tally = apply_log(orders, log, quiet=quiet)
    except KeyboardInterrupt:
        raise Failure(
            "interrupted: what was applied stays, and running the same log again goes on from there", INTERRUPTED
        ) from None
    for line in tally.lines():
        click.echo(line, err=True)
    if tally.malformed:
        return WRONG_INPUT
    return FOUND if strict and tally.rejected else DONE


@ordertrail.command(short_help="What a command would do.")
@click.argument("command", metavar="COMMAND.json", type=click.File("rb"))
@json_option
@policy_option
@store_option()
def preview(command: BinaryIO, as_json: bool, policy: str | None, store: str) -> int:
    """What one command (- for standard input) would do, with its events; nothing is recorded."""
    from ..application.log import MAX_LINE_BYTES

    with open_orders(store, policy) as orders:
        result = orders.preview_line(command.read(MAX_LINE_BYTES + 1))
    if as_json:
        click.echo(result.to_json())
    else:
        from .answers import outcome
        from .screen import show_tables

        show_tables(outcome(result.to_dict()))
    return WRONG_INPUT if result.status == "invalid" else DONE


@ordertrail.command(short_help="An order, now or then.")
@order_argument
@click.option("--as-of", type=moment, metavar="T", help="As it was at that time.")
@click.option("--as-known-at", type=moment, metavar="T", help="By what was known at that time, whenever it happened.")
@click.option("--at-version", type=click.IntRange(1, LAST_VERSION), metavar="N", help="As it was after its N-th event.")
@json_option
@policy_option
@store_option()
def show(
    order_id: str,
    as_of: datetime | None,
    as_known_at: datetime | None,
    at_version: int | None,
    as_json: bool,
    policy: str | None,
    store: str,
) -> None:
    """An order, now or then: its units, requests, returns, refunds and claims."""
    if at_version is not None and (as_of is not None or as_known_at is not None):
        raise click.UsageError("--at-version excludes --as-of and --as-known-at.")
    with open_orders(store, policy) as orders:
        order = orders.show(order_id, as_of=as_of, as_known_at=as_known_at, at_version=at_version)
    if as_json:
        return show_json(order)
    from .screen import show_tables
    from .tables import order_tables

    return show_tables(order_tables(order))


@ordertrail.command(short_help="An order's history in words.")
@order_argument
@json_option
@policy_option
@store_option()
def timeline(order_id: str, as_json: bool, policy: str | None, store: str) -> None:
    """An order's history in words: when, who, what, by which rule; with the rejected attempts."""
    with open_orders(store, policy) as orders:
        entries = orders.timeline(order_id)
    if as_json:
        fields = ("at", "recorded_at", "who", "what", "rule", "status")
        return show_json([{field: getattr(entry, field) for field in fields} for entry in entries])
    from .screen import show_tables
    from .tables import timeline_table

    return show_tables([timeline_table(order_id, entries)])


@ordertrail.command(short_help="What the buyer can do, and why not the rest.")
@order_argument
@click.option("--at", type=moment, metavar="T", help="At that time.  [default: now]")
@json_option
@policy_option
@store_option()
def options(order_id: str, at: datetime | None, as_json: bool, policy: str | None, store: str) -> None:
    """What the buyer can do, until when, with what refund; and why not the rest."""
    with open_orders(store, policy) as orders:
        answer = orders.options(order_id, at=at)
        order = orders.order(order_id)
    if as_json:
        return show_json(answer)
    from .answers import options_tables
    from .screen import show_tables

    return show_tables(options_tables(answer, order.currency, order.latest_at))


@ordertrail.command(short_help="A rule's text and its source.")
@click.argument("rule", required=False)
@json_option
@no_store_needed
def explain(rule: str | None, as_json: bool) -> None:
    """A rule's text and its source; without RULE, all rules."""
    from .rulebook import find, rules

    found = rules() if rule is None else [find(rule)]
    if as_json:
        listed = [{"rule": r.id, "text": r.text, "source": r.source} for r in found]
        return show_json(listed if rule is None else listed[0])
    from .rulebook import rule_tables
    from .screen import show_tables

    return show_tables(rule_tables(found))


@ordertrail.command(short_help="The state machine of a unit, as Mermaid.")
@json_option
@no_store_needed
def diagram(as_json: bool) -> None:
    """The state machine of a unit, as Mermaid; as JSON, its moves with the events that tell of them."""
    if as_json:
        from .moves import event_moves

        return show_json(event_moves())
    from ..domain.lifecycle import mermaid

    return click.echo(mermaid())


export.add_command(events)
for command in (*QUERIES, rebuild, projections, audit, export, imports):
    ordertrail.add_command(command)
