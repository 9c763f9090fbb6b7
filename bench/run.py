#!/usr/bin/env python3
"""Measures the engine's promises on speed, as ratios within one run, and prints a Markdown table; writes nothing.

    python bench/run.py                    # almost everything; takes some minutes
    python bench/run.py durable startup    # some of it
    python bench/run.py read-models-memory # 5,000,000 events: only when asked for; takes long
    python bench/run.py --quick            # tiny sizes: shows that it runs, says nothing about speed

A busy machine spoils the figures, and so does a folder in memory: what is durable must meet a disk (`--folder`).
"""

import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import as_of
import click
import durable
import growth
import history
import long_log
import msgspec
import phases
import queries
import read_models
import replay
import startup
import verify
import visibility
from figures import Figure, table
from rich.console import Console

BENCHES: dict[str, Callable[..., list[Figure]]] = {
    "durable": durable.measure,
    "log": long_log.measure,
    "growth": growth.measure,
    "history": history.measure,
    "startup": startup.measure,
    "phases": phases.measure,
    "read-models": read_models.measure,
    "queries": queries.measure,
    "visibility": visibility.measure,
    "verify": verify.measure,
    "replay": replay.measure,
    "as-of": as_of.measure,
    "read-models-memory": read_models.measure_memory,
}
LONGEST = {"read-models-memory"}
"""Measured only when asked for by name."""


@click.command(help=(__doc__ or "").partition("\n")[0])
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHES)), metavar=f"[{'|'.join(BENCHES)}]...")
@click.option("--quick", is_flag=True, help="Tiny sizes: shows that it runs, says nothing about speed.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON, one a line.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the files that are measured lie for a while (default: the system's temporary folder).",
)
def main(names: tuple[str, ...], quick: bool, as_json: bool, folder: Path | None) -> None:
    told = Console(stderr=True)
    results = {}
    for name in names or [name for name in BENCHES if name not in LONGEST]:
        with tempfile.TemporaryDirectory(prefix="ordertrail-", dir=folder) as own, told.status(f"measuring {name}"):
            results[name] = BENCHES[name](Path(own), quick=quick)
    if as_json:
        for name, figures in results.items():
            for figure in figures:
                print(msgspec.json.encode({"bench": name, **msgspec.to_builtins(figure)}).decode())
        return
    _print(results, quick)


def _print(results: Mapping[str, list[Figure]], quick: bool) -> None:
    out = Console(soft_wrap=True, highlight=False)
    # As wide as it needs to be, also where that is wider than the terminal: a table that is cut is of no use.
    out.width = 200
    sizes = " Tiny sizes: no figure means anything." if quick else ""
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    out.print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {machine}.{sizes}", markup=False)
    for name, figures in results.items():
        out.print(f"\n### {name}")
        out.print(table(figures))


if __name__ == "__main__":
    sys.exit(main())
