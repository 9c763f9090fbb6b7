"""A line of a command log: bytes to a JSON object, strictly."""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from ..domain import Command, Malformed, parse
from .results import Result, invalid

MAX_LINE_BYTES = 1 << 20
"""A longer line is malformed: nobody's order is that long, and memory stays flat."""


def read_line(line: bytes) -> dict[str, Any]:
    """The object of one line; raises ``Malformed`` for anything that is not one strict JSON object.

    Keys may not repeat. (``NaN`` and its kin pass here, and fail as no field takes a float.)
    """
    if len(line) > MAX_LINE_BYTES:
        raise Malformed("line", f"is longer than {MAX_LINE_BYTES:,} bytes")
    try:
        text = line.decode("utf-8").strip()
        try:
            raw = _decoder.decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:  # a number with more digits than Python reads; the field that holds it will be named
            raw = _cutting_decoder.decode(text)
    except UnicodeDecodeError as error:
        raise Malformed("line", f"is not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise Malformed("line", f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (column {error.colno})") from None
    except RecursionError:
        raise Malformed("line", "is nested too deeply") from None
    if not isinstance(raw, dict):
        raise Malformed("line", "is not a JSON object")
    return raw


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Malformed(twice[:200], "occurs twice in one object")
    return result


_decoder = json.JSONDecoder(object_pairs_hook=_unique)
_cutting_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_int=lambda digits: int(digits[:30]))


def read_command(raw: object) -> Command:
    """As ``domain.parse``, also where texts hold what no encoding can write; raises ``Malformed``."""
    try:
        return parse(raw)
    except UnicodeEncodeError:
        field = next(_with_lone_surrogates(raw), "line").encode("utf-8", "backslashreplace").decode()
        raise Malformed(field, "has a lone surrogate, which is no character") from None


def _with_lone_surrogates(value: object, field: str = "") -> Iterator[str]:
    """Where lone surrogates stand: in a text, or in the name of a field itself."""
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            yield field
    elif isinstance(value, dict):
        for key, inner in value.items():
            path = f"{field}.{key}" if field else str(key)
            yield from _with_lone_surrogates(key, path)
            yield from _with_lone_surrogates(inner, path)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _with_lone_surrogates(inner, f"{field}[{index}]")


def numbered(lines: Iterable[bytes | None]) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers from 1, without the mark that some programs put before a text; a None is no line."""
    number = 0
    for line in lines:
        number += line is not None
        if line is not None:
            require_bytes(line, f"line {number}")
        yield number, line.removeprefix(BOM_UTF8) if line and number == 1 else line


def require_bytes(line: object, name: str) -> None:
    """Raises ``TypeError`` for a line that is text."""
    if not isinstance(line, (bytes, bytearray)):
        raise TypeError(f"{name} of a command log is bytes, not {type(line).__name__}")


def command_in(line: bytes, at: datetime | None = None) -> Result | Command:
    """A log's line as a command, or the answer that it is none; ``at`` where it may be missing."""
    raw: Any = None
    try:
        raw = read_line(line)
        command = read_command(raw)
        if command.at is None:
            if at is None:
                raise Malformed("at", "is missing")
            command = msgspec.structs.replace(command, at=at)
        return command
    except Malformed as error:
        return invalid(raw, error)
