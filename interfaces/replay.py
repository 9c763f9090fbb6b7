"""`ordertrail run`: a command log applied, its results printed batch by batch, what became of it summed up."""

from __future__ import annotations

import gc
import os
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from .command_log import CommandLog

if TYPE_CHECKING:
    from ..application import Orders, Result

STATUSES = ("accepted", "noted", "duplicate", "rejected", "invalid")

Write = Callable[[bytes], object]
Advance = Callable[[int], None]


class Tally:
    """How many commands ended in which status, and which rules said no."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.first_invalid: Result | None = None
        self.repeated_rejections = 0
        self._started = time.perf_counter()

    def add(self, result: Result) -> None:
        """Count one result."""
        self.statuses[result.status] += 1
        if result.status == "rejected":
            self.rules[result.rule or ""] += 1
        elif result.status == "invalid" and self.first_invalid is None:
            self.first_invalid = result
        elif result.status == "duplicate" and (result.first or {}).get("status") == "rejected":
            self.repeated_rejections += 1

    @property
    def malformed(self) -> bool:
        """Whether a line could not be read."""
        return self.statuses["invalid"] > 0

    @property
    def rejected(self) -> bool:
        """Whether anything was rejected, now or, of a repeated command, the first time: a rerun says the same."""
        return self.statuses["rejected"] > 0 or self.repeated_rejections > 0

    def lines(self) -> Iterator[str]:
        """The summary, a line each."""
        seconds = max(time.perf_counter() - self._started, 1e-9)
        total = self.statuses.total()
        parts = ", ".join(f"{self.statuses[s]:,} {s}" for s in STATUSES if self.statuses[s])
        rate = f" in {seconds:.1f} s ({total / seconds:,.0f} a second)" if total else ""
        yield f"{total:,} command{'' if total == 1 else 's'}{rate}{': ' + parts if parts else ''}"
        if self.rules:
            yield "rejected by " + ", ".join(f"{rule} ×{n:,}" for rule, n in self.rules.most_common())
        if self.first_invalid is not None:
            yield f"first malformed line: {self.first_invalid.line}: {self.first_invalid.reason}"


def apply_log(orders: Orders, stream: BinaryIO, *, quiet: bool = False) -> Tally:
    """Apply a log; each batch's results are on standard output, flushed, before the next line is waited for."""
    from ..application.log import MAX_LINE_BYTES

    collect_garbage_seldom()
    log = CommandLog(stream, MAX_LINE_BYTES)
    tally = Tally()
    committed: list[bytes] = []

    with progress(stream, quiet=quiet) as (write, advance):

        def lines() -> Iterator[bytes | None]:
            for line in log:
                yield line
                if committed:  # asked for the next line, so the batch is at its end
                    flush()

        def flush() -> None:
            if not quiet:
                write(b"".join(committed))
            committed.clear()
            advance(log.position)

        try:
            for result in orders.run(lines()):
                tally.add(result)
                committed.append(b"" if quiet else result.to_json() + b"\n")
        finally:
            flush()
    return tally


def collect_garbage_seldom() -> None:
    """What is imported by now stays, the rest is looked at less: worth a tenth of the rate, in a process of ours."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@contextmanager
def progress(stream: BinaryIO, *, quiet: bool) -> Iterator[tuple[Write, Advance]]:
    """Where results go, and how far the log is read: a bar, if standard error is a terminal.

    Where results go to the terminal as well, bar and results share standard output, or they would overwrite each other.
    """
    if not sys.stderr.isatty():
        yield _write_stdout, lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    shared = sys.stdout.isatty() and not quiet
    console = Console(stderr=not shared, highlight=False)
    columns = (TextColumn("applying"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task("applying", total=_size(stream))

        def print_above(results: bytes) -> None:
            console.out(results.decode(), end="", highlight=False)

        yield (print_above if shared else _write_stdout), lambda position: bar.update(task, completed=position)


def _write_stdout(results: bytes) -> None:
    sys.stdout.buffer.write(results)
    sys.stdout.buffer.flush()


def _size(stream: BinaryIO) -> int | None:
    """How many bytes there are to read; None where that cannot be known, as of a pipe."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
