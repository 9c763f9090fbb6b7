"""A row under a number far away: every audit and export ends, and says what it finds."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from forger import NUMBERS, opened
from ordertrail.application import Orders
from ordertrail.application.audit import past
from ordertrail.application.audit.redecide import redecide
from ordertrail.application.audit.verify import verify
from ordertrail.application.audit.what_if import what_if
from ordertrail.application.store import Store
from ordertrail.application.store.chain import CHAINS
from ordertrail.domain import default_policy_toml
from ordertrail.interfaces.exports import parquet_folder
from ordertrail.interfaces.exports.parquet_folder import write_parquet
from postgres import fresh_schema
from processes import ordertrail, postgres_schema
from recorded_log import recorded_log

pytestmark = pytest.mark.slow

FAR = [9 * 10**18, 2**63 - 1]
BELOW = [0, -9, -(2**63)]
MOVED = 20
OTHER_POLICY = default_policy_toml().replace('version = "1"', 'version = "2"')


@pytest.fixture
def moved(recorded: Path, tmp_path: Path) -> Callable[[str, int], str]:
    """A copy, one row of a table under another number."""

    def move(table: str, number: int) -> str:
        store = Path(shutil.copy(recorded, tmp_path / "shop.db"))
        with opened(store) as connection:
            connection.execute(f"UPDATE {table} SET {NUMBERS[table]} = ? WHERE {NUMBERS[table]} = {MOVED}", (number,))
        return str(store)

    return move


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", FAR)
@pytest.mark.parametrize("table", NUMBERS)
def test_verifying_names_the_gap_and_then_the_row_that_is_far_away(
    table: str, number: int, workers: int, moved: Callable[[str, int], str]
) -> None:
    verified = verify(moved(table, number), workers=workers)
    first, *_, last = verified.findings
    assert (first.kind, first.table, first.number) == ("gone", table, MOVED)
    assert (last.kind, last.table, last.number) == ("added", table, number)


@pytest.mark.parametrize("number", BELOW)
@pytest.mark.parametrize("table", NUMBERS)
def test_verifying_names_a_row_below_the_first_number_and_the_gap(
    table: str, number: int, recorded: Path, moved: Callable[[str, int], str]
) -> None:
    verified = verify(moved(table, number))
    assert [(found.kind, found.table, found.number) for found in verified.findings] == [
        ("added", table, number),
        ("gone", table, MOVED),
    ]
    assert verified.rows == verify(str(recorded)).rows


def test_rows_below_the_first_number_are_counted_and_the_first_are_listed(recorded: Path, tmp_path: Path) -> None:
    store = Path(shutil.copy(recorded, tmp_path / "shop.db"))
    with opened(store) as connection:
        moved = connection.execute("UPDATE stored_events SET notification_id = -notification_id").rowcount
    verified = verify(str(store))
    assert moved > 100 == len(verified.findings)
    assert verified.rows["stored_events"] == moved
    assert verified.found["stored_events"] == moved + 1  # and all that were given are gone


@pytest.mark.parametrize("number", FAR)
def test_deciding_again_ends_with_an_entry_far_away(number: int, moved: Callable[[str, int], str]) -> None:
    store = moved("journal", number)
    alone = redecide(store)
    assert alone.entries == alone.statuses.total()
    assert redecide(store, workers=2) == alone
    assert redecide(store, first=number).entries == 1


def test_deciding_again_ends_with_an_unreadable_entry_far_away(moved: Callable[[str, int], str]) -> None:
    store = moved("journal", FAR[0])
    with opened(Path(store)) as connection:
        connection.execute("UPDATE journal SET basis = x'5b' WHERE entry = ?", (FAR[0],))
    assert FAR[0] in {found.entry for found in redecide(store).findings}


@pytest.mark.parametrize("number", BELOW)
@pytest.mark.parametrize("table", NUMBERS)
def test_deciding_again_names_a_row_below_the_first_number(
    table: str, number: int, moved: Callable[[str, int], str]
) -> None:
    named = [found.differences[0].what for found in redecide(moved(table, number)).findings]
    assert ("event " if table == "stored_events" else "journal entry ") + str(number) in named


@pytest.mark.parametrize("number", FAR)
def test_a_policy_is_tried_with_an_entry_far_away(
    number: int, recorded: Path, moved: Callable[[str, int], str]
) -> None:
    assert what_if(moved("journal", number), OTHER_POLICY).commands == what_if(str(recorded), OTHER_POLICY).commands


@pytest.mark.parametrize("number", FAR)
def test_parquet_has_an_event_far_away(number: int, moved: Callable[[str, int], str], tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    write_parquet(moved("stored_events", number), str(tmp_path / "events"))
    positions = parquet.read_table(tmp_path / "events").column("position").to_pylist()
    assert number in positions
    assert MOVED not in positions


def test_a_range_is_cut_by_the_numbers_that_there_are(moved: Callable[[str, int], str]) -> None:
    with closing(Store.open(moved("journal", FAR[0]), create=False)) as store:
        evidence = store.evidence()
        assert [*evidence.slices(CHAINS[1], 17, FAR[1], 2)][:2] == [(17, 19), (19, 22)]
        *_, (after, last) = evidence.slices(CHAINS[1], 0, FAR[1], 2)
        assert after < last == FAR[0]
        assert [*evidence.slices(CHAINS[1], FAR[0], FAR[1], 2)] == []


def test_small_parts_find_the_same(
    moved: Callable[[str, int], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = moved("stored_events", FAR[0])
    expected = verify(store), redecide(store)
    monkeypatch.setattr("ordertrail.application.audit.verify.SLICE", 3)
    monkeypatch.setattr("ordertrail.application.audit.redecide.CHUNK", 3)
    monkeypatch.setattr("ordertrail.application.audit.untold.PAGE", 3)
    monkeypatch.setattr(past, "PAGE", 2)
    assert (verify(store), redecide(store)) == expected
    monkeypatch.setattr(parquet_folder, "BATCH_ROWS", 3)
    write_parquet(store, str(tmp_path / "events"))


@pytest.mark.parametrize("call", [("verify",), ("redecide",), ("verify", "--json"), ("redecide", "--json")])
def test_the_commands_end_with_status_1(call: tuple[str, ...], moved: Callable[[str, int], str]) -> None:
    done = ordertrail("audit", *call, "--store", moved("journal", -9))
    assert (done.returncode, done.stderr) == (1, b"")
    assert call[1:] == () or json.loads(done.stdout)["found"] > 0


@pytest.mark.postgres
def test_the_same_on_postgresql(tmp_path: Path) -> None:
    with fresh_schema() as url:
        with Orders.open(url) as orders:
            list(orders.run(recorded_log(5).splitlines()))

        def after(statement: str) -> Any:
            with postgres_schema(url) as connection:
                connection.execute(statement)
            found = verify(url, workers=2).findings[0]
            return found.kind, found.table, found.number

        assert after("UPDATE stored_events SET notification_id = 9e18 WHERE notification_id = 20") == (
            "changed",
            "stored_events",
            21,
        )
        write_parquet(url, str(tmp_path / "events"))
        assert after("UPDATE stored_events SET notification_id = -(2::numeric ^ 63) WHERE notification_id = 9e18") == (
            "added",
            "stored_events",
            -(2**63),
        )
        entry = "SELECT max(entry) FROM journal"
        assert after(
            f"UPDATE stored_events SET notification_id = 20 WHERE notification_id < 0;"
            f" DELETE FROM attempts WHERE entry = ({entry});"
            f" UPDATE journal SET entry = 9e18 WHERE entry = ({entry})"
        )[:2] == ("gone", "journal")
        assert redecide(url).entries == redecide(url, workers=2).entries > 0
