"""The log in batches of sound events; what is not sound is found."""

from collections.abc import Iterable, Iterator

from ..store.scan import Named, Row, Scan
from .replay_findings import Finding, Findings

READABLE = "readable"
ROWS_AT_ONCE = 250
"""So few that what is read of them stays near the processor while they are judged."""


def batches(
    scan: Scan, after: int, up_to: int, findings: Findings, rows_at_once: int = ROWS_AT_ONCE
) -> Iterator[tuple[int, list[Named]]]:
    """The sound events of positions after ``after`` and up to ``up_to``, and to which position each batch goes."""
    while (chunk := scan.chunk(after, up_to, rows_at_once)) is not None:
        events = chunk.events()
        if events is None:
            events = [*_sound(chunk.each(), findings)]
        yield chunk.last, events
        after = chunk.last


def _sound(rows: Iterable[Row], findings: Findings) -> Iterator[Named]:
    for row in rows:
        try:
            yield row.stream, row.event()
        except ValueError as error:
            findings.add(Finding.of(row.position, row.whose, READABLE, str(error)))
