"""A store as CloudEvents 1.0, one JSON object a line: all that a seal is about, so that it can be made again from it.

First the seal, then the policies, then each command's events and its journal entry, in the order of the log. `data` is
what the store holds, byte for byte: it is neither decoded nor encoded on its way.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from ...application.audit.seal import Seal
from ...application.errors import StoreError
from ...application.store.chain import EVENTS, JOURNAL, Chain, Row
from ...application.store.entries import EPOCH, MICROSECOND
from ...application.store.evidence import Evidence

PREFIX = "ordertrail."
SEAL = "ordertrail.seal.v1"
POLICY = "ordertrail.policy.v1"
ENTRY = "ordertrail.journal-entry.v1"
"""Every other type is an event's: its stored name and its schema, such as `ordertrail.order-placed.v1`."""

PAGE_ROWS = 1000


class Line(Struct, omit_defaults=True, kw_only=True):
    """A CloudEvent. Positions and entry numbers are text, for an integer of the standard has 32 bits only."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    datacontenttype: str | None = None
    recordedat: datetime | None = None
    partitionkey: str | None = None
    position: str | None = None
    version: int | None = None
    entry: str | None = None
    status: str | None = None
    reused: bool | None = None
    digest: str | None = None
    data: Raw


class EntryData(Struct):
    """A journal entry's JSON columns."""

    command: Raw
    outcome: Raw
    basis: Raw
    attempts: Raw


class KeptPolicy(Struct):
    """A policy as it was kept at its first use: TOML."""

    version: str
    content: str


class Envelope(Struct):
    """What the attributes of an event's line say of it."""

    at: datetime
    recorded_at: datetime
    command_id: str
    buyer_id: str
    schema: int = 1


decode_envelope = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.json.Encoder().encode


def lines(
    evidence: Evidence, source: str, now: datetime, advance: Callable[[int, int], object], place: str
) -> Iterator[bytes]:
    """The store as it is now, line by line; raises ``StoreError`` for a row that is not JSON, as all are recorded.

    ``advance`` is told how many rows are done, and of how many; ``place`` names the store.
    """
    seal = Seal.of(evidence, now.astimezone(UTC).replace(microsecond=0))
    total = seal.events.count + seal.journal.count
    write = _Writer(source, place)
    yield write.seal(seal)
    for version, content, _ in evidence.policies():
        if version in seal.policies:
            yield write.policy(version, content)
    events = _events(write, evidence, seal.events.number)
    command_id, line = next(events, _NONE)
    done = 0
    for row in _rows(evidence, JOURNAL, seal.journal.number):
        while command_id == row[1]:
            yield line
            done += 1
            command_id, line = next(events, _NONE)
        yield write.entry(row)
        done += 1
        if row[0] % PAGE_ROWS == 0:
            advance(done, total)
    while line:  # of no entry
        yield line
        _, line = next(events, _NONE)
    advance(total, total)


_NONE: tuple[str | None, bytes] = (None, b"")


def _events(write: "_Writer", evidence: Evidence, up_to: int) -> Iterator[tuple[str | None, bytes]]:
    """Each event's line, and the command that made it."""
    for row in _rows(evidence, EVENTS, up_to):
        yield write.event(row)


def _rows(evidence: Evidence, chain: Chain, up_to: int) -> Iterator[Row]:
    after = 0
    while page := evidence.page(chain, after, up_to, PAGE_ROWS):
        yield from page
        after = page[-1][0]


class _Writer:
    """Makes lines of one source."""

    def __init__(self, source: str, place: str) -> None:
        self._source = source
        self._place = place

    def seal(self, seal: Seal) -> bytes:
        its_id = f"seal-{seal.events.number}-{seal.journal.number}"
        return self._line(its_id, SEAL, Raw(seal.to_json()), time=seal.at)

    def policy(self, version: str, content: str) -> bytes:
        return self._line(f"policy-{version}", POLICY, Raw(_encode(KeptPolicy(version, content))), subject=version)

    def event(self, row: Row) -> tuple[str, bytes]:
        """The line of an event's row, and the command that made it."""
        position, stream, version, name, state, digest = row
        try:
            told = decode_envelope(state)
            line = self._line(
                f"event-{position}",
                f"{PREFIX}{name}.v{told.schema}",
                _verbatim(state),
                subject=stream,
                time=told.at,
                recordedat=told.recorded_at,
                partitionkey=told.buyer_id,
                position=str(position),
                version=version,
                digest=digest.hex(),
            )
        except _NOT_AS_RECORDED as error:
            raise self._not_as_recorded(f"event {position}", error) from error
        return told.command_id, line

    def entry(self, row: Row) -> bytes:
        entry, command_id, command, outcome, status, at_us, recorded_at_us, basis, attempts, reused, digest = row
        try:
            held = EntryData(*map(_verbatim, (command, outcome, basis, attempts)))
            return self._line(
                f"entry-{entry}",
                ENTRY,
                Raw(_encode(held)),
                subject=command_id,
                time=EPOCH + at_us * MICROSECOND,
                recordedat=EPOCH + recorded_at_us * MICROSECOND,
                entry=str(entry),
                status=status,
                reused=bool(reused),
                digest=digest.hex(),
            )
        except _NOT_AS_RECORDED as error:
            raise self._not_as_recorded(f"journal entry {entry}", error) from error

    def _line(self, its_id: str, kind: str, data: Raw, **attributes: Any) -> bytes:
        line = Line(
            specversion="1.0",
            id=its_id,
            source=self._source,
            type=kind,
            datacontenttype="application/json",
            data=data,
            **attributes,
        )
        return _encode(line) + b"\n"

    def _not_as_recorded(self, row: str, error: Exception) -> StoreError:
        return StoreError(f"{self._place} holds {row} not as it was recorded, as `audit verify` tells: {error}")


_NOT_AS_RECORDED = (msgspec.DecodeError, UnicodeError, TypeError, AttributeError, OverflowError, ValueError)


def _verbatim(held: bytes) -> Raw:
    """JSON as it is; raises ``ValueError`` for what has no place on a line as it is."""
    if b"\n" in held or b"\r" in held or held[:1] not in (b"{", b"[") or held[-1:] not in (b"}", b"]"):
        raise ValueError("it is not JSON on one line")
    held.decode()
    _skip(held)
    return Raw(held)


_skip = msgspec.json.Decoder(Raw).decode
