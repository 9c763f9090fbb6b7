"""The chain: each row holds the SHA-256 of the row before it and of itself, so that no row can be changed by itself.

docs/reference/chain.md tells auditors how a row becomes bytes; a change here is another format of the store, and needs
the same one in `postgres_append`, where the server makes the digests.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from struct import Struct, error
from typing import Any, NamedTuple

from .entries import COLUMNS

Row = tuple[Any, ...]
Content = Callable[..., bytes]

START = bytes(sha256().digest_size)
"""Stands for the digest of the row before the first one."""

_event_numbers = Struct(">5q").pack
_entry_numbers = Struct(">10q").pack


class Chain(NamedTuple):
    """A table whose rows are chained."""

    table: str
    number: str  # the column that numbers the rows
    columns: str  # the others, without the digest
    content: Content  # the bytes of a row without its digest

    def digest(self, previous: bytes, *row: Any) -> bytes:
        """The digest of a row after one with the digest `previous`."""
        return sha256(previous + self.content(*row)).digest()

    def link(self, previous: bytes, numbers: Iterable[int], rows: Iterable[Row]) -> list[Row]:
        """The rows as they are stored after `previous`: behind their numbers, with their digests at the end."""
        linked = []
        for number, row in zip(numbers, rows, strict=True):
            previous = self.digest(previous, number, *row)
            linked.append((number, *row, previous))
        return linked


# A row's integers and the lengths of its texts and blobs, 8 bytes each, in the order of the columns; then the texts
# and blobs. So no two rows have the same bytes, and a value of another type is an error: text has `encode`, bytes join.


def event_content(position: int, stream: str, version: int, name: str, state: bytes) -> bytes:
    """The bytes of an event's row; raises an error of `ROW_ERRORS` for values of other types."""
    encoded_stream, encoded_name = stream.encode(), name.encode()
    numbers = _event_numbers(position, len(encoded_stream), version, len(encoded_name), len(state))
    return b"".join((numbers, encoded_stream, encoded_name, state))


def entry_content(
    entry: int,
    command_id: str,
    command: bytes,
    outcome: bytes,
    status: str,
    at_us: int,
    recorded_at_us: int,
    basis: bytes,
    attempts: bytes,
    reused: int,
) -> bytes:
    """The bytes of a journal entry's row; raises an error of `ROW_ERRORS` for values of other types."""
    encoded_id, encoded_status = command_id.encode(), status.encode()
    numbers = _entry_numbers(
        entry,
        len(encoded_id),
        len(command),
        len(outcome),
        len(encoded_status),
        at_us,
        recorded_at_us,
        len(basis),
        len(attempts),
        reused,
    )
    return b"".join((numbers, encoded_id, command, outcome, encoded_status, basis, attempts))


ROW_ERRORS = (TypeError, AttributeError, error, UnicodeEncodeError)
EVENTS = Chain("stored_events", "notification_id", "originator_id, originator_version, topic, state", event_content)
JOURNAL = Chain("journal", "entry", COLUMNS, entry_content)
CHAINS = (EVENTS, JOURNAL)
