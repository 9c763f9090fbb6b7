"""What tests of `audit replay` share: a small shop's log with something of everything, and who alters its store."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ordertrail.application import Orders
from ordertrail.application.audit.replay import Report, Settings, replay
from ordertrail.domain.events import EVENT_TYPES
from ordertrail.interfaces.auditing.read_models import caught_up
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from shop import cancelling, line, packing, placing, scan

SETTINGS = [
    Settings(rows_at_once=1, capacity=2),
    Settings(rows_at_once=7, capacity=1),
    Settings(rows_at_once=3, capacity=6),
]
"""Hardly anything is kept, and nearly everything is folded again."""


def refund(order_id: str, command: str, command_id: str, **fields: Any) -> dict[str, Any]:
    named = {"refund_id": f"{order_id}:refund:1", "payment_id": "P1"}
    return {"command": command, "command_id": command_id, **named, **fields}


def story() -> Iterator[bytes]:
    """O1 is cancelled in part and delivered, O2 asks its seller, O3 comes back, O4 is on its way."""
    yield line(placing("O1"), "10:00")
    yield line(placing("O2", seller="M1"), "10:01")
    yield line(placing("O3", items={"A": 2000}), "10:02")
    yield line(placing("O4"), "10:03")
    yield line(cancelling("1", "O1", {"A": 1}), "10:10")
    yield line(cancelling("2", "O2", {"A": 1}) | {"command": "request-cancellation"}, "11:00")
    for order_id in ("O1", "O3", "O4"):
        yield line(packing(f"3-{order_id}", f"S-{order_id}", order_id), "12:00")
        yield line(scan("dispatch-shipment", f"4-{order_id}", shipment_id=f"S-{order_id}"), "13:00")
    yield line(
        {"command": "answer-cancellation", "command_id": "5", "request_id": "O2:request:1", "approve": True}, "14:00"
    )
    yield line(packing("6", "S-O2", "O2"), "15:00")
    yield line(scan("dispatch-shipment", "7", shipment_id="S-O2"), "16:00")
    yield line(refund("O1", "submit-payout", "8"), "17:00")
    yield line(refund("O1", "report-payout", "9", outcome="failed", reference="R1"), "18:00")
    yield line(refund("O1", "report-payout", "10", outcome="paid", reference="R2"), "19:00")
    yield line(scan("deliver", "11", shipment_id="S-O1"), "+1d 10:00")
    yield line(scan("deliver", "12", shipment_id="S-O3"), "+1d 11:00")
    start = {"command": "start-return", "command_id": "13", "order_id": "O3", "items": "all", "reason": "damaged"}
    yield line(start, "+2d 10:00")
    yield line({"command": "hand-over-return", "command_id": "14", "return_id": "O3:return:1"}, "+3d 10:00")
    received = [{"item_id": "A", "quantity": 1, "condition": "unopened"}]
    yield line(
        {"command": "receive-return", "command_id": "15", "return_id": "O3:return:1", "received": received}, "+5d 10:00"
    )


class Altered:
    """A store on a SQLite file, in which somebody writes who should not."""

    def __init__(self, path: Path, log: Iterable[bytes] | None = None, policy: Path | None = None) -> None:
        self.url = f"sqlite:///{path}"
        self._path = path
        with Orders.open(self.url, policy=policy) as orders:
            statuses = [result.status for result in orders.run(log or story())]
        assert set(statuses) == {"accepted"}, statuses

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def position(self, stream: str, name: str) -> int:
        """Where the first event of that name lies."""
        found = self.sql(
            "SELECT min(notification_id) FROM stored_events WHERE originator_id = ? AND topic = ?", stream, name
        )
        assert found[0][0] is not None, (stream, name)
        return int(found[0][0])

    def state(self, position: int) -> dict[str, Any]:
        (((state,),)) = self.sql("SELECT state FROM stored_events WHERE notification_id = ?", position)
        return dict(json.loads(state))

    def write(self, position: int, state: dict[str, Any]) -> None:
        """Another event in the place of one, its row's columns true to it."""
        change = "UPDATE stored_events SET state = ?, topic = ?, originator_version = ? WHERE notification_id = ?"
        self.sql(change, json.dumps(state).encode(), state["type"], state["version"], position)

    def alter(self, stream: str, name: str, change: Callable[[dict[str, Any]], object]) -> int:
        """Change an event; its position."""
        position = self.position(stream, name)
        state = self.state(position)
        change(state)
        self.write(position, state)
        return position

    def add(self, stream: str, **state: Any) -> int:
        """One more event at the end of a stream; what it has, but is not given, is that of the event before it."""
        ((last, digest),) = self.sql(
            "SELECT notification_id, digest FROM stored_events WHERE originator_id = ?"
            " ORDER BY originator_version DESC LIMIT 1",
            stream,
        )
        before = self.state(last)
        envelope = {"at", "recorded_at", "actor", "command_id", "rule", "buyer_id", "order_id", "shipment_id"}
        fields = EVENT_TYPES[state.get("type", before["type"])].__struct_fields__
        kept = {field: before[field] for field in fields if field in envelope and field in before}
        new = kept | {"version": before["version"] + 1} | state
        self.sql(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state, digest)"
            " VALUES (?, ?, ?, ?, ?)",
            *(stream, new["version"], new["type"], json.dumps(new).encode(), digest),
        )
        return int(self.sql("SELECT max(notification_id) FROM stored_events")[0][0])


def build_read_models(url: str) -> None:
    with Orders.open(url) as orders, Database.open(url) as database:
        Runner(orders, database, builtin_projections()).catch_up()


@contextmanager
def replayed(url: str, workers: int = 1, settings: Settings | None = None) -> Iterator[Report]:
    models, _ = caught_up(url)
    yield replay(url, workers=workers, read_models=models, settings=settings)


def found(report: Report) -> list[tuple[int, str, str]]:
    """Position, whose, rule."""
    return [(finding.position, finding.whose, finding.rule) for finding in report.findings]
