"""The read models as the command line needs them: opened, caught up with their store, and only then asked.

What cannot be brought up to date is not shown: whoever asks learns which projection stopped, at which event, and what
to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from .exits import STORE_FAILED, WRONG_INPUT, Failure
from .places import where_argument
from .progress import event_bar
from .replay import collect_garbage_seldom

if TYPE_CHECKING:
    from ..application.store import Store
    from ..projections.database import Database
    from ..projections.follower import EventLog
    from ..projections.projection import Projection
    from ..projections.runner import Status


@contextmanager
def caught_up(store: str, *names: str, read_models: str | None = None) -> Iterator[Database]:
    """The database of these projections, once all that has happened by now is in it; for the length of a command.

    `read_models` is where they live, if not beside the store's events. Raises `Failure` (exit status 3) where one of
    them cannot follow, where they cannot be kept, and where a row that is asked for cannot be read.
    """
    from ..projections.errors import UnreadableRow

    collect_garbage_seldom()
    projections = projections_named(names)
    with event_log(store) as log, opened(store, read_models) as database:
        where = where_argument(store, read_models)
        catch_up(log, database, projections, where=where)
        try:
            yield database
        except UnreadableRow as error:
            raise Failure(f"{error}: ordertrail rebuild {error.name}{where}", STORE_FAILED) from error


@contextmanager
def known_then(store: str, *names: str, at: datetime) -> Iterator[Database]:
    """These projections by what was recorded until `at`, made from the events for this call, in memory."""
    from ..projections.known import KnownBy

    collect_garbage_seldom()
    with event_log(store) as log, opened("memory:", None) as database:
        catch_up(KnownBy(log, at), database, projections_named(names), where=None)
        yield database


@contextmanager
def event_log(store: str) -> Iterator[Store]:
    """The events of a store, which is never made; without a policy, for nothing is judged."""
    from ..application.store import Store

    with closing(Store.open(store, create=False)) as log:
        yield log


@contextmanager
def opened(store: str, read_models: str | None) -> Iterator[Database]:
    """The database of the read models as it is; what fails in it meanwhile is a `Failure`."""
    from ..application.store.address import is_postgres, sqlite_address
    from ..projections.database import Database, is_forbidden
    from ..projections.errors import ProjectionError

    address = read_models or store
    if not is_postgres(address):
        sqlite_address(address, create=True)  # refuses what is none, as it does for a store
    try:
        with Database.open(address) as database:
            yield database
    except Exception as error:
        said = getattr(error, "orig", None) or getattr(error.__cause__, "orig", None)  # by the database's driver
        if said is None:
            raise
        where = f"in {read_models}" if read_models and not is_postgres(read_models) else "there"
        if is_forbidden(said):
            where = where if read_models else "beside the events"
            hint = "name another place with --read-models, a file of your own or, for this call only, memory:"
            raise Failure(f"the read models may not be written {where}: {hint}", STORE_FAILED) from error
        if isinstance(error, ProjectionError):
            raise
        reason = (str(said).strip().splitlines() or [type(said).__name__])[0]
        raise Failure(f"the read models cannot be kept {where}: {reason}", STORE_FAILED) from error


def catch_up(log: EventLog, database: Database, projections: Iterable[Projection], *, where: str | None) -> None:
    """Bring these up to date, with a bar if that takes long; raises `Failure` where one of them has stopped.

    `where` their rows lie, as arguments of a call; None if they are made for this call alone.
    """
    from ..projections.runner import Runner

    runner = Runner(log, database, projections)
    if all(status.state == "following" and status.lag == 0 for status in runner.status()):
        return  # without having to write
    last = log.last_position()
    with event_bar("catching up") as advance:
        runner.catch_up(progress=lambda position: advance(position, max(position, last)))
    for status in runner.status():
        if status.state != "following":
            raise Failure(stopped(status, where), STORE_FAILED)


def stopped(status: Status, where: str | None) -> str:
    """Why a projection does not go on, and what to do about it; `where` as in `catch_up`."""
    from ..projections.errors import Diverged, NeedsRebuild, NotBuilt
    from ..projections.runner import failure

    anew = f"ordertrail rebuild {status.name}{where or ''}"
    match status.state:
        case "failed":
            if status.failed_position is None:
                return f"{failure(status)}; once that is mended, the next query tries again"
            damaged = "" if where is None else f" (only rows that were damaged need {anew})"
            return f"{failure(status)}; once that is mended, the next query goes on from there{damaged}"
        case "diverged":
            return f"{Diverged(status.name)}: {anew}"
        case "needs-rebuild":
            return f"{NeedsRebuild(status.name)}: {anew}"
        case _:
            return f"{NotBuilt(status.name)}: {anew}"


def projections_named(names: Iterable[str]) -> list[Projection]:
    """The projections of these names, each once, in the sequence in which they are listed; all of them for none."""
    from ..projections.builtin import builtin_projections

    wanted, known = set(names), builtin_projections()
    if unknown := sorted(wanted - {projection.name for projection in known}):
        listed = ", ".join(projection.name for projection in known)
        raise Failure(f"there is no projection {unknown[0]}: there are {listed}", WRONG_INPUT)
    return [projection for projection in known if not wanted or projection.name in wanted]
