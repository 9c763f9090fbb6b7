"""A store as a file of CloudEvents, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import BinaryIO

from ...application.audit.seal import Seal
from ...application.restore import BadRow, NotRestored, restore
from ...application.store import Store
from ..auditing.bar import bar
from ..command_log import CommandLog
from ..exits import Failure
from .cloudevents import lines
from .cloudevents_reader import MAX_LINE_BYTES, Export, Malformed
from .output import write

BLOCK_LINES = 500


def write_cloudevents(store: str, output: str, source: str) -> None:
    """Write a store to a file, which keeps its former content until all is written, or `-`, standard output."""
    with closing(Store.open(store, create=False)) as opened, bar("exporting") as advance:
        every = lines(opened.evidence(), source, datetime.now(UTC), advance, opened.place)
        write(_blocks(every), output)


def _blocks(every: Iterator[bytes]) -> Iterator[bytes]:
    block: list[bytes] = []
    for line in every:
        block.append(line)
        if len(block) == BLOCK_LINES:
            yield b"".join(block)
            block.clear()
    yield b"".join(block)


class _Numbered:
    """Lines, and the number of the last one that was taken."""

    def __init__(self, file: BinaryIO) -> None:
        self.last = 0
        self._log = CommandLog(file, MAX_LINE_BYTES)

    def __iter__(self) -> Iterator[bytes]:
        for line in self._log:
            if line is not None:
                self.last += 1
                yield line


def read_cloudevents(file: BinaryIO, store: str) -> Seal:
    """Make a store from what `write_cloudevents` wrote, in full or not at all; its seal.

    Raises `Failure` that names the line which is wrong.
    """
    numbered = _Numbered(file)
    try:
        export = Export(numbered)
        total = export.seal.events.count + export.seal.journal.count
        with bar("importing") as advance:
            restore(store, export.seal, export.policies, export.rows(), lambda done: advance(done, total))
    except (BadRow, Malformed) as error:
        raise Failure(f"{file.name}: line {max(numbered.last, 1)}: {error}; nothing was imported") from None
    except NotRestored as error:
        raise Failure(f"{file.name} was not imported: {error}") from None
    return export.seal
