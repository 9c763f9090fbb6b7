"""JSON for programs on standard output: one document, on one line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def show_json(answer: Any) -> None:
    """Print one JSON document."""
    from msgspec.json import encode

    sys.stdout.buffer.write(encode(answer) + b"\n")


def show_json_array(answers: Iterable[Any]) -> None:
    """Print an array, item by item as they come: it need not fit into memory."""
    from msgspec.json import Encoder

    encode, write = Encoder().encode, sys.stdout.buffer.write
    between = b"["
    for answer in answers:
        write(between + encode(answer))
        between = b","
    write(b"[]\n" if between == b"[" else b"]\n")
