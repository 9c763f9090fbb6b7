"""A command log as bytes: read line by line, never more of a line than the limit, whatever its length."""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Iterator
from typing import BinaryIO

from .exits import Failure

CHUNK_BYTES = 1 << 16


class CommandLog:
    """The lines of a stream without their ends; of a line beyond `limit` bytes only the first `limit` + 1.

    Where a pipe or terminal has no more to read for now, a None comes first: whoever waits there for an answer gets it.
    `position` counts the bytes read so far, for a progress bar.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self.stream = stream
        self.limit = limit
        self.position = 0
        self._is_file = _is_regular_file(stream)

    def __iter__(self) -> Iterator[bytes | None]:
        most = self.limit + 2  # the byte that proves a line too long, and the end of one that is not
        while True:
            if not self._more_is_waiting():
                yield None
            line = self._read(most)
            if not line:
                return
            if line.endswith(b"\n"):
                yield line[:-1]
            elif len(line) < most:
                yield line  # the last one, not ended
            else:
                yield line[:-1]
                self._discard_rest()

    def _more_is_waiting(self) -> bool:
        """False only where reading on might block; what is buffered may make it False too early, which does no harm."""
        if self._is_file:
            return True
        try:
            return bool(select.select([self.stream], [], [], 0)[0])
        except (OSError, ValueError):  # a stream without a descriptor cannot block
            return True

    def _discard_rest(self) -> None:
        while rest := self._read(CHUNK_BYTES):
            if rest.endswith(b"\n"):
                return

    def _read(self, most: int) -> bytes:
        try:
            piece = self.stream.readline(most)
        except OSError as error:
            raise Failure(f"the log cannot be read on: {error.strerror or error}") from error
        self.position += len(piece)
        return piece


def _is_regular_file(stream: BinaryIO) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False
