"""One projection on its way through the event log: a batch's rows and its checkpoint commit as one."""

import uuid
from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import Protocol

from ..domain import Event
from . import registry
from .database import Database
from .errors import DatabaseUnavailable, NeedsRebuild, ProjectionError, ProjectionFailed
from .projection import Projection
from .registry import Checkpoint
from .rows import BatchRows

Events = Sequence[tuple[int, Event]]
_position = itemgetter(0)


class EventLog(Protocol):
    """Where events come from: the store, or the application on it.

    Positions grow in the order of the commits: an event is never visible before one of a lower position.
    """

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """At most ``limit`` events of positions above ``after``, in their order."""
        ...

    def last_position(self) -> int:
        """The position of the last event; 0 for none."""
        ...


class Follower:
    """A projection in one of its roles. ``stopped`` says why it does not go on."""

    def __init__(self, database: Database, projection: Projection, checkpoint: Checkpoint) -> None:
        self.projection = projection
        self.name = projection.name
        self.role = checkpoint.role
        self.position = checkpoint.position
        self.stopped: ProjectionError | None = None
        self._database = database
        self._me = uuid.uuid4().hex
        tables = registry.tables_of(projection, checkpoint.role, checkpoint.generation)
        self._rows = BatchRows(tables, database.engine.dialect)
        if not checkpoint.fits(projection):
            self.stopped = NeedsRebuild(self.name)

    def apply(self, events: Events) -> None:
        """Take a batch; where an event cannot be handled, take what comes before it and stop there."""
        while events and self.stopped is None:
            try:
                self._commit(events)
                return
            except DatabaseUnavailable:
                self._rows.forget()
                raise
            except Exception as error:
                self._rows.forget()
                if len(events) == 1:
                    self._stop(events[0], error)
                    return
                half = len(events) // 2
                self.apply(events[:half])
                events = events[half:]

    def _commit(self, events: Events) -> None:
        with self._database.writing() as connection:
            found = registry.checkpoint(connection, self.name, self.role, lock=True)
            if found is None or not found.fits(self.projection):
                self.stopped = NeedsRebuild(self.name)
                return
            if found.written_by != self._me or found.position != self.position:
                self._rows.forget()  # another process writes it too, or it was swapped
            if found.position < events[0][0] - 1 and found.position < self.position:
                self.position = found.position  # it went back: what lies between comes first
                return
            fresh = events[bisect_right(events, found.position, key=_position) :]
            if fresh:
                self._rows.connection = connection
                self.projection.handle(fresh, self._rows)
                self._rows.write()
                registry.advance(connection, self.name, self.role, fresh[-1][0], self._me)
        self.position = fresh[-1][0] if fresh else found.position

    def _stop(self, event: tuple[int, Event], error: Exception) -> None:
        position, said = event[0], (str(error).strip().splitlines() or [""])[0]
        why = f"{type(error).__name__}: {said}"[:500]
        stream = f"{event[1].type} of {event[1].stream}"
        with self._database.writing() as connection:
            registry.fail(connection, self.name, self.role, position, stream, why)
        self.stopped = ProjectionFailed(self.name, position, stream, why)
        self.stopped.__cause__ = error
