"""Every application test runs on a SQLite file, in memory and on PostgreSQL; what is reopened, on the durable ones."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ordertrail.application import Orders
from postgres import fresh_schema
from shop import Clock

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


def _address(kind: str, folder: Path) -> Iterator[str]:
    if kind == "memory":
        yield "memory:"
    elif kind == "sqlite":
        yield f"sqlite:///{folder / 'orders.db'}"
    else:
        with fresh_schema() as url:
            yield url


@pytest.fixture(params=["sqlite", "memory", POSTGRES])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new store may be made."""
    yield from _address(request.param, tmp_path)


@pytest.fixture(params=["sqlite", POSTGRES])
def durable_address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new store may be made, and opened again."""
    yield from _address(request.param, tmp_path)


@pytest.fixture
def clock() -> Clock:
    """10:00 until it is set."""
    return Clock()


@pytest.fixture
def orders(address: str, clock: Clock) -> Iterator[Orders]:
    """A new store of each kind."""
    with Orders.open(address, clock=clock) as opened:
        yield opened


@pytest.fixture
def open_orders(durable_address: str, clock: Clock) -> Iterator[Callable[..., Orders]]:
    """Opens the same durable store, as often as it is called."""
    with ExitStack() as opened:

        def open_once_more(**how: Any) -> Orders:
            return opened.enter_context(Orders.open(durable_address, **({"clock": clock} | how)))

        yield open_once_more
