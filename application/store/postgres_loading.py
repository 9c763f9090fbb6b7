"""Loading a store on PostgreSQL: one transaction on a connection of its own, which nothing hurries."""

from collections.abc import Sequence
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from .chain import Row
from .loading import Load, Loading
from .postgres_database import Connection, PostgresDatabase, explain
from .records import EVENTS_TABLE, TABLES, require_rows

R = TypeVar("R")


class PostgresLoading(Loading):
    """COPY takes the rows: several times as fast as INSERT."""

    def __init__(self, connection: Connection, place: str, select_states: str) -> None:
        self._connection = connection
        self._place = place
        self.select_states = select_states  # type: ignore[misc]

    def insert(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        if not rows:
            return
        with self._connection.cursor() as cursor:
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
            require_rows(self._place, table, cursor.rowcount, len(rows))

    def query(self, statement: str, *values: Any) -> list[Row]:
        return self._connection.execute(statement.replace("?", "%s").encode(), values, binary=True).fetchall()

    def number_after(self, position: int, *, gaps: bool) -> None:  # noqa: ARG002 - here nobody minds gaps
        if position:
            self._connection.execute("SELECT setval(%s, %s)", (f"{EVENTS_TABLE}_notification_id_seq", position))


def load(database: PostgresDatabase, select_states: str, work: Load[R]) -> R:
    """What ``work`` gives, once what it loaded is committed."""
    place = database.address.place
    try:
        with psycopg.connect(**database.address.parameters) as connection:
            schema = sql.Identifier(database.schema)
            connection.execute(sql.SQL("SET search_path TO {}").format(schema))
            connection.execute(f"SET LOCAL lock_timeout = '{database.lock_timeout}s'".encode())
            tables = sql.SQL(", ").join(map(sql.Identifier, sorted(TABLES)))
            connection.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(tables))
            loading = PostgresLoading(connection, place, select_states)
            loading.require_empty(place)
            return work(loading)
    except psycopg.Error as error:
        raise explain(error, database.address) from error
