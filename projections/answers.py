"""Rows of queries as JSON shows them: plain dicts, times in RFC 3339 with ``Z``."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from ..domain.admission import moment


def plain(rows: Iterable[msgspec.Struct]) -> list[dict[str, Any]]:
    """A query's answer as dicts, in the sequence of the fields."""
    return [_plain(msgspec.to_builtins(row, builtin_types=(datetime,))) for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
