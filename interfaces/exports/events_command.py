"""`ordertrail export events`: every event of the log, in a format that other programs read.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ..parameters import open_orders, policy_unused, store_option

if TYPE_CHECKING:
    from ...application import Orders


def _ocel2(orders: Orders, output: str) -> None:
    from .ocel_file import write_ocel

    write_ocel(orders, output)


FORMATS: dict[str, Callable[[Orders, str], None]] = {"ocel2": _ocel2}
"""How the events go to an output, by the format's name."""


@click.command(short_help="All events: OCEL 2.0 for process mining.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(FORMATS)),
    required=True,
    help="ocel2: OCEL 2.0, by the file's suffix as JSON (.json, .jsonocel) or SQLite (.sqlite).",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True),
    required=True,
    help="Replaced once all is written.",
)
@policy_unused
@store_option()
def events(kind: str, output: str, store: str) -> None:
    """Every event of the log, for other programs: for process mining as OCEL 2.0."""
    with open_orders(store) as orders:
        FORMATS[kind](orders, output)
