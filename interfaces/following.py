"""`projections --follow`: threads that follow and watch, and one that waits for nothing but a signal to end."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Event as Signal
from threading import Thread
from typing import NoReturn

import click

from ..domain import OrdertrailError
from ..projections.runner import Runner, Status
from .exits import INTERRUPTED, STORE_FAILED

WATCH_SECONDS = 1.0
END_SECONDS = 5.0
"""How long a batch under way may take to end."""


def follow(runner: Runner) -> None:
    """Follow until a signal, and say which projections stop.

    A signal ends it within seconds, also where a database hangs; a second one ends it at once. A batch is a
    transaction: one that is left so is made again.
    """
    stop = Signal()

    def end(*_: object) -> None:
        if stop.is_set():
            _leave(INTERRUPTED)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    failures: list[BaseException] = []
    reached: list[str] = []

    def work() -> None:
        try:
            runner.step()  # what cannot be kept at all is said at once
            click.echo("following the events; SIGINT or SIGTERM ends it", err=True)
            runner.run_forever(stop)
            reached.append(_where(runner.status()))
        except BaseException as error:
            failures.append(error)
            stop.set()

    threads = [
        Thread(target=work, name="follower", daemon=True),
        Thread(target=_watch, args=(runner, stop), name="watcher", daemon=True),
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(END_SECONDS)
    if failures:
        raise failures[0]
    if not reached:
        click.echo("ordertrail: ended while a database did not answer; the batch under way is left undone", err=True)
        _leave(STORE_FAILED)
    click.echo(reached[0], err=True)


def _leave(status: int) -> NoReturn:
    """Exit without waiting for anybody."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)


def _watch(runner: Runner, stop: Signal) -> None:
    """Say once of each projection that it does not go on, and again if it has gone on meanwhile."""
    said: dict[str, str] = {}
    while not stop.wait(WATCH_SECONDS):
        with suppress(OrdertrailError):  # the follower asks again, too
            for status in runner.status():
                stopped = _why_stopped(status)
                if stopped and said.get(status.name) != stopped:
                    click.echo(f"ordertrail: {stopped}", err=True)
                said[status.name] = stopped


def _why_stopped(status: Status) -> str:
    """Empty where it goes on."""
    if status.state not in ("failed", "needs-rebuild", "diverged"):
        return ""
    where = f" at position {status.failed_position}" if status.failed_position else ""
    return f"{status.name} {status.state}{where}" + (f": {status.why}" if status.why else "")


def _where(statuses: Sequence[Status]) -> str:
    behind = [f"{status.name} ({status.state}) at {status.position:,}" for status in statuses if status.lag]
    reached = max((status.position for status in statuses), default=0)
    return f"ended at position {reached:,}" + (f"; behind: {', '.join(behind)}" if behind else ", all caught up")
