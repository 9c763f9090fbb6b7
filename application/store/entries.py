"""The command journal's entries, and how they lie in a database's row."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# The columns of a journal row, in this order, after its number.
COLUMNS = "command_id, command, outcome, status, at_us, recorded_at_us, basis, attempts, reused"

_decode_basis = msgspec.json.Decoder(dict[str, int]).decode
_decode_attempts = msgspec.json.Decoder(tuple[str, ...]).decode
# Sorted keys: in which sequence streams were looked at differs between processes, the row must not.
_encode = msgspec.json.Encoder(order="deterministic").encode


class JournalEntry(msgspec.Struct, frozen=True):
    """One well-formed command and its outcome."""

    command_id: str
    command: bytes  # canonical JSON, defaults filled in
    outcome: bytes  # JSON of the result
    status: str  # accepted | noted | rejected
    at: datetime  # aware
    recorded_at: datetime  # aware
    basis: dict[str, int]  # the versions of the streams that it was decided upon
    attempts: tuple[str, ...] = ()  # orders in whose timeline it must be looked up, because no event shows it
    reused: bool = False  # ORDER-0: another content under a used command_id; never the entry that answers repeats


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 UTC; exact, where a float of seconds is not."""
    return (moment - EPOCH) // MICROSECOND


def to_row(entry: JournalEntry) -> tuple[Any, ...]:
    """The entry as the journal's table keeps it: times in microseconds since 1970 UTC, lists as JSON."""
    return (
        entry.command_id,
        entry.command,
        entry.outcome,
        entry.status,
        microseconds(entry.at),
        microseconds(entry.recorded_at),
        _encode(entry.basis),
        # Kept with the entry too: the rows of `attempts` are an index from orders to entries, not the way back.
        _encode(entry.attempts),
        int(entry.reused),
    )


def from_row(row: tuple[Any, ...]) -> JournalEntry:
    """The entry back from its row: the inverse of ``to_row``."""
    command_id, command, outcome, status, at_us, recorded_at_us, basis, attempts, reused = row
    return JournalEntry(
        command_id,
        command,
        outcome,
        status,
        EPOCH + at_us * MICROSECOND,
        EPOCH + recorded_at_us * MICROSECOND,
        _decode_basis(basis),
        _decode_attempts(attempts),
        bool(reused),
    )
