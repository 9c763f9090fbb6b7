"""One PostgreSQL schema: its address, its connections, making it ours, and its failures in words."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote

import msgspec
import psycopg
from eventsourcing.postgres import PostgresDatastore
from psycopg import conninfo, errors, sql
from psycopg.rows import tuple_row

from ..errors import Conflict, StoreError
from .records import FORMAT, TABLES, require_format

Connection = psycopg.Connection[Any]

DEFAULT_SCHEMA = "ordertrail"
CONNECT_SECONDS = 10
UNREADABLE = "the postgresql:// address cannot be read; in a password, @ is written %40 and others %XX as well"
SET_UP_LOCK = int.from_bytes(hashlib.sha256(b"ordertrail set-up").digest()[:8], signed=True)


class PostgresAddress(msgspec.Struct, frozen=True):
    """`parameters` are for libpq, with the password; `place` is for people, without."""

    parameters: dict[str, Any]
    schema: str
    place: str
    lock_seconds: float


def postgres_address(url: str, *, lock_seconds: float) -> PostgresAddress:
    """`postgresql://…` as libpq reads it, and our own `schema=…` among its parameters."""
    base, _, query = url.partition("?")
    asked = query.split("&") if query else []
    schema = next((unquote(item[7:]) for item in asked if item.startswith("schema=")), "") or DEFAULT_SCHEMA
    rest = "&".join(item for item in asked if not item.startswith("schema="))
    try:
        parameters = conninfo.conninfo_to_dict(f"{base}?{rest}" if rest else base)
    except (ValueError, psycopg.Error):
        # The driver's own words may quote a piece of the password; and so may these, where it has split wrongly.
        raise StoreError(UNREADABLE) from None
    host = str(parameters.get("host") or parameters.get("hostaddr") or "localhost")
    if "@" in host or not str(parameters.get("port", "0")).replace(",", "").isdigit():
        raise StoreError(UNREADABLE)
    port = f":{parameters['port']}" if "port" in parameters else ""
    name = parameters.get("dbname") or parameters.get("user") or "postgres"
    place = f"the PostgreSQL database {name} on {host}{port} (schema {schema})"
    parameters = {"connect_timeout": CONNECT_SECONDS, "application_name": "ordertrail", **parameters}
    return PostgresAddress({**parameters, "client_encoding": "utf8"}, schema, place, lock_seconds)


class PostgresDatabase(PostgresDatastore):
    """The library's pool, connected with every parameter of the address, each connection looking into our schema."""

    def __init__(self, address: PostgresAddress) -> None:
        self.address = address
        super().__init__(
            dbname="",
            host="",
            port="",
            user="",
            password="",
            schema=address.schema,
            pool_size=1,
            max_overflow=31,
            connect_timeout=CONNECT_SECONDS,
            idle_in_transaction_session_timeout=60,
            lock_timeout=max(1, round(address.lock_seconds)),
            originator_id_type="text",
            enable_db_functions=False,  # that path omits the lock that keeps commits in the order of positions
        )
        # The base class knows five parameters; an address may have others, such as sslmode.
        self.pool.kwargs = {**address.parameters, "row_factory": tuple_row}

    def after_connect_func(self) -> Callable[[Connection], None]:
        configure = super().after_connect_func()
        look_into_schema = sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema))

        def after_connect(connection: Connection) -> None:
            configure(connection)
            connection.execute(look_into_schema)

        return after_connect

    def prepare(self, create_statements: Sequence[str]) -> None:
        """Make the schema ours under a lock that all processes ask for; refuse one that somebody else uses."""
        try:
            self._prepare(create_statements)
        except psycopg.Error as error:
            raise explain(error, self.address) from error

    def require_store(self) -> None:
        """Refuse a schema that is not ours already, without having touched it."""
        try:
            with self._connect() as connection:
                ours = self._is_ours(connection)
        except psycopg.Error as error:
            raise explain(error, self.address) from error
        if not ours:
            raise StoreError(f"there is no store in {self.address.place}")

    def _connect(self) -> Connection:
        return psycopg.connect(**self.address.parameters, autocommit=True, row_factory=tuple_row)

    def _prepare(self, create_statements: Sequence[str]) -> None:
        with self._connect() as connection, connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{self.lock_timeout}s'")
            # Two processes that create tables at once fail with "tuple concurrently updated".
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (SET_UP_LOCK,))
            if self._is_ours(connection):
                return
            identifier = sql.Identifier(self.schema)
            if not connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (self.schema,)).fetchone():
                connection.execute(sql.SQL("CREATE SCHEMA {}").format(identifier))
            connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(identifier))
            for statement in create_statements:
                connection.execute(statement.encode())
            connection.execute("INSERT INTO meta (application, format) VALUES ('ordertrail', %s)", (FORMAT,))

    def _is_ours(self, connection: Connection) -> bool:
        """Whether the tables are there; a StoreError where tables of these names are not ours."""
        place = self.address.place
        if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
            raise StoreError(f"{place} has the encoding {encoding}, where a store needs UTF8")
        query = (
            "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns"
            " WHERE table_schema = %s AND table_name = ANY(%s) GROUP BY table_name"
        )
        found = dict(connection.execute(query, (self.schema, sorted(TABLES))).fetchall())
        if not found:
            return False
        if not {"application", "format"} <= set(found.get("meta", ())):
            raise StoreError(f"{place} is not an ordertrail store: its table {min(found)} is another program's")
        meta = sql.SQL("SELECT application, format FROM {}.meta").format(sql.Identifier(self.schema))
        rows = connection.execute(meta).fetchall()
        if len(rows) != 1 or rows[0][0] != "ordertrail":
            raise StoreError(f"{place} is not an ordertrail store: its table meta is another program's")
        require_format(place, rows[0][1])
        if missing := TABLES - found.keys():
            raise StoreError(f"{place} is damaged: it has no table {min(missing)}")
        return True


def explain(error: BaseException, address: PostgresAddress) -> StoreError:
    """One sentence for what PostgreSQL or its driver reports, also where the library has wrapped it."""
    if isinstance(error, StoreError):
        return error
    if not isinstance(error, psycopg.Error) and error.__cause__ is not None:
        return explain(error.__cause__, address)
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else type(error).__name__
    match error:
        case errors.UniqueViolation():
            return Conflict(f"{address.place} has this version of a stream, or this command_id, already ({said})")
        case errors.DiskFull():
            reason = "could not be written: the disk is full"
        case errors.LockNotAvailable() | errors.QueryCanceled():
            reason = f"was locked by another process for longer than {address.lock_seconds:g} seconds"
        case errors.InsufficientPrivilege() | errors.ReadOnlySqlTransaction():
            reason = f"could not be written: no permission ({said})"
        case psycopg.OperationalError() | psycopg.InterfaceError():
            reason = f"cannot be reached: {said}"
        case _:
            reason = f"failed: {said}"
    return StoreError(f"{address.place} {reason}")
