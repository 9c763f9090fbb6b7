"""How far events have been followed: a bar on a terminal's standard error, with its rate and the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_SECONDS = 0.5
"""What is done sooner needs no bar."""

Advance = Callable[[int, int], None]
"""Told the position that is reached, and that of the last event."""


@contextmanager
def event_bar(doing: str) -> Iterator[Advance]:
    """A bar that is drawn only where there is a terminal, and once it takes long; it leaves nothing behind."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    bar, began, drawn = _bar(), time.monotonic(), False

    def advance(position: int, last: int) -> None:
        nonlocal drawn
        if not bar.tasks:
            bar.add_task(doing, completed=position, total=last)
        bar.update(bar.task_ids[0], completed=position, total=last)
        if not drawn and time.monotonic() - began > PATIENCE_SECONDS:
            drawn = True
            bar.start()

    try:
        yield advance
    finally:
        if drawn:
            bar.stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} events/s" if task.speed else "", "dim")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,}"),
        Rate(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, highlight=False)
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
