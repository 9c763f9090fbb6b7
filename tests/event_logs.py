"""What projection tests share: logs of events in a list, and every row of every read model to compare."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select

from book import Book
from ordertrail.domain import Case, Event, Outcome, decode, encode
from ordertrail.projections import registry
from ordertrail.projections.database import Database
from ordertrail.projections.projection import Projection


class RecordedBook(Book):
    """A `Book` that remembers its events in the order in which a store would number them."""

    def __init__(self, policy: str | None = None) -> None:
        super().__init__(policy)
        self.log: list[Event] = []

    def _keep(self, outcome: Outcome, case: Case) -> None:
        super()._keep(outcome, case)
        self.log += [decode(encode(event)) for event in outcome.events]

    def order_ids(self) -> list[str]:
        return self.ids("order")

    def ids(self, kind: str) -> list[str]:
        streams = [stream.partition(":") for stream, events in self.stored.items() if events]
        return sorted(name for its_kind, _, name in streams if its_kind == kind)


def told(log: Iterable[dict[str, Any]]) -> RecordedBook:
    """The book of a command log."""
    book = RecordedBook()
    for raw in log:
        book.run_raw(raw)
    return book


class ListedLog:
    """An event log in memory. ``gap``: how far apart positions lie, for a database loses some."""

    def __init__(self, events: Iterable[Event] = (), *, gap: int = 1) -> None:
        self.events = [(number * gap, event) for number, event in enumerate(events, 1)]

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        return [pair for pair in self.events if pair[0] > after][:limit]

    def last_position(self) -> int:
        return self.events[-1][0] if self.events else 0


def all_rows(database: Database, projections: Sequence[Projection]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, by key."""
    found = {}
    for projection in projections:
        with registry.reading(database, projection) as connection:
            for table in projection.tables.values():
                rows = connection.execute(select(table).order_by(*table.primary_key)).all()
                found[str(table.name)] = [tuple(row) for row in rows]
    return found
