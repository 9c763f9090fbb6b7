"""Stores that several tests of the audits use; a module whose stores tell something else has fixtures of its own."""

import shutil
from pathlib import Path

import pytest

from ordertrail.application import Orders
from recorded_log import recorded_log


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a week of a few orders, only to be copied."""
    path = tmp_path_factory.mktemp("recorded") / "shop.db"
    with Orders.open(path) as orders:
        list(orders.run(recorded_log(10).splitlines()))
    return path


@pytest.fixture
def shop(recorded: Path, tmp_path: Path) -> Path:
    """A copy of it, to be attacked."""
    return Path(shutil.copy(recorded, tmp_path / "shop.db"))
