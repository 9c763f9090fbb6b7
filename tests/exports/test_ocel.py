"""The log as OCEL 2.0: all that happened, to which objects, with relations that hold; the same in JSON and SQLite."""

import gc
import json
import signal
import sqlite3
import subprocess
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from event_logs import ListedLog, RecordedBook, told
from lives import command_logs
from ocel_schema import OCEL
from ordertrail.application import Orders
from ordertrail.domain import Event, Order, decode, encode, fold
from ordertrail.domain.admission import moment
from ordertrail.domain.events import EVENT_TYPES as STORED_EVENTS
from ordertrail.domain.lifecycle import MOVES, destination
from ordertrail.interfaces.exports.ocel import EVENT_TYPES, OBJECT_TYPES, items, object_id
from ordertrail.interfaces.exports.ocel_file import write_ocel
from ordertrail.interfaces.exports.ocel_sqlite import CHUNK_EVENTS, table
from ordertrail.interfaces.moves import event_moves
from processes import PATIENCE, SCRIPT, environment, failed_in_one_sentence, ordertrail, start
from recorded_log import recorded_log

few = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


class Export:
    """One log in both formats."""

    def __init__(self, log: Any, folder: Path) -> None:
        self.json, self.sqlite = folder / "log.jsonocel", folder / "log.sqlite"
        for path in (self.json, self.sqlite):
            write_ocel(log, str(path))
        self.document = json.loads(self.json.read_text("utf-8"))
        self.objects = {each["id"]: each for each in self.document["objects"]}
        self.events = self.document["events"]

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.sqlite)) as connection:
            return connection.execute(statement, values).fetchall()

    def about(self) -> list[tuple[str, str, str]]:
        return [(e["id"], r["objectId"], r["qualifier"]) for e in self.events for r in e["relationships"]]

    def links(self) -> list[tuple[str, str, str]]:
        return [(o["id"], r["objectId"], r["qualifier"]) for o in self.objects.values() for r in o["relationships"]]

    def changes(self) -> list[tuple[str, str, str, Any]]:
        """What objects became; what they began with is of 1970."""
        return [
            (o["id"], a["name"], a["time"], a["value"])
            for o in self.objects.values()
            for a in o["attributes"]
            if not a["time"].startswith("1970")
        ]

    def of(self, its_id: str, name: str) -> list[Any]:
        """The values of an object's attribute, one after the other."""
        return [a["value"] for a in self.objects[its_id]["attributes"] if a["name"] == name]

    def event(self, name: str, number: int = 0) -> dict[str, Any]:
        return [event for event in self.events if event["type"] == name][number]

    def qualifiers(self, name: str, number: int = 0) -> dict[str, str]:
        return {r["objectId"]: r["qualifier"] for r in self.event(name, number)["relationships"]}

    def attributes(self, name: str, number: int = 0) -> dict[str, Any]:
        return {a["name"]: a["value"] for a in self.event(name, number)["attributes"]}


@pytest.fixture
def export(tmp_path: Path) -> Any:
    return lambda book: Export(ListedLog(book.log), tmp_path)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty orders of a simulated week."""
    path = tmp_path_factory.mktemp("store") / "week.db"
    with Orders.open(path) as orders:
        for _ in orders.run(recorded_log(80).splitlines()):
            pass
    return path


@pytest.fixture(scope="module")
def week(store: Path) -> Iterator[Export]:
    with Orders.open(store) as orders:
        yield Export(orders, store.parent)


def raw_events(store: Path) -> list[dict[str, Any]]:
    """The events as the store holds them."""
    with closing(sqlite3.connect(store)) as connection:
        rows = connection.execute("SELECT state FROM stored_events ORDER BY notification_id")
        return [json.loads(state) for (state,) in rows]


def combined_parcel() -> RecordedBook:
    """Worked example 5: two orders of one buyer in a parcel, and a request whose buyer accepts to lose the other."""
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    book.place("O2", items={"B": {"quantity": 2, "unit_price": 1000}})
    contents = [{"order_id": "O1", "items": "all"}, {"order_id": "O2", "items": "all"}]
    carrier = {"name": "post", "kind": "own"}
    book.accept("pack-shipment", shipment_id="S1", contents=contents, carrier=carrier, at="11:00")
    book.accept("request-cancellation", order_id="O1", items="all", accept_cascade=True, at="11:10")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="11:20")
    return book


def opened_return() -> RecordedBook:
    """Two mugs are delivered and sent back, one of them opened."""
    book = RecordedBook()
    book.place("O1", items={"A": {"quantity": 2, "unit_price": 1000, "tax": 101}}, currency="KWD")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    book.accept("start-return", order_id="O1", items="all", reason="changed-mind", at="+1d 10:00")
    received = [{"item_id": "A", "quantity": 1, "condition": c} for c in ("opened", "unopened")]
    book.accept("receive-return", return_id="O1:return:1", at="+4d 10:00", received=received)
    return book


# Nothing is missing


def test_every_event_object_and_relation_of_the_log_is_there(store: Path, week: Export) -> None:
    raw = raw_events(store)
    known = {event["refund_id"] for event in raw if event["type"] == "refund-owed"}
    expected: Counter[str] = Counter()
    for event in raw:
        expected["events"] += 1
        name, units = event["type"], sum(map(len, event.get("units", {}).values()))
        lines = sum(line["quantity"] for line in event["items"]) if name == "order-placed" else 0
        made = {"order-placed": 1 + lines, "shipment-packed": 1, "refund-owed": 1, "return-started": 1}
        expected["objects"] += made.get(name, 0)
        named = [event.get("order_id"), event.get("shipment_id"), event.get("return_id")]
        refund = event.get("refund_id") if event.get("refund_id") in known else None
        accepted = sum(len(n) for others in event.get("accepted", []) for n in others["units"].values())
        expected["about"] += sum(each is not None for each in [*named, refund]) + units + lines + accepted
    found = {"events": len(week.events), "objects": len(week.objects), "about": len(week.about())}
    assert found == expected
    assert Counter(event["type"] for event in week.events) == Counter(event["type"] for event in raw)
    assert [event["id"] for event in week.events] == [str(number) for number in range(1, len(raw) + 1)]


def test_json_and_sqlite_hold_the_same(week: Export) -> None:
    assert week.query("SELECT ocel_id, ocel_type FROM event ORDER BY rowid") == [
        (event["id"], event["type"]) for event in week.events
    ]
    assert sorted(week.query("SELECT ocel_id, ocel_type FROM object")) == sorted(
        (each["id"], each["type"]) for each in week.objects.values()
    )
    assert sorted(week.query("SELECT * FROM event_object")) == sorted(week.about())
    assert sorted(week.query("SELECT * FROM object_object")) == sorted(week.links())
    rows = {name: week.query(f"SELECT * FROM event_{table(name)}") for name in EVENT_TYPES}
    for event in week.events:
        _, at, *values = next(row for row in rows[event["type"]] if row[0] == event["id"])
        named = dict(zip(EVENT_TYPES[event["type"]], values, strict=True))
        assert {a["name"]: a["value"] for a in event["attributes"]} == {k: v for k, v in named.items() if v is not None}
        assert at == event["time"]
    changed = sum(
        count
        for name in OBJECT_TYPES
        for (count,) in week.query(f"SELECT count(*) FROM object_{table(name)} WHERE ocel_changed_field IS NOT NULL")
    )
    assert changed == len(week.changes())


def no_reader_can_drop_anything(export: Export) -> None:
    """Readers drop events about nothing, objects without an event, and the second of two relations of one pair."""
    pairs = Counter((event, its_id) for event, its_id, _ in export.about())
    assert not pairs or max(pairs.values()) == 1
    assert {event for event, _ in pairs} == {event["id"] for event in export.events}
    assert {its_id for _, its_id in pairs} == set(export.objects)
    assert {end for link in export.links() for end in link[:2]} <= set(export.objects)
    assert export.query("PRAGMA foreign_key_check") == []
    assert export.query("PRAGMA integrity_check") == [("ok",)]


def test_no_reader_can_drop_anything_of_a_week(week: Export) -> None:
    no_reader_can_drop_anything(week)


@pytest.mark.slow
@few
@given(made=command_logs())
def test_any_life_of_orders_is_told_whole_and_ends_in_the_states_that_it_has(made: Any, export: Any) -> None:
    book = told(made[0])
    exported = export(book)
    valid(exported)
    no_reader_can_drop_anything(exported)
    assert len(exported.events) == len(book.log)
    for order_id in book.order_ids():
        same_states(exported, book.order(order_id))
        for its_id, state in states(book.order(order_id)).items():
            assert state in reached(exported, its_id), "the moves of the events lead elsewhere"
    for shipment_id in book.ids("shipment"):
        assert exported.of(object_id("shipment", shipment_id), "state")[-1] == book.shipment(shipment_id)["state"]


def reached(export: Export, its_id: str) -> set[str | None]:
    """The states that an item can be in after the events that moved it."""
    states: set[str | None] = {None}
    for event in export.events:
        if {"objectId": its_id, "qualifier": "moved"} in event["relationships"]:
            states = {move.dest for move in event_moves() if move.event == event["type"] and move.source in states}
    return states


def test_an_empty_log_is_an_empty_file_with_all_types(export: Any) -> None:
    empty = export(RecordedBook())
    valid(empty)
    assert (empty.events, empty.objects) == ([], {})
    assert {each["name"] for each in empty.document["eventTypes"]} == set(STORED_EVENTS)


# What it says


def valid(export: Export) -> None:
    """By the standard's schema, and each attribute of the type that it is declared with."""
    Draft202012Validator(OCEL).validate(export.document)
    python = {"string": str, "integer": int, "boolean": bool, "time": str}
    for types, found in (("eventTypes", export.events), ("objectTypes", export.objects.values())):
        kinds = {t["name"]: {a["name"]: a["type"] for a in t["attributes"]} for t in export.document[types]}
        for each in found:
            for attribute in each["attributes"]:
                assert type(attribute["value"]) is python[kinds[each["type"]][attribute["name"]]], attribute


def same_states(export: Export, order: Order) -> None:
    expected = states(order)
    assert {its_id: export.of(its_id, "state")[-1] for its_id in expected} == expected


def states(order: Order | None) -> dict[str, str]:
    """Of its units, by their objects' ids."""
    units = order.units if order is not None else []
    return {object_id("item", order.order_id, u.item_id, str(u.number)): u.state for u in units}


def test_it_is_valid_by_the_standards_schema(week: Export) -> None:
    valid(week)


def test_every_unit_goes_through_the_states_that_its_order_goes_through(store: Path, week: Export) -> None:
    orders: dict[str, Order] = {}
    changes: dict[tuple[str, str], str] = {}
    for raw in raw_events(store):
        if "order_id" in raw:
            event = decode(json.dumps(raw).encode())
            before = states(orders.get(raw["order_id"]))
            orders[raw["order_id"]] = order = fold([event], orders.get(raw["order_id"]))
            changed = {its_id: state for its_id, state in states(order).items() if before.get(its_id, state) != state}
            changes |= {(its_id, moment(event.at)): state for its_id, state in changed.items()}
    told_changes = [(its_id, at, value) for its_id, name, at, value in week.changes() if name == "state"]
    assert {(its_id, at): value for its_id, at, value in told_changes if its_id.startswith("item:")} == changes
    assert len(orders) == 80
    for order in orders.values():
        same_states(week, order)


def test_the_values_of_an_orders_units_add_up_to_its_total_and_the_refunds_to_what_is_owed(
    store: Path, week: Export
) -> None:
    for its_id, order in week.objects.items():
        if order["type"] == "order":
            mine = [unit for unit, target, qualifier in week.links() if (target, qualifier) == (its_id, "of")]
            worth = sum(week.of(unit, "value")[0] for unit in mine if unit.startswith("item:"))
            assert [worth] == week.of(its_id, "total")
    owed = sum(event["amount"] for event in raw_events(store) if event["type"] == "refund-owed")
    assert sum(week.of(its_id, "amount")[0] for its_id in week.objects if its_id.startswith("refund:")) == owed > 0


def test_a_unit_is_an_object_of_its_own_with_its_share_of_the_line(export: Any) -> None:
    exported = export(opened_return())
    one, other = "item:O1/A/1", "item:O1/A/2"
    assert (exported.of(one, "value"), exported.of(other, "value")) == ([1051], [1050])
    assert (exported.of(one, "tax"), exported.of(other, "tax")) == ([51], [50])
    assert exported.of(one, "currency") == ["KWD"]
    assert exported.of(one, "state") == ["placed", "shipped", "delivered", "in-return", "returned"]
    assert (exported.of(one, "opened"), exported.of(other, "opened")) == ([False, True], [False])


def test_an_event_is_related_to_what_it_moves_and_to_what_it_is_about(export: Any) -> None:
    exported = export(opened_return())
    units = ("item:O1/A/1", "item:O1/A/2")
    order, parcel, refund, back = "order:O1", "shipment:S1", "refund:O1:refund:1", "return:O1:return:1"
    assert exported.qualifiers("order-placed") == {order: "order", **dict.fromkeys(units, "moved")}
    moved = {order: "order", parcel: "shipment", **dict.fromkeys(units, "moved")}
    assert exported.qualifiers("items-delivered") == moved
    assert exported.qualifiers("shipment-delivered") == {parcel: "shipment"}
    about = {order: "order", refund: "refund", back: "return", **dict.fromkeys(units, "about")}
    assert exported.qualifiers("refund-owed") == about
    assert {(source, target, q) for source, target, q in exported.links() if source in (*units[:1], refund, back)} == {
        (units[0], order, "of"),
        (units[0], parcel, "in"),
        (refund, order, "of"),
        (refund, back, "for"),
        (refund, units[0], "for"),
        (refund, units[1], "for"),
        (back, order, "of"),
        (back, units[0], "of"),
        (back, units[1], "of"),
    }


def test_a_request_is_related_to_the_units_that_may_go_with_it_also_of_another_order(export: Any) -> None:
    exported = export(combined_parcel())
    assert exported.qualifiers("cancellation-requested") == {
        "order:O1": "order",
        "item:O1/A/1": "about",
        "item:O2/B/1": "accepted",
        "item:O2/B/2": "accepted",
    }
    assert exported.of("shipment:S1", "state") == ["preparing", "cancelled"]


def test_amounts_are_whole_minor_units_with_their_currency(export: Any) -> None:
    exported = export(opened_return())
    owed = exported.attributes("refund-owed")
    assert {name: owed[name] for name in ("amount", "value", "tax", "currency", "cause")} == {
        "amount": 1601,
        "value": 2101,
        "tax": 101,
        "currency": "KWD",
        "cause": "returned",
    }
    kinds = {
        a["name"]: a["type"] for a in exported.document["eventTypes"][[*EVENT_TYPES].index("refund-owed")]["attributes"]
    }
    assert (kinds["amount"], kinds["currency"], kinds["due_at"], kinds["recorded_at"]) == (
        "integer",
        "string",
        "time",
        "time",
    )


def test_the_time_is_when_it_happened_and_the_position_says_in_which_sequence_it_was_learned(export: Any) -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    book.ship("S1", contents={"O1": "all"}, at="12:00")
    book.accept("deliver", shipment_id="S1", at="+1d 15:00")
    book.run("start-delivery", shipment_id="S1", at="+1d 09:00")
    exported = export(book)
    times = [(event["time"], event["type"]) for event in exported.events[-2:]]
    assert times == [("2026-01-06T15:00:00Z", "items-delivered"), ("2026-01-06T09:00:00Z", "report-noted")]
    positions = [exported.attributes(event["type"])["position"] for event in exported.events]
    assert positions == sorted(positions)


def test_of_two_states_at_one_instant_the_last_counts(export: Any) -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    carrier = {"name": "post", "kind": "own"}
    book.accept(
        "pack-shipment", shipment_id="S1", contents=[{"order_id": "O1", "items": "all"}], carrier=carrier, at="11:00"
    )
    book.accept("deliver", shipment_id="S1", at="15:00")
    exported = export(book)
    assert exported.attributes("items-dispatched")["inferred"] is True
    assert exported.of("item:O1/A/1", "state") == ["placed", "preparing", "delivered"]


def test_a_payment_that_nobody_owed_is_related_to_no_refund_that_never_was(export: Any) -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    paid = {"payment_id": "P1", "outcome": "paid", "reference": "R1", "amount": 700}
    book.accept("report-payout", refund_id="O1:refund:7", **paid, at="11:00")
    exported = export(book)
    assert exported.qualifiers("payment-unexpected") == {"order:O1": "order"}
    attributes = exported.attributes("payment-unexpected")
    assert (attributes["refund_id"], attributes["amount"], attributes["currency"]) == ("O1:refund:7", 700, "USD")
    no_reader_can_drop_anything(exported)


def test_a_claim_granted_over_an_unpaid_refund_changes_who_processes_it(export: Any) -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller")
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="12:00")
    book.accept("file-claim", order_id="O1", items="all", at="+8d 10:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+9d 10:00")
    assert export(book).of("refund:O1:refund:1", "processor") == ["seller", "marketplace"]


# Ids

IDS = st.text("aA1/%2F: ", min_size=1, max_size=6).filter(str.strip)


@given(st.tuples(IDS, IDS), st.tuples(IDS, IDS), st.sampled_from(["order", "item"]), st.sampled_from(["order", "item"]))
@example(("O1/A", "B"), ("O1", "A/B"), "item", "item")
@example(("O1%2FA", "B"), ("O1/A", "B"), "item", "item")
def test_two_objects_never_share_an_id(one: Any, other: Any, its_kind: str, other_kind: str) -> None:
    same = (its_kind, one) == (other_kind, other)
    assert (object_id(its_kind, *one) == object_id(other_kind, *other)) == same


def test_an_order_and_a_parcel_of_one_name_are_two_objects(export: Any) -> None:
    book = RecordedBook()
    for order_id, item_id in (("X", "A/1"), ("X/A", "1"), ("null", "nan")):
        book.place(order_id, items={item_id: 700})
        book.ship(order_id, contents={order_id: "all"}, at="12:00")
    exported = export(book)
    no_reader_can_drop_anything(exported)
    assert Counter(each["type"] for each in exported.objects.values()) == {"order": 3, "item": 3, "shipment": 3}
    assert [*items("X", {"A/1": [1]})] == ["item:X/A%2F1/1"]


# The moves


def test_the_moves_of_the_events_are_those_of_the_machine() -> None:
    made = {(move.trigger, move.source, move.dest) for move in event_moves() if move.source is not None}
    assert made == {
        (move.trigger, source, move.dest)
        for move in MOVES
        for source in move.sources
        if move.trigger != "open-seller-window"  # no event: a seller's units are placed behind it
    }
    assert all(destination(trigger, str(source), to=dest) == dest for trigger, source, dest in made)
    assert {move.event for move in event_moves()} <= set(STORED_EVENTS)


def test_diagram_as_json_is_those_moves() -> None:
    told_moves = json.loads(ordertrail("diagram", "--json").stdout)
    assert told_moves[0] == {
        "event": "order-placed",
        "trigger": "place",
        "from": None,
        "to": "placed",
        "rule": "ORDER-1",
    }
    found = [(move["event"], move["trigger"], move["from"], move["to"]) for move in told_moves]
    assert found == [(move.event, move.trigger, move.source, move.dest) for move in event_moves()]


# The command


@pytest.mark.parametrize("name", ["out.json", "out.jsonocel", "out.sqlite"])
def test_the_same_store_gives_the_same_bytes(store: Path, week: Export, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for _ in range(2):
        done = ordertrail("export", "events", "--format", "ocel2", "--output", path, "--store", store)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
        assert path.read_bytes() == (week.sqlite if path.suffix == ".sqlite" else week.json).read_bytes()
    assert [each.name for each in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("out.xml", ["out.xml", ".json, .jsonocel, .sqlite"]),
        ("missing/out.json", ["missing/out.json", "No such file"]),
        ("missing/out.sqlite", ["missing/out.sqlite", "No such file"]),
    ],
)
def test_an_output_that_cannot_be_is_one_sentence(store: Path, tmp_path: Path, output: str, words: list[str]) -> None:
    done = ordertrail("export", "events", "--format", "ocel2", "--output", output, "--store", store, cwd=tmp_path)
    failed_in_one_sentence(done.returncode, done.stderr, *words, expected=2)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", ["out.json", "out.sqlite"])
def test_a_full_disk_is_one_sentence_and_the_former_file_stays(store: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("the former one")
    call = f"ulimit -f 100; trap '' XFSZ; exec ordertrail export events --format ocel2 --output {name} --store {store}"
    path = f"{SCRIPT.parent}:{environment()['PATH']}"
    variables = environment() | {"PATH": path}
    done = subprocess.run(["bash", "-c", call], cwd=tmp_path, capture_output=True, env=variables, timeout=PATIENCE)
    failed_in_one_sentence(done.returncode, done.stderr, name, expected=74)
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {name: "the former one"}


@pytest.mark.parametrize("name", ["out.json", "out.sqlite"])
def test_killed_in_the_middle_it_leaves_the_former_file(store: Path, tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    for _ in range(20):  # an export that was done before the kill could reach it does not count
        output.write_text("the former one")
        process = start("export", "events", "--format", "ocel2", "--output", output, "--store", store)
        while process.poll() is None and not [*tmp_path.glob(".ordertrail-export-*")]:
            time.sleep(0.001)
        process.kill()
        if process.wait() == -signal.SIGKILL:
            break
    assert process.returncode == -signal.SIGKILL
    assert output.read_text() == "the former one"


def test_what_is_recorded_meanwhile_is_left_out(tmp_path: Path) -> None:
    class GrowingLog(ListedLog):
        def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
            self.events += ListedLog(more.log).events[len(self.events) :]
            return super().notifications(after, limit)

    book, more = RecordedBook(), RecordedBook()
    book.place("O1", items={"A": 2000})
    for order_id in ("O1", "O2"):
        more.place(order_id, items={"A": 2000})
    exported = Export(GrowingLog(book.log), tmp_path)
    assert len(exported.query("SELECT * FROM event")) == 2  # the second export begins when the first is done
    assert len(exported.events) == 1


class RepeatedLog:
    """The same lives again and again under other names, made as they are read."""

    def __init__(self, events: list[Event], times: int) -> None:
        self._states = [encode(event) for event in events]
        self._times = times

    def last_position(self) -> int:
        return len(self._states) * self._times

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        return [
            (n + 1, self._event(*divmod(n, len(self._states))))
            for n in range(after, min(after + limit, self.last_position()))
        ]

    def _event(self, time: int, index: int) -> Event:
        return decode(self._states[index].replace(b'"O', b'"%d-O' % time).replace(b'"S', b'"%d-S' % time))


@pytest.mark.slow
def test_memory_stays_flat_however_long_the_log_is(tmp_path: Path) -> None:
    def peak(times: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            write_ocel(RepeatedLog(opened_return().log, times), str(tmp_path / "out.json"))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    once = len(opened_return().log)
    short, long = peak(2 * CHUNK_EVENTS // once), peak(6 * CHUNK_EVENTS // once)
    assert long < 1.2 * short
