"""What a read model is: a name, a version, its tables, and what events do to their rows.

To write one of your own, subclass ``Projection``: say which struct is a row of which table (fields in the sequence of
the columns), and change rows in ``handle``. The same events in the same order must make the same rows, whatever the
sizes of the batches: no clock, no randomness, nothing from outside. Whoever changes what ``handle`` does raises
``version``; a change of the tables is seen without that. A deadline that has made no event is a question for
the time of the query.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

from msgspec import Struct
from sqlalchemy import BigInteger, Integer, Table, Text
from sqlalchemy.schema import CreateIndex, CreateTable

from ..domain import Event

R = TypeVar("R", bound=Struct)

ID = Text().with_variant(Text(collation="C"), "postgresql")
"""A column's type for ids and codes: compared and sorted by code point everywhere."""
NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""A column's type for positions, minor units and microseconds."""
FIXED = {"fixed": True}
"""``Column(…, info=FIXED)``: what is written when a row is new, and never again; its indexes then cost nothing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Rows(Protocol):
    """The projection's rows as a batch sees and changes them; all of it is written with the batch's checkpoint."""

    def load(self, kind: type[Struct], keys: Iterable[Any]) -> None:
        """Fetch at once what ``get`` will be asked for; a key is a value, or a tuple where the key has many columns."""

    def get(self, kind: type[R], key: Any) -> R | None:
        """The row of this primary key, to look at or to change; fetched one by one unless ``load`` was told."""

    def put(self, row: Struct) -> None:
        """Write a row that is new or was changed."""

    def add(self, *rows: Struct) -> None:
        """Write rows of one table that are new for certain and that ``get`` is never asked for: the cheapest."""

    def delete(self, kind: type[Struct], key: Any) -> None:
        """Forget a row."""

    def highest(self, kind: type[Struct]) -> int:
        """The greatest key of a table with one number for its key; 0 without rows.

        As the batch has left it so far: rows that it put or added are included, and those that it deleted are not.
        """


class Projection(ABC):
    """The base of every read model; see the module."""

    name: ClassVar[str]
    """Unique among the projections of a database."""
    version: ClassVar[int] = 1
    """Of what ``handle`` makes of events."""
    tables: ClassVar[Mapping[type[Struct], Table]]
    """Where rows of a struct lie; a table belongs to one projection, and has a primary key.

    Columns hold text or numbers: a time as microseconds, anything else as JSON in a text.
    """

    @abstractmethod
    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        """Change ``rows`` by a batch of events with their positions; an exception stops this projection alone."""


def fingerprint(projection: Projection) -> str:
    """The shape of the tables, as SHA-256 of their definitions."""
    return _fingerprint(type(projection))


@cache
def _fingerprint(kind: type[Projection]) -> str:
    parts = []
    for table in kind.tables.values():
        parts.append(str(CreateTable(table)))
        parts += sorted(str(CreateIndex(index)) for index in table.indexes)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 UTC, as rows keep times."""
    return (moment - _EPOCH) // _MICROSECOND


def maybe_microseconds(moment: datetime | None) -> int | None:
    """As ``microseconds``, where there may be none."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def instant(us: int) -> datetime:
    """The aware UTC time of a row's microseconds."""
    return _EPOCH + us * _MICROSECOND


def maybe_instant(us: int | None) -> datetime | None:
    """As ``instant``, where there may be none."""
    return None if us is None else _EPOCH + us * _MICROSECOND
