"""One projection on its way through the event log: a batch's rows and its checkpoint commit as one."""

import uuid
from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import Protocol

from msgspec import DecodeError
from sqlalchemy import Connection

from ..domain import Event, OrdertrailError
from . import registry
from .database import Database
from .errors import DatabaseUnavailable, NeedsRebuild, ProjectionError, ProjectionFailed
from .projection import Projection
from .registry import Checkpoint, Head
from .rows import BatchRows

Events = Sequence[tuple[int, Event]]
_position = itemgetter(0)


class EventLog(Protocol):
    """Where events come from: the store, or the application on it.

    Positions grow in the order of the commits: an event is never visible before one of a lower position. Whatever goes
    wrong is an ``OrdertrailError``, which has a ``DecodeError`` for its cause where this version knows no such event.
    """

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """At most ``limit`` events of positions above ``after``, in their order."""
        ...

    def last_position(self) -> int:
        """The position of the last event; 0 for none."""
        ...


def next_events(log: EventLog, head: Head, limit: int) -> Events | None:
    """At most ``limit`` events that follow; None where the log does not, or no longer, have the one before them.

    Only those before one that cannot be read, and the log's error if it comes next.
    """
    if not head.position:
        return _readable(log, 0, limit)
    try:
        found = _readable(log, head.position - 1, limit + 1)
    except OrdertrailError as error:
        if not is_unreadable(error):
            raise
        return _readable(log, head.position, limit)  # only a newer version could tell
    if not found or _head(found[0]) != head:
        return None
    return found[1:] or _readable(log, head.position, limit)  # which says why, where the next cannot be read


def _readable(log: EventLog, after: int, limit: int) -> Events:
    while True:
        try:
            return log.notifications(after, limit)
        except OrdertrailError as error:
            if limit == 1 or not is_unreadable(error):
                raise
        limit //= 2


def is_unreadable(error: OrdertrailError) -> bool:
    """Whether the log is there, but holds an event that this version does not know."""
    return isinstance(error.__cause__, DecodeError)


def holds(log: EventLog, known: Checkpoint) -> bool:
    """Whether the log has, where it was, the last event that the rows know."""
    if not known.position:
        return True
    try:
        found = log.notifications(known.position - 1, 1)
    except OrdertrailError as error:
        if is_unreadable(error):  # only a newer version could tell
            return True
        raise
    return bool(found) and _head(found[0]) == known.head


def _head(of: tuple[int, Event]) -> Head:
    position, event = of
    return Head(position, f"{event.stream} {event.version} {event.recorded_at.isoformat()} {event.command_id}")


def in_one_line(error: Exception) -> str:
    """An error as rows keep it and people are told; whatever it says of itself."""
    try:
        said = (str(error).strip().splitlines() or [""])[0]
    except Exception:
        said = "it does not say why"
    return f"{type(error).__name__}: {said}"[:500]


class Follower:
    """A projection in one of its roles. ``stopped`` says why it does not go on."""

    def __init__(self, database: Database, projection: Projection, checkpoint: Checkpoint) -> None:
        self.projection = projection
        self.name = projection.name
        self.role = checkpoint.role
        self.generation = checkpoint.generation
        self.head = checkpoint.head
        self.stopped: ProjectionError | None = None
        self._database = database
        self._me = uuid.uuid4().hex
        tables = registry.tables_of(projection, checkpoint.role, checkpoint.generation)
        self._rows = BatchRows(tables, database.engine.dialect)
        if not checkpoint.fits(projection):
            self.stopped = NeedsRebuild(self.name)

    @property
    def position(self) -> int:
        """Of the last event that the rows know."""
        return self.head.position

    def apply(self, events: Events) -> None:
        """Take a batch; where an event cannot be handled, take what comes before it and stop there."""
        while events and self.stopped is None:
            try:
                self._commit(events)
                return
            except DatabaseUnavailable:
                raise
            except Exception as error:
                if len(events) == 1:
                    position, event = events[0]
                    self.stop(position, f"{event.type} of {event.stream}", error)
                    return
                half = len(events) // 2
                self.apply(events[:half])
                if self.position < events[half - 1][0]:
                    return  # the checkpoint went back: what lies between comes first
                events = events[half:]

    def stop(self, position: int, event: str, error: Exception) -> None:
        """Go no further than before this event, and let everybody know why."""
        why = in_one_line(error)
        with self._database.writing() as connection:
            found = self._checkpoint(connection)
            if found is None:
                self.stopped = NeedsRebuild(self.name)
                return
            if found.position >= position:
                self.head = found.head  # another runner could do it
                return
            registry.fail(connection, self.name, self.role, position, event, why)
        self.stopped = ProjectionFailed(self.name, position, event, why)
        self.stopped.__cause__ = error

    def stop_at_unreadable(self, error: OrdertrailError) -> None:
        """Go no further than before an event that this version cannot read."""
        self.stop(self.position + 1, "an event that cannot be read", error)

    def may_go_on(self) -> bool:
        """Whether somebody may have seen to what stopped it: a rebuild, or another runner after a fix."""
        if not isinstance(self.stopped, ProjectionFailed):
            return self.stopped is not None
        with self._database.reading() as connection:
            found = registry.checkpoint(connection, self.name, self.role)
        failed_at = (self.generation, self.position, self.stopped.position)
        return found is None or (found.generation, found.position, found.failed_position) != failed_at

    def _checkpoint(self, connection: Connection) -> Checkpoint | None:
        """Locked, and None where it is no longer that of our tables: those beside the live ones bear a number."""
        found = registry.checkpoint(connection, self.name, self.role, lock=True)
        if found is None or not found.fits(self.projection):
            return None
        return found if self.role == "live" or found.generation == self.generation else None

    def _commit(self, events: Events) -> None:
        try:
            self._write(events)
        except BaseException:  # also a KeyboardInterrupt: rows were changed that were not written
            self._rows.forget()
            raise

    def _write(self, events: Events) -> None:
        with self._database.writing() as connection:
            found = self._checkpoint(connection)
            if found is None:
                self.stopped = NeedsRebuild(self.name)
                return
            if found.written_by != self._me or found.position != self.position:
                self._rows.forget()  # another process writes it too, or it was swapped
            theirs = found.head
            behind = bisect_right(events, found.position, key=_position)
            if theirs not in (self.head, _head(events[behind - 1]) if behind else self.head):
                self.head = theirs  # not where these events go on: what follows it comes next
                return
            fresh = events[behind:]
            if fresh:
                self._rows.connection = connection
                self.projection.handle(fresh, self._rows)
                self._rows.write()
                registry.advance(connection, self.name, self.role, *_head(fresh[-1]), self._me)
        self.head = _head(fresh[-1]) if fresh else theirs
