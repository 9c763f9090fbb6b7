"""A question with filters that may be there or not; built and compiled once for each combination of them.

SQLAlchemy says what is asked, once for every database; the driver asks it, because for one row the way through
SQLAlchemy's own execution costs ten times what the row does. Values are as columns hold them: text, numbers, None.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Dialect, Select, bindparam

from .readers import Reader, Row

_LIMIT = "its_limit"


class Query:
    """A ``SELECT``, and the conditions that may be added to it, each by the name of a parameter.

    ``Query(select(T).order_by(T.c.id), state=T.c.state == bindparam("state"))``
    """

    def __init__(self, statement: Select[Any], **conditions: ColumnElement[bool]) -> None:
        self._statement = statement
        self._conditions = conditions
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def ask(self, reader: Reader, *, limit: int | None = None, **values: Any) -> Iterable[Row]:
        """The rows that meet each condition whose value is not None, at most ``limit``; further values are free."""
        asked = tuple([name for name in self._conditions if values.get(name) is not None])
        if limit is not None:
            asked = (*asked, _LIMIT)
            values[_LIMIT] = limit
        found = self._compiled.get((reader.dialect.name, asked))
        if found is None:
            found = self._compiled[reader.dialect.name, asked] = self._compile(reader.dialect, asked)
        known = found.constants | values if found.constants else values
        return reader.rows(found.sql, tuple([known[name] for name in found.names]), streamed=limit is None)

    def _compile(self, dialect: Dialect, asked: tuple[str, ...]) -> "_Compiled":
        statement = self._statement.where(*[self._conditions[name] for name in self._conditions if name in asked])
        if _LIMIT in asked:
            statement = statement.limit(bindparam(_LIMIT))
        compiled = statement.compile(dialect=dialect)
        names: list[str] | None = getattr(compiled, "positiontup", None)
        assert names is not None, "the driver's values are positional"
        return _Compiled(
            str(compiled), names, {name: each for name, each in compiled.params.items() if each is not None}
        )


class _Compiled(NamedTuple):
    """``names`` of its parameters in their sequence; ``constants`` are the values that are the statement's own."""

    sql: str
    names: list[str]
    constants: dict[str, Any]
