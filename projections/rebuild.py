"""Projections made anew from the first event, beside the old ones, each swapped for its old one in one transaction.

Readers go on with the old rows until the swap. Killed, it goes on where it was when it is started again.
"""

from collections.abc import Callable

from msgspec import Struct
from sqlalchemy import update

from ..domain import OrdertrailError
from . import registry
from .database import Database
from .errors import Diverged, NeedsRebuild, NotBuilt, ProjectionError, ProjectionFailed
from .follower import EventLog, Events, Follower, holds, is_unreadable, next_events
from .projection import Projection
from .registry import PROJECTIONS, Checkpoint

BATCH_EVENTS = 5_000


class Progress(Struct, frozen=True):
    """``position`` of the least advanced, of ``last``, which grows while others write."""

    position: int
    last: int


def rebuild(
    log: EventLog,
    database: Database,
    *projections: Projection,
    progress: Callable[[Progress], None] | None = None,
    batch_events: int = BATCH_EVENTS,
) -> None:
    """Build them beside the old, reading the events once for all; catch up, swap. Others may share the work.

    Raises ``ProjectionFailed`` where an event cannot be handled, and ``NeedsRebuild`` where another version of a
    projection is rebuilt instead, or where the log is no longer the one that it was begun with; only when the rest is
    done.
    """
    building = [Follower(database, each, _begin(log, database, each)) for each in projections]
    failures: list[ProjectionError] = []
    while building:
        head = min(follower.head for follower in building)
        abreast = [follower for follower in building if follower.head == head]
        try:
            events = next_events(log, head, batch_events)
        except OrdertrailError as error:
            if not is_unreadable(error):
                raise
            for follower in abreast:
                follower.stop_at_unreadable(error)
            events = ()
        for follower in abreast:
            try:
                if _advance(log, database, follower, events):
                    building.remove(follower)
            except (ProjectionFailed, NeedsRebuild) as error:
                failures.append(error)
                building.remove(follower)
        if progress is not None and building:
            reached = min(follower.position for follower in building)
            progress(Progress(reached, max(log.last_position(), reached)))
    if failures:
        raise failures[0]


def _advance(log: EventLog, database: Database, follower: Follower, events: Events | None) -> bool:
    """Take a batch, or swap where there is none; whether the rebuild is done."""
    if events is None:
        raise Diverged(follower.name)
    if not events and follower.stopped is None:
        return _swap(log, database, follower)
    follower.apply(events)
    if isinstance(follower.stopped, NeedsRebuild):
        _require_done(database, follower)
        return True
    if follower.stopped is not None:
        raise follower.stopped
    return False


def _begin(log: EventLog, database: Database, projection: Projection) -> Checkpoint:
    """What an earlier attempt of this version has built so far, or new tables."""
    registry.prepare(database, projection)
    with database.writing() as connection:
        registry.lock_set_up(database, connection)
        live = registry.checkpoint(connection, projection.name, "live")
        # Locked before its tables are dropped, in the same sequence as by those who write them.
        begun = registry.checkpoint(connection, projection.name, "next", lock=True)
        if begun is not None and begun.fits(projection) and begun.failed_position is None and holds(log, begun):
            return begun
        generations = [each.generation for each in (live, begun) if each is not None]
        if begun is not None:
            registry.drop(connection, begun)
        return registry.make(connection, projection, "next", generation=max(generations, default=0) + 1)


def _swap(log: EventLog, database: Database, follower: Follower) -> bool:
    """Whether the new tables are the live ones now; not if the old were ahead, for readers never go back."""
    with database.writing() as connection:
        registry.lock_set_up(database, connection)
        live = registry.checkpoint(connection, follower.name, "live", lock=True)
        new = registry.checkpoint(connection, follower.name, "next", lock=True)
        if new is None or new.generation != follower.generation:
            _require_successor(live, follower)
            return True
        if live is None:
            raise NotBuilt(follower.name)
        if new.position != follower.position or (new.position < live.position and holds(log, live)):
            return False
        registry.drop(connection, live)
        preparer = connection.dialect.identifier_preparer
        for table in new.table_names():
            built = preparer.quote(registry.name_of(table, "next", new.generation))
            connection.exec_driver_sql(f"ALTER TABLE {built} RENAME TO {preparer.quote(table)}")
        chosen = update(PROJECTIONS).where(PROJECTIONS.c.name == new.name, PROJECTIONS.c.role == "next")
        connection.execute(chosen.values(role="live"))
    return True


def _require_done(database: Database, follower: Follower) -> None:
    with database.reading() as connection:
        _require_successor(registry.checkpoint(connection, follower.name, "live"), follower)


def _require_successor(live: Checkpoint | None, follower: Follower) -> None:
    """That another process was faster with the same rebuild, or a later one; raises ``NeedsRebuild`` if it was not."""
    if live is None or not live.fits(follower.projection) or live.generation < follower.generation:
        raise NeedsRebuild(follower.name)
