"""Where an export goes: standard output, or a file that is there in full or not at all."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..exits import OUTPUT_FAILED, WRONG_INPUT, Failure


def write(pieces: Iterable[str | bytes], output: str) -> None:
    """Write text in UTF-8, or bytes, to a file, which keeps its former content until all is written, or `-`: stdout."""
    if output == "-":
        _write(pieces, sys.stdout.buffer)
    elif os.path.exists(output) and not os.path.isfile(output):
        with open(output, "wb") as device:  # a pipe, say: nothing can take its place
            _write(pieces, device)
    else:
        with replacing(Path(os.path.realpath(output)), output) as file:
            _write(pieces, file)


def _write(pieces: Iterable[str | bytes], file: BinaryIO) -> None:
    for piece in pieces:
        file.write(piece.encode() if isinstance(piece, str) else piece)


@contextmanager
def replacing(path: Path, called: str) -> Iterator[BinaryIO]:
    """A new file beside `path`, which takes its place at the end; raises `Failure` that names it as it is called."""
    beside = path.with_name(f".ordertrail-export-{os.getpid()}")
    status = WRONG_INPUT  # until there is a file, it is the argument that is wrong
    try:
        with open(beside, "wb") as file:
            status = OUTPUT_FAILED
            yield file
        if path.exists():
            shutil.copymode(path, beside)
        os.replace(beside, path)
    except OSError as error:
        raise Failure(f"{called}: {error.strerror or error}", status) from error
    finally:
        with suppress(OSError):
            beside.unlink()
