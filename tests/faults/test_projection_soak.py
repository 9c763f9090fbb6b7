"""Writers that hammer one store, runners and rebuilds that follow it, all killed (SIGKILL) at random for a while.

Afterwards every event was seen once, in its sequence, and the read models are those that are built from nothing.

The marathon takes ten minutes; ORDERTRAIL_SOAK_SECONDS says how long, ORDERTRAIL_SEED when processes are killed:

    python -m pytest -n 0 -s -m marathon tests/faults/test_projection_soak.py
"""

import os
import time
from pathlib import Path

import pytest

from ordertrail.application import Orders
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from postgres import postgres_url  # noqa: F401
from soak import all_projections, crowd, follow, nothing_skipped_or_doubled, rebuild_all, same_rows, write

SEED = int(os.environ.get("ORDERTRAIL_SEED", "20260105"))
SECONDS = float(os.environ.get("ORDERTRAIL_SOAK_SECONDS", "600"))


def soak(url: str, folder: Path, *, writers: int, seconds: float, events: int = 600) -> None:
    """Let them work and be killed for so long and until there are so many events, and look at what is left."""
    projections = all_projections()
    with Orders.open(url) as orders, Database.open(url) as database:
        with crowd(SEED) as members:
            for _ in range(writers):
                members.start(write, url)
            members.start(follow, url)
            members.start(rebuild_all, url)
            until = time.monotonic() + seconds
            members.kill_at_random(lambda: time.monotonic() > until and orders.last_position() > events)
            members.end()
        runner = Runner(orders, database, projections)
        runner.catch_up()
        assert [(status.state, status.lag) for status in runner.status()] == [("following", 0)] * len(projections)
        found = nothing_skipped_or_doubled(orders, database)
        with Database.open(f"sqlite:///{folder / 'from-nothing.db'}") as alone:
            Runner(orders, alone, projections).catch_up()
            rows = same_rows(database, alone, projections)
    assert members.kills.keys() == {"write", "follow", "rebuild_all"}
    print(f"{found} events, {rows} rows, kills: {dict(members.kills)}")


@pytest.mark.slow
@pytest.mark.postgres
def test_eight_writers_and_a_runner_killed_at_random_on_postgresql(postgres_url: str, tmp_path: Path) -> None:  # noqa: F811
    soak(postgres_url, tmp_path, writers=8, seconds=6)


@pytest.mark.slow
def test_three_writers_and_a_runner_killed_at_random_on_sqlite(tmp_path: Path) -> None:
    soak(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, writers=3, seconds=4)


@pytest.mark.marathon
@pytest.mark.postgres
def test_a_marathon_of_eight_writers_and_a_runner_on_postgresql(postgres_url: str, tmp_path: Path) -> None:  # noqa: F811
    soak(postgres_url, tmp_path, writers=8, seconds=SECONDS)


@pytest.mark.marathon
def test_a_marathon_of_three_writers_and_a_runner_on_sqlite(tmp_path: Path) -> None:
    soak(f"sqlite:///{tmp_path / 'orders.db'}", tmp_path, writers=3, seconds=SECONDS)
