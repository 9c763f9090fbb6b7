"""A store as CloudEvents: what the standard asks of them, and what they hold, byte for byte."""

import json
import re
import shutil
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from exported import HALF, LOG, applied, exported
from forger import opened, rechain, seal_of
from ordertrail.application.audit.seal import Seal
from ordertrail.interfaces.exports.cloudevents import PAGE_ROWS
from ordertrail.interfaces.exports.cloudevents_file import read_cloudevents
from processes import failed_in_one_sentence, ordertrail, rows

EVENT = re.compile(r"ordertrail\.([a-z-]+)\.v([0-9]+)")
STANDARD = {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty orders of a simulated week."""
    path = tmp_path_factory.mktemp("week") / "week.db"
    applied(path, LOG)
    return path


@pytest.fixture(scope="module")
def written(week: Path) -> list[bytes]:
    """The lines of its export."""
    return exported(week, week.with_name("week.jsonl")).read_bytes().splitlines(keepends=True)


@pytest.fixture(scope="module")
def events(written: list[bytes]) -> list[CloudEvent]:
    """As the standard's own library reads them, which refuses what the standard does not allow."""
    return [JSONFormat().read(CloudEvent, line) for line in written]  # type: ignore[misc]


def of(events: list[CloudEvent], kind: str) -> list[CloudEvent]:
    """`event`, `entry`, `policy` or `seal`, by their ids."""
    return [event for event in events if event.get_id().startswith(f"{kind}-")]


def told(event: CloudEvent) -> Any:
    return event.get_attributes()


# --- the standard -----------------------------------------------------------------------------------------------------


def test_every_line_is_a_cloudevent_whose_attributes_the_standard_allows(events: list[CloudEvent]) -> None:
    for event in events:
        assert event.get_specversion() == "1.0"
        assert event.get_source() == "urn:test"
        assert event.get_datacontenttype() == "application/json"
        for name, value in event.get_attributes().items():
            assert re.fullmatch("[a-z0-9]{1,20}", name)
            if isinstance(value, int):  # of 32 bits, and so is no position
                assert -(2**31) <= value < 2**31
            elif not isinstance(value, datetime):
                assert isinstance(value, str)
                assert value
                assert value.isprintable()


def test_ids_are_unique(events: list[CloudEvent]) -> None:
    assert len({event.get_id() for event in events}) == len(events)


def test_a_time_is_when_it_happened_and_recordedat_when_it_was_learned(events: list[CloudEvent]) -> None:
    for event in of(events, "event"):
        data: Any = event.get_data()
        assert event.get_time() == datetime.fromisoformat(data["at"])
        assert datetime.fromisoformat(told(event)["recordedat"]) == datetime.fromisoformat(data["recorded_at"])


def test_other_attributes_say_what_the_event_says(events: list[CloudEvent]) -> None:
    found = of(events, "event")
    assert {event.get_type() for event in found} >= {"ordertrail.order-placed.v1", "ordertrail.items-packed.v2"}
    for event in found:
        data: Any = event.get_data()
        kind, schema = EVENT.fullmatch(event.get_type()).groups()  # type: ignore[union-attr]
        assert (kind, int(schema)) == (data["type"], data.get("schema", 1))
        own = f"order:{data['order_id']}" if "order_id" in data else f"shipment:{data['shipment_id']}"
        assert event.get_subject() == own
        assert told(event)["partitionkey"] == data["buyer_id"]
        assert told(event)["version"] == data["version"]


# --- what it holds ----------------------------------------------------------------------------------------------------


def test_every_event_is_there_as_it_is_stored(week: Path, written: list[bytes], events: list[CloudEvent]) -> None:
    held = [(line, told(event)) for line, event in zip(written, events, strict=True) if event.get_id() < "event-a"]
    held = [(line, its) for line, its in held if its["id"].startswith("event-")]
    stored = rows(str(week))["stored_events"]
    assert len(held) == len(stored) > 900
    for (line, its), (position, stream, version, _, state, digest) in zip(held, stored, strict=True):
        assert line.endswith(b'"data":' + state + b"}\n")
        assert (its["position"], its["subject"], its["version"]) == (str(position), stream, version)
        assert its["digest"] == digest.hex()


def test_every_journal_entry_is_there_as_it_is_stored(week: Path, written: list[bytes]) -> None:
    held = [line for line in written if b'"id":"entry-' in line]
    stored = rows(str(week))["journal"]
    assert len(held) == len(stored) > 800
    for line, (entry, command_id, command, outcome, status, _, _, basis, attempts, reused, digest) in zip(
        held, stored, strict=True
    ):
        data = b'{"command":%b,"outcome":%b,"basis":%b,"attempts":%b}' % (command, outcome, basis, attempts)
        assert line.endswith(b'"data":' + data + b"}\n")
        its = json.loads(line)
        assert (its["entry"], its["subject"], its["status"], its["reused"], its["digest"]) == (
            *(str(entry), command_id, status, bool(reused), digest.hex()),
        )


def test_the_first_line_is_a_seal_of_the_store(week: Path, events: list[CloudEvent]) -> None:
    assert events[0].get_type() == "ordertrail.seal.v1"
    seal = Seal.from_json(json.dumps(events[0].get_data()).encode())
    assert (seal.events, seal.journal, seal.policies) == (
        *(seal_of(week).events, seal_of(week).journal, seal_of(week).policies),
    )
    assert events[0].get_time() == seal.at


def test_then_come_the_policies_and_each_commands_events_before_its_entry(events: list[CloudEvent]) -> None:
    assert [event.get_type() for event in events[:3]][1:] == ["ordertrail.policy.v1", "ordertrail.order-placed.v1"]
    made: list[str] = []
    for event in events[2:]:
        data: Any = event.get_data()
        if event.get_id().startswith("entry-"):
            assert {*made} <= {event.get_subject()}
            if data["outcome"]["status"] == "accepted":
                assert len(made) == len(data["outcome"]["events"])
            made = []
        else:
            made.append(data["command_id"])
    assert made == []


def test_events_of_no_entry_are_not_forgotten(tmp_path: Path) -> None:
    applied(tmp_path / "old.db", HALF)
    with opened(tmp_path / "old.db") as connection:
        connection.execute("DELETE FROM journal WHERE entry BETWEEN 10 AND 20")
        rechain(connection, "journal")
    found = exported(tmp_path / "old.db", tmp_path / "old.jsonl").read_text("utf-8")
    with opened(tmp_path / "old.db") as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM stored_events")
    assert found.count('"id":"event-') == count


UNUSUAL = [
    ('{"type"', '{ "type"'),
    ('"version":1', '"version" : 1'),
    ('"currency":"', '"title":"caf\\u00e9 \\/ \\ud83d\\ude00 ☕\u2028","currency":"'),
    ('"currency":"', '"unknown":[1e400,-0,12345678901234567890123],"currency":"'),
    ('"currency":"', '"currency":"XXX","currency":"'),
]


@pytest.mark.parametrize(("old", "new"), UNUSUAL)
def test_unusual_spellings_survive_unchanged(tmp_path: Path, old: str, new: str) -> None:
    store = tmp_path / "old.db"
    applied(store, HALF[:40])
    with opened(store) as connection:
        ((state,),) = connection.execute("SELECT state FROM stored_events WHERE notification_id = 1")
        assert old.encode() in state
        spelled = state.replace(old.encode(), new.encode(), 1)
        connection.execute("UPDATE stored_events SET state = ? WHERE notification_id = 1", (spelled,))
        rechain(connection, "stored_events")
    with exported(store, tmp_path / "old.jsonl").open("rb") as file:
        read_cloudevents(file, str(tmp_path / "new.db"))
    assert rows(str(tmp_path / "new.db")) == rows(str(store))


# --- what cannot be exported ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "row"),
    [
        ("UPDATE stored_events SET state = x'7b0a7d' WHERE notification_id = 5", "event 5"),
        ("UPDATE stored_events SET state = x'7b' WHERE notification_id = 5", "event 5"),
        ("UPDATE stored_events SET state = x'7b22ff227d' WHERE notification_id = 5", "event 5"),
        ("UPDATE stored_events SET state = 'text' WHERE notification_id = 5", "event 5"),
        ("UPDATE stored_events SET digest = 5 WHERE notification_id = 5", "event 5"),
        ("UPDATE journal SET command = x'7b7d20' WHERE entry = 7", "journal entry 7"),
        ("UPDATE journal SET outcome = x'' WHERE entry = 7", "journal entry 7"),
        ("UPDATE journal SET at_us = 9223372036854775807 WHERE entry = 7", "journal entry 7"),
    ],
)
def test_a_row_that_nobody_recorded_ends_the_export_in_one_sentence(
    week: Path, tmp_path: Path, statement: str, row: str
) -> None:
    shutil.copy(week, tmp_path / "bad.db")
    with opened(tmp_path / "bad.db") as connection:
        connection.execute(statement)
    output = tmp_path / "bad.jsonl"
    done = ordertrail("export", "events", "--format", "jsonl", "--output", output, "--store", tmp_path / "bad.db")
    failed_in_one_sentence(done.returncode, done.stderr, f"holds {row} not as it was recorded")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.db"]


@pytest.mark.parametrize("source", ["", "two words", "caf\u00e9", "a%zz", "<a>"])
def test_a_source_that_is_no_uri_is_refused(week: Path, tmp_path: Path, source: str) -> None:
    call = ("export", "events", "--format", "jsonl", "--source", source, "--output", tmp_path / "x", "--store", week)
    done = ordertrail(*call)
    failed_in_one_sentence(done.returncode, done.stderr, "--source", expected=2)
    assert list(tmp_path.iterdir()) == []


def test_a_source_and_standard_output(week: Path) -> None:
    call = ("export", "events", "--format", "jsonl", "--source", "https://shop.example/orders?x=%20", "--output", "-")
    done = ordertrail(*call, "--store", week)
    assert (done.returncode, done.stderr) == (0, b"")
    assert {json.loads(line)["source"] for line in done.stdout.splitlines()} == {"https://shop.example/orders?x=%20"}


def test_an_empty_store_is_its_seal(tmp_path: Path) -> None:
    applied(tmp_path / "empty.db", [])
    (line,) = exported(tmp_path / "empty.db", tmp_path / "empty.jsonl").read_bytes().splitlines()
    assert Seal.from_json(json.dumps(json.loads(line)["data"]).encode()).events.count == 0


# --- long logs --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_memory_stays_flat_however_long_the_log_is(tmp_path: Path) -> None:
    def peak(work: Callable[[], object]) -> int:
        tracemalloc.start()
        try:
            work()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peaks = []
    for orders in (2000, 6000):
        store, file = tmp_path / f"{orders}.db", tmp_path / f"{orders}.jsonl"
        applied(store, placings(orders))

        def export(store: Path = store, file: Path = file) -> None:
            exported(store, file)

        def restore(store: Path = store, file: Path = file) -> None:
            with file.open("rb") as stream:
                read_cloudevents(stream, f"{store}.new")

        peaks.append((peak(export), peak(restore)))
    assert PAGE_ROWS < 2000
    for small, large in zip(*peaks, strict=True):
        assert large < 1.3 * small, peaks


def placings(count: int) -> list[bytes]:
    line = next(line for line in HALF if b"place-order" in line)
    return [
        json.dumps(json.loads(line) | {"order_id": f"O-{number}", "command_id": f"c-{number}"}).encode()
        for number in range(count)
    ]
