"""What the store keeps beside the events: the same tables and questions for every database.

A backend says how a statement is run; `?` stands for a value.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import msgspec

from ...domain import policy_digest
from ..errors import Conflict, PolicyChanged, StoreError
from .entries import COLUMNS, JournalEntry, from_row, microseconds
from .mapper import EventRow

if TYPE_CHECKING:
    from .loading import Load

R = TypeVar("R")
FORMAT = 1  # of the tables; a store with a greater one was written by a newer ordertrail
EVENTS_TABLE = "stored_events"
TABLES = frozenset({"meta", EVENTS_TABLE, "journal", "attempts", "deadlines", "policies"})

_ENTRIES = f"SELECT {COLUMNS} FROM journal WHERE command_id = ? AND reused = "


class Records(ABC):
    """The journal, deadlines and policies; mixed into a recorder of `eventsourcing`."""

    select_entries: ClassVar[str]
    """Journal rows of many commands; its one value is a JSON array of command ids."""
    select_heads: ClassVar[str]
    """Of each chain: the greatest number, the greatest ever given (where the database knows), the last digest."""
    select_tried: ClassVar[str]
    """The `order_id` and `entry` of every attempt that the journal's rows name."""
    select_states: ClassVar[str]
    """States of the newer events of many streams; its one value is a JSON array of [stream, version known]."""

    @property
    @abstractmethod
    def place(self) -> str:
        """How a sentence names the store; never with a password."""

    @abstractmethod
    def append(
        self,
        events: Sequence[EventRow],
        entries: Sequence[JournalEntry],
        deadlines: Mapping[str, datetime | None],
        unchanged: Mapping[str, int],
    ) -> Sequence[int]:
        """All of it in one transaction, or nothing; the events' positions. See ``Store.append``."""

    @abstractmethod
    def load(self, work: "Load[R]") -> R:
        """What `work` gives, once what it loaded is committed; see ``Store.load``."""

    @abstractmethod
    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a reading statement."""

    def query_leniently(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As `query`, but a text that is not one is no error; it cannot be encoded."""
        return self.query(statement, *values)

    @abstractmethod
    def insert(self, statement: str, *values: Any) -> int:
        """Run one writing statement in a transaction of its own; how many rows it made."""

    @abstractmethod
    def explain(self, error: Exception) -> StoreError:
        """The one sentence for an exception of the library or the database's driver."""

    def entry(self, command_id: str) -> JournalEntry | None:
        # 0 and 1 are literals: only so does the planner see that a partial index serves.
        rows = self.query(_ENTRIES + "0", command_id)
        return from_row(rows[0]) if rows else None

    def entries(self, command_ids: Iterable[str]) -> list[JournalEntry]:
        return [from_row(row) for row in self.query(self.select_entries, _as_json(list(command_ids)))]

    def states(self, known: Mapping[str, int]) -> list[bytes]:
        return [state for (state,) in self.query(self.select_states, _as_json(list(known.items())))]

    def log(self, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Positions and states of the whole log's events: whoever follows it wants no more of them."""
        statement = f"SELECT notification_id, state FROM {EVENTS_TABLE} WHERE notification_id > ?"
        return cast(list[tuple[int, bytes]], self.query(f"{statement} ORDER BY notification_id LIMIT ?", after, limit))

    def require_unchanged(self, fetch: Callable[[str, str], object], unchanged: Mapping[str, int]) -> None:
        """Raise Conflict if a stream has more events than these; `fetch` gives a row in the transaction that writes."""
        if unchanged and fetch(self.select_states, _as_json(list(unchanged.items()))):
            raise Conflict(f"{self.place} has newer events in a stream that the decision looked at")

    def entries_reusing(self, command_id: str) -> list[JournalEntry]:
        return [from_row(row) for row in self.query(_ENTRIES + "1 ORDER BY entry", command_id)]

    def attempts(self, order_id: str) -> list[JournalEntry]:
        columns = ", ".join(f"journal.{column}" for column in COLUMNS.split(", "))
        statement = (
            f"SELECT {columns} FROM attempts JOIN journal ON journal.entry = attempts.entry"
            " WHERE attempts.order_id = ? ORDER BY attempts.entry"
        )
        return [from_row(row) for row in self.query(statement, order_id)]

    def extent(self) -> tuple[int, int]:
        """The last entry and the last event, of one moment; 0 for none."""
        statement = (
            "SELECT (SELECT coalesce(max(entry), 0) FROM journal),"
            f" (SELECT coalesce(max(notification_id), 0) FROM {EVENTS_TABLE})"
        )
        ((entry, position),) = self.query(statement)
        return int(entry), int(position)

    def count_events(self, up_to: int) -> int:
        ((count,),) = self.query(f"SELECT count(*) FROM {EVENTS_TABLE} WHERE notification_id <= ?", up_to)
        return int(count)

    def due(self, before: datetime) -> list[str]:
        statement = "SELECT order_id FROM deadlines WHERE due_us < ? ORDER BY due_us, order_id"
        return [order_id for (order_id,) in self.query(statement, microseconds(before))]

    def policy(self, version: str) -> str | None:
        for content, digest in self.query("SELECT content, sha256 FROM policies WHERE version = ?", version):
            if policy_digest(str(content)) != digest:
                raise StoreError(f"policy {version} was changed after it was kept: its digest is another")
            return str(content)
        return None

    def keep_policy(self, version: str, content: str) -> None:
        known = self.policy(version)
        if known is None:
            made = self.insert(
                "INSERT INTO policies (version, content, sha256) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING",
                version,
                content,
                policy_digest(content),
            )
            # None made: another process kept this version since we looked, perhaps with another content.
            known = content if made == 1 else self.policy(version)
        if known != content:
            raise PolicyChanged(
                f"{self.place} knows policy version {version!r} with another content; a changed policy needs a"
                " version of its own"
            )


def _as_json(asked: list[Any]) -> str:
    return msgspec.json.encode(asked).decode()


def require_format(place: str, found: int) -> None:
    """Refuse a store of a format that this code does not know."""
    if found > FORMAT:
        raise StoreError(f"{place} was written by a newer ordertrail (format {found}; this one reads {FORMAT})")
    if found < 1:
        raise StoreError(f"{place} has the unknown format {found}")


def require_rows(place: str, table: str, made: int, asked: int) -> None:
    """A database that took fewer rows than it was given must not pass for success."""
    if made != asked:
        raise StoreError(f"{place} took {made} of {asked} rows of {table}; nothing was recorded")
