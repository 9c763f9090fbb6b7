"""Keeps read models up with the event log: in batches, each counted exactly once, whatever is killed.

Embedded: ``catch_up()`` before reading, or ``run_forever(stop)`` in a thread or process of its own and
``wait_for(position)`` to read one's own writes. Several runners may work on one database: each batch is locked.
"""

import time
from collections.abc import Callable, Iterable
from threading import Event as Signal
from typing import Literal

from msgspec import Struct
from sqlalchemy.exc import DBAPIError

from ..domain import OrdertrailError
from . import registry
from .database import Database, is_forbidden
from .errors import DatabaseUnavailable, Diverged, NeedsRebuild, ProjectionError, ProjectionFailed
from .follower import EventLog, Follower, holds, in_one_line, is_unreadable, next_events
from .projection import Projection
from .registry import Head

BATCH_EVENTS = 5_000
POLL_SECONDS = 0.02
RETRY_SECONDS = 1.0
RETRY_FAILED_SECONDS = 30.0
"""Until what failed is tried again, should nobody have told us that it was mended."""

State = Literal["following", "failed", "needs-rebuild", "diverged", "not-built"]


class Status(Struct, frozen=True):
    """How a projection stands; ``lag`` in positions of the log. The rest says at which event it failed, and why.

    ``diverged``: its rows know events that the log does not have; it needs a rebuild, too. One that failed without a
    position could not make its tables.
    """

    name: str
    state: State
    position: int
    lag: int
    failed_position: int | None = None
    failed_event: str | None = None
    why: str | None = None


class Runner:
    """Follows ``log`` for ``projections`` of ``database``, which share neither names nor tables (else ``ValueError``).

    One that failed before is tried again by a new runner.
    """

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
        _require_apart(self._projections)
        self._batch_events = batch_events
        self._poll_seconds = poll_seconds
        self._followers: list[Follower] | None = None
        self._without_tables: dict[str, str] = {}
        """Projections whose tables could not be made, and why."""

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
        try_again = time.monotonic() + RETRY_FAILED_SECONDS
        while not stop.is_set():
            try:
                if not self.step():
                    stop.wait(self._poll_seconds)
                if time.monotonic() >= try_again:
                    if len(self._going()) < len(self._projections):
                        self.retry()
                    try_again = time.monotonic() + RETRY_FAILED_SECONDS
                elif time.monotonic() >= look_again:
                    self._look_again()
                    look_again = time.monotonic() + RETRY_SECONDS
            except OrdertrailError:
                stop.wait(RETRY_SECONDS)
                self.retry()  # who knows what came back

    def step(self) -> bool:
        """One batch for each projection that has not stopped; whether there was anything new."""
        by_head: dict[Head, list[Follower]] = {}
        for follower in self._going():
            by_head.setdefault(follower.head, []).append(follower)
        news = False
        for head, followers in by_head.items():
            try:
                events = next_events(self._log, head, self._batch_events)
            except OrdertrailError as error:
                if not is_unreadable(error):
                    raise
                for follower in followers:
                    follower.stop_at_unreadable(error)
                continue
            for follower in followers:
                if events is None:
                    follower.stopped = Diverged(follower.name)
                elif events:
                    follower.apply(events)
                    news = True
        return news

    def wait_for(self, position: int, timeout: float | None = None) -> bool:
        """Whether all projections have come to ``position`` within ``timeout`` seconds, whoever moves them.

        Raises ``ProjectionFailed`` or ``NeedsRebuild`` (also ``Diverged``) where one never will, and
        ``ProjectionError`` where it could not make its tables.
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
                    raise failure(status)
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
        heads = {each.head: each for each in live.values()}
        lost = {
            head for head, each in heads.items() if each.position > last or (compare and not holds(self._log, each))
        }
        return [
            Status(each.name, "failed", 0, last, why=self._without_tables[each.name])
            if each.name in self._without_tables and each.name not in live
            else _status(each, live.get(each.name), last, lost)
            for each in self._projections
        ]

    def retry(self) -> None:
        """Try those again that have stopped, after a fix or a rebuild."""
        self._followers = None

    def _going(self) -> list[Follower]:
        if self._followers is None:
            self._without_tables = {}
            made = [self._follower(projection) for projection in self._projections]
            self._followers = [follower for follower in made if follower is not None]
        return [follower for follower in self._followers if follower.stopped is None]

    def _follower(self, projection: Projection) -> Follower | None:
        """None where its tables cannot be made: it fails alone, too."""
        try:
            found = registry.prepare(self._database, projection)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if isinstance(error, DBAPIError) and is_forbidden(error.orig):
                raise  # it is not about this one
            self._without_tables[projection.name] = in_one_line(error)
            return None
        return Follower(self._database, projection, found)

    def _look_again(self) -> None:
        """Some may have been rebuilt meanwhile, or tried by another runner after a fix."""
        for number, each in enumerate(self._followers or ()):
            if each.may_go_on() and (again := self._follower(each.projection)) is not None:
                assert self._followers is not None
                self._followers[number] = again


def failure(status: Status) -> ProjectionError:
    """Why a projection failed, as an error."""
    if status.failed_position is None:
        return ProjectionError(f"the projection {status.name} cannot make its tables: {status.why}")
    return ProjectionFailed(status.name, status.failed_position, status.failed_event or "", status.why or "")


def _require_apart(projections: list[Projection]) -> None:
    whose: dict[str, str] = {}
    for each in projections:
        for what in (f"the name {each.name}", *(f"the table {table.name}" for table in each.tables.values())):
            if what in whose:
                raise ValueError(f"the projections {whose[what]} and {each.name} both have {what}")
            whose[what] = each.name


def _status(projection: Projection, found: registry.Checkpoint | None, last: int, lost: set[Head]) -> Status:
    if found is None:
        return Status(projection.name, "not-built", 0, last)
    lag = max(0, last - found.position)
    if not found.fits(projection):
        return Status(projection.name, "needs-rebuild", found.position, lag)
    if found.head in lost:
        return Status(projection.name, "diverged", found.position, lag)
    if found.failed_position is None:
        return Status(projection.name, "following", found.position, lag)
    where = (found.failed_position, found.failed_event, found.failed_why)
    return Status(projection.name, "failed", found.position, lag, *where)
