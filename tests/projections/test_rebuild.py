"""Rebuilds where others rebuild, follow, write, read and change the code at the same time."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from sqlalchemy import Column, Connection, MetaData, Table, inspect, select

from event_logs import ListedLog, all_rows
from ordertrail.application import Orders
from ordertrail.domain import Event
from ordertrail.projections import ledger, registry
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.errors import Diverged, NeedsRebuild
from ordertrail.projections.ledger import Ledger
from ordertrail.projections.projection import ID, NUMBER, Projection, Rows
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner
from recorded_log import recorded_log
from shop import give, placing
from soak import crowd, rebuild_ledger, same_rows

pytestmark = pytest.mark.slow

PATIENCE = 60
METADATA = MetaData()
STREAMS = Table("stream_lengths", METADATA, Column("stream", ID, primary_key=True), Column("length", NUMBER))
TYPES = Table("type_counts", METADATA, Column("type", ID, primary_key=True), Column("number", NUMBER))


class StreamRow(Struct):
    stream: str
    length: int


class TypeRow(Struct):
    type: str
    number: int


class Lengths(Projection):
    """Counts events in two tables; ``unit`` is what one event counts, so that rows show which rebuild made them."""

    name = "lengths"
    tables: ClassVar = {StreamRow: STREAMS, TypeRow: TYPES}
    unit: ClassVar[int] = 1

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        for _, event in events:
            stream = rows.get(StreamRow, event.stream) or StreamRow(event.stream, 0)
            kind = rows.get(TypeRow, event.type) or TypeRow(event.type, 0)
            stream.length += self.unit
            kind.number += self.unit
            rows.put(stream)
            rows.put(kind)


class Thousands(Lengths):
    unit = 1000


class SecondLengths(Lengths):
    version = 2


class ThirdLengths(Lengths):
    version = 3


class Killed(BaseException):
    """As if the process ended here."""


@pytest.fixture
def traded(orders: Orders) -> Orders:
    for _ in orders.run(recorded_log(25).splitlines()):
        pass
    return orders


@contextmanager
def in_thread(act: Callable[..., Any], *arguments: Any, **options: Any) -> Iterator[threading.Thread]:
    """Done beside; what goes wrong there is raised here."""
    failures: list[BaseException] = []

    def call() -> None:
        try:
            act(*arguments, **options)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def lengths(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(select(STREAMS.c.stream, STREAMS.c.length)).all())


def read(database: Database, projection: Projection) -> dict[str, int]:
    with registry.reading(database, projection) as connection:
        return lengths(connection)


def nothing_is_left_over(database: Database) -> None:
    assert {each.role for each in registry.checkpoints(database)} == {"live"}
    with database.reading() as connection:
        assert not [table for table in inspect(connection).get_table_names() if "__" in table]


def test_two_threads_that_rebuild_the_same_share_the_work(traded: Orders, database: Database, address: str) -> None:
    projections = builtin_projections()
    Runner(traded, database, projections).catch_up()
    before = all_rows(database, projections)
    with Database.open(address) as second:
        for size in (3, 20, 1000):
            with in_thread(rebuild, traded, database, Ledger(), batch_events=size):
                rebuild(traded, second, Ledger(), batch_events=size + 2)
            assert all_rows(database, projections) == before
    nothing_is_left_over(database)


@pytest.mark.slow
def test_processes_that_rebuild_the_same_share_the_work(traded: Orders, database: Database, address: str) -> None:
    Runner(traded, database, [Ledger()]).catch_up()
    before = all_rows(database, [Ledger()])
    with crowd(1) as members:
        for _ in range(3):
            processes = [members.start(rebuild_ledger, address, size) for size in (5, 11, 400)]
            for process in processes:
                process.join(PATIENCE)
                assert process.exitcode == 0
    assert all_rows(database, [Ledger()]) == before
    nothing_is_left_over(database)


@pytest.mark.slow
def test_a_rebuild_while_a_runner_follows_a_writer_writes_and_a_reader_reads(
    traded: Orders, database: Database, address: str, fresh_database: Callable[[], Database]
) -> None:
    projections, stop = builtin_projections(), threading.Event()
    runner = Runner(traded, database, projections)
    runner.catch_up()

    def write() -> None:
        for number in range(60):
            give(traded, placing(f"written-{number}"))
            time.sleep(0.01)

    def look() -> None:
        with Database.open(address) as readers:
            while not stop.is_set():
                for accounts in ledger.balances(readers).values():
                    assert sum(accounts.values()) == 0

    with in_thread(runner.run_forever, stop), in_thread(look):
        try:
            with in_thread(write):
                for _ in range(3):
                    for projection in projections:
                        rebuild(traded, database, projection, batch_events=100)
            assert Runner(traded, database, projections).wait_for(traded.last_position(), timeout=PATIENCE)
        finally:
            stop.set()
    nothing_is_left_over(database)
    alone = fresh_database()
    Runner(traded, alone, projections).catch_up()
    same_rows(database, alone, projections)


@pytest.mark.parametrize("rows_before", [0, 1])
def test_a_reader_that_has_begun_reads_on_in_the_old_rows_while_they_are_swapped(
    rows_before: int, traded: Orders, database: Database, address: str
) -> None:
    Runner(traded, database, [Lengths()]).catch_up()
    before = read(database, Lengths())
    with Database.open(address) as readers, ExitStack() as beside:
        with registry.reading(readers, Lengths()) as connection:
            query, seen = select(STREAMS.c.stream, STREAMS.c.length), []
            if rows_before:
                rows = connection.execution_options(yield_per=1).execute(query)
                seen.append(next(rows))
            rebuilding = beside.enter_context(in_thread(rebuild, traded, database, Thousands()))
            rebuilding.join(2 if database.is_postgres else PATIENCE)
            assert rebuilding.is_alive() == database.is_postgres, "on SQLite it need not wait for us"
            seen += rows if rows_before else connection.execute(query)
            kinds = dict(connection.execute(select(TYPES.c.type, TYPES.c.number)).all())
        beside.close()
        assert dict(seen) == before
        assert sum(kinds.values()) == sum(before.values())
        assert read(readers, Lengths()) == {stream: length * 1000 for stream, length in before.items()}


def test_a_query_that_is_read_slowly_is_whole_though_its_rows_are_swapped_meanwhile(
    traded: Orders, database: Database, address: str
) -> None:
    Runner(traded, database, [Ledger()]).catch_up()
    before = list(ledger.entries(database))
    with Database.open(address) as readers, ExitStack() as beside:
        slowly = iter(ledger.entries(readers))
        found = [next(slowly)]
        beside.enter_context(in_thread(rebuild, traded, database, Ledger())).join(1)
        found += slowly
        beside.close()
        assert found == before == list(ledger.entries(readers))


@pytest.mark.slow
def test_readers_see_old_rows_or_new_ones_and_never_both(traded: Orders, database: Database, address: str) -> None:
    Runner(traded, database, [Lengths()]).catch_up()
    before, stop, found = read(database, Lengths()), threading.Event(), set()
    some = min(before)

    def look() -> None:
        with Database.open(address) as readers:
            while not stop.is_set():
                with registry.reading(readers, Lengths()) as connection:
                    unit = lengths(connection)[some] // before[some]
                    assert lengths(connection) == {stream: length * unit for stream, length in before.items()}
                    kinds = dict(connection.execute(select(TYPES.c.type, TYPES.c.number)).all())
                    assert sum(kinds.values()) == sum(before.values()) * unit
                    found.add(unit)

    with in_thread(look), in_thread(look):
        for number in range(10):
            rebuild(traded, database, Lengths() if number % 2 else Thousands())
        stop.set()
    assert found == {1, 1000}


def test_a_reader_sees_one_moment_whatever_is_committed_between_its_statements(
    traded: Orders, database: Database, address: str
) -> None:
    runner = Runner(traded, database, [Lengths()])
    runner.catch_up()
    with Database.open(address) as readers, registry.reading(readers, Lengths()) as connection:
        before = lengths(connection)
        give(traded, placing("new"))
        runner.catch_up()
        assert lengths(connection) == before
    assert read(database, Lengths()) == before | {"order:new": 1}


def test_code_that_changes_in_the_middle_of_a_rebuild_begins_anew(traded: Orders, database: Database) -> None:
    Runner(traded, database, [Lengths()]).catch_up()
    before = read(database, Lengths())

    def die(_: Any) -> None:
        raise Killed

    with pytest.raises(Killed):
        rebuild(traded, database, SecondLengths(), progress=die, batch_events=50)
    rebuild(traded, database, ThirdLengths(), batch_events=50)
    nothing_is_left_over(database)
    assert read(database, ThirdLengths()) == before
    for older in (Lengths(), SecondLengths()):
        with pytest.raises(NeedsRebuild):
            read(database, older)


@pytest.mark.parametrize("ends", [True, False])
def test_a_rebuild_gives_way_to_one_of_newer_code(ends: bool, traded: Orders, database: Database) -> None:
    Runner(traded, database, [Lengths()]).catch_up()
    begun: list[int] = []

    def die(_: Any) -> None:
        raise Killed

    def newer_code_comes(_: Any) -> None:
        if not begun:
            begun.append(1)
            if ends:
                rebuild(traded, database, ThirdLengths(), batch_events=50)
            else:
                with pytest.raises(Killed):
                    rebuild(traded, database, ThirdLengths(), progress=die, batch_events=50)

    with pytest.raises(NeedsRebuild, match="made by another version and must be rebuilt"):
        rebuild(traded, database, SecondLengths(), progress=newer_code_comes, batch_events=50)
    rebuild(traded, database, ThirdLengths())
    assert sum(read(database, ThirdLengths()).values()) == len(traded.notifications(0, 10_000))
    nothing_is_left_over(database)


def test_a_rebuild_that_another_overtook_with_a_second_one_is_done(traded: Orders, database: Database) -> None:
    Runner(traded, database, [Lengths()]).catch_up()
    before, overtaken = read(database, Lengths()), []

    def die(_: Any) -> None:
        raise Killed

    def overtake(_: Any) -> None:
        if not overtaken:
            overtaken.append(1)
            rebuild(traded, database, Lengths())
            with pytest.raises(Killed):
                rebuild(traded, database, Lengths(), progress=die, batch_events=50)

    rebuild(traded, database, Lengths(), progress=overtake, batch_events=50)
    assert read(database, Lengths()) == before
    (begun,) = (each for each in registry.checkpoints(database) if each.role == "next")
    assert (begun.position > 0, begun.failed_position) == (True, None), "it left the other's rows alone"


def test_what_an_interrupted_rebuild_has_built_of_other_events_is_not_used(
    traded: Orders, fresh_database: Callable[[], Database]
) -> None:
    events = [event for _, event in traded.notifications(0, 10_000)]
    database = fresh_database()

    def die(_: Any) -> None:
        raise Killed

    with pytest.raises(Killed):
        rebuild(ListedLog(events[:100]), database, Lengths(), progress=die)
    restored = ListedLog(events[:50] + events[60:])
    rebuild(restored, database, Lengths())
    assert sum(read(database, Lengths()).values()) == len(events) - 10


def test_a_runner_goes_on_by_itself_after_somebody_has_rebuilt(traded: Orders, database: Database) -> None:
    Runner(traded, database, [Lengths()]).catch_up()
    stop, runner = threading.Event(), Runner(traded, database, [SecondLengths()])
    with in_thread(runner.run_forever, stop):
        try:
            time.sleep(0.2)
            assert [status.state for status in runner.status()] == ["needs-rebuild"]
            rebuild(traded, database, SecondLengths())
            give(traded, placing("new"))
            assert runner.wait_for(traded.last_position(), timeout=PATIENCE)
        finally:
            stop.set()
    assert read(database, SecondLengths())["order:new"] == 1


class RestoredLog(ListedLog):
    """A log that is replaced by a backup of it."""

    def restore(self, events: Sequence[Event]) -> None:
        self.events = ListedLog(events).events


@pytest.mark.parametrize("goes_on", [False, True])
def test_rows_that_know_more_than_a_restored_log_are_noticed_and_rebuilt(
    goes_on: bool, traded: Orders, fresh_database: Callable[[], Database]
) -> None:
    events = [event for _, event in traded.notifications(0, 10_000)]
    backup = events[:100] + (events[110:] if goes_on else [])
    log, database, stop = RestoredLog(events[:150]), fresh_database(), threading.Event()
    runner = Runner(log, database, [Lengths()])
    runner.catch_up()
    log.restore(backup)
    runner = Runner(log, database, [Lengths()])
    runner.catch_up()
    (status,) = runner.status()
    assert (status.state, status.position) == ("diverged", 150)
    with pytest.raises(Diverged, match=r"lengths knows events that the store does not have .* and must be rebuilt"):
        runner.wait_for(100, timeout=0)
    with in_thread(runner.run_forever, stop):
        try:
            rebuild(log, database, Lengths())
            assert runner.wait_for(log.last_position(), timeout=PATIENCE)
        finally:
            stop.set()
    assert [status.state for status in runner.status()] == ["following"]
    assert sum(read(database, Lengths()).values()) == len(backup)


def test_a_runner_at_work_notices_that_the_log_became_shorter(
    traded: Orders, fresh_database: Callable[[], Database]
) -> None:
    events = [event for _, event in traded.notifications(0, 10_000)]
    log, database, stop = RestoredLog(events[:150]), fresh_database(), threading.Event()
    runner = Runner(log, database, [Lengths()])
    with in_thread(runner.run_forever, stop):
        try:
            assert runner.wait_for(150, timeout=PATIENCE)
            log.restore(events[:100])
            time.sleep(2.5)
            log.restore(events[:100] + events[110:])
            time.sleep(0.5)
        finally:
            stop.set()
    assert sum(read(database, Lengths()).values()) == 150, "it did not go on"
    with pytest.raises(Diverged):
        runner.wait_for(200, timeout=0)


def test_read_models_of_another_store_are_not_mixed_with_this_one(
    traded: Orders, fresh_database: Callable[[], Database]
) -> None:
    database = fresh_database()
    Runner(traded, database, [Ledger(), Lengths()]).catch_up()
    before = all_rows(database, [Ledger(), Lengths()])
    with Orders.open("memory:") as other:
        for _ in other.run(recorded_log(40, seed=8).splitlines()):
            pass
        assert other.last_position() > traded.last_position()
        runner = Runner(other, database, [Ledger(), Lengths()])
        runner.catch_up()
        assert [status.state for status in runner.status()] == ["diverged", "diverged"]
        assert all_rows(database, [Ledger(), Lengths()]) == before


def test_a_copy_of_the_store_is_followed_on(traded: Orders, fresh_database: Callable[[], Database]) -> None:
    database = fresh_database()
    Runner(traded, database, [Lengths()]).catch_up()
    with Orders.open("memory:") as copy:
        for _ in copy.run(recorded_log(25).splitlines()):
            pass
        give(copy, placing("new"))
        runner = Runner(copy, database, [Lengths()])
        runner.catch_up()
        assert [(status.state, status.lag) for status in runner.status()] == [("following", 0)]
    assert read(database, Lengths())["order:new"] == 1
