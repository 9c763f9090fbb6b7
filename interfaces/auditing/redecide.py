"""`ordertrail audit redecide`: what the command takes, what it shows, how it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from ..exits import DONE, FOUND
from ..parameters import json_option, store_option

if TYPE_CHECKING:
    from rich.table import Table

    from ...application.audit.redecided import Redecided

LONGEST = 200
"""Letters of a value that are shown."""


@click.command(short_help="Decide every journaled command again.")
@click.option("--from", "first", type=click.IntRange(min=1), metavar="N", default=1, help="The first journal entry.")
@click.option("--to", "last", type=click.IntRange(min=1), metavar="N", help="The last journal entry.")
@click.option("--workers", type=click.IntRange(1, 64), metavar="N", default=1, show_default=True, help="Processes.")
@json_option
@store_option()
def redecide(first: int, last: int | None, workers: int, as_json: bool, store: str) -> int:
    """Decide every journaled command again, on what it was decided upon, and compare what comes of it.

    Each order is judged by its own policy. Exit status 1 if any entry or event would be another one now.
    """
    from ...application.audit.redecide import redecide
    from .bar import bar

    started = time.perf_counter()
    with bar("deciding again") as advance:
        result = redecide(store, first=first, last=last, workers=workers, advance=advance)
    seconds = time.perf_counter() - started
    if as_json:
        from msgspec import to_builtins

        from ..documents import show_json

        show_json(to_builtins(result))
    else:
        from ..screen import show_tables

        show_tables(_tables(result, seconds))
    return FOUND if result.found else DONE


def _tables(result: Redecided, seconds: float) -> Iterator[Table]:
    from ..cells import NOTHING, facts, table

    if result.findings:
        made = table("Decided otherwise than recorded", "entry", "command", "of", "what", "recorded", "decided now")
        for found in result.findings:
            command = f"{found.command or NOTHING} {found.command_id or ''}".rstrip()
            head = (NOTHING if found.entry is None else str(found.entry), command, ", ".join(found.order_ids))
            for number, difference in enumerate(found.differences):
                values = (_shown(difference.recorded), _shown(difference.decided))
                made.add_row(*(head if number == 0 else ("", "", "")), difference.what, *values)
        yield made
    rate = f" in {seconds:.1f} s ({result.entries / max(seconds, 1e-9):,.0f} a second)" if result.entries else ""
    answers = ", ".join(f"{count:,} {status}" for status, count in sorted(result.statuses.items()))
    more = f", of which {len(result.findings):,} are listed" if result.found > len(result.findings) else ""
    yield facts(
        [
            ("decided again", f"{result.entries:,} command{'' if result.entries == 1 else 's'}{rate}"),
            ("recorded as", answers or NOTHING),
            ("with", f"{result.events:,} event{'' if result.events == 1 else 's'}"),
            ("otherwise", f"{result.found:,}{more}" if result.found else "none: the rules produce this history"),
        ]
    )


def _shown(value: Any) -> str:
    from msgspec.json import encode

    from ..cells import NOTHING

    text = NOTHING if value is None else value if isinstance(value, str) else encode(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
