"""A store restored from its export: the same rows, the same seal, the same answers; or nothing at all."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from exported import HALF, LOG, applied, exported, tables, with_gaps
from forger import opened, rechain, seal_of
from lives import FEES, command_logs
from ordertrail.application import Orders
from ordertrail.application.audit.verify import verify
from ordertrail.application.restore import NotRestored, restore
from ordertrail.application.store import Store
from ordertrail.application.store.chain import CHAINS
from ordertrail.interfaces.exits import WRONG_INPUT, Failure
from ordertrail.interfaces.exports.cloudevents import lines as lines_of
from ordertrail.interfaces.exports.cloudevents_file import read_cloudevents
from postgres import fresh_schema
from processes import PATIENCE, SCRIPT, environment, failed_in_one_sentence, ordertrail, postgres_schema, rows, start

Line = dict[str, Any]
Spoil = Callable[[list[str]], list[str]]


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in the middle of its week."""
    path = tmp_path_factory.mktemp("half") / "half.db"
    applied(path, HALF)
    return path


@pytest.fixture(scope="module")
def export(half: Path) -> Path:
    return exported(half, half.with_name("half.jsonl"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where nothing is yet."""
    if request.param == "sqlite":
        (tmp_path / "target").mkdir()
        yield f"sqlite:///{tmp_path / 'target' / 'new.db'}"
    else:
        with fresh_schema() as url:
            yield url


def imported(file: Path, url: str | Path) -> None:
    with file.open("rb") as stream:
        read_cloudevents(stream, str(url))


def is_empty(url: str) -> bool:
    """No file at all and none beside it, or tables without rows."""
    if url.startswith("sqlite:///"):
        return list(Path(url.removeprefix("sqlite:///")).parent.iterdir()) == []
    with postgres_schema(url) as connection:
        names = ("stored_events", "journal", "attempts", "deadlines", "policies")
        exists = [connection.execute("SELECT to_regclass(%s)", (name,)).fetchone()[0] for name in names]
        return not any(
            connection.execute(f"SELECT 1 FROM {name}").fetchall()
            for name, found in zip(names, exists, strict=True)
            if found
        )


# --- the same store ---------------------------------------------------------------------------------------------------


def test_a_restored_store_has_every_row_of_the_first_one(half: Path, export: Path, target: str) -> None:
    imported(export, target)
    assert tables(half)["deadlines"]
    assert tables(half)["attempts"]
    assert tables(target) == tables(half)
    assert verify(target, seal=seal_of(half)).found.total() == 0


def test_a_restored_file_is_the_first_one_in_every_table_of_sqlite(half: Path, export: Path, tmp_path: Path) -> None:
    imported(export, tmp_path / "new.db")
    assert rows(str(tmp_path / "new.db")) == rows(str(half))
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]


def test_the_log_goes_on_as_on_the_first_store(half: Path, export: Path, target: str, tmp_path: Path) -> None:
    first = tmp_path / "first.db"
    shutil.copy(half, first)
    imported(export, target)
    # Begun a little earlier, so that commands are repeated which the first part has answered.
    rest = LOG[len(HALF) - 40 :]
    results = applied(first, rest)
    assert {"duplicate", "accepted", "rejected"} <= {result["status"] for result in results}
    assert applied(target, rest) == results
    assert tables(target) == tables(first)
    assert seal_of(target).events == seal_of(first).events


def test_all_policies_come_along(tmp_path: Path) -> None:
    (tmp_path / "fees.toml").write_text(FEES)
    applied(tmp_path / "old.db", HALF[:200])
    with Orders.open(tmp_path / "old.db", policy=tmp_path / "fees.toml") as orders:
        list(orders.run(HALF[200:]))
    imported(exported(tmp_path / "old.db", tmp_path / "old.jsonl"), tmp_path / "new.db")
    assert len(tables(tmp_path / "new.db")["policies"]) == 2
    assert tables(tmp_path / "new.db") == tables(tmp_path / "old.db")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(command_logs())
def test_any_life_of_orders_is_restored_with_its_deadlines(tmp_path: Path, made: Any) -> None:
    log, _ = made
    folder = tmp_path / os.urandom(8).hex()
    folder.mkdir()
    applied(folder / "old.db", [json.dumps(command).encode() for command in log])
    imported(exported(folder / "old.db", folder / "old.jsonl"), folder / "new.db")
    assert rows(str(folder / "new.db")) == rows(str(folder / "old.db"))


def test_an_empty_store_is_restored_empty(tmp_path: Path) -> None:
    applied(tmp_path / "old.db", [])
    imported(exported(tmp_path / "old.db", tmp_path / "old.jsonl"), tmp_path / "new.db")
    assert rows(str(tmp_path / "new.db")) == rows(str(tmp_path / "old.db"))


@pytest.mark.postgres
def test_from_sqlite_to_postgresql_and_back_the_seal_stays_the_same(half: Path, export: Path, tmp_path: Path) -> None:
    with fresh_schema() as url:
        imported(export, url)
        imported(exported(url, tmp_path / "again.jsonl"), tmp_path / "back.db")
    assert seal_of(tmp_path / "back.db") == seal_of(half)
    assert rows(str(tmp_path / "back.db")) == rows(str(half))


@pytest.mark.postgres
def test_gaps_between_positions_are_kept_and_are_no_tampering(tmp_path: Path) -> None:
    back = tmp_path / "back.db"
    with fresh_schema() as url, fresh_schema() as other:
        applied(url, HALF)
        with_gaps(url)
        applied(url, LOG)
        imported(exported(url, tmp_path / "1.jsonl"), back)
        imported(exported(back, tmp_path / "2.jsonl"), other)
        seal = seal_of(url)
        assert seal.events.number > seal.events.count
        assert seal_of(back) == seal_of(other) == seal
        assert tables(back) == tables(url) == tables(other)
    assert verify(str(back), seal=seal).found.total() == 0
    with opened(back) as connection:
        connection.execute("DELETE FROM stored_events WHERE notification_id = 100")
    assert verify(str(back)).found["stored_events"] == 1


@pytest.mark.postgres
def test_the_next_event_in_postgresql_gets_the_next_position(export: Path) -> None:
    with fresh_schema() as url:
        imported(export, url)
        applied(url, LOG)
        positions = [row[0] for row in tables(url)["stored_events"]]
    assert positions == list(range(1, len(positions) + 1))


def test_what_is_recorded_during_an_export_is_left_out(tmp_path: Path) -> None:
    store = tmp_path / "old.db"
    applied(store, HALF)
    before = seal_of(store)
    with closing(Store.open(str(store))) as source:
        lines = lines_of(source.evidence(), "urn:test", before.at, lambda *_: None, source.place)
        taken = [next(lines) for _ in range(50)]
        applied(store, LOG)
        (tmp_path / "old.jsonl").write_bytes(b"".join([*taken, *lines]))
    imported(tmp_path / "old.jsonl", tmp_path / "new.db")
    assert seal_of(tmp_path / "new.db") == before


def test_a_pipe_from_one_store_into_another(half: Path, tmp_path: Path) -> None:
    export = start("export", "events", "--format", "jsonl", "--output", "-", "--store", half, stdout=subprocess.PIPE)
    done = subprocess.run(
        [SCRIPT, "import", "events", "-", "--store", tmp_path / "new.db"],
        stdin=export.stdout,
        capture_output=True,
        env=environment(),
        timeout=PATIENCE,
    )
    assert export.wait(PATIENCE) == 0
    assert (done.returncode, done.stdout) == (0, b"")
    assert b" events and " in done.stderr
    assert rows(str(tmp_path / "new.db")) == rows(str(half))


# --- or nothing -------------------------------------------------------------------------------------------------------


def attributes(number: int, **changed: Any) -> Spoil:
    """Change attributes of a line; None takes one away."""

    def spoil(lines: list[str]) -> list[str]:
        event = json.loads(lines[number - 1]) | changed
        kept = {name: value for name, value in event.items() if value is not None}
        return [*lines[: number - 1], json.dumps(kept, separators=(",", ":")), *lines[number:]]

    return spoil


def text(number: int, old: str, new: str) -> Spoil:
    """Change the text of a line."""

    def spoil(lines: list[str]) -> list[str]:
        assert old in lines[number - 1]
        return [*lines[: number - 1], lines[number - 1].replace(old, new, 1), *lines[number:]]

    return spoil


def digest_of(lines: list[str]) -> str:
    """Of the first event."""
    return str(json.loads(lines[EVENT - 1])["digest"])


def swapped(lines: list[str]) -> list[str]:
    """The first event that comes after an entry of another command, before that."""
    at = next(n for n, line in enumerate(lines) if n and '"id":"event-' in line and '"id":"entry-' in lines[n - 1])
    return [*lines[: at - 1], lines[at], lines[at - 1], *lines[at + 1 :]]


EVENT, ENTRY = 3, 4  # after the seal and one policy: an order placed, and its command's entry

SPOILT: dict[str, tuple[Spoil, list[str]]] = {
    "no JSON": (lambda lines: [*lines[:9], "{", *lines[10:]], ["line 10: "]),
    "an empty line": (lambda lines: [*lines[:9], "", *lines[9:]], ["line 10: "]),
    "a list": (lambda lines: [*lines[:9], "[]", *lines[10:]], ["line 10: "]),
    "a line cut off": (lambda lines: [*lines[:9], lines[9][:100]], ["line 10: "]),
    "a lone surrogate": (text(EVENT, '"subject":"', '"subject":"\\ud800'), ["line 3: "]),
    "another version of the standard": (attributes(EVENT, specversion="0.3"), ["line 3: specversion"]),
    "no digest": (attributes(EVENT, digest=None), ["line 3: digest", "missing"]),
    "a digest that is none": (attributes(EVENT, digest="xyz"), ["line 3: digest"]),
    "half a digest": (attributes(EVENT, digest="00ff"), ["line 3: event 1"]),
    "a position that is a number": (attributes(EVENT, position=1), ["line 3: ", "position"]),
    "a position that is none": (attributes(EVENT, position="-1"), ["line 3: position"]),
    "another position": (attributes(EVENT, position="2"), ["line 3: event 2"]),
    "a position beyond all": (attributes(EVENT, position="9" * 19), ["line 3: event"]),
    "position 0": (attributes(EVENT, position="0"), ["line 3: event 0"]),
    "no version": (attributes(EVENT, version=None), ["line 3: version"]),
    "another version": (attributes(EVENT, version=7), ["line 3: event 1"]),
    "another stream": (attributes(EVENT, subject="order:D-9"), ["line 3: event 1"]),
    "another name": (attributes(EVENT, type="ordertrail.order-misplaced.v1"), ["line 3: event 1"]),
    "no type of ours": (attributes(EVENT, type="com.example.order-placed.v1"), ["line 3: type"]),
    "a second seal": (attributes(EVENT, type="ordertrail.seal.v1"), ["line 3: type"]),
    "another amount": (text(EVENT, '"amount":6', '"amount":7'), ["line 3: event 1"]),
    "a blank more": (text(EVENT, '"version":1,"at"', '"version":1, "at"'), ["line 3: event 1"]),
    "another outcome": (text(ENTRY, '"status":"accepted"', '"status":"rejected"'), ["line 4: journal entry 1"]),
    "another status": (attributes(ENTRY, status="noted"), ["line 4: journal entry 1"]),
    "another time": (attributes(ENTRY, time="2026-01-05T05:45:38Z"), ["line 4: journal entry 1"]),
    "a time without an offset": (attributes(ENTRY, recordedat="2026-01-05T05:45:37"), ["line 4: recordedat"]),
    "another reuse": (attributes(ENTRY, reused=True), ["line 4: journal entry 1"]),
    "an entry of no content": (attributes(ENTRY, data={}), ["line 4: ", "command"]),
    "a line that is gone": (lambda lines: lines[:2] + lines[3:], ["line 5: event 2", "missing"]),
    "a line twice": (lambda lines: lines[:3] + lines[2:], ["line 4: event 1", "after"]),
    "two lines exchanged": (lambda lines: [*lines[:3], lines[6], *lines[4:6], lines[3], *lines[7:]], ["line "]),
    "an end that is gone": (lambda lines: lines[:-5], ["its seal tells of"]),
    "a last event that is gone": (lambda lines: lines[:-2] + lines[-1:], ["its seal tells of"]),
    "an empty seal": (attributes(1, data={}), ["line 1: ", "seal"]),
    "no data": (attributes(EVENT, data=None), ["line 3: ", "data"]),
    "no seal": (lambda lines: lines[1:], ["line 1: type", "a seal"]),
    "no policy": (lambda lines: lines[:1] + lines[2:], ["line 2: type", "a policy"]),
    "another policy": (text(2, "seller_answer_hours = 48", "seller_answer_hours = 96"), ["policies"]),
    "another seal": (text(1, '"count":', '"count":1'), ["its seal tells of"]),
    "another time of an event": (attributes(EVENT, time="1999-01-01T00:00:00Z"), ["line 3: event 1: time"]),
    "a time of an event without an offset": (attributes(EVENT, time="2026-01-05T05:45:37"), ["line 3: event 1: time"]),
    "no time of an event": (attributes(EVENT, time=None), ["line 3: event 1: time"]),
    "another recording": (attributes(EVENT, recordedat="1999-01-01T00:00:00Z"), ["line 3: event 1: recordedat"]),
    "another partition": (attributes(EVENT, partitionkey="B-evil"), ["line 3: event 1: partitionkey"]),
    "another id": (attributes(EVENT, id="event-7"), ["line 3: event 1: id"]),
    "another id of an entry": (attributes(ENTRY, id="entry-7"), ["line 4: journal entry 1: id"]),
    "another id of the seal": (attributes(1, id="seal-1-1"), ["line 1: the seal: id"]),
    "another time of the seal": (attributes(1, time="1999-01-01T00:00:00Z"), ["line 1: the seal: time"]),
    "another id of a policy": (attributes(2, id="policy-7"), ["line 2: policy 1: id"]),
    "another subject of a policy": (attributes(2, subject="7"), ["line 2: policy 1: subject"]),
    "another source": (attributes(EVENT, source="urn:evil"), ["line 3: source"]),
    "another type of content": (attributes(ENTRY, datacontenttype="text/plain"), ["line 4: datacontenttype"]),
    "another schema": (attributes(EVENT, type="ordertrail.order-placed.v9"), ["line 3: event 1: type"]),
    "a position spelled otherwise": (attributes(EVENT, position="01"), ["line 3: event 1: position"]),
    "an entry spelled otherwise": (attributes(ENTRY, entry="01"), ["line 4: journal entry 1: entry"]),
    "a digest in capitals": (
        lambda lines: attributes(EVENT, digest=digest_of(lines).upper())(lines),
        ["line 3: event 1: digest"],
    ),
    "an event with a status": (attributes(EVENT, status="accepted"), ["line 3: event 1: status"]),
    "an entry with a position": (attributes(ENTRY, position="1"), ["line 4: journal entry 1: position"]),
    "no envelope": (attributes(EVENT, data={"type": "order-placed"}), ["line 3: event 1 is none"]),
    "depth": (attributes(EVENT, data=[]), ["line 3: event 1 is none"]),
    "an event after its entry": (
        lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
        ["line 4: event 1 comes after the journal entry of its command"],
    ),
    "an event before an entry of another command": (
        lambda lines: [*lines[:3], *swapped(lines[3:])],
        ["comes after events of other commands than its own"],
    ),
    "the journal before the events": (
        lambda lines: [*lines[:2], *sorted(lines[2:], key=lambda line: '"id":"event-' in line)],
        ["event 1 comes after the journal entry of its command"],
    ),
    "the events before the journal": (
        lambda lines: [*lines[:2], *sorted(lines[2:], key=lambda line: '"id":"entry-' in line)],
        ["journal entry 1 comes after events of other commands"],
    ),
    "nothing": (lambda lines: lines[:0], ["line 1: ", "a seal"]),
}


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT.keys())
def test_a_spoilt_export_is_refused_with_its_line_and_leaves_nothing(
    export: Path, tmp_path: Path, spoil: Spoil, words: list[str]
) -> None:
    spoilt = tmp_path / "spoilt.jsonl"
    lines = export.read_text("utf-8").splitlines()
    assert spoil(lines) != lines
    spoilt.write_text("".join(f"{line}\n" for line in spoil(lines)), "utf-8")
    with pytest.raises(Failure) as refused:
        imported(spoilt, tmp_path / "new.db")
    assert refused.value.status == WRONG_INPUT
    assert all(word in refused.value.message for word in [str(spoilt), *words]), refused.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["spoilt.jsonl"]


def test_bytes_that_are_no_text_are_refused_with_their_line(export: Path, tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.jsonl"
    spoilt.write_bytes(export.read_bytes().replace(b'"currency":"EUR"', b'"currency":"\xff\xff\xff"', 1))
    done = ordertrail("import", "events", spoilt, "--store", tmp_path / "new.db")
    failed_in_one_sentence(done.returncode, done.stderr, "line 3: ", "UTF-8", expected=2)


@pytest.mark.parametrize("lost", [1, 2, 10])
def test_of_an_export_that_was_cut_off_the_last_line_is_named(export: Path, tmp_path: Path, lost: int) -> None:
    lines = export.read_bytes().splitlines(keepends=True)[:-lost]
    (tmp_path / "cut.jsonl").write_bytes(b"".join(lines))
    done = ordertrail("import", "events", tmp_path / "cut.jsonl", "--store", tmp_path / "new.db")
    said = f"line {len(lines)}: the file ends here"
    failed_in_one_sentence(done.returncode, done.stderr, said, "its seal tells of", expected=2)


def test_a_line_without_bottom_is_refused(export: Path, tmp_path: Path) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    head, _, _ = lines[EVENT - 1].partition(b',"data":')
    for deep in (head + b',"data":' + b"[" * 10**6, b'{"x":' * 10**6):
        (tmp_path / "deep.jsonl").write_bytes(b"".join([*lines[: EVENT - 1], deep, b"\n", *lines[EVENT:]]))
        done = ordertrail("import", "events", tmp_path / "deep.jsonl", "--store", tmp_path / "new.db")
        failed_in_one_sentence(done.returncode, done.stderr, "line 3: ", expected=2)


def test_an_event_of_no_entry_comes_last_and_is_restored(half: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.db"
    shutil.copy(half, bare)
    with opened(bare) as connection:
        ((first,),) = connection.execute(
            "SELECT min(notification_id) FROM stored_events WHERE topic = 'order-placed' AND notification_id > 20"
        )
        its_command = "SELECT json_extract(state, '$.command_id') FROM stored_events WHERE notification_id = ?"
        connection.execute(f"DELETE FROM journal WHERE command_id = ({its_command})", (first,))
        connection.execute("DELETE FROM attempts WHERE entry NOT IN (SELECT entry FROM journal)")
        rechain(connection, "journal")
    imported(exported(bare, tmp_path / "bare.jsonl"), tmp_path / "new.db")
    assert tables(tmp_path / "new.db") == tables(bare)


@pytest.mark.postgres
def test_a_spoilt_export_leaves_postgresql_empty(export: Path, tmp_path: Path) -> None:
    lines = export.read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "spoilt.jsonl").write_text("".join(lines[:-1]), "utf-8")
    with fresh_schema() as url:
        done = ordertrail("import", "events", tmp_path / "spoilt.jsonl", "--store", url)
        failed_in_one_sentence(done.returncode, done.stderr, "seal", expected=2)
        assert is_empty(url)
        imported(export, url)


def test_a_store_that_is_there_is_not_touched(export: Path, target: str) -> None:
    applied(target, LOG[:20])
    before = tables(target)
    done = ordertrail("import", "events", export, "--store", target)
    failed_in_one_sentence(done.returncode, done.stderr, "already", expected=2)
    assert tables(target) == before


def test_a_file_that_is_made_meanwhile_is_not_touched(half: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.db"
    seal = seal_of(half)

    def rows_and_a_file() -> Iterator[Any]:
        new.write_bytes(b"somebody else's")
        with closing(Store.open(str(half))) as store:
            for chain in CHAINS:
                yield from ((chain, row) for row in store.evidence().page(chain, 0, 10**6, 10**6))

    policies = {version: content for version, content, _ in tables(half)["policies"]}
    with pytest.raises(NotRestored, match="already"):
        restore(str(new), seal, policies, rows_and_a_file(), lambda _: None)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new.db", b"somebody else's")]


def test_a_tampered_store_can_be_exported_but_not_restored(half: Path, tmp_path: Path) -> None:
    shutil.copy(half, tmp_path / "bad.db")
    with opened(tmp_path / "bad.db") as connection:
        connection.execute("UPDATE stored_events SET originator_version = 99 WHERE notification_id = 40")
    exported(tmp_path / "bad.db", tmp_path / "bad.jsonl")
    done = ordertrail("import", "events", tmp_path / "bad.jsonl", "--store", tmp_path / "new.db")
    failed_in_one_sentence(done.returncode, done.stderr, "event 40", "changed", expected=2)


def test_a_version_that_is_there_twice_is_refused_even_with_sound_digests(half: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.db"
    shutil.copy(half, bad)
    with opened(bad) as connection:
        connection.execute("PRAGMA writable_schema = 1")
        unique = ", UNIQUE (originator_id, originator_version)"
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ?, '')", (unique,))
        connection.execute("DELETE FROM sqlite_master WHERE name LIKE 'sqlite_autoindex_stored_events%'")
    with opened(bad) as connection:
        connection.execute(
            "UPDATE stored_events SET (originator_id, originator_version, state) ="
            " (SELECT originator_id, originator_version, state FROM stored_events WHERE notification_id = 1)"
            " WHERE notification_id = 2"
        )
        rechain(connection, "stored_events")
    exported(bad, tmp_path / "bad.jsonl")
    done = ordertrail("import", "events", tmp_path / "bad.jsonl", "--store", tmp_path / "new.db")
    failed_in_one_sentence(done.returncode, done.stderr, "twice", expected=2)


def test_an_event_of_a_newer_version_is_no_store_of_this_one(half: Path, tmp_path: Path) -> None:
    shutil.copy(half, tmp_path / "newer.db")
    with opened(tmp_path / "newer.db") as connection:
        connection.execute(
            'UPDATE stored_events SET state = replace(CAST(state AS TEXT), \'"type"\', \'"schema":9,"type"\')'
            " WHERE notification_id = 1"
        )
        connection.execute("UPDATE stored_events SET state = CAST(state AS BLOB) WHERE notification_id = 1")
        rechain(connection, "stored_events")
    exported(tmp_path / "newer.db", tmp_path / "newer.jsonl")
    done = ordertrail("import", "events", tmp_path / "newer.jsonl", "--store", tmp_path / "new.db")
    failed_in_one_sentence(done.returncode, done.stderr, f"{tmp_path / 'new.db'} holds an event", "schema 9")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["newer.db", "newer.jsonl"]


@pytest.mark.slow
def test_a_killed_import_leaves_nothing_that_could_be_taken_for_a_store(half: Path, export: Path, target: str) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    process = start("import", "events", "-", "--store", target, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"".join(lines[: len(lines) * 3 // 4]))
    process.stdin.flush()
    until = time.monotonic() + PATIENCE
    while not _is_loading(target):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.wait(PATIENCE)
    if target.startswith("sqlite"):
        assert not Path(target.removeprefix("sqlite:///")).exists()
    else:
        assert is_empty(target)
    imported(export, target)
    assert tables(target) == tables(half)


def _is_loading(url: str) -> bool:
    """Whether an import holds its transaction."""
    if url.startswith("sqlite"):
        new = Path(url.removeprefix("sqlite:///"))
        logs = list(new.parent.glob(f".{new.name}.restoring-*-wal"))
        return any(log.stat().st_size > 0 for log in logs)
    schema = url.rpartition("schema=")[2]
    with postgres_schema(url) as connection:
        locks = connection.execute(
            "SELECT 1 FROM pg_locks JOIN pg_class ON pg_class.oid = relation JOIN pg_namespace ON"
            " pg_namespace.oid = relnamespace WHERE nspname = %s AND mode = 'RowExclusiveLock'",
            (schema,),
        )
        return bool(locks.fetchall())


@pytest.mark.slow
def test_an_interrupted_import_cleans_up(export: Path, tmp_path: Path) -> None:
    lines = export.read_bytes().splitlines(keepends=True)
    new = tmp_path / "new.db"
    process = start("import", "events", "-", "--store", new, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(b"".join(lines[: len(lines) * 3 // 4]))
    process.stdin.flush()
    until = time.monotonic() + PATIENCE
    while not _is_loading(f"sqlite:///{new}"):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.decode().strip()) == (130, "ordertrail: interrupted")
    assert list(tmp_path.iterdir()) == []
