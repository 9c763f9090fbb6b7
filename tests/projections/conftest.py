"""Every projection test runs on a SQLite file and on PostgreSQL, the read models beside their events."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ordertrail.application import Orders
from ordertrail.projections.database import Database
from shop import Clock


@pytest.fixture
def address(url: str) -> str:
    """Where a new store may be made."""
    return url


@pytest.fixture
def orders(address: str) -> Iterator[Orders]:
    """A new store."""
    with Orders.open(address, clock=Clock()) as opened:
        yield opened


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    """The database of `orders`, for read models beside the events; make the store first."""
    with Database.open(address) as opened:
        yield opened


@pytest.fixture
def fresh_database(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Opens a database of its own, as often as it is called."""
    opened: list[Any] = []

    def open_one() -> Database:
        opened.append(Database.open(f"sqlite:///{tmp_path / f'elsewhere-{len(opened)}.db'}"))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()
