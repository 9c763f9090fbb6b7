"""What somebody with write access to a store could do to its rows, with digests made as the docs say, not by ours."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ordertrail.application.audit.seal import Seal
from ordertrail.application.store import Store

Row = tuple[Any, ...]
AT = datetime(2026, 1, 5, 10, tzinfo=UTC)
NUMBERS = {"stored_events": "notification_id", "journal": "entry"}


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, in plain SQL; committed at the end."""
    with closing(sqlite3.connect(path)) as connection:
        yield connection
        connection.commit()


def content(row: Iterable[Any]) -> bytes:
    """A row without its digest, as docs/reference/chain.md says."""
    values = [value.encode() if isinstance(value, str) else value for value in row]
    numbers = [value if isinstance(value, int) else len(value) for value in values]
    texts = [value for value in values if isinstance(value, bytes)]
    return b"".join([number.to_bytes(8, "big", signed=True) for number in numbers] + texts)


def digest(previous: bytes, row: Iterable[Any]) -> bytes:
    return hashlib.sha256(previous + content(row)).digest()


def rechain(connection: sqlite3.Connection, table: str) -> None:
    """Make all digests of a table those of its rows as they are now."""
    number, previous = NUMBERS[table], bytes(32)
    for *row, _ in connection.execute(f"SELECT * FROM {table} ORDER BY {number}").fetchall():
        previous = digest(previous, row)
        connection.execute(f"UPDATE {table} SET digest = ? WHERE {number} = ?", (previous, row[0]))


def seal_of(store: Path | str) -> Seal:
    """What its owner had put aside before."""
    with closing(Store.open(str(store), create=False)) as untouched:
        return Seal.of(untouched.evidence(), AT)
