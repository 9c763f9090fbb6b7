"""What deciding again found: differences, by journal entry, and how they are told."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

import msgspec
from msgspec import Struct

from ...domain import Event, encode
from ..store import JournalEntry
from ..store.scan import UNREADABLE
from .tampering import text

MOST_FINDINGS = 1000
"""More are counted, but not kept."""


class Difference(Struct, frozen=True):
    """``what`` was ``recorded`` so, and would be ``decided`` otherwise now; JSON values, None for nothing."""

    what: str
    recorded: Any
    decided: Any


class Finding(Struct, frozen=True):
    """A journal entry that would be another one now; ``entry`` is None for an event that no entry tells of."""

    entry: int | None
    command: str | None
    command_id: str | None
    order_ids: list[str]
    differences: list[Difference]


class Redecided(Struct):
    """How many entries and events there were, entries by status; ``found`` counts findings that are not kept, too."""

    entries: int = 0
    events: int = 0
    statuses: Counter[str] = msgspec.field(default_factory=Counter)
    found: int = 0
    findings: list[Finding] = []

    def add(self, finding: Finding) -> None:
        """One more finding."""
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)

    def join(self, later: "Redecided") -> None:
        """Add what was found in later entries."""
        self.entries += later.entries
        self.events += later.events
        self.statuses += later.statuses
        self.found += later.found
        self.findings += later.findings[: MOST_FINDINGS - len(self.findings)]


def finding(number: int, entry: JournalEntry, differences: list[Difference]) -> Finding:
    """A finding on an entry, whose command may be unreadable."""
    command, outcome = _fields(entry.command), _fields(entry.outcome)
    named = outcome.get("order_ids") or [command[key] for key in ("order_id", "shipment_id") if command.get(key)]
    order_ids = [text(order_id) for order_id in named] if isinstance(named, list) else [text(named)]
    its_name = command.get("command")
    return Finding(number, None if its_name is None else text(its_name), entry.command_id, order_ids, differences)


def of_entries(recorded: JournalEntry, again: JournalEntry) -> Iterator[Difference]:
    """Column by column; of the JSON ones, which fields."""
    for column in recorded.__struct_fields__:
        before, after = getattr(recorded, column), getattr(again, column)
        if before == after:
            continue
        if isinstance(before, bytes):
            fields, now = _fields(before), _fields(after)
            yield from of_fields(fields, now) if fields != now else [Difference(column, _text(before), _text(after))]
        else:
            yield Difference(column, msgspec.to_builtins(before), msgspec.to_builtins(after))


def of_events(recorded: Event | None, again: Event) -> Iterator[Difference]:
    """What an event says otherwise than the one that is stored in its place."""
    if recorded == again:
        return
    name = f"{again.stream} version {again.version}"
    if recorded is None:
        yield Difference(name, None, again.type)
    elif encode(recorded) != encode(again):
        fields, now = msgspec.to_builtins(recorded), msgspec.to_builtins(again)
        differences = of_fields(fields, now) if recorded.type == again.type else ()
        yield from (Difference(f"{name} {again.type}: {d.what}", d.recorded, d.decided) for d in differences)
        if recorded.type != again.type:
            yield Difference(name, recorded.type, again.type)


def of_fields(recorded: Any, again: Any, path: str = "") -> Iterator[Difference]:
    """Where two JSON values differ: fields by name, items of lists by their place from 1."""
    pairs: Iterable[tuple[str, Any, Any]]
    if isinstance(recorded, dict) and isinstance(again, dict):
        keys = dict.fromkeys([*recorded, *again])
        pairs = [(f"{path}.{key}" if path else key, recorded.get(key), again.get(key)) for key in keys]
    elif isinstance(recorded, list) and isinstance(again, list):
        pairs = [(f"{path}[{n}]", *both) for n, both in enumerate(zip_longest(recorded, again), 1)]
    else:
        if recorded != again:
            yield Difference(path, recorded, again)
        return
    for name, before, after in pairs:
        yield from of_fields(before, after, name)


def _fields(content: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(content)
    except UNREADABLE:
        return {}
    return fields if isinstance(fields, dict) else {}


def _text(content: bytes) -> str:
    return content.decode("utf-8", "backslashreplace")
