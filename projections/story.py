"""A story in a column: what happened to a row, as a JSON array that grows without being read.

A row that keeps one can be told as of any time, by what had happened until then.
"""

import msgspec

_encode = msgspec.json.Encoder().encode


def appended(story: str, step: msgspec.Struct) -> str:
    """The array with one more step; ``story`` is ``[]`` where nothing has happened yet."""
    return joined(story, _encode(step).decode())


def joined(story: str, step: str) -> str:
    """As ``appended``, of a step that is JSON already."""
    return f"{story[:-1]},{step}]" if len(story) > 2 else f"[{step}]"
