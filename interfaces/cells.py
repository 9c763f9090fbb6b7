"""What stands in the cells of tables for people: amounts, times, states, units; and how the tables look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from ..domain.money import in_major_units

NOTHING = "–"

STYLES = {
    "placed": "cyan",
    "seller-window": "cyan",
    "with-seller": "cyan",
    "preparing": "blue",
    "shipped": "blue",
    "out-for-delivery": "blue",
    "refused": "yellow",
    "returning": "yellow",
    "delivered": "green",
    "in-return": "yellow",
    "returned": "magenta",
    "lost": "red",
    "cancelled": "magenta",
    "refunded": "magenta",
    "open": "yellow",
    "handed-over": "yellow",
    "approved": "green",
    "granted": "green",
    "received": "green",
    "declined": "red",
    "denied": "red",
    "lapsed": "bright_black",
    "withdrawn": "bright_black",
    "deferred": "yellow",
    "due": "yellow",
    "owed": "yellow",
    "submitted": "blue",
    "paid": "green",
    "accepted": "green",
    "noted": "bright_black",
    "duplicate": "bright_black",
    "rejected": "red",
    "invalid": "red",
}


def number(minor: int, currency: str) -> str:
    """An amount where its currency stands beside it: 1148 USD is `11.48`."""
    return in_major_units(minor, currency).removesuffix(f" {currency}")


def moment(value: datetime | str | None) -> str:
    """A time in UTC: `2026-01-05 10:30:00Z`, with fractions only where there are any."""
    if value is None:
        return NOTHING
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.replace("T", " ", 1)


def state(name: str) -> Text:
    """A state or status, in its colour."""
    return Text(name, STYLES.get(name, ""))


def quantities(items: Mapping[str, int]) -> str:
    """`A ×2, B ×1`, as the interface writes `{"A": 2, "B": 1}`."""
    return ", ".join(f"{item_id} ×{quantity}" for item_id, quantity in items.items()) or NOTHING


def ranges(numbers: Iterable[int]) -> str:
    """Unit numbers, ascending, runs of them drawn together: `1, 3–5`."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)


def table(title: str | None, *columns: str, right: Iterable[str] = ()) -> Table:
    """An empty table; where width is short its cells are folded."""
    made = Table(
        title=title,
        title_style="bold",
        title_justify="left",
        header_style="dim",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        min_width=cell_len(title or ""),
    )
    for column in columns:
        made.add_column(column, overflow="fold", justify="right" if column in right else "left")
    return made


def facts(pairs: Iterable[tuple[str, str | Text]]) -> Table:
    """A list of names with their values."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        made.add_row(name, value)
    return made
