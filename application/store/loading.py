"""The tables of an empty store, open for the rows of another: numbers and digests come with them, none are given."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

import msgspec

from ...domain import policy_digest
from ...domain.events import Event, decode
from ..errors import StoreError
from .chain import CHAINS, EVENTS, Chain, Row
from .entries import microseconds
from .records import EVENTS_TABLE

R = TypeVar("R")
Load = Callable[["Loading"], R]

PAGE_ORDERS = 500
SELECT_PLACED = (
    f"SELECT notification_id, originator_id FROM {EVENTS_TABLE}"
    " WHERE topic = 'order-placed' AND notification_id > ? ORDER BY notification_id LIMIT ?"
)


class NotEmpty(StoreError):
    """Rows of another store can only come where there are none."""


class Loading(ABC):
    """One transaction, in which nobody else writes; what is read is what was loaded."""

    select_states: ClassVar[str]
    """As of ``Records``."""

    @abstractmethod
    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Insert rows, all of them or an exception."""

    @abstractmethod
    def query(self, statement: str, *values: Any) -> list[Row]:
        """All rows of a reading statement; `?` stands for a value."""

    @abstractmethod
    def number_after(self, position: int, *, gaps: bool) -> None:
        """Let the next event's position be the next one; ``gaps``: there are positions below without an event."""

    def require_empty(self, place: str) -> None:
        """Raise ``NotEmpty`` where a table has a row."""
        for table in (EVENTS_TABLE, "journal", "attempts", "deadlines", "policies"):
            if self.query(f"SELECT 1 FROM {table} LIMIT 1"):
                raise NotEmpty(f"{place} holds something already: only an empty store takes what another one held")

    def add(self, chain: Chain, rows: Sequence[Row]) -> None:
        """Rows as ``Evidence.page`` gives them, and what the journal's say of attempts."""
        self.insert(chain.table, f"{chain.number}, {chain.columns}, digest", rows)
        if chain is not EVENTS:
            tried = [(order_id, row[0]) for row in rows for order_id in _decode_attempts(row[ATTEMPTS])]
            self.insert("attempts", "order_id, entry", tried)

    def add_policies(self, policies: Mapping[str, str]) -> None:
        """Policies' contents by version."""
        rows = [(version, content, policy_digest(content)) for version, content in policies.items()]
        self.insert("policies", "version, content, sha256", rows)

    def add_deadlines(self, deadlines: Sequence[tuple[str, datetime]]) -> None:
        """Orders, and when the next of each falls due."""
        self.insert("deadlines", "order_id, due_us", [(order_id, microseconds(at)) for order_id, at in deadlines])

    def lives(self) -> Iterator[list[list[Event]]]:
        """The events of every order that was loaded, many orders at a time."""
        after = 0
        while placed := self.query(SELECT_PLACED, after, PAGE_ORDERS):
            after = placed[-1][0]
            asked = msgspec.json.encode([(stream, 0) for _, stream in placed]).decode()
            events = (decode(state) for (state,) in self.query(self.select_states, asked))
            yield [list(life) for _, life in groupby(events, attrgetter("stream"))]


ATTEMPTS = f"{CHAINS[1].number}, {CHAINS[1].columns}".split(", ").index("attempts")
_decode_attempts = msgspec.json.Decoder(list[str]).decode
