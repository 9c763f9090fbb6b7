"""The rows of one projection in memory: read by key once, changed, and written with one statement a table and batch.

More are written where a batch asks for a table's highest key, or changes what it has just added.
What a batch has looked at stays for the next ones, as long as nobody else writes the projection (the follower clears
it then). Knows no events.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import astuple
from sqlalchemy import (
    BindParameter,
    Connection,
    Dialect,
    Enum,
    Float,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement

R = TypeVar("R", bound=Struct)

REMEMBERED_ROWS = 10_000
"""Of each table, between batches."""
KEYS_AT_ONCE = 500
PLAIN = (Integer, String, Float, LargeBinary)
"""Types whose values go to the driver as they are, as all rows do."""


class TableRows:
    """The rows of one table."""

    def __init__(self, kind: type[Struct], table: Table, dialect: Dialect) -> None:
        names = [column.name for column in table.columns]
        if list(kind.__struct_fields__) != names:
            raise TypeError(f"{kind.__name__} must have the columns of {table.name} in their sequence: {names}")
        for column in table.columns:
            if not isinstance(column.type, PLAIN) or isinstance(column.type, Enum):
                raise TypeError(f"{table.name}.{column.name} is a {column.type!r}: rows hold text and numbers only")
        self.kind = kind
        self.key_of = cast(Callable[[Struct], Any], attrgetter(*(column.name for column in table.primary_key)))
        self.known: dict[Any, Struct | None] = {}
        self.changed: dict[Any, Struct] = {}
        self.added: list[Struct] = []
        self.deleted: set[Any] = set()
        self.highest: int | None = None
        keys = [*table.primary_key]
        self._name = table.name
        self._compound = len(keys) > 1
        self._numbered = not self._compound and isinstance(keys[0].type, Integer)
        wanted: BindParameter[Any] = bindparam("keys", expanding=True)
        self._select = select(table).where((tuple_(*keys) if self._compound else keys[0]).in_(wanted))
        self._select_highest = select(func.coalesce(func.max(keys[0]), 0))
        self._insert = _driver_sql(insert(table), dialect, names)
        self._upsert = _driver_sql(_upsert(table, dialect), dialect, names)
        matching = [column == bindparam(f"key_{number}") for number, column in enumerate(keys)]
        self._delete = _driver_sql(delete(table).where(*matching), dialect, None)

    def load(self, connection: Connection, keys: Iterable[Any]) -> None:
        """Know these keys, also those that have no row."""
        known, kind, key_of = self.known, self.kind, self.key_of
        unknown = iter([key for key in dict.fromkeys(keys) if key not in known])
        while some := list(islice(unknown, KEYS_AT_ONCE)):
            known.update(dict.fromkeys(some))
            for row in connection.execute(self._select, {"keys": some}):
                found = kind(*row)
                known[key_of(found)] = found

    def next_number(self, connection: Connection) -> int:
        """See ``Rows.highest``; kept up to date from then on, so that the table is asked once."""
        if self.highest is None:
            if not self._numbered:
                raise TypeError(f"{self._name} has no single number for its key")
            self.flush(connection)
            self.highest = int(connection.execute(self._select_highest).scalar_one())
        return self.highest

    def write(self, connection: Connection) -> None:
        """Write what has changed, and remember less where that is much."""
        self.flush(connection)
        if len(self.known) > REMEMBERED_ROWS:
            for key in list(islice(self.known, len(self.known) - REMEMBERED_ROWS // 2)):
                del self.known[key]

    def flush(self, connection: Connection) -> None:
        """Write what has changed; a batch may go on behind it."""
        if self.deleted:
            keys = [key if self._compound else (key,) for key in self.deleted]
            connection.exec_driver_sql(self._delete, keys)
            self.deleted = set()
        if self.changed:
            connection.exec_driver_sql(self._upsert, [astuple(row) for row in self.changed.values()])
            self.changed = {}
        if self.added:
            connection.exec_driver_sql(self._insert, [astuple(row) for row in self.added])
            self.added = []

    def forget(self) -> None:
        """Know nothing, also not what was to be written."""
        self.known, self.changed, self.added, self.deleted, self.highest = {}, {}, [], set(), None


class BatchRows:
    """The ``Rows`` of a projection; ``connection`` is that of the transaction under way."""

    connection: Connection

    def __init__(self, tables: Mapping[type[Struct], Table], dialect: Dialect) -> None:
        self._tables = {kind: TableRows(kind, table, dialect) for kind, table in tables.items()}

    def load(self, kind: type[Struct], keys: Iterable[Any]) -> None:
        self._tables[kind].load(self.connection, keys)

    def get(self, kind: type[R], key: Any) -> R | None:
        rows = self._tables[kind]
        if key not in rows.known:
            rows.load(self.connection, [key])
        found: Any = rows.known[key]
        return found  # type: ignore[no-any-return]

    def put(self, row: Struct) -> None:
        rows = self._tables[type(row)]
        if rows.added:
            rows.flush(self.connection)  # it may be one of them
        key = rows.key_of(row)
        rows.known[key] = rows.changed[key] = row
        if rows.highest is not None and key > rows.highest:
            rows.highest = key

    def add(self, *new: Struct) -> None:
        if not new:
            return
        rows = self._tables[type(new[0])]
        rows.added += new
        if rows.highest is not None:
            rows.highest = max(rows.highest, *map(rows.key_of, new))

    def delete(self, kind: type[Struct], key: Any) -> None:
        rows = self._tables[kind]
        if rows.added:
            rows.flush(self.connection)  # it may be one of them
        if key == rows.highest:
            rows.highest = None
        rows.known[key] = None
        rows.changed.pop(key, None)
        rows.deleted.add(key)

    def highest(self, kind: type[Struct]) -> int:
        return self._tables[kind].next_number(self.connection)

    def write(self) -> None:
        """Write what the batch changed."""
        for rows in self._tables.values():
            rows.write(self.connection)

    def forget(self) -> None:
        """Somebody else has written, or this batch came to nothing."""
        for rows in self._tables.values():
            rows.forget()


def _upsert(table: Table, dialect: Dialect) -> ClauseElement:
    make = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    keys = [column.name for column in table.primary_key]
    changing = [column.name for column in table.columns if not (column.primary_key or column.info.get("fixed"))]
    rest = {name: statement.excluded[name] for name in changing}
    if not rest:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def _driver_sql(statement: ClauseElement, dialect: Dialect, names: list[str] | None) -> str:
    """The statement's text for the driver; its values are tuples, in the sequence of the columns.

    So a batch's rows go to the driver as they are, without a dict for each of them.
    """
    compiled = statement.compile(dialect=dialect, column_keys=names)
    assert names is None or getattr(compiled, "positiontup", None) == names, "the driver's values are positional"
    return str(compiled)
