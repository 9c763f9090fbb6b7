"""The arguments and options that several commands share.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from .exits import Failure

if TYPE_CHECKING:
    from ..application import Orders

DEFAULT_STORE = "ordertrail.db"
READ_MODELS_VARIABLE = "ORDERTRAIL_READ_MODELS"
STORE_HELP = f"A SQLite file, sqlite:///…, postgresql://… or memory:  [env ORDERTRAIL_STORE; default {DEFAULT_STORE}]"

Command = Callable[..., Any]


def moment(text: str) -> datetime:
    """An RFC 3339 time with an offset, such as `2026-01-05T10:30:00Z`; a naive one is refused."""
    from msgspec import ValidationError, convert

    try:
        value = convert(text, datetime)
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    except (ValidationError, OverflowError):
        raise click.BadParameter(f"{text!r} is not a time such as 2026-01-05T10:30:00Z.") from None
    raise click.BadParameter(f"{text!r} has no offset: write it as 2026-01-05T10:30:00Z.")


def order_id(text: str) -> str:
    """Any text that a store can be asked for, and not nothing."""
    return identifier(text, "an order's id")


def identifier(text: str, what: str = "an id") -> str:
    """Any text that a store can be asked for, and not nothing."""
    if not text or any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise click.BadParameter(f"{text!r} is not {what}.")
    return text


def store_address(text: str) -> str:
    """Anything but nothing, for which SQLite would make a database that vanishes."""
    if not text.strip() or "\0" in text:
        raise click.BadParameter("it names no store.")
    return text


order_argument = click.argument("order_id", metavar="ORDER", type=order_id)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON for programs instead of tables for people.")
policy_file = click.Path(exists=True, dir_okay=False, readable=True)
policy_option = click.option(
    "--policy",
    type=policy_file,
    help="A policy file in TOML, for orders that are placed from now on.  [default: the packaged one]",
)
policy_unused = click.option("--policy", type=policy_file, hidden=True, expose_value=False)
"""Accepted, as every command does, where no order is placed or judged."""
read_models_option = click.option(
    "--read-models",
    metavar="PLACE",
    type=store_address,
    envvar=READ_MODELS_VARIABLE,
    help="Where the read models live: an address such as a store's; memory: for this call only.  "
    f"[env {READ_MODELS_VARIABLE}; default: beside the events]",
)


def store_option(*, hidden: bool = False) -> Callable[[Command], Command]:
    """`--store`, here or before the subcommand; the function gets the address as `store`."""

    def decorate(function: Command) -> Command:
        @click.option("--store", metavar="STORE", type=store_address, hidden=hidden, help=STORE_HELP)
        @click.pass_context
        @wraps(function)
        def with_store(ctx: click.Context, /, *args: Any, store: str | None, **options: Any) -> Any:
            address = store or ctx.find_root().params.get("store") or DEFAULT_STORE
            return ctx.invoke(function, *args, store=address, **options)

        return with_store

    return decorate


def no_store_needed(function: Command) -> Command:
    """Accept `--store` and `--policy` as every command does, where nothing is asked of them."""
    with_policy = policy_unused(function)
    return click.option("--store", metavar="STORE", type=store_address, hidden=True, expose_value=False)(with_policy)


def open_orders(store: str, policy: str | None = None, *, create: bool = False) -> Orders:
    """The engine on a store; a reading command never makes one."""
    from ..application import Orders

    try:
        return Orders.open(store, policy=policy, create=create)
    except UnicodeDecodeError:
        raise Failure(f"the policy {policy} is not UTF-8 text") from None
