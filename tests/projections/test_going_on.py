"""What a runner that has been running for long must notice: another log, a rebuild, a statement that fails."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from sqlalchemy import Column, MetaData, Table

from event_logs import all_rows
from ordertrail.application import Orders
from ordertrail.domain import Event, OrdertrailError
from ordertrail.domain.events import OrderPlaced
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.errors import Diverged, ProjectionFailed
from ordertrail.projections.ledger import Ledger
from ordertrail.projections.projection import ID, Projection, Rows
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner
from postgres import fresh_schema
from shop import Clock, give, placing

PATIENCE = 60


class BuyerRow(Struct):
    buyer_id: str


def one_of(name: str, table: str, key_of: Callable[[OrderPlaced], str]) -> Projection:
    """A projection with a row for each order placed."""

    class Own(Projection):
        tables: ClassVar = {BuyerRow: Table(table, MetaData(), Column("buyer_id", ID, primary_key=True))}

        def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
            for _, event in events:
                if isinstance(event, OrderPlaced):
                    rows.put(BuyerRow(key_of(event)))

    Own.name = name
    return Own()


@contextmanager
def running(runner: Runner) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def states(runner: Runner) -> dict[str, str]:
    return {status.name: status.state for status in runner.status()}


# --- another log ------------------------------------------------------------------------------------------------------


class Restored:
    """A log that becomes another one, as a store does when a backup takes its place."""

    def __init__(self, log: Orders) -> None:
        self.log = log

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        return self.log.notifications(after, limit)

    def last_position(self) -> int:
        return self.log.last_position()


@pytest.fixture
def pasts() -> Iterator[tuple[Restored, Orders]]:
    """A log of 20 orders, and another one of 40 that has only the first 5 in common."""
    with Orders.open("memory:", clock=Clock()) as first, Orders.open("memory:", clock=Clock()) as other:
        for number in range(20):
            give(first, placing(f"O{number}"))
        for number in range(40):
            give(other, placing(f"O{number}" if number < 5 else f"X{number}"))
        yield Restored(first), other


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_log_that_was_restored_is_noticed_although_it_has_grown_beyond_what_was_followed(
    pasts: tuple[Restored, Orders], goes_on: bool, fresh_database: Callable[[], Database]
) -> None:
    log, other = pasts
    database = fresh_database()
    runner = Runner(log, database, builtin_projections())
    runner.catch_up()
    before = all_rows(database, builtin_projections())
    log.log = other
    again = runner if goes_on else Runner(log, database, builtin_projections())
    again.catch_up()
    assert set(states(again).values()) == {"diverged"}
    assert all_rows(database, builtin_projections()) == before, "not a single event of the other log was counted"
    with pytest.raises(Diverged):
        again.wait_for(log.last_position(), timeout=0)


def test_a_rebuild_in_whose_midst_the_log_was_restored_says_so_and_the_next_one_begins_anew(
    pasts: tuple[Restored, Orders], fresh_database: Callable[[], Database]
) -> None:
    log, other = pasts
    database = fresh_database()
    Runner(log, database, [Ledger()]).catch_up()

    def restore(_: object) -> None:
        log.log = other

    with pytest.raises(Diverged):
        rebuild(log, database, Ledger(), progress=restore, batch_events=7)
    rebuild(log, database, Ledger())
    alone = fresh_database()
    Runner(other, alone, [Ledger()]).catch_up()
    assert all_rows(database, [Ledger()]) == all_rows(alone, [Ledger()])


# --- a fix ------------------------------------------------------------------------------------------------------------


def test_a_runner_goes_on_after_the_event_was_mended_and_the_projection_rebuilt(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    with Orders.open(str(path), clock=Clock()) as orders, Database.open(str(path)) as database:
        for number in range(3):
            give(orders, placing(f"O{number}"))
        with closing(sqlite3.connect(path)) as other, other:
            ((state,),) = other.execute("SELECT state FROM stored_events WHERE notification_id = 2")
            other.execute("UPDATE stored_events SET state = x'7b' WHERE notification_id = 2")
        runner = Runner(orders, database, [Ledger()])
        with running(runner):
            with pytest.raises(ProjectionFailed, match=r"position 2 .*cannot be read"):
                runner.wait_for(3, timeout=PATIENCE)
            with pytest.raises(ProjectionFailed, match=r"position 2 .*cannot be read"):
                rebuild(orders, database, Ledger())
            with closing(sqlite3.connect(path)) as other, other:
                other.execute("UPDATE stored_events SET state = ? WHERE notification_id = 2", (state,))
            rebuild(orders, database, Ledger())
            give(orders, placing("O9"))
            assert runner.wait_for(4, timeout=PATIENCE)


# --- one that fails by itself -----------------------------------------------------------------------------------------


@pytest.mark.postgres
def test_a_key_that_an_index_cannot_hold_stops_its_projection_alone() -> None:
    letters = "".join(f"{number * 7919 % 1_000_003:x}" for number in range(9_000))
    broken = one_of("broken", "broken_buyers", lambda _: letters)
    healthy = one_of("healthy", "healthy_buyers", lambda event: event.buyer_id)
    with fresh_schema() as address, Orders.open(address, clock=Clock()) as orders, Database.open(address) as database:
        give(orders, placing("O1"))
        runner = Runner(orders, database, [broken, healthy])
        runner.catch_up()
        failed, following = runner.status()
    assert (failed.state, failed.failed_position, failed.failed_event) == ("failed", 1, "order-placed of order:O1")
    assert (following.state, following.lag) == ("following", 0)


def test_a_table_that_somebody_dropped_stops_its_projection_alone(orders: Orders, database: Database) -> None:
    runner = Runner(orders, database, builtin_projections())
    give(orders, placing("O1"))
    runner.catch_up()
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE order_list")
    give(orders, placing("O2"))
    runner.catch_up()
    assert {name for name, state in states(runner).items() if state == "failed"} == {"orders"}
    (orders_status,) = (status for status in runner.status() if status.name == "orders")
    assert orders_status.why is not None
    assert "order_list" in orders_status.why
    assert {status.lag for status in runner.status() if status.name != "orders"} == {0}


def test_a_projection_whose_table_is_taken_already_keeps_no_other_from_starting(
    orders: Orders, database: Database
) -> None:
    give(orders, placing("O1"))
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE taken (whatever TEXT)")
    runner = Runner(orders, database, [one_of("late", "taken", lambda event: event.buyer_id), Ledger()])
    runner.catch_up()
    late, ledger = runner.status()
    assert (late.state, late.position, late.lag) == ("failed", 0, 1)
    assert late.why is not None
    assert "taken" in late.why
    assert (ledger.state, ledger.lag) == ("following", 0)
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE taken")
    runner.retry()
    runner.catch_up()
    assert states(runner) == {"late": "following", "ledger": "following"}


@pytest.mark.parametrize(("name", "table"), [("second", "first_table"), ("first", "second_table")])
def test_projections_that_share_a_name_or_a_table_are_refused(
    orders: Orders, database: Database, name: str, table: str
) -> None:
    first = one_of("first", "first_table", lambda event: event.buyer_id)
    second = one_of(name, table, lambda event: event.buyer_id)
    with pytest.raises(
        ValueError, match=f"the projections first and {name} both have the (name first|table first_tab)"
    ):
        Runner(orders, database, [first, second])


def test_an_error_that_cannot_say_what_it_is_is_told_by_its_name(orders: Orders, database: Database) -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    def fail(_: Any) -> str:
        raise MuteError

    give(orders, placing("O1"))
    runner = Runner(orders, database, [one_of("mute", "mute_buyers", fail)])
    runner.catch_up()
    (status,) = runner.status()
    assert (status.state, status.why) == ("failed", "MuteError: it does not say why")


def test_wait_for_says_so_where_the_tables_cannot_be_made(orders: Orders, database: Database) -> None:
    give(orders, placing("O1"))
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE taken (whatever TEXT)")
    runner = Runner(orders, database, [one_of("late", "taken", lambda event: event.buyer_id)])
    runner.catch_up()
    with pytest.raises(OrdertrailError, match=r"the projection late cannot make its tables: .*taken"):
        runner.wait_for(1, timeout=0)
