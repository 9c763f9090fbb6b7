"""`audit redecide`: the recorded history is what the rules produce, or it is named where not."""

import json
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_life import lived
from lives import FEES, command_logs
from ordertrail.application import Orders
from ordertrail.application.audit import past
from ordertrail.application.audit.redecide import redecide
from ordertrail.application.audit.redecided import Finding, Redecided
from ordertrail.domain import default_policy_toml, refunding
from processes import Processes, Rival, Threads, failed_in_one_sentence, ordertrail, rows
from recorded_log import recorded_log
from shop import SELLER, Clock, give, packing, placing, scan
from shop import cancelling as cancel

pytestmark = pytest.mark.slow


def is_clean(result: Redecided) -> bool:
    assert result.findings == []
    assert result.entries == result.statuses.total()
    return result.found == 0 and result.entries > 0


def apply(url: str, log: bytes) -> int:
    """Run a log; how many lines have an entry of their own."""
    with Orders.open(url) as orders:
        return sum(result.status not in ("invalid", "duplicate") for result in orders.run(log.splitlines()))


# --- what engines recorded --------------------------------------------------------------------------------------------


def test_a_recorded_week_is_decided_again_as_it_was(url: str) -> None:
    entries = apply(url, recorded_log(60))
    result = redecide(url)
    assert is_clean(result)
    assert result.entries == entries
    assert result.events == len(rows(url)["stored_events"])
    assert result.statuses.keys() == {"accepted", "noted", "rejected"}


def test_processes_pages_and_kept_streams_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "shop.db")
    apply(url, recorded_log(60))
    expected = redecide(url)
    assert is_clean(expected)
    monkeypatch.setattr("ordertrail.application.audit.redecide.CHUNK", 37)
    assert redecide(url, workers=3) == expected
    monkeypatch.setattr(past, "PAGE", 5)
    monkeypatch.setattr(past.Past.__init__, "__defaults__", (2,))
    assert redecide(url) == expected


def test_progress_is_told_and_a_part_can_be_asked_for(tmp_path: Path) -> None:
    url = str(tmp_path / "shop.db")
    entries = apply(url, recorded_log(20))
    told: list[tuple[int, int]] = []
    redecide(url, advance=lambda done, total: told.append((done, total)))
    assert told[-1] == (entries, entries)
    assert is_clean(part := redecide(url, first=50, last=99))
    assert part.entries == 50
    assert redecide(url, first=entries + 1).entries == 0


@settings(max_examples=30)
@given(
    log=command_logs(max_size=40).map(lambda drawn: drawn[0]),
    again=st.lists(st.integers(0, 39), max_size=4),
    batches=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 1)), min_size=1, max_size=12),
)
def test_made_up_lives_in_any_batches_under_two_policies_are_decided_again_as_they_were(
    log: list[dict[str, Any]], again: list[int], batches: list[tuple[int, int]]
) -> None:
    for place in again:  # ids used again for something else: ORDER-0
        log.append(log[place % len(log)] | {"actor_id": "somebody-else", "at": log[-1]["at"]})
    with tempfile.TemporaryDirectory() as folder, ExitStack() as opened:
        url = f"{folder}/shop.db"
        fees = Path(folder) / "fees.toml"
        fees.write_text(FEES)
        both = [opened.enter_context(Orders.open(url, policy=policy)) for policy in (None, fees)]
        done = 0
        for turn in range(len(log)):
            size, whose = batches[turn % len(batches)]
            list(both[whose].run(json.dumps(raw).encode() for raw in log[done : done + size]))
            done += size
        assert is_clean(redecide(url))


def test_embedded_decisions_are_decided_again_with_the_clock_that_they_had(url: str) -> None:
    lived(url)
    result = redecide(url)
    assert is_clean(result)
    assert {"TIME-3", "ORDER-0", "CANCEL-6"} <= {json.loads(row[3]).get("rule") for row in rows(url)["journal"]}


@pytest.mark.parametrize("kind", [Threads, Processes])
def test_what_concurrent_writers_decided_is_decided_again_as_it_was(
    kind: type[Threads] | type[Processes], url: str
) -> None:
    """In each round five rivals want the same units: of two orders in one parcel, one with somebody's request."""
    with Orders.open(url, clock=(clock := Clock())) as orders:
        crowd = kind(url, 3)
        for n in range(12):
            for order_id in (f"O{n}", f"O{n}+"):
                give(orders, placing(order_id, seller="M1"))
            contents = [{"order_id": order_id, "items": "all"} for order_id in (f"O{n}", f"O{n}+")]
            give(orders, packing(f"pack-{n}", f"S{n}") | {"contents": contents}, SELLER)
            rivals = [
                Rival(cancel(f"all-{n}-{i}", order_id, accept_cascade=True), "buyer", "B1")
                for i, order_id in enumerate([f"O{n}", f"O{n}+", f"O{n}"])
            ]
            rivals.append(Rival(scan("dispatch-shipment", f"go-{n}", shipment_id=f"S{n}"), "carrier"))
            rivals.append(Rival({"command": "pass-time", "command_id": f"tick-{n}"}, "system"))
            told = crowd.together(rivals, clock.now)
            assert {result["status"] for result in told} <= {"accepted", "rejected", "noted"}
            clock.now += timedelta(minutes=31)
        crowd.close()
    assert is_clean(redecide(url))


def test_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    lived(str(file))
    before = file.read_bytes()
    redecide(str(file))
    redecide(str(file), workers=2)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]


# --- what was altered -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("shop") / "shop.db"
    lived(str(file))
    return file.read_bytes()


@pytest.fixture
def altered(template: bytes, tmp_path: Path) -> Callable[..., list[Finding]]:
    """Alters a store with a statement, and gives what is found."""

    def alter(statement: str, *values: Any) -> list[Finding]:
        file = tmp_path / "shop.db"
        file.write_bytes(template)
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute(statement, values).rowcount == 1
            connection.commit()
        result = redecide(str(file))
        assert result.found == len(result.findings)
        assert redecide(str(file), workers=2) == result
        return result.findings

    return alter


def told(found: Finding) -> list[tuple[str, Any, Any]]:
    return [(difference.what, difference.recorded, difference.decided) for difference in found.differences]


REPLACE = "UPDATE journal SET {0} = CAST(replace({0}, ?, ?) AS BLOB) WHERE command_id = ? AND reused = 0"
REPLACE_IN_EVENT = (
    "UPDATE stored_events SET state = CAST(replace(state, ?, ?) AS BLOB)"
    " WHERE originator_id = ? AND originator_version = ?"
)


def test_an_altered_answer_is_named_with_what_the_rules_say(altered: Callable[..., list[Finding]]) -> None:
    (found,) = altered(REPLACE.format("outcome"), "CANCEL-6", "CANCEL-1", "b3")
    assert (found.command, found.command_id, found.order_ids) == ("cancel-items", "b3", ["O3"])
    assert found.entry == 3 * 11 + 3
    assert told(found) == [("rule", "CANCEL-1", "CANCEL-6")]


def test_an_altered_amount_of_an_event_is_named_by_stream_version_and_field(
    altered: Callable[..., list[Finding]],
) -> None:
    first, *later = altered(REPLACE_IN_EVENT, '"amount":1000,"funded', '"amount":1001,"funded', "order:O2", 10)
    assert first.command_id == "g2"
    assert [what for what, *_ in told(first)] == ["order:O2 version 10 refund-owed: amount"]
    assert told(first)[0][1:] == (1001, 1000)
    assert later == []


def test_later_commands_are_judged_on_what_is_recorded_altered_or_not(altered: Callable[..., list[Finding]]) -> None:
    """The record says now that B was cancelled: so A can be cancelled, and its second cancellation was no mistake."""
    found = {each.command_id: each for each in altered(REPLACE_IN_EVENT, '"A":[1]', '"B":[1]', "order:O4", 2)}
    assert told(found["a4"]) == [
        ("order:O4 version 2 items-cancelled: units.B", [1], None),
        ("order:O4 version 2 items-cancelled: units.A", None, [1]),
    ]
    assert ("status", "rejected", "accepted") in told(found["b4"])


def test_an_altered_command_is_decided_as_it_reads_now(altered: Callable[..., list[Finding]]) -> None:
    found, *_ = altered(REPLACE.format("command"), '"opened"', '"unopened"', "g4")
    assert found.command_id == "g4"
    assert ("order:O4 version 10 refund-owed: amount", 1000, 2500) in told(found)


@pytest.mark.parametrize("damage", ['{"command": "no-such"}', "{", '{"command":"pass-time","command_id":"b3","at":7}'])
def test_a_command_that_cannot_be_read_is_a_finding(altered: Callable[..., list[Finding]], damage: str) -> None:
    (found,) = altered("UPDATE journal SET command = ? WHERE command_id = 'b3'", damage.encode())
    assert (found.entry, found.command_id) == (36, "b3")
    assert told(found)[0][:2] == ("decision", "rejected")


def test_a_command_spelled_otherwise_is_a_finding(altered: Callable[..., list[Finding]]) -> None:
    (found,) = altered(REPLACE.format("command"), '{"command"', '{ "command"', "b3")
    assert [what for what, *_ in told(found)] == ["command"]


def test_an_altered_basis_is_found(altered: Callable[..., list[Finding]]) -> None:
    (found,) = altered(REPLACE.format("basis"), '"order:O3":', '"order:O4":', "b3")
    assert "it asks for order:O3, which the recorded decision did not look at" in told(found)[0][2]
    first, *_ = altered(REPLACE.format("basis"), '"order:O3":1', '"order:O3":9', "a3")
    assert first.command_id == "a3"
    found, window = altered("UPDATE journal SET basis = CAST('[' AS BLOB) WHERE command_id = 'b3'")
    assert (found.entry, told(found)[0][:2]) == (36, ("entry", "unreadable"))
    assert told(window) == [("order:O3 version 4", "seller-window-closed", None)]


@pytest.mark.parametrize(
    ("column", "value"), [("at_us", 1_767_700_000_000_000), ("status", "noted"), ("attempts", b'["O1"]')]
)
def test_every_other_column_of_an_entry_is_compared_too(
    altered: Callable[..., list[Finding]], column: str, value: Any
) -> None:
    (found,) = altered(f"UPDATE journal SET {column} = ? WHERE command_id = 'b3'", value)
    assert [what for what, *_ in told(found)] == [column.removesuffix("_us")]


def test_an_id_said_to_be_reused_that_was_not_is_found(altered: Callable[..., list[Finding]]) -> None:
    (found,) = altered("UPDATE journal SET reused = 1 WHERE command_id = 'b3'")
    assert ("reused", True, False) in told(found)
    (found,) = altered("DELETE FROM journal WHERE command_id = 'r3' AND reused = 0")
    assert found.entry is None or ("reused", True, False) in told(found)


def test_a_last_event_that_no_command_made_is_found(altered: Callable[..., list[Finding]]) -> None:
    (found,) = altered(
        "INSERT INTO stored_events SELECT 1000, originator_id, originator_version + 1, topic,"
        " CAST(replace(state, '\"version\":' || originator_version, '\"version\":' || (originator_version + 1))"
        " AS BLOB), digest"
        " FROM stored_events WHERE originator_id = 'order:O5' ORDER BY originator_version DESC LIMIT 1"
    )
    assert (found.entry, found.order_ids) == (None, ["O5"])
    assert told(found) == [("order:O5 version 12", "refund-owed", None)]


def test_an_event_that_is_gone_is_found(altered: Callable[..., list[Finding]]) -> None:
    (found,) = altered("DELETE FROM stored_events WHERE originator_id = 'order:O5' AND originator_version = 11")
    assert (found.command_id, told(found)) == ("g5", [("order:O5 version 11", None, "refund-owed")])


def test_an_event_without_its_entry_is_found(altered: Callable[..., list[Finding]]) -> None:
    found = altered("DELETE FROM journal WHERE command_id = 'g5'")
    assert [each.command_id for each in found] == ["g5", "g5"]
    assert told(found[0]) == [("order:O5 version 10", "return-received", None)]


def test_an_event_that_cannot_be_read_does_not_stop_the_rest(altered: Callable[..., list[Finding]]) -> None:
    found = altered(
        "UPDATE stored_events SET state = CAST('{' AS BLOB) WHERE originator_id = 'order:O5' AND originator_version = 3"
    )
    assert {"p5", "d5", "r5", "g5"} <= {each.command_id for each in found}
    assert {each.order_ids[0] for each in found if each.order_ids} <= {"O5", "S5"}


def test_an_altered_policy_is_found_by_what_it_would_have_decided(altered: Callable[..., list[Finding]]) -> None:
    changed = default_policy_toml().replace("restocking_percent = 50", "restocking_percent = 40")
    digest = sha256(changed.encode()).hexdigest()
    found = altered("UPDATE policies SET content = ?, sha256 = ?", changed, digest)
    assert [each.command_id for each in found] == [f"g{number}" for number in range(10)]
    assert ("order:O0 version 10 refund-owed: amount", 1000, 1300) in told(found[0])


def test_a_policy_that_its_digest_does_not_fit_decides_nothing(altered: Callable[..., list[Finding]]) -> None:
    found = altered("UPDATE policies SET content = content || ' '")
    assert "policy 1 was changed" in told(found[0])[0][2]


def test_a_policy_that_is_gone_is_found(altered: Callable[..., list[Finding]]) -> None:
    found = altered("DELETE FROM policies")
    assert "not that policy" in told(found[0])[0][2]


RENAMED = "UPDATE stored_events SET state = CAST(json_set(state, '$.{0}', 'GONE') AS BLOB) WHERE notification_id = ?"


@pytest.mark.parametrize("field", ["order_id", "shipment_id"])
def test_an_event_that_holds_another_subject_than_its_column_says_is_a_finding(
    template: bytes, tmp_path: Path, field: str
) -> None:
    store = tmp_path / "shop.db"
    store.write_bytes(template)
    with closing(sqlite3.connect(store)) as connection:
        last_of_each = "SELECT max(notification_id) FROM stored_events WHERE originator_id LIKE ? GROUP BY topic"
        positions = connection.execute(last_of_each, (f"{field.removesuffix('_id')}:%",)).fetchall()
    assert len(positions) > 1
    for (position,) in positions:
        store.write_bytes(template)
        with closing(sqlite3.connect(store)) as connection:
            connection.execute(RENAMED.format(field), (position,))
            connection.commit()
        whats = {difference.what for found in redecide(str(store)).findings for difference in found.differences}
        assert f"event {position}" in whats
    done = ordertrail("audit", "redecide", "--store", store)
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_policy_tried_on_an_event_of_another_subject_is_one_sentence(template: bytes, tmp_path: Path) -> None:
    store, policy = tmp_path / "shop.db", tmp_path / "other.toml"
    policy.write_text(default_policy_toml().replace('version = "1"', 'version = "2"'))
    for kind in ("items-delivered", "order-placed", "refund-owed"):
        store.write_bytes(template)
        with closing(sqlite3.connect(store)) as connection:
            position = "SELECT max(notification_id) FROM stored_events WHERE topic = ?"
            ((moved,),) = connection.execute(position, (kind,)).fetchall()
            connection.execute(RENAMED.format("order_id"), (moved,))
            connection.commit()
        done = ordertrail("audit", "what-if", "--policy", policy, "--store", store)
        failed_in_one_sentence(done.returncode, done.stderr, "is damaged", "GONE")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *((column, "CAST({0} AS BLOB)") for column in ("command_id", "status", "at_us")),
        *((column, "CAST({0} AS TEXT)") for column in ("basis", "outcome")),
        *((column, value) for column in ("status", "at_us", "outcome") for value in ("x'ff'", "CAST(x'ff' AS TEXT)")),
        ("command_id", "x'ff'"),
        ("at_us", "0.5"),
        ("reused", "0.5"),
    ],
)
def test_a_column_of_another_type_is_a_finding(
    altered: Callable[..., list[Finding]], tmp_path: Path, column: str, value: str
) -> None:
    found = altered(f"UPDATE journal SET {column} = {value.format(column)} WHERE entry = 36")
    assert 36 in {each.entry for each in found}
    for call in (("redecide",), ("redecide", "--json")):
        done = ordertrail("audit", *call, "--store", tmp_path / "shop.db")
        assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "outcome",
    [
        "null",
        '{"events":null,"order_ids":5}',
        '{"events":[],"order_ids":[1,{}]}',
        '{"events":[{"order_id":[1],"version":{}}]}',
    ],
)
def test_an_outcome_of_any_json_is_a_finding(
    altered: Callable[..., list[Finding]], tmp_path: Path, outcome: str
) -> None:
    found = altered("UPDATE journal SET outcome = ? WHERE entry = 36", outcome.encode())
    assert 36 in {each.entry for each in found}
    assert ordertrail("audit", "redecide", "--store", tmp_path / "shop.db").returncode == 1


COPIED = (
    "INSERT INTO stored_events (originator_id, originator_version, topic, state, digest)"
    " SELECT {0}, topic, state, digest FROM stored_events WHERE notification_id = 50"
)


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        (COPIED.format("originator_id, originator_version + 500"), None),
        (COPIED.format("'order:ZZ', originator_version"), None),
        (COPIED.format("x'ff', originator_version"), None),
        (COPIED.format("CAST(x'ff' AS TEXT), originator_version"), None),
        ("UPDATE stored_events SET originator_version = 99 WHERE notification_id = 50", 50),
        ("UPDATE stored_events SET topic = 'zzz' WHERE notification_id = 50", 50),
        ("UPDATE stored_events SET originator_id = 'order:ZZ' WHERE notification_id = 50", 50),
        ("UPDATE stored_events SET state = x'ff00' WHERE notification_id = 50", 50),
    ],
)
def test_a_row_whose_columns_tell_of_another_event_than_it_holds_is_found(
    altered: Callable[..., list[Finding]], tmp_path: Path, statement: str, position: int | None
) -> None:
    found = altered(statement)
    if position is None:
        with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
            ((position,),) = connection.execute("SELECT max(notification_id) FROM stored_events")
    assert f"event {position}" in {difference.what for each in found for difference in each.differences}
    assert ordertrail("audit", "redecide", "--store", tmp_path / "shop.db").returncode == 1


# --- other rules ------------------------------------------------------------------------------------------------------


def test_a_release_that_decides_otherwise_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "shop.db")
    lived(url)
    monkeypatch.setattr(refunding, "_restocking", lambda *_: 0)
    findings = redecide(url).findings
    assert {found.command for found in findings} == {"receive-return"}
    assert ("order:O0 version 10 refund-owed: amount", 1000, 2500) in told(findings[0])


def test_findings_beyond_a_thousand_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = str(tmp_path / "shop.db")
    lived(url)
    monkeypatch.setattr("ordertrail.application.audit.redecided.MOST_FINDINGS", 7)
    monkeypatch.setattr(refunding, "_restocking", lambda *_: 0)
    result = redecide(url)
    assert (result.found, len(result.findings)) == (10, 7)


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_says_that_all_is_well(tmp_path: Path) -> None:
    store = tmp_path / "shop.db"
    lived(str(store))
    done = ordertrail("audit", "redecide", "--store", store)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "none: the rules produce this history" in done.stdout.decode()
    done = ordertrail("audit", "redecide", "--json", "--workers", "2", "--store", store)
    said = json.loads(done.stdout)
    assert (done.returncode, said["found"], said["findings"]) == (0, 0, [])
    assert said["entries"] == sum(said["statuses"].values())


def test_the_command_names_what_is_otherwise_and_ends_with_status_1(template: bytes, tmp_path: Path) -> None:
    store = tmp_path / "shop.db"
    store.write_bytes(template)
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(REPLACE.format("outcome"), ("CANCEL-6", "CANCEL-1", "b3"))
        connection.commit()
    done = ordertrail("audit", "redecide", "--store", store)
    assert done.returncode == 1
    assert " ".join(done.stdout.decode().split()).count("36 cancel-items b3 O3 rule CANCEL-1 CANCEL-6") == 1
    done = ordertrail("audit", "redecide", "--json", "--store", store)
    (found,) = json.loads(done.stdout)["findings"]
    assert (done.returncode, found["entry"], found["order_ids"]) == (1, 36, ["O3"])
    assert found["differences"] == [{"what": "rule", "recorded": "CANCEL-1", "decided": "CANCEL-6"}]


def test_a_store_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = ordertrail("audit", "redecide", "--store", tmp_path / "none.db")
    assert (done.returncode, done.stderr.decode()) == (3, f"ordertrail: there is no store at {tmp_path / 'none.db'}\n")
