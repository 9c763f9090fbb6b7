"""Standard output for people: colours on a terminal (unless NO_COLOR), plain and wide enough elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table

PLAIN_WIDTH = 120
GAP = 3
"""Between two columns: a blank, and one on each side of it."""


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
            _fold_the_widest(console, part)
            console.print(part)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in printed.get().splitlines()))


def _fold_the_widest(console: Console, table: Table) -> None:
    """Cells are folded to half their width at most, in as few columns as will do, so that ids and states stay whole."""

    def width(column: Column) -> int:
        cells = (column.header, *column.cells)
        return max(Measurement.get(console, console.options, cell).maximum for cell in cells)

    widths = [width(column) for column in table.columns]
    missing = sum(widths) + GAP * (len(widths) - 1) - console.width
    for wide, column in sorted(zip(widths, table.columns, strict=True), key=lambda pair: -pair[0]):
        column.no_wrap = missing <= 0
        missing -= wide // 2
