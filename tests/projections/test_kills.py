"""A runner that is killed with SIGKILL, again and again: the rows are those of one that never was."""

import subprocess
import sys
from collections.abc import Callable
from random import Random

import pytest

from event_logs import all_rows
from ordertrail.application import Orders
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from recorded_log import recorded_log

pytestmark = pytest.mark.slow

FOLLOW = """
import sys
from ordertrail.application import Orders
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner

with Orders.open(sys.argv[1]) as orders, Database.open(sys.argv[1]) as database:
    runner = Runner(orders, database, builtin_projections(), batch_events=7)
    runner.catch_up(progress=lambda position: print(position, flush=True))
"""


def test_each_event_counts_once_whenever_the_runner_is_killed(
    orders: Orders, database: Database, address: str, fresh_database: Callable[[], Database]
) -> None:
    for _ in orders.run(recorded_log(40).splitlines()):
        pass
    random, killed = Random(7), 0
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", FOLLOW, address], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(random.randint(1, 6)):
                process.stdout.readline()
            try:
                process.wait(random.uniform(0, 0.02))
            except subprocess.TimeoutExpired:
                process.kill()
                killed += 1
    assert killed, "some were killed on the way"
    projections = builtin_projections()
    Runner(orders, database, projections).catch_up()
    alone = fresh_database()
    Runner(orders, alone, projections).catch_up()
    assert all_rows(database, projections) == all_rows(alone, projections)
