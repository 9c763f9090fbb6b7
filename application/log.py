"""A line of a command log: bytes to a JSON object, strictly."""

import json
from typing import Any

from ..domain.errors import Malformed

MAX_LINE_BYTES = 1 << 20
"""A longer line is malformed: nobody's order is that long, and memory stays flat."""


def read_line(line: bytes) -> dict[str, Any]:
    """The object of one line; raises ``Malformed`` for anything that is not one strict JSON object.

    Keys may not repeat. (``NaN`` and its kin pass here, and fail as no field takes a float.)
    """
    if len(line) > MAX_LINE_BYTES:
        raise Malformed("line", f"is longer than {MAX_LINE_BYTES:,} bytes")
    try:
        raw = _decoder.decode(line.decode("utf-8").strip())
    except UnicodeDecodeError as error:
        raise Malformed("line", f"is not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise Malformed("line", f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (column {error.colno})") from None
    except RecursionError:
        raise Malformed("line", "is nested too deeply") from None
    except ValueError:
        raise Malformed("line", "holds a number with too many digits") from None
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
