"""An export of CloudEvents read again: its seal, its policies, and the rows as the store held them.

What a line says twice must agree, and the lines must stand where the writer puts them.
"""

from binascii import Error, unhexlify
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn, TypeVar

import msgspec

from ...application.audit.seal import Seal
from ...application.restore import NotRestored
from ...application.store.chain import CHAINS, EVENTS, JOURNAL, START, Chain, Row
from ...application.store.entries import microseconds
from ...domain import policy_digest
from .cloudevents import ENTRY, POLICY, PREFIX, SEAL, EntryData, KeptPolicy, Line, decode_envelope

MAX_LINE_BYTES = 1 << 26
"""Of a longer line nothing is read: a command has a MiB at most, and an entry holds little more than one."""
JSON = "application/json"
NAMES = {SEAL: "a seal", POLICY: "a policy"}
T = TypeVar("T")


class Malformed(NotRestored):
    """A line that no export has; the sentence does not say which."""


class Export:
    """The lines of an export, which begins with its seal and its policies: these are read at once.

    Raises ``Malformed`` for the first line that cannot be read.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = iter(lines)
        self._source: str | None = None
        line = self._expect(SEAL)
        self.seal = _decode(line.data, Seal)
        its_id = f"seal-{self.seal.events.number}-{self.seal.journal.number}"
        _require(line, "the seal", id=its_id, time=self.seal.at)
        self.policies: dict[str, str] = {}
        for _ in self.seal.policies:
            line = self._expect(POLICY)
            policy = _decode(line.data, KeptPolicy)
            _require(line, f"policy {policy.version}", id=f"policy-{policy.version}", subject=policy.version)
            if self.seal.policies.get(policy.version) != policy_digest(policy.content):
                raise Malformed(f"policy {policy.version} is none of the policies that its seal tells of")
            self.policies[policy.version] = policy.content

    def rows(self) -> Iterator[tuple[Chain, Row]]:
        """The rows with their chains, in the order of the lines."""
        order = _Order()
        ends = {chain.table: (0, 0, START) for chain in CHAINS}
        while (line := self._next()) is not None:
            if line.type in NAMES or not line.type.startswith(PREFIX):
                raise Malformed(f"type: {line.type} is none of an event or a journal entry")
            chain = JOURNAL if line.type == ENTRY else EVENTS
            row = _entry_row(line, order) if chain is JOURNAL else _event_row(line, order)
            ends[chain.table] = (ends[chain.table][0] + 1, row[0], row[-1])
            yield chain, row
        for chain, sealed in ((EVENTS, self.seal.events), (JOURNAL, self.seal.journal)):
            count, number, digest = ends[chain.table]
            if (count, number, digest.hex()) != (sealed.count, sealed.number, sealed.digest):
                held = f"{count:,} {'events' if chain is EVENTS else 'journal entries'} up to {number:,}"
                told = f"{sealed.count:,} up to {sealed.number:,}"
                raise Malformed(f"the file ends here, with {held}, and its seal tells of {told}, or another last one")

    def _expect(self, kind: str) -> Line:
        line = self._next()
        if line is None:
            raise Malformed(f"there is no more, where {NAMES[kind]} should be")
        if line.type != kind:
            raise Malformed(f"type: {line.type} is not that of {NAMES[kind]}, which should be here")
        return line

    def _next(self) -> Line | None:
        raw = next(self._lines, None)
        if raw is None:
            return None
        if len(raw) > MAX_LINE_BYTES:
            raise Malformed(f"it is longer than {MAX_LINE_BYTES:,} bytes")
        try:
            raw.decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"it is not UTF-8 (byte {error.start + 1})") from None
        line = _decode(raw, Line)
        if line.specversion != "1.0":
            raise Malformed(f"specversion: {line.specversion} is not 1.0")
        if self._source is None:
            self._source = line.source
        if line.source != self._source:
            raise Malformed(f"source: {line.source} is not that of the first line, {self._source}")
        if line.datacontenttype != JSON:
            raise Malformed(f"datacontenttype: {line.datacontenttype} is not {JSON}")
        return line


class _Order:
    """Where the writer puts a line: events directly before the entry of their command, those of none at the end."""

    def __init__(self) -> None:
        self._command: str | None = None
        """Of the events since the last entry."""
        self._commands_differ = False
        self._passed: set[str] = set()
        """The commands of the entries since the last event."""

    def event(self, its_name: str, command_id: str) -> None:
        if command_id in self._passed:
            raise Malformed(f"{its_name} comes after the journal entry of its command, {command_id}")
        self._passed.clear()
        self._commands_differ |= self._command not in (None, command_id)
        self._command = command_id

    def entry(self, its_name: str, command_id: str) -> None:
        if self._commands_differ or self._command not in (None, command_id):
            raise Malformed(f"{its_name} comes after events of other commands than its own, {command_id}")
        self._command = None
        self._passed.add(command_id)


def _decode(held: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(held, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Malformed(str(error)) from None


def _event_row(line: Line, order: _Order) -> Row:
    """The row of an event; its name is in the type, such as `order-placed` in `ordertrail.order-placed.v1`."""
    name, _, _ = line.type.removeprefix(PREFIX).rpartition(".v")
    position = _number("position", line.position)
    row = (
        position,
        _required("subject", line.subject),
        _required("version", line.version),
        name,
        bytes(line.data),
        _digest(line),
    )
    its_name = f"event {position}"
    try:
        told = decode_envelope(line.data)
    except msgspec.DecodeError as error:
        raise Malformed(f"{its_name} is none: {error}") from None
    told_type = f"{PREFIX}{name}.v{told.schema}"
    _require(line, its_name, id=f"event-{position}", type=told_type, partitionkey=told.buyer_id)
    _require(line, its_name, time=told.at, recordedat=told.recorded_at, position=str(position), digest=row[-1].hex())
    _require(line, its_name, entry=None, status=None, reused=None)
    order.event(its_name, told.command_id)
    return row


def _entry_row(line: Line, order: _Order) -> Row:
    held = _decode(line.data, EntryData)
    entry = _number("entry", line.entry)
    row = (
        entry,
        _required("subject", line.subject),
        bytes(held.command),
        bytes(held.outcome),
        _required("status", line.status),
        _microseconds("time", line),
        _microseconds("recordedat", line),
        bytes(held.basis),
        bytes(held.attempts),
        int(_required("reused", line.reused)),
        _digest(line),
    )
    its_name = f"journal entry {entry}"
    _require(line, its_name, id=f"entry-{entry}", entry=str(entry), digest=row[-1].hex())
    _require(line, its_name, position=None, version=None, partitionkey=None)
    order.entry(its_name, row[1])
    return row


def _require(line: Line, its_name: str, **expected: Any) -> None:
    """Raise ``Malformed`` where an attribute is not what the line's data, or its number, say."""
    for attribute, right in expected.items():
        if (held := getattr(line, attribute)) != right:
            told, rightly = ("nothing" if value is None else str(value) for value in (held, right))
            raise Malformed(f"{its_name}: {attribute}: {told} is there, where {rightly} should be")


def _required(attribute: str, value: T | None) -> T:
    if value is None:
        _missing(attribute)
    return value


def _number(attribute: str, text: str | None) -> int:
    value = _required(attribute, text)
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise Malformed(f"{attribute}: {value!r} is no number")
    return int(value)


def _microseconds(attribute: str, line: Line) -> int:
    at = _required(attribute, getattr(line, attribute))
    if at.utcoffset() is None:
        raise Malformed(f"{attribute}: it has no offset")
    return microseconds(at)


def _digest(line: Line) -> bytes:
    try:
        return unhexlify(_required("digest", line.digest))
    except (Error, ValueError):
        raise Malformed("digest: it is not hexadecimal") from None


def _missing(attribute: str) -> NoReturn:
    raise Malformed(f"{attribute}: it is missing")
