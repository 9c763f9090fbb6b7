"""`ordertrail import`: what other stores held.

Imported by every call, also `--help`: it must import nothing heavy at its top.
"""

from __future__ import annotations

import time
from typing import BinaryIO

import click

from .parameters import policy_unused, store_option


@click.group("import")
def imports() -> None:
    """What an export holds, into a new store."""


@imports.command(short_help="Restore a store from its export.")
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["jsonl"]),
    default="jsonl",
    show_default=True,
    help="The CloudEvents of `export events`.",
)
@policy_unused
@store_option()
def events(file: BinaryIO, kind: str, store: str) -> None:  # noqa: ARG001 - there is one format
    """Restore a store from its export (- for standard input), byte for byte, in full or not at all.

    --store names the new one: a file that is not there yet, or an empty PostgreSQL schema. What was exported fits its
    seal, and the log goes on from there as it would have.
    """
    from .exports.cloudevents_file import read_cloudevents

    started = time.perf_counter()
    seal = read_cloudevents(file, store)
    seconds = max(time.perf_counter() - started, 1e-9)
    rate = f"{(seal.events.count + seal.journal.count) / seconds:,.0f} a second"
    told = f"{seal.events.count:,} events and {seal.journal.count:,} journal entries"
    click.echo(f"{told} imported in {seconds:.1f} s ({rate})", err=True)
