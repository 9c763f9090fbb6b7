"""Rows of queries as JSON shows them: plain dicts, times in RFC 3339 with ``Z``.

Queries go on behind a row by ``after``: an order's, a request's, a refund's or a shipment's id, an entry's number, and
for exceptions, which are sorted by their times, the row's ``cursor``. JSON shows all of them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct

from ..domain.admission import moment
from .inbox import OpenRequest
from .ledger import Entry, Posting

FOR_PYTHON_ONLY: dict[type[Struct], frozenset[str]] = {
    Posting: frozenset({"payment_id"}),
    OpenRequest: frozenset({"order_id"}),
}
"""Fields of rows that JSON does not show."""
ABSENT_IF_NONE: dict[type[Struct], frozenset[str]] = {Entry: frozenset({"refund_id"})}
"""Fields that other rows show as null."""
_NONE: frozenset[str] = frozenset()


def plain(rows: Iterable[Struct]) -> list[dict[str, Any]]:
    """A query's answer as dicts, in the sequence of the fields."""
    return [_fields(row) for row in rows]


def _fields(row: Struct) -> dict[str, Any]:
    hidden, absent = FOR_PYTHON_ONLY.get(type(row), _NONE), ABSENT_IF_NONE.get(type(row), _NONE)
    shown = ((name, getattr(row, name)) for name in row.__struct_fields__ if name not in hidden)
    return {name: _plain(value) for name, value in shown if value is not None or name not in absent}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Struct):
        return _fields(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
