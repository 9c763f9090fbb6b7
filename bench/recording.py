"""What goes to SQLite through libraries, so that plain sqlite3 can write the very same.

It listens where the driver is entered, beneath SQLAlchemy, and so hears whatever a read model's runner sends.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

from rows import RawFile, Transaction

_WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER")


class Recording:
    """What was written, transaction by transaction, and the pragmas of the connection that wrote last."""

    def __init__(self) -> None:
        self.transactions: list[Transaction] = []
        self.pragmas: list[str] = []

    @property
    def rows(self) -> int:
        """How many rows were handed over; one that is written again by a later batch counts again."""
        return sum(len(rows) for transaction in self.transactions for _, rows in transaction.statements)

    def write(self, file: RawFile) -> None:
        """All of it once more, by plain sqlite3."""
        for transaction in self.transactions:
            file.write(transaction)


@contextmanager
def recorded() -> Iterator[Recording]:
    """Records what connections write that are opened meanwhile."""
    recording = Recording()
    factory = partial(_Connection, recording=recording)
    with patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=factory)):
        yield recording


class _Connection(sqlite3.Connection):
    def __init__(self, *args: Any, recording: Recording, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._recording = recording
        self._pragmas: list[str] = []
        self._written: list[tuple[str, list[Any]]] = []

    def cursor(self, *_: Any) -> "_Cursor":  # type: ignore[override]
        return super().cursor(_Cursor)

    def commit(self) -> None:
        super().commit()
        self._ended(kept=True)

    def rollback(self) -> None:
        super().rollback()
        self._ended(kept=False)

    def heard(self, statement: str, rows: list[Any]) -> None:
        if statement.startswith("PRAGMA") and "=" in statement:
            self._pragmas.append(statement)
        elif statement.startswith(("COMMIT", "ROLLBACK")):
            self._ended(kept=statement.startswith("COMMIT"))
        elif statement.lstrip().startswith(_WRITES):
            self._written.append((statement, rows))

    def _ended(self, *, kept: bool) -> None:
        if kept and self._written:
            self._recording.transactions.append(Transaction(self._written))
            self._recording.pragmas = self._pragmas
        self._written = []


class _Cursor(sqlite3.Cursor):
    connection: _Connection

    def execute(self, statement: str, values: Any = (), /) -> "_Cursor":
        self.connection.heard(statement, [values])
        super().execute(statement, values)
        return self

    def executemany(self, statement: str, rows: Iterable[Any], /) -> "_Cursor":
        rows = list(rows)
        self.connection.heard(statement, rows)
        super().executemany(statement, rows)
        return self
