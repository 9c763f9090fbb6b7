"""`ordertrail export events`: every event of the log, in a format that other programs read.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

import re

import click

from ..parameters import open_orders, policy_unused, store_option

FORMATS = ("ocel2", "jsonl", "parquet")
DEFAULT_SOURCE = "urn:ordertrail:store"
URI_REFERENCE = re.compile(r"(?:[\w.~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+", re.ASCII)


def uri_reference(text: str) -> str:
    """What CloudEvents takes for a source: the letters of RFC 3986, at least one."""
    if not URI_REFERENCE.fullmatch(text):
        raise click.BadParameter(f"{text!r} is not a URI such as https://shop.example/orders.")
    return text


@click.command(short_help="All events: CloudEvents, Parquet, or OCEL 2.0 for process mining.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    required=True,
    help="jsonl: CloudEvents 1.0, with all that a store is restored from. parquet: a folder of columns, a partition a "
    "day. ocel2: OCEL 2.0, by the file's suffix as JSON (.json, .jsonocel) or SQLite (.sqlite).",
)
@click.option(
    "--output",
    metavar="OUTPUT",
    type=click.Path(),
    required=True,
    help="A file, replaced once all is written; of parquet a new or empty folder; of jsonl, - is standard output.",
)
@click.option(
    "--source", metavar="URI", type=uri_reference, help=f"Of jsonl: whose events.  [default: {DEFAULT_SOURCE}]"
)
@policy_unused
@store_option()
def events(kind: str, output: str, source: str | None, store: str) -> None:
    """Every event of the log, for other programs; as jsonl, for a store of its own."""
    if source is not None and kind != "jsonl":
        raise click.UsageError("--source is for --format jsonl.")
    if kind == "jsonl":
        from .cloudevents_file import write_cloudevents

        write_cloudevents(store, output, source or DEFAULT_SOURCE)
    elif kind == "parquet":
        from .parquet_folder import write_parquet

        write_parquet(store, output)
    else:
        from .ocel_file import write_ocel

        with open_orders(store) as orders:
            write_ocel(orders, output)
