"""Keeps read models up with the event log: in batches, each counted exactly once, whatever is killed.

Embedded: ``catch_up()`` before reading, or ``run_forever(stop)`` in a thread or process of its own and
``wait_for(position)`` to read one's own writes. Several runners may work on one database: each batch is locked.
"""

import time
from collections.abc import Callable, Iterable
from threading import Event as Signal
from typing import Literal

from msgspec import Struct

from ..domain import OrdertrailError
from . import registry
from .database import Database
from .errors import Diverged, NeedsRebuild, ProjectionFailed
from .follower import EventLog, Follower, holds, is_unreadable, next_events
from .projection import Projection

BATCH_EVENTS = 5_000
POLL_SECONDS = 0.02
RETRY_SECONDS = 1.0

State = Literal["following", "failed", "needs-rebuild", "diverged", "not-built"]


class Status(Struct, frozen=True):
    """How a projection stands; ``lag`` in positions of the log. The rest says at which event it failed, and why.

    ``diverged``: its rows know events that the log does not have; it needs a rebuild, too.
    """

    name: str
    state: State
    position: int
    lag: int
    failed_position: int | None = None
    failed_event: str | None = None
    why: str | None = None


class Runner:
    """Follows ``log`` for ``projections`` of ``database``. One that failed before is tried again by a new runner."""

    def __init__(
        self,
        log: EventLog,
        database: Database,
        projections: Iterable[Projection],
        *,
        batch_events: int = BATCH_EVENTS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._log = log
        self._database = database
        self._projections = list(projections)
        self._batch_events = batch_events
        self._poll_seconds = poll_seconds
        self._followers: list[Follower] | None = None

    def catch_up(self, *, progress: Callable[[int], None] | None = None) -> None:
        """Follow until nothing is new; ``progress`` is told the position of the least advanced after each batch."""
        while self.step():
            if progress is not None:
                progress(min((f.position for f in self._going()), default=0))

    def run_forever(self, stop: Signal) -> None:
        """Follow until ``stop`` is set.

        A database or log that does not answer is asked again; what needs a rebuild goes on when somebody has done it.
        """
        look_again = time.monotonic() + RETRY_SECONDS
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(self._poll_seconds)
                if time.monotonic() >= look_again:
                    self._look_again()
                    look_again = time.monotonic() + RETRY_SECONDS
            except OrdertrailError:
                stop.wait(RETRY_SECONDS)
                self.retry()  # who knows what came back

    def step(self) -> bool:
        """One batch for each projection that has not stopped; whether there was anything new."""
        by_position: dict[int, list[Follower]] = {}
        for follower in self._going():
            by_position.setdefault(follower.position, []).append(follower)
        news = False
        for position, followers in by_position.items():
            try:
                events = next_events(self._log, position, self._batch_events)
            except OrdertrailError as error:
                if not is_unreadable(error):
                    raise
                for follower in followers:
                    follower.stop(position + 1, "an event that cannot be read", error)
                continue
            for follower in followers if events else ():
                follower.apply(events)
                news = True
        return news

    def wait_for(self, position: int, timeout: float | None = None) -> bool:
        """Whether all projections have come to ``position`` within ``timeout`` seconds, whoever moves them.

        Raises ``ProjectionFailed`` or ``NeedsRebuild`` (also ``Diverged``) where one never will.
        """
        until = None if timeout is None else time.monotonic() + timeout
        statuses = self.status()
        while True:
            for status in statuses:
                if status.state == "diverged":
                    raise Diverged(status.name)
            behind = [status for status in statuses if status.position < position]
            if not behind:
                return True
            for status in behind:
                if status.state == "failed":
                    at, event, why = status.failed_position or 0, status.failed_event or "", status.why or ""
                    raise ProjectionFailed(status.name, at, event, why)
                if status.state == "needs-rebuild":
                    raise NeedsRebuild(status.name)
            if until is not None and time.monotonic() >= until:
                return False
            time.sleep(self._poll_seconds / 4)
            statuses = self._statuses()

    def status(self) -> list[Status]:
        """How each projection stands, in the order in which they were given."""
        return self._statuses(compare=True)

    def _statuses(self, *, compare: bool = False) -> list[Status]:
        """``compare``: whether the events that the rows know are those of the log; else they are counted only."""
        live = {each.name: each for each in registry.checkpoints(self._database) if each.role == "live"}
        last = self._log.last_position()  # asked after the checkpoints: nobody who follows is beyond it
        heads = {(each.position, each.last_event): each for each in live.values()}
        lost = {key for key, each in heads.items() if each.position > last or (compare and not holds(self._log, each))}
        return [_status(projection, live.get(projection.name), last, lost) for projection in self._projections]

    def retry(self) -> None:
        """Try those again that have stopped, after a fix or a rebuild."""
        self._followers = None

    def _going(self) -> list[Follower]:
        followers = self._followers
        if followers is None:
            followers = self._followers = [self._follower(projection) for projection in self._projections]
        return [follower for follower in followers if follower.stopped is None]

    def _follower(self, projection: Projection) -> Follower:
        found = registry.prepare(self._database, projection)
        follower = Follower(self._database, projection, found)
        if follower.stopped is None and not holds(self._log, found):
            follower.stopped = Diverged(projection.name)
        return follower

    def _look_again(self) -> None:
        """Some may have been rebuilt meanwhile, and the log may have been restored from a backup."""
        last = self._log.last_position()
        if self._followers is not None:
            self._followers = [
                self._follower(each.projection)
                if isinstance(each.stopped, NeedsRebuild) or each.position > last
                else each
                for each in self._followers
            ]


def _status(projection: Projection, found: registry.Checkpoint | None, last: int, lost: set[tuple[int, str]]) -> Status:
    if found is None:
        return Status(projection.name, "not-built", 0, last)
    lag = max(0, last - found.position)
    if not found.fits(projection):
        return Status(projection.name, "needs-rebuild", found.position, lag)
    if (found.position, found.last_event) in lost:
        return Status(projection.name, "diverged", found.position, lag)
    if found.failed_position is None:
        return Status(projection.name, "following", found.position, lag)
    where = (found.failed_position, found.failed_event, found.failed_why)
    return Status(projection.name, "failed", found.position, lag, *where)
