"""A runner or a rebuild that is killed with SIGKILL, again and again: the rows are those of one that never was."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import inspect

from ordertrail.application import Orders
from ordertrail.projections import registry
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from recorded_log import recorded_log
from soak import catch_up, crowd, rebuild_ledger, same_rows

pytestmark = pytest.mark.slow


@pytest.fixture
def traded(orders: Orders) -> Orders:
    for _ in orders.run(recorded_log(16).splitlines()):
        pass
    return orders


def positions(database: Database) -> list[int]:
    return [each.position for each in registry.checkpoints(database)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_each_event_counts_once_whenever_the_runner_is_killed(
    size: int, traded: Orders, database: Database, address: str, fresh_database: Callable[[], Database]
) -> None:
    projections = builtin_projections()
    with crowd(size) as members:
        kills = sum(
            1 for _ in members.kills_until_done(catch_up, address, size, seconds=0.3, seen=partial(positions, database))
        )
    assert kills or size > 1, "some were killed on the way"
    alone = fresh_database()
    Runner(traded, alone, projections).catch_up()
    assert same_rows(database, alone, projections) > 200


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_rebuild_goes_on_whenever_it_is_killed_and_only_its_rows_are_left(
    size: int, traded: Orders, database: Database, address: str, fresh_database: Callable[[], Database]
) -> None:
    Runner(traded, database, builtin_projections()).catch_up()
    built: list[tuple[int, int]] = []
    with crowd(size) as members:
        for _ in members.kills_until_done(
            rebuild_ledger, address, size, seconds=0.3, seen=partial(positions, database)
        ):
            built += [
                (each.generation, each.position) for each in registry.checkpoints(database) if each.role == "next"
            ]
    assert built == sorted(built)
    assert built or size > 1, "some were killed on the way"
    with database.reading() as connection:
        assert not [table for table in inspect(connection).get_table_names() if "__" in table]
    alone = fresh_database()
    Runner(traded, alone, builtin_projections()).catch_up()
    assert same_rows(database, alone, builtin_projections()) > 200
