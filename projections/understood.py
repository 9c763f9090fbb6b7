"""Rows told to those who ask: the one place where a row that somebody damaged becomes an error with a name."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from msgspec import DecodeError

from .errors import UnreadableRow
from .projection import Projection

T = TypeVar("T")

NOT_UNDERSTOOD = (DecodeError, ArithmeticError, LookupError, TypeError, ValueError)
"""What reading a row raises that holds something else than its projection writes."""


def understood(projection: type[Projection], told: Iterable[T]) -> Iterator[T]:
    """What a projection's rows tell, made from each only when it is asked for.

    Raises ``UnreadableRow`` where one of them cannot be understood.
    """
    try:
        yield from told
    except NOT_UNDERSTOOD as error:
        raise UnreadableRow(projection.name) from error
