"""The chain of digests: what it is made of, and that it is whole whoever wrote, at once with whom, and killed when."""

import json
import sqlite3
import subprocess
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forger import content
from ordertrail.application import Conflict, Orders
from ordertrail.application.audit.verify import verify
from ordertrail.application.store import Store
from ordertrail.application.store.chain import CHAINS, EVENTS, JOURNAL, ROW_ERRORS, Chain
from ordertrail.domain.events import ItemsLost
from postgres import fresh_schema
from processes import Processes, Rival, ordertrail, postgres_schema, rows, start
from recorded_log import recorded_log
from shop import Clock

ROUNDS = 4
NUMBER = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
BLOB = st.binary(max_size=9)
COLUMNS: dict[str, list[type]] = {
    "stored_events": [int, str, int, str, bytes],
    "journal": [int, str, bytes, bytes, str, int, int, bytes, bytes, int],
}
VALUES: dict[type, st.SearchStrategy[Any]] = {int: NUMBER, str: TEXT, bytes: BLOB}


def row_of(chain: Chain) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(*(VALUES[kind] for kind in COLUMNS[chain.table]))


def parsed(kinds: list[type], told: bytes) -> tuple[Any, ...]:
    """The row back from its content: if there is a way back, two rows never have the same content."""
    split = 8 * len(kinds)
    numbers = [int.from_bytes(told[at : at + 8], "big", signed=True) for at in range(0, split, 8)]
    texts, row = told[split:], []
    for kind, number in zip(kinds, numbers, strict=True):
        if kind is int:
            row.append(number)
            continue
        value, texts = texts[:number], texts[number:]
        row.append(value.decode() if kind is str else value)
    assert texts == b""
    return tuple(row)


def is_whole(url: str, **how: Any) -> dict[str, int]:
    """Assert that nothing is found; how many rows there are."""
    verified = verify(url, **how)
    assert verified.findings == []
    assert verified.found.total() == 0
    return dict(verified.rows)


@pytest.mark.parametrize("chain", CHAINS, ids=["events", "journal"])
@given(st.data())
def test_no_two_rows_have_the_same_content(chain: Chain, data: st.DataObject) -> None:
    row = data.draw(row_of(chain))
    assert parsed(COLUMNS[chain.table], chain.content(*row)) == row


@pytest.mark.parametrize("chain", CHAINS, ids=["events", "journal"])
@given(st.data())
def test_content_is_what_the_docs_say(chain: Chain, data: st.DataObject) -> None:
    row = data.draw(row_of(chain))
    assert chain.content(*row) == content(row)


@given(st.data(), st.sampled_from(CHAINS))
def test_a_value_of_another_type_is_an_error_and_never_another_content(data: st.DataObject, chain: Chain) -> None:
    row = list(data.draw(row_of(chain)))
    column = data.draw(st.integers(0, len(row) - 1))
    others = [value for kind, value in VALUES.items() if kind is not COLUMNS[chain.table][column]]
    row[column] = data.draw(st.one_of(*others, st.none(), st.floats()))
    with pytest.raises(ROW_ERRORS):
        chain.content(*row)


def test_the_columns_of_the_chain_are_those_of_the_tables(tmp_path: Path) -> None:
    assert ordertrail("run", "-", "--store", tmp_path / "s.db").returncode == 0
    with closing(sqlite3.connect(tmp_path / "s.db")) as connection:
        for chain in (EVENTS, JOURNAL):
            names = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({chain.table})")]
            assert names == [chain.number, *chain.columns.split(", "), "digest"]


def test_a_recorded_log_is_whole_in_any_slices_and_by_any_number_of_workers(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(recorded_log(40))
    assert ordertrail("run", log, "--store", url, "--quiet").returncode == 2
    counted = is_whole(url)
    stored = rows(url)
    assert counted == {table: len(stored[table]) for table in ("stored_events", "journal", "attempts", "policies")}
    assert min(counted.values()) > 0
    assert is_whole(url, workers=2) == counted
    for size in (1, 7):
        monkeypatch.setattr("ordertrail.application.audit.verify.SLICE", 10 * size)
        monkeypatch.setattr("ordertrail.application.audit.links.PAGE", size)
        assert is_whole(url) == counted


def test_the_same_commands_make_the_same_digests_in_any_batches(tmp_path: Path) -> None:
    lines = recorded_log(10).splitlines()
    tables = []
    for name, batches in (("whole.db", [lines]), ("singly.db", [[line] for line in lines])):
        with Orders.open(tmp_path / name) as orders:
            for batch in batches:
                list(orders.run(batch))
        tables.append(rows(str(tmp_path / name)))
    assert tables[0] == tables[1]
    assert len(tables[0]["journal"]) > 50


def placing(number: int) -> Rival:
    command = {
        "command": "place-order",
        "command_id": f"c{number}",
        "order_id": f"O{number}",
        "buyer_id": "B1",
        "fulfilled_by": "marketplace",
        "currency": "USD",
        "items": [{"item_id": "A", "sku": "mug", "quantity": 1, "unit_price": 100}],
        "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 100}],
    }
    return Rival(command, "marketplace")


@pytest.mark.slow
def test_processes_that_write_at_once_make_one_whole_chain_and_who_verifies_meanwhile_sees_it(url: str) -> None:
    assert ordertrail("run", "-", "--store", url, stdin=b"\n").returncode == 0
    crowd = Processes(url, 4)
    clock = Clock()
    placed = 0
    for round_ in range(ROUNDS):
        placings = [placing(100 * round_ + number) for number in range(24)]
        repeated = [Rival(placings[0].command | {"order_id": f"X{round_}-{n}"}, "marketplace") for n in range(8)]
        auditor = start("audit", "verify", "--store", url, "--json", stdout=subprocess.PIPE)
        told = crowd.together(placings + repeated, clock.now)
        assert [each["status"] for each in told].count("raised") == 0
        placed += sum(each["status"] == "accepted" for each in told)
        seen, _ = auditor.communicate()
        assert json.loads(seen)["findings"] == []
    crowd.close()
    assert placed == ROUNDS * 24
    counted = is_whole(url)
    assert counted["stored_events"] == placed
    assert counted["journal"] == placed + 8 * ROUNDS
    assert is_whole(url, workers=2) == counted


@pytest.mark.slow
def test_whoever_is_killed_at_any_moment_leaves_a_whole_chain(url: str, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_bytes(recorded_log(400))
    random = Random(11)
    killed = attempts = 0
    while killed < 4:
        attempts += 1
        assert attempts < 40, "each run is over before it is killed"
        process = start("run", log, "--store", url, "--quiet", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.1, 0.6))
        process.kill()
        if process.wait() != -9:
            continue
        killed += 1
        if ordertrail("show", "nothing", "--store", url).returncode == 2:  # it got as far as making the store
            is_whole(url)
    assert ordertrail("run", log, "--store", url, "--quiet").returncode == 2
    is_whole(url)


@pytest.mark.postgres
def test_the_query_in_the_docs_finds_on_postgresql_the_row_that_was_changed() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "chain.md"
    query = page.read_text("utf-8").partition("```sql\n")[2].partition("```")[0]
    with fresh_schema() as url:
        with Orders.open(url) as orders:
            list(orders.run(recorded_log(5).splitlines()))
        with postgres_schema(url) as connection:
            assert connection.execute(query).fetchall() == []
            connection.execute("UPDATE stored_events SET topic = 'order-placed ' WHERE notification_id = 7")
            assert connection.execute(query).fetchall() == [(7,)]


@pytest.mark.postgres
def test_on_postgresql_transactions_that_fail_leave_gaps_in_the_positions_and_a_whole_chain() -> None:
    def lost(order_id: str, version: int) -> ItemsLost:
        noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
        more = {"actor": "carrier", "command_id": "c", "rule": "SCAN-1", "buyer_id": "B1", "shipment_id": "S1"}
        return ItemsLost(version=version, at=noon, recorded_at=noon, order_id=order_id, units={"A": [1]}, **more)

    with fresh_schema() as url:
        store = Store.open(url)
        store.append([lost("O1", 1)], [], {})
        with pytest.raises(Conflict):
            store.append([lost("O2", 1), lost("O1", 1)], [], {})
        assert list(store.append([lost("O1", 2), lost("O2", 1)], [], {})) == [4, 5]
        store.close()
        assert is_whole(url)["stored_events"] == 3
        with postgres_schema(url) as connection:
            assert connection.execute("SELECT count(*) FROM stored_events WHERE length(digest) = 32").fetchone() == (3,)
