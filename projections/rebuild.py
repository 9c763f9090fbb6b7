"""A projection made anew from the first event, beside the old one, and swapped for it in one transaction.

Readers go on with the old rows until the swap. Killed, it goes on where it was when it is started again.
"""

from collections.abc import Callable

from msgspec import Struct
from sqlalchemy import update

from . import registry
from .database import Database
from .errors import NotBuilt
from .follower import EventLog, Follower
from .projection import Projection
from .registry import PROJECTIONS, Checkpoint

BATCH_EVENTS = 5_000


class Progress(Struct, frozen=True):
    """``position`` of ``last``, which grows while others write."""

    name: str
    position: int
    last: int


def rebuild(
    log: EventLog,
    database: Database,
    projection: Projection,
    *,
    progress: Callable[[Progress], None] | None = None,
    batch_events: int = BATCH_EVENTS,
) -> None:
    """Build it beside the old, catch up, swap. Raises ``ProjectionFailed`` where an event cannot be handled."""
    registry.prepare(database, projection)
    follower = Follower(database, projection, _begin(database, projection))
    while True:
        events = log.notifications(follower.position, batch_events)
        if not events:
            if _swap(database, projection, follower.position):
                return
            continue
        follower.apply(events)
        if follower.stopped is not None:
            raise follower.stopped
        if progress is not None:
            progress(Progress(projection.name, follower.position, max(log.last_position(), follower.position)))


def _begin(database: Database, projection: Projection) -> Checkpoint:
    """What an earlier attempt of this version has built so far, or new tables."""
    with database.writing() as connection:
        registry.lock_set_up(database, connection)
        live = registry.checkpoint(connection, projection.name, "live")
        begun = registry.checkpoint(connection, projection.name, "next")
        if begun is not None and begun.fits(projection) and begun.failed_position is None:
            return begun
        generations = [each.generation for each in (live, begun) if each is not None]
        if begun is not None:
            registry.drop(connection, begun)
        return registry.make(connection, projection, "next", generation=max(generations, default=0) + 1)


def _swap(database: Database, projection: Projection, position: int) -> bool:
    """Whether the new tables are the live ones now; not if the old were ahead, for readers never go back."""
    with database.writing() as connection:
        registry.lock_set_up(database, connection)
        live = registry.checkpoint(connection, projection.name, "live", lock=True)
        new = registry.checkpoint(connection, projection.name, "next", lock=True)
        if live is None:
            raise NotBuilt(projection.name)
        if new is None:
            return live.fits(projection)  # another process was faster with the same rebuild
        if new.position < live.position or new.position != position:
            return False
        registry.drop(connection, live)
        preparer = connection.dialect.identifier_preparer
        for table in new.table_names():
            built = preparer.quote(registry.name_of(table, "next", new.generation))
            connection.exec_driver_sql(f"ALTER TABLE {built} RENAME TO {preparer.quote(table)}")
        chosen = update(PROJECTIONS).where(PROJECTIONS.c.name == new.name, PROJECTIONS.c.role == "next")
        connection.execute(chosen.values(role="live"))
    return True
