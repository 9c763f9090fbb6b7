"""Stored events that no journal entry tells of, or whose columns tell of another event than they hold."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from ...domain import Event
from ..store import JournalEntry, Store
from ..store.chain import CHAINS, EVENTS
from ..store.scan import UNREADABLE, Row
from .links import name
from .past import entry_of
from .redecided import MOST_FINDINGS, Difference, Finding
from .tampering import text

PAGE = 1000

Where = tuple[str, int]
"""A stream and a version."""


def events_told(entry: JournalEntry) -> set[Where]:
    """The events that an entry's outcome names."""
    try:
        events: list[dict[str, Any]] = msgspec.json.decode(entry.outcome)["events"]
        return {
            (f"{kind}:{event[field]}", event["version"])
            for event in events
            for kind, field in (("order", "order_id"), ("shipment", "shipment_id"))
            if field in event
        }
    except (*UNREADABLE, LookupError, TypeError):
        return set()


def misnumbered(store: Store) -> Iterator[Finding]:
    """Entries and events with numbers below 1, which no store gives."""
    evidence = store.evidence()
    for chain in CHAINS:
        for number, subject in evidence.below(chain, MOST_FINDINGS):
            entry, command_id = (None, None) if chain is EVENTS else (number, text(subject))
            yield Finding(entry, None, command_id, [], [Difference(name(chain, number), text(subject), None)])


def unsound(store: Store, up_to: int) -> Iterator[Finding]:
    """Events that cannot be read, or whose columns tell of another event than they hold."""
    for _, others in _pages(store, up_to):
        for row, said in others:
            its_id = text(row.stream).partition(":")[2]
            yield Finding(None, None, None, [its_id], [Difference(name(EVENTS, row.position), said, None)])


def untold(store: Store, up_to: int, known: set[str | None]) -> Iterator[Finding]:
    """The sound events that no entry tells of; those of commands that are ``known`` to differ are left out."""
    for sound, _ in _pages(store, up_to):
        events = [event for event in sound if event.command_id not in known]
        told = _told_by(store, {event.command_id for event in events})
        for event in events:
            if (event.command_id, event.stream, event.version) not in told:
                its_id, what = getattr(event, event.subject), f"{event.stream} version {event.version}"
                yield Finding(None, None, event.command_id, [its_id], [Difference(what, event.type, None)])


def _pages(store: Store, up_to: int) -> Iterator[tuple[list[Event], list[tuple[Row, str]]]]:
    """The sound events, and the rows that are none with what is wrong."""
    scan, after = store.scan(), 0
    while (chunk := scan.chunk(after, up_to, PAGE)) is not None:
        named = chunk.events()
        yield ([event for _, event in named], []) if named is not None else _sorted(chunk.each())
        after = chunk.last


def _sorted(rows: Iterable[Row]) -> tuple[list[Event], list[tuple[Row, str]]]:
    sound: list[Event] = []
    others: list[tuple[Row, str]] = []
    for row in rows:
        try:
            sound.append(row.event())
        except ValueError as error:
            others.append((row, text(error)))
    return sound, others


def _told_by(store: Store, command_ids: Iterable[str]) -> set[tuple[str, str, int]]:
    """Of these commands, which events (stream, version) their entries tell of; none, where those cannot be read."""
    evidence = store.evidence()
    entries = [entry_of(row) for command_id in command_ids for row in evidence.entries(command_id)]
    return {
        (entry.command_id, *where)
        for entry in entries
        if isinstance(entry, JournalEntry)
        for where in events_told(entry)
    }
