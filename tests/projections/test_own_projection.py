"""A read model of a user's own: refusals by carrier, in well under forty lines."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from sqlalchemy import Column, DateTime, MetaData, Table, func, select

from event_logs import ListedLog, RecordedBook, all_rows
from ordertrail.domain import Event
from ordertrail.domain.events import OrderPlaced, ShipmentPacked, ShipmentRefused
from ordertrail.projections import registry
from ordertrail.projections.database import Database
from ordertrail.projections.projection import FIXED, ID, NUMBER, Projection, Rows
from ordertrail.projections.runner import Runner

PARCELS = Table(
    "refusals_parcels",
    MetaData(),
    Column("shipment_id", ID, primary_key=True),
    Column("carrier", ID, nullable=False),
    Column("refused", NUMBER, nullable=False),
)


class Parcel(Struct):
    shipment_id: str
    carrier: str
    refused: int


class RefusalsByCarrier(Projection):
    name = "refusals-by-carrier"
    version = 1
    tables: ClassVar = {Parcel: PARCELS}

    def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
        for _, event in events:
            if isinstance(event, ShipmentPacked):
                rows.put(Parcel(event.shipment_id, event.carrier.name, 0))
            elif isinstance(event, ShipmentRefused) and (parcel := rows.get(Parcel, event.shipment_id)):
                parcel.refused += 1
                rows.put(parcel)


def refusals(database: Database) -> dict[str, int]:
    query = select(PARCELS.c.carrier, func.sum(PARCELS.c.refused)).group_by(PARCELS.c.carrier)
    with registry.reading(database, RefusalsByCarrier()) as connection:
        return {carrier: int(number) for carrier, number in connection.execute(query)}


def test_refusals_by_carrier() -> None:
    book = RecordedBook()
    for number, kind in enumerate(["own", "partner", "partner"]):
        book.place(f"O{number}", items={"A": 100})
        book.ship(f"S{number}", contents={f"O{number}": "all"}, at="12:00", kind=kind)
    for number in (1, 2):
        book.accept("refuse-delivery", shipment_id=f"S{number}", at="14:00")
    with Database.open("memory:") as database:
        Runner(ListedLog(book.log), database, [RefusalsByCarrier()], batch_events=2).catch_up()
        assert refusals(database) == {"vans": 0, "post": 2}


def test_a_column_of_a_type_that_rows_cannot_hold_is_refused_by_name() -> None:
    table = Table("odd", MetaData(), Column("shipment_id", ID, primary_key=True), Column("at", DateTime))

    class OddRow(Struct):
        shipment_id: str
        at: str

    class Odd(RefusalsByCarrier):
        name = "odd"
        tables: ClassVar = {OddRow: table}

    with Database.open("memory:") as database, pytest.raises(TypeError, match=r"odd\.at is a DateTime"):
        Runner(ListedLog(), database, [Odd()]).catch_up()


# --- a table that counts its own rows ---------------------------------------------------------------------------------

LINES = Table(
    "counted_lines",
    MetaData(),
    Column("line", NUMBER, primary_key=True, autoincrement=False),
    Column("order_id", ID, nullable=False),
)
FIXED_LINES = Table(
    "fixed_lines",
    MetaData(),
    Column("line", NUMBER, primary_key=True, autoincrement=False),
    Column("order_id", ID, nullable=False, info=FIXED),
)
BATCHES = (1, 2, 3, 7, 1000)


class Line(Struct):
    line: int
    order_id: str


@cache
def placed(orders: int) -> list[Event]:
    """The log of so many placings, of O1, O2, ..."""
    book = RecordedBook()
    for number in range(1, orders + 1):
        book.place(f"O{number}", items={"A": 100})
    return book.log


def lines(
    handle: Callable[[Rows, int, str], object], orders: int, batch_events: int, *, table: Table = LINES
) -> list[tuple[int, str]]:
    """The rows after so many placings, of each of which ``handle`` is told the position and the order."""

    class Counted(Projection):
        name = "counted"
        tables: ClassVar = {Line: table}

        def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
            for position, event in events:
                if isinstance(event, OrderPlaced):
                    handle(rows, position, event.order_id)

    with Database.open("memory:") as database:
        runner = Runner(ListedLog(placed(orders)), database, [Counted()], batch_events=batch_events)
        runner.catch_up()
        assert [status.why for status in runner.status()] == [None]
        return [(row[0], row[1]) for row in all_rows(database, [Counted()])[table.name]]


def test_rows_put_behind_the_highest_are_all_there() -> None:
    def put(rows: Rows, _: int, order_id: str) -> None:
        rows.put(Line(rows.highest(Line) + 1, order_id))

    for size in BATCHES:
        assert lines(put, 24, size) == [(number, f"O{number}") for number in range(1, 25)]


def test_the_highest_knows_what_was_added_or_put_before_anybody_asked_for_it() -> None:
    def add_and_put(rows: Rows, position: int, order_id: str) -> None:
        if position == 1:
            rows.add(Line(3, order_id), Line(1, order_id))
        elif position == 2:
            rows.put(Line(9, order_id))
            rows.put(Line(5, order_id))
        else:
            rows.add(Line(rows.highest(Line) + 1, order_id), Line(4, order_id))
            assert rows.highest(Line) == 10

    for size in BATCHES:
        assert [line for line, _ in lines(add_and_put, 3, size)] == [1, 3, 4, 5, 9, 10]


def test_the_highest_falls_with_a_deleted_row_whatever_the_sizes_of_the_batches() -> None:
    def keep_every_third(rows: Rows, position: int, order_id: str) -> None:
        rows.put(Line(rows.highest(Line) + 1, order_id))
        if position % 3:
            rows.delete(Line, rows.highest(Line))

    for size in BATCHES:
        assert lines(keep_every_third, 10, size) == [(1, "O3"), (2, "O6"), (3, "O9")]


def test_a_row_that_was_added_can_be_deleted_in_the_same_batch() -> None:
    def add_and_delete(rows: Rows, position: int, order_id: str) -> None:
        rows.add(Line(position, order_id))
        if position % 2 == 0:
            rows.delete(Line, position - 1)

    for size in BATCHES:
        assert lines(add_and_delete, 5, size) == [(2, "O2"), (4, "O4"), (5, "O5")]


def test_a_row_that_is_put_where_one_was_deleted_is_a_new_one_in_all_its_columns() -> None:
    def replace(rows: Rows, _: int, order_id: str) -> None:
        rows.delete(Line, 1)
        rows.put(Line(1, order_id))

    for size in BATCHES:
        assert lines(replace, 5, size, table=FIXED_LINES) == [(1, "O5")]


ACTS = st.sampled_from(["put next", "add next", "delete highest", "put", "delete"])


@settings(max_examples=60, deadline=None)
@given(
    acts=st.lists(st.lists(st.tuples(ACTS, st.integers(1, 9)), max_size=4), min_size=9, max_size=9),
    size=st.sampled_from(BATCHES),
)
def test_whatever_is_put_added_and_deleted_the_rows_are_those_of_a_dict(
    acts: list[list[tuple[str, int]]], size: int
) -> None:
    expected: dict[int, str] = {}
    for number, of_one in enumerate(acts, 1):
        for act, line in of_one:
            highest = max(expected, default=0)
            if act in ("put next", "add next"):
                expected[highest + 1] = f"O{number}"
            elif act == "put":
                expected[line] = f"O{number}"
            else:
                expected.pop(highest if act == "delete highest" else line, None)

    def handle(rows: Rows, position: int, order_id: str) -> None:
        for act, line in acts[position - 1]:
            highest = rows.highest(Line)
            if act == "add next":
                rows.add(Line(highest + 1, order_id))
            elif act in ("put", "put next"):
                rows.put(Line(line if act == "put" else highest + 1, order_id))
            else:
                rows.delete(Line, highest if act == "delete highest" else line)

    assert dict(lines(handle, len(acts), size)) == expected


def test_the_highest_of_a_table_without_a_number_for_its_key_is_refused_by_name() -> None:
    class Wrong(RefusalsByCarrier):
        def handle(self, events: Sequence[tuple[int, Event]], rows: Rows) -> None:
            super().handle(events, rows)
            rows.highest(Parcel)

    book = RecordedBook()
    book.place("O1", items={"A": 100})
    with Database.open("memory:") as database:
        runner = Runner(ListedLog(book.log), database, [Wrong()])
        runner.catch_up()
        assert runner.status()[0].why == "TypeError: refusals_parcels has no single number for its key"
