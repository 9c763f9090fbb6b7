"""Standard output for people: colours on a terminal (unless NO_COLOR), plain and wide enough elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

PLAIN_WIDTH = 120


class Screen(Console):
    """A console that leaves a closed pipe to the command line's own exits."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def screen() -> Screen:
    """The console on standard output; it takes every text as it is, without markup or emoji codes."""
    plain = not sys.stdout.isatty()
    return Screen(width=PLAIN_WIDTH if plain else None, highlight=False, markup=False, emoji=False)


def show_tables(parts: Iterable[Table]) -> None:
    """Print tables, an empty line between them."""
    console = screen()
    with console.capture() as printed:
        for number, part in enumerate(parts):
            if number:
                console.print()
            if Measurement.get(console, console.options, part).minimum > console.width:
                _fold_all(part)  # rich would cut a column that may not be wrapped
            console.print(part)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def _fold_all(table: Table) -> None:
    for column in table.columns:
        column.no_wrap = False
