"""A read model of a user's own: refusals by carrier, in well under forty lines."""

from collections.abc import Sequence
from typing import ClassVar

import pytest
from msgspec import Struct
from sqlalchemy import Column, DateTime, MetaData, Table, func, select

from event_logs import ListedLog, RecordedBook
from ordertrail.domain import Event
from ordertrail.domain.events import ShipmentPacked, ShipmentRefused
from ordertrail.projections import registry
from ordertrail.projections.database import Database
from ordertrail.projections.projection import ID, NUMBER, Projection, Rows
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
