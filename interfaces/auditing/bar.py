"""How far an audit is: a bar on standard error, where that is a terminal."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int], object]
"""Told how much is done, and of how much."""


@contextmanager
def bar(what: str) -> Iterator[Advance]:
    """A bar that `what` describes; it goes away at the end. This process is ours: garbage is collected seldom."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as shown:
        task = shown.add_task(what, total=None, rate="")
        started = time.perf_counter()

        def advance(done: int, total: int) -> None:
            rate = done / max(time.perf_counter() - started, 1e-9)
            shown.update(task, completed=done, total=total, rate=f"{rate:,.0f}/s")

        yield advance
