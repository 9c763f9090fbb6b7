"""The facade that the rest of the application meets: events, entries and deadlines in, events and entries out."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, PersistenceError
from eventsourcing.utils import Environment, EnvType

from ...domain.events import Event, decode
from ..errors import StoreError
from .address import is_postgres, sqlite_address
from .entries import JournalEntry
from .evidence import Evidence
from .loading import Load
from .mapper import EventMapper, to_event_row
from .records import Records
from .scan import UNREADABLE, Scan
from .sqlite import SqliteFactory
from .sqlite_file import SqliteFile, explain

LAST_VERSION = 2**63 - 1  # that a column can hold
P = ParamSpec("P")
R = TypeVar("R")


class EventLog(Application[str]):
    """The library's application: our mapper, one of our recorders, and no settings from the process's environment."""

    def __init__(self, make_factory: Callable[[Environment], InfrastructureFactory[Any]], env: EnvType) -> None:
        self._make_factory = make_factory
        super().__init__(env)

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:  # noqa: ARG002
        # The base class adds os.environ, where a host's own settings (a cipher, database functions) may lie.
        return Environment("", {"ORIGINATOR_ID_TYPE": "text", **(env or {})})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return self._make_factory(env)

    def construct_mapper(self) -> EventMapper:
        return EventMapper()


def in_words(method: Callable[Concatenate["Store", P], R]) -> Callable[Concatenate["Store", P], R]:
    """Turns every exception of the library and the drivers into one of ours."""

    @wraps(method)
    def call(self: "Store", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except (PersistenceError, sqlite3.Error, OSError) as error:
            raise self._records.explain(error) from error
        except UNREADABLE as error:
            raise StoreError(
                f"{self._records.place} holds an event or entry that this version cannot read: {error}"
            ) from error
        except UnicodeEncodeError as error:
            raise StoreError(f"{self._records.place} cannot hold text with lone surrogates") from error

    return call


class Store:
    """A durable store. Threads may share it; processes may open the same address.

    Every method raises StoreError, with one sentence, where the database fails.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._records = cast(Records, log.recorder)

    @classmethod
    def open(cls, url: str, *, create: bool = True, lock_seconds: float = 60) -> Self:
        """A path, `sqlite:///path`, `postgresql://user:password@host/database?schema=…`, or `memory:`.

        `create`: whether a store that is not there is made; `lock_seconds`: how long to wait for another process that
        writes.
        """
        if is_postgres(url):
            return cls(_postgres_log(url, create, lock_seconds))
        return cls(_sqlite_log(url, create, lock_seconds))

    @property
    def place(self) -> str:
        """How a sentence names the store; never with a password."""
        return self._records.place

    @in_words
    def events(self, stream: str, *, after: int = 0, up_to: int | None = None) -> list[Event]:
        """The stream's events with versions above `after` and up to and including `up_to`."""
        last = LAST_VERSION if up_to is None else max(0, min(up_to, LAST_VERSION))
        return cast(list[Event], [*self._log.events.get(stream, gt=after, lte=last)])

    @in_words
    def newer_events(self, known: Mapping[str, int]) -> dict[str, list[Event]]:
        """As `events`, for many streams at once: of each the events after the version that is known."""
        found: dict[str, list[Event]] = {stream: [] for stream in known}
        for state in self._records.states(known):
            event = decode(state)
            try:
                found[event.stream].append(event)
            except KeyError:
                said = f"{self.place} is damaged: {event.stream} version {event.version} lies in another stream"
                raise StoreError(said) from None
        return found

    @in_words
    def append(
        self,
        events: Sequence[Event],
        entries: Sequence[JournalEntry],
        deadlines: Mapping[str, datetime | None],
        *,
        unchanged: Mapping[str, int] | None = None,
    ) -> Sequence[int]:
        """Record all of it or nothing, durably when it returns; the events' positions in the whole log.

        A deadline of None deletes. Raises Conflict if a stream has the version, or the journal the command_id, or if
        a stream of `unchanged` is beyond its version there.
        """
        if not (events or entries or deadlines or unchanged):
            return []
        # As EventStore.put does, without the objects that it makes of each event and nobody looks at.
        rows = [to_event_row(event) for event in events]
        return self._records.append(rows, entries, deadlines, unchanged or {})

    @in_words
    def entry(self, command_id: str) -> JournalEntry | None:
        """The entry that answers repeats of this command."""
        return self._records.entry(command_id)

    @in_words
    def entries(self, command_ids: Iterable[str]) -> dict[str, JournalEntry]:
        """As `entry`, for many commands at once; those that were never given are not in it."""
        return {entry.command_id: entry for entry in self._records.entries(command_ids)}

    @in_words
    def entries_reusing(self, command_id: str) -> list[JournalEntry]:
        """The entries that came later under a used command_id with another content (ORDER-0), oldest first."""
        return self._records.entries_reusing(command_id)

    @in_words
    def attempts(self, order_id: str) -> list[JournalEntry]:
        """The entries that name this order among their attempts, oldest first."""
        return self._records.attempts(order_id)

    @in_words
    def due(self, before: datetime) -> list[str]:
        """The orders whose deadline is strictly before, earliest first, then by id."""
        return self._records.due(before)

    @in_words
    def keep_policy(self, version: str, content: str) -> None:
        """Keep a policy at its first use; raises PolicyChanged if this version is known with another content."""
        self._records.keep_policy(version, content)

    @in_words
    def policy(self, version: str) -> str | None:
        """The content of the policy that was kept under this version."""
        return self._records.policy(version)

    @in_words
    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """At most `limit` events of the whole log with their positions, in the order of their commits."""
        return [(position, decode(state)) for position, state in self._records.log(after, limit)]

    @in_words
    def extent(self) -> tuple[int, int]:
        """The numbers of the last journal entry and of the last event, as of one moment; 0 for none."""
        return self._records.extent()

    @in_words
    def count_events(self, up_to: int) -> int:
        """How many events the whole log has up to and including a position."""
        return self._records.count_events(up_to)

    @in_words
    def load(self, work: Load[R]) -> R:
        """What ``work`` gives, once all that it loaded is committed, durably; raises NotEmpty for a store with rows.

        Where ``work`` raises, or its process ends, the store stays empty.
        """
        return self._records.load(work)

    def scan(self) -> Scan:
        """The events' rows as they lie there; a method of it raises StoreError where the database fails."""
        return Scan(self._records)

    def evidence(self) -> Evidence:
        """All tables as they lie there; a method of it raises StoreError where the database fails."""
        return Evidence(self._records)

    @in_words
    def last_position(self) -> int:
        """The position of the last event of the whole log; 0 for none."""
        return self._log.recorder.max_notification_id() or 0

    @in_words
    def close(self) -> None:
        self._log.close()


def _sqlite_log(url: str, create: bool, lock_seconds: float) -> EventLog:
    address = sqlite_address(url, create=create)
    file = SqliteFile(address, create=create, lock_seconds=lock_seconds)
    try:
        return EventLog(lambda env: SqliteFactory(env, file), {"SQLITE_DBNAME": address.uri})
    except StoreError:
        file.close()
        raise
    except (PersistenceError, sqlite3.Error) as error:
        file.close()
        raise explain(error, file) from error


def _postgres_log(url: str, create: bool, lock_seconds: float) -> EventLog:
    try:
        from .postgres import PostgresFactory
        from .postgres_database import PostgresDatabase, postgres_address
    except ImportError as error:
        raise StoreError("a postgresql:// store needs psycopg: pip install 'ordertrail[postgres]'") from error
    database = PostgresDatabase(postgres_address(url, lock_seconds=lock_seconds))
    try:
        return EventLog(lambda env: PostgresFactory(env, database, create=create), {})
    except BaseException:
        database.close()
        raise
