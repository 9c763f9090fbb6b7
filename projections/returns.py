"""When returns began: a refund because of one is not older, although the goods may have come back before."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, MetaData, Table

from ..domain import events as e
from .projection import ID, NUMBER, Rows, microseconds


class ReturnRow(Struct, gc=False):
    """A return that has begun."""

    return_id: str
    begun_us: int


def returns_table(name: str, metadata: MetaData) -> Table:
    """The table of one projection's ``ReturnRow``s."""
    return Table(
        name,
        metadata,
        Column("return_id", ID, primary_key=True),
        Column("begun_us", NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )


def load_returns(events: Iterable[Any], rows: Rows) -> None:
    """Fetch what ``made_us`` will look at."""
    owed = (event for event in events if isinstance(event, e.RefundOwed))
    rows.load(ReturnRow, {event.return_id for event in owed if event.return_id is not None})


def begin(event: e.ReturnStarted, rows: Rows) -> None:
    """Note that a return began."""
    rows.put(ReturnRow(event.return_id, microseconds(event.at)))


def made_us(event: e.RefundOwed, rows: Rows) -> int:
    """Since when there is a refund."""
    begun = None if event.return_id is None else rows.get(ReturnRow, event.return_id)
    return max(microseconds(event.at), begun.begun_us if begun else 0)
