"""What the tables of a store hold, as it lies there, for whoever doubts it. Raises StoreError where the store fails."""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from eventsourcing.persistence import PersistenceError

from ..errors import StoreError
from .chain import JOURNAL, START, Chain, Row
from .records import Records


class Head(NamedTuple):
    """The end of a chain: its greatest number, the greatest that was ever given (None: unknown), its last digest."""

    number: int
    given: int | None
    digest: bytes


class Evidence:
    """Reads rows and numbers of one store; numbers are up to and including, `after` is not."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def heads(self) -> tuple[Head, Head]:
        """The ends of the events and of the journal, of one moment."""
        ((position, position_given, event, entry, entry_given, of_entry),) = self._query(self._records.select_heads)
        return Head(position, position_given, event or START), Head(entry, entry_given, of_entry or START)

    def page(self, chain: Chain, after: int, up_to: int, limit: int) -> list[Row]:
        """The first rows of a range: number, columns, digest; also where a value is not what its column is for."""
        statement = (
            f"SELECT {chain.number}, {chain.columns}, digest FROM {chain.table}"
            f" WHERE {chain.number} > ? AND {chain.number} <= ? ORDER BY {chain.number} LIMIT ?"
        )
        return self._read(statement, after, up_to, limit)

    def entries(self, command_id: str) -> list[Row]:
        """The journal's rows under a command's id, without numbers and digests; first the one that answers repeats."""
        statement = f"SELECT {JOURNAL.columns} FROM journal WHERE command_id = ? AND reused = "
        # 0 and 1 are literals: only so does the planner see that a partial index serves.
        return [row for reused in ("0", "1") for row in self._read(statement + reused, command_id)]

    def slices(self, chain: Chain, after: int, up_to: int, rows: int) -> Iterator[tuple[int, int]]:
        """The range in parts of so many rows, found one by one: each `after` a number and up to one that a row has."""
        statement = (
            f"SELECT max(number) FROM (SELECT {chain.number} AS number FROM {chain.table}"
            f" WHERE {chain.number} > ? AND {chain.number} <= ? ORDER BY {chain.number} LIMIT ?) AS part"
        )
        while after < up_to and (last := self._query(statement, after, up_to, rows)[0][0]) is not None:
            yield after, last
            after = last

    def last(self, chain: Chain, up_to: int) -> tuple[int, Any]:
        """Number and digest of the last row up to a number; 0 and START for none."""
        rows = self._query(
            f"SELECT {chain.number}, digest FROM {chain.table}"
            f" WHERE {chain.number} <= ? ORDER BY {chain.number} DESC LIMIT 1",
            up_to,
            leniently=True,
        )
        return rows[0] if rows else (0, START)

    def below(self, chain: Chain, limit: int) -> list[Row]:
        """The first rows with numbers below 1, which none should have: number, and the column after it."""
        subject, *_ = chain.columns.split(", ")
        return self._query(
            f"SELECT {chain.number}, {subject} FROM {chain.table}"
            f" WHERE {chain.number} < 1 ORDER BY {chain.number} LIMIT ?",
            limit,
            leniently=True,
        )

    def count(self, chain: Chain, up_to: int) -> int:
        """How many rows there are up to a number."""
        ((count,),) = self._query(f"SELECT count(*) FROM {chain.table} WHERE {chain.number} <= ?", up_to)
        return int(count)

    def policies(self) -> list[tuple[str, str, str]]:
        """Version, content and SHA-256 of every policy, by version."""
        rows = self._query("SELECT version, content, sha256 FROM policies", leniently=True)
        return sorted(rows, key=lambda row: str(row[0]))

    def attempts(self) -> int:
        """How many attempts there are."""
        ((count,),) = self._query("SELECT count(*) FROM attempts")
        return int(count)

    def attempts_lacking(self, limit: int) -> list[tuple[str, int]]:
        """Orders and entries that the journal names, and `attempts` does not; the journal's JSON must be sound."""
        return self._query(
            f"SELECT order_id, entry FROM ({self._records.select_tried}) AS tried WHERE NOT EXISTS"
            " (SELECT 1 FROM attempts WHERE attempts.order_id = tried.order_id AND attempts.entry = tried.entry)"
            " ORDER BY entry, order_id LIMIT ?",
            limit,
        )

    def attempts_added(self, limit: int) -> list[tuple[str, int]]:
        """Orders and entries that `attempts` names, and the journal does not; the journal's JSON must be sound."""
        return self._query(
            "SELECT order_id, entry FROM attempts WHERE NOT EXISTS"
            f" (SELECT 1 FROM ({self._records.select_tried}) AS tried"
            " WHERE tried.order_id = attempts.order_id AND tried.entry = attempts.entry)"
            " ORDER BY entry, order_id LIMIT ?",
            limit,
            leniently=True,
        )

    def _read(self, statement: str, *values: Any) -> list[Row]:
        try:
            return self._query(statement, *values)
        except StoreError:  # perhaps only a text that is none
            return self._query(statement, *values, leniently=True)

    def _query(self, statement: str, *values: Any, leniently: bool = False) -> list[Row]:
        try:
            query = self._records.query_leniently if leniently else self._records.query
            return query(statement, *values)
        except (PersistenceError, sqlite3.Error) as error:
            raise self._records.explain(error) from error
