"""`ordertrail export`: files for other programs.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from ..parameters import identifier, moment, order_id, policy_unused, read_models_option, store_option


@click.group()
def export() -> None:
    """Files for other programs."""


@export.command(short_help="The ledger for Beancount, or as CSV.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["beancount", "csv"]),
    default="beancount",
    show_default=True,
    help="A Beancount file (version 3), or a table of postings.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    default="-",
    help="Replaced once all is written; - is standard output, the default.",
)
@click.option("--order", "order", metavar="ORDER", type=order_id, help="Only this order's entries.")
@click.option("--seller", metavar="SELLER", type=identifier, help="Only those of orders that this seller sold.")
@click.option("--as-of", type=moment, metavar="T", help="Only what had happened by then.")
@read_models_option
@policy_unused
@store_option()
def ledger(
    kind: str,
    output: str,
    order: str | None,
    seller: str | None,
    as_of: datetime | None,
    read_models: str | None,
    store: str,
) -> None:
    """The refund ledger, entry by entry: for Beancount and Fava, or as CSV."""
    from ...projections.ledger import accounts_used, each_entry
    from ..read_models import caught_up
    from .beancount_file import beancount_file
    from .csv_file import csv_file
    from .output import write

    with caught_up(store, "ledger", read_models=read_models) as database:
        chosen: dict[str, Any] = {"order_id": order, "seller_id": seller, "as_of": as_of}
        if kind == "csv":
            return write(csv_file(each_entry(database, **chosen)), output)
        uses = accounts_used(database, **chosen)
        return write(beancount_file(_title(order, seller, as_of), uses, each_entry(database, **chosen)), output)


def _title(order: str | None, seller: str | None, as_of: datetime | None) -> str:
    """Which part of the books the file holds."""
    from ...domain.admission import moment

    parts = [f"order {order}"] if order is not None else []
    parts += [f"seller {seller}"] if seller is not None else []
    parts += [f"as of {moment(as_of)}"] if as_of is not None else []
    return ", ".join(["ordertrail refund ledger", *parts])
