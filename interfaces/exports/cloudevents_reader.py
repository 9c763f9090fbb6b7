"""An export of CloudEvents read again: its seal, its policies, and the rows as the store held them."""

from binascii import Error, unhexlify
from collections.abc import Iterable, Iterator
from typing import NoReturn, TypeVar

import msgspec

from ...application.audit.seal import Seal
from ...application.restore import NotRestored
from ...application.store.chain import EVENTS, JOURNAL, Chain, Row
from ...application.store.entries import microseconds
from .cloudevents import ENTRY, POLICY, PREFIX, SEAL, EntryData, KeptPolicy, Line

MAX_LINE_BYTES = 1 << 26
"""Of a longer line nothing is read: a command has a MiB at most, and an entry holds little more than one."""
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
        self.seal = self._expect(SEAL, Seal)
        self.policies: dict[str, str] = {}
        for _ in self.seal.policies:
            policy = self._expect(POLICY, KeptPolicy)
            self.policies[policy.version] = policy.content

    def rows(self) -> Iterator[tuple[Chain, Row]]:
        """The rows with their chains, in the order of the lines."""
        while (line := self._next()) is not None:
            if line.type == ENTRY:
                yield JOURNAL, _entry_row(line)
            elif line.type in NAMES or not line.type.startswith(PREFIX):
                raise Malformed(f"type: {line.type} is none of an event or a journal entry")
            else:
                yield EVENTS, _event_row(line)

    def _expect(self, kind: str, data: type[T]) -> T:
        line = self._next()
        if line is None:
            raise Malformed(f"there is no more, where {NAMES[kind]} should be")
        if line.type != kind:
            raise Malformed(f"type: {line.type} is not that of {NAMES[kind]}, which should be here")
        return _decode(line.data, data)

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
        return line


def _decode(held: bytes | msgspec.Raw, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(held, type=kind)
    except msgspec.DecodeError as error:
        raise Malformed(str(error)) from None


def _event_row(line: Line) -> Row:
    """The row of an event; its name is in the type, such as `order-placed` in `ordertrail.order-placed.v1`."""
    name = line.type.removeprefix(PREFIX).rpartition(".v")[0]
    return (
        _number("position", line.position),
        _required("subject", line.subject),
        _required("version", line.version),
        name,
        bytes(line.data),
        _digest(line),
    )


def _entry_row(line: Line) -> Row:
    held = _decode(line.data, EntryData)
    return (
        _number("entry", line.entry),
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
