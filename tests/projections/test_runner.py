"""The runner: each event once, a failure stops one projection alone, and rows of another shape are never served."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from sqlalchemy import Column, MetaData, Table, select

from event_logs import all_rows
from ordertrail.application import Orders
from ordertrail.domain import Event
from ordertrail.domain.events import OrderEvent
from ordertrail.projections import ledger, registry
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.errors import NeedsRebuild, NotBuilt, ProjectionFailed
from ordertrail.projections.ledger import Ledger
from ordertrail.projections.projection import ID, NUMBER, Projection, Rows
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner
from recorded_log import recorded_log
from shop import give, placing

COUNTS = Table("counts", MetaData(), Column("type", ID, primary_key=True), Column("number", NUMBER, nullable=False))


class CountRow(Struct):
    type: str
    number: int


class Counts(Projection):
    """How many events there were of each type; fails at those of ``broken``."""

    name = "counts"
    tables: ClassVar = {CountRow: COUNTS}
    broken: ClassVar[str] = ""

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        for _, event in events:
            if event.type == self.broken:
                raise ValueError(f"cannot count {event.type}")
            row = rows.get(CountRow, event.type) or CountRow(event.type, 0)
            row.number += 1
            rows.put(row)


class Broken(Counts):
    broken = "items-dispatched"


class MendedLater(Counts):
    """As long as it runs, somebody mends it."""

    broken = "items-dispatched"


class CountsAgain(Counts):
    name = "counts-again"
    tables: ClassVar = {CountRow: COUNTS.to_metadata(MetaData(), name="counts_again")}


class Interrupted(Counts):
    """Is interrupted in its second batch, with rows that it has changed already."""

    batches = 0

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        super().handle(events, rows)
        self.batches += 1
        if self.batches == 2:
            raise KeyboardInterrupt


class OrderTeleported(OrderEvent, frozen=True, kw_only=True, tag="order-teleported"):
    """What a newer version records, and this one does not know."""


OrderTeleported.type = "order-teleported"


class NextCounts(Counts):
    version = 2


def counted(database: Database, projection: Projection) -> dict[str, int]:
    with registry.reading(database, projection) as connection:
        return dict(connection.execute(select(COUNTS)).all())


@pytest.fixture
def traded(orders: Orders) -> Orders:
    """A store with some hundreds of events of every kind."""
    for _ in orders.run(recorded_log(40).splitlines()):
        pass
    return orders


def test_the_read_models_are_the_same_in_the_store_and_elsewhere_in_batches_of_any_size(
    traded: Orders, database: Database, fresh_database: Callable[[], Database]
) -> None:
    projections = builtin_projections()
    Runner(traded, database, projections).catch_up()
    rows = all_rows(database, projections)
    assert len(rows["ledger_entries"]) > 40
    for size in (7, 1000):
        other = fresh_database()
        Runner(traded, other, projections, batch_events=size).catch_up()
        assert all_rows(other, projections) == rows
    for projection in projections:
        rebuild(traded, database, projection, batch_events=50)
    assert all_rows(database, projections) == rows


def test_the_store_opens_beside_the_tables_of_the_read_models(traded: Orders, database: Database, address: str) -> None:
    Runner(traded, database, builtin_projections()).catch_up()
    with Orders.open(address) as again:
        assert again.last_position() == traded.last_position()


def test_a_failing_projection_stops_alone_and_resumes_after_a_fix(traded: Orders, database: Database) -> None:
    events = traded.notifications(0, 10_000)
    position = next(position for position, event in events if event.type == "items-dispatched")
    Runner(traded, database, [Broken(), Ledger()], batch_events=50).catch_up()
    broken, healthy = Runner(traded, database, [Broken(), Ledger()]).status()
    assert (broken.state, broken.failed_position, broken.lag) == ("failed", position, events[-1][0] - broken.position)
    assert broken.position < position <= broken.position + 1 or broken.position == position - 1
    assert broken.why == "ValueError: cannot count items-dispatched"
    assert broken.failed_event is not None
    assert broken.failed_event.startswith("items-dispatched of order:")
    assert (healthy.state, healthy.lag) == ("following", 0)
    with pytest.raises(ProjectionFailed, match="cannot count"):
        Runner(traded, database, [Broken()]).wait_for(events[-1][0], timeout=0)
    runner = Runner(traded, database, [Counts()])
    runner.catch_up()
    assert [status.state for status in runner.status()] == ["following"]
    assert sum(counted(database, Counts()).values()) == len(events)


def test_a_projection_of_another_version_says_so_and_serves_nothing_until_it_is_rebuilt(
    traded: Orders, database: Database
) -> None:
    with pytest.raises(NotBuilt):
        counted(database, Counts())
    with pytest.raises(NotBuilt):
        ledger.balances(database)
    Runner(traded, database, [Counts()]).catch_up()
    before = counted(database, Counts())
    runner = Runner(traded, database, [NextCounts()])
    runner.catch_up()
    assert [status.state for status in runner.status()] == ["needs-rebuild"]
    with pytest.raises(NeedsRebuild):
        counted(database, NextCounts())
    with pytest.raises(NeedsRebuild):
        runner.wait_for(10**9, timeout=0)
    rebuild(traded, database, NextCounts())
    assert counted(database, NextCounts()) == before
    with pytest.raises(NeedsRebuild):
        counted(database, Counts())


def test_a_rebuild_that_was_killed_goes_on_where_it_was_and_readers_see_the_old_rows_meanwhile(
    traded: Orders, database: Database
) -> None:
    Runner(traded, database, [Counts()]).catch_up()
    before, seen = counted(database, Counts()), []

    class Killed(BaseException):
        pass

    def die_at_the_third(progress: Any) -> None:
        seen.append(progress.position)
        assert counted(database, Counts()) == before
        if len(seen) == 3:
            raise Killed

    with pytest.raises(Killed):
        rebuild(traded, database, Counts(), progress=die_at_the_third, batch_events=20)
    resumed: list[int] = []
    rebuild(traded, database, Counts(), progress=lambda each: resumed.append(each.position), batch_events=20)
    assert resumed[0] > seen[-1], "it went on"
    assert counted(database, Counts()) == before
    give(traded, placing("new"))
    Runner(traded, database, [Counts()]).catch_up()
    assert counted(database, Counts())["order-placed"] == before["order-placed"] + 1
    assert [each.role for each in registry.checkpoints(database)] == ["live"]


def test_a_writer_reads_its_own_write_while_the_runner_follows(orders: Orders, database: Database) -> None:
    stop = threading.Event()
    runner = Runner(orders, database, builtin_projections())
    runner.catch_up()
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        for number in range(20):
            give(orders, placing(f"O{number}"))
            assert runner.wait_for(orders.last_position(), timeout=20)
            assert len(ledger.entries(database, order_id=f"O{number}")) == 1
    finally:
        stop.set()
        thread.join()


def test_a_new_projection_that_has_all_before_it_delays_the_others_by_a_batch_at_most(
    traded: Orders, database: Database
) -> None:
    Runner(traded, database, [Counts()], batch_events=1000).catch_up()
    runner = Runner(traded, database, [CountsAgain(), Counts()], batch_events=10)
    for number in range(1, 6):
        give(traded, placing(f"new-{number}"))
        runner.step()
        slow, quick = runner.status()
        assert slow.position <= number * 10
        assert (quick.state, quick.lag) == ("following", 0)
    runner.catch_up()
    assert [status.lag for status in runner.status()] == [0, 0]


def test_a_failing_projection_does_not_stop_a_runner_that_goes_on_for_ever_and_is_tried_again(
    traded: Orders, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    runner = Runner(traded, database, [MendedLater(), Ledger()])
    healthy = Runner(traded, database, [Ledger()])
    thread = threading.Thread(target=runner.run_forever, args=(stop,))
    thread.start()
    try:
        with pytest.raises(ProjectionFailed, match="cannot count items-dispatched"):
            runner.wait_for(traded.last_position(), timeout=20)
        give(traded, placing("new"))
        assert healthy.wait_for(traded.last_position(), timeout=20)
        failed, _ = runner.status()
        before = counted(database, MendedLater())
        assert (failed.state, sum(before.values())) == ("failed", failed.position)
        monkeypatch.setattr(MendedLater, "broken", "")
        runner.retry()
        until = time.monotonic() + 20
        while runner.status()[0].state == "failed" and time.monotonic() < until:
            time.sleep(0.01)
        assert runner.wait_for(traded.last_position(), timeout=20)
    finally:
        stop.set()
        thread.join()
    assert sum(counted(database, MendedLater()).values()) == len(traded.notifications(0, 10_000))


def test_an_event_of_a_newer_version_is_not_skipped_but_stops_all_that_come_to_it(
    traded: Orders, database: Database
) -> None:
    known = traded.notifications(0, 10_000)
    last = next(event for _, event in reversed(known) if isinstance(event, OrderEvent))
    fields = {name: getattr(last, name) for name in ("at", "recorded_at", "actor", "command_id", "rule", "buyer_id")}
    traded._store.append([OrderTeleported(version=1, order_id="newer", **fields)], [], {})
    give(traded, placing("beyond"))
    runner = Runner(traded, database, [Counts(), Ledger()], batch_events=64)
    runner.catch_up()
    for status in runner.status():
        assert (status.state, status.position) == ("failed", known[-1][0])
        assert (status.failed_position, status.failed_event) == (known[-1][0] + 1, "an event that cannot be read")
        assert status.why is not None
        assert "this version cannot read: Invalid value 'order-teleported'" in status.why
    assert sum(counted(database, Counts()).values()) == len(known), "nothing after it was counted"
    with pytest.raises(ProjectionFailed, match=r"stopped at position .* 'order-teleported'"):
        runner.wait_for(traded.last_position(), timeout=20)
    with pytest.raises(ProjectionFailed, match=r"stopped at position .* 'order-teleported'"):
        rebuild(traded, database, Counts())
    assert sum(counted(database, Counts()).values()) == len(known)


def test_a_runner_that_was_interrupted_in_the_middle_of_a_batch_and_goes_on_counts_nothing_twice(
    traded: Orders, database: Database
) -> None:
    runner = Runner(traded, database, [Interrupted()], batch_events=100)
    with pytest.raises(KeyboardInterrupt):
        runner.catch_up()
    runner.catch_up()
    assert sum(counted(database, Counts()).values()) == len(traded.notifications(0, 10_000))


def test_two_runners_at_once_count_each_event_once(
    traded: Orders, database: Database, fresh_database: Callable[[], Database], address: str
) -> None:
    projections = builtin_projections()
    with Database.open(address) as second:
        Runner(traded, database, projections).catch_up()  # makes the tables
        for projection in projections:
            with database.writing() as connection:
                live = registry.checkpoint(connection, projection.name, "live")
                assert live is not None
                registry.drop(connection, live)
                registry.make(connection, projection, "live", live.generation + 1)
        threads = [
            threading.Thread(target=Runner(traded, each, projections, batch_events=11).catch_up)
            for each in (database, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        alone = fresh_database()
        Runner(traded, alone, projections).catch_up()
        assert all_rows(database, projections) == all_rows(alone, projections)


def test_projections_of_a_store_in_memory_have_a_memory_of_their_own(tmp_path: Path) -> None:
    del tmp_path
    with Orders.open("memory:") as orders, Database.open("memory:") as database:
        for _ in orders.run(islice(recorded_log(40).splitlines(), 50)):
            pass
        Runner(orders, database, builtin_projections()).catch_up()
        assert json.dumps(ledger.balances(database))
