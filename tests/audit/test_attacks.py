"""Every way of changing a store behind its back, by plain SQL on the file: verifying finds each and names the first."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import msgspec
import pytest

from forger import NUMBERS, digest, opened, rechain, seal_of
from lives import FEES
from ordertrail.application import Orders
from ordertrail.application.audit.seal import Seal
from ordertrail.application.audit.tampering import Finding, Verified
from ordertrail.application.audit.verify import verify
from ordertrail.application.errors import StoreError
from ordertrail.application.store import Store
from postgres import fresh_schema
from processes import postgres_schema
from recorded_log import recorded_log
from shop import MARKETPLACE, placing

pytestmark = pytest.mark.slow

Attack = Callable[[Connection], object]
EVENTS, JOURNAL = "stored_events", "journal"
COLUMNS = {
    "stored_events": ["originator_id", "originator_version", "topic", "state", "digest"],
    "journal": [
        *("command_id", "command", "outcome", "status", "at_us", "recorded_at_us", "basis", "attempts", "reused"),
        "digest",
    ],
}
# Another value of the same type, and the same value as another type.
CHANGES = [
    "CASE typeof({c}) WHEN 'integer' THEN {c} + 1000000 WHEN 'text' THEN {c} || 'x' ELSE CAST({c} || 'x' AS BLOB) END",
    "CASE typeof({c}) WHEN 'integer' THEN {c} + 0.5 WHEN 'text' THEN CAST({c} AS BLOB) ELSE CAST({c} AS TEXT) END",
]


def count(path: Path, table: str) -> int:
    with opened(path) as connection:
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {table}")
    return int(rows)


def after(path: Path, *statements: str, seal: Seal | None = None) -> Verified:
    """What is found once these have run."""
    with opened(path) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement
    return verify(str(path), seal=seal)


def first(verified: Verified) -> Finding:
    assert verified.found.total() >= len(verified.findings) > 0
    return verified.findings[0]


def named(verified: Verified) -> tuple[str, str, int | None]:
    found = first(verified)
    return found.kind, found.table, found.number


def forging(table: str, number: int) -> str:
    """Adds a row that is like another one, but under this number and with a subject of its own."""
    subject, *others = COLUMNS[table]
    columns = ", ".join([str(number), f"{subject} || '-forged'", *others])
    return f"INSERT INTO {table} SELECT {columns} FROM {table} WHERE {NUMBERS[table]} = 3"


def test_what_nobody_touched_is_clean(shop: Path) -> None:
    assert verify(str(shop)).found.total() == 0
    assert count(shop, "attempts") > 0


# --- one row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["first", "middle", "last"])
@pytest.mark.parametrize("change", CHANGES, ids=["another value", "another type"])
@pytest.mark.parametrize(("table", "column"), [(table, column) for table in COLUMNS for column in COLUMNS[table]])
def test_a_row_changed_in_any_column_is_named(table: str, column: str, change: str, which: str, shop: Path) -> None:
    rows = count(shop, table)
    number = {"first": 1, "middle": rows // 2, "last": rows}[which]
    value = change.format(c=column)
    verified = after(shop, f"UPDATE {table} SET {column} = {value} WHERE {NUMBERS[table]} = {number}")
    assert named(verified) == ("changed", table, number)
    assert verified.found.total() <= 2  # the row, and with another digest the one after it


@pytest.mark.parametrize("table", COLUMNS)
def test_a_text_that_is_not_utf_8_is_named_and_the_rest_is_verified(table: str, shop: Path) -> None:
    column = COLUMNS[table][0]
    broken = f"UPDATE {table} SET {column} = CAST(x'ff6f' AS TEXT) WHERE {NUMBERS[table]} = 4"
    verified = after(shop, broken, f"UPDATE {table} SET digest = x'00' WHERE {NUMBERS[table]} = 9")
    assert [found.number for found in verified.findings] == [4, 9, 10]
    first(verified).said.encode()


@pytest.mark.parametrize("table", COLUMNS)
def test_a_row_changed_together_with_its_digest_breaks_the_link_after_it(table: str, shop: Path) -> None:
    number, column = NUMBERS[table], COLUMNS[table][0]
    with opened(shop) as connection:
        connection.execute(f"UPDATE {table} SET {column} = 'forged' WHERE {number} = 5")
        ((previous,),) = connection.execute(f"SELECT digest FROM {table} WHERE {number} = 4")
        ((*row, _),) = connection.execute(f"SELECT * FROM {table} WHERE {number} = 5")
        connection.execute(f"UPDATE {table} SET digest = ? WHERE {number} = 5", (digest(previous, row),))
    verified = verify(str(shop))
    assert named(verified) == ("changed", table, 6)
    assert "the one before it was changed together with its digest" in first(verified).said
    assert verified.found.total() == 1


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize(("which", "wrong"), [(1, ("gone", 1)), (5, ("gone", 5)), (-1, ("cut-off", -1))])
def test_a_removed_row_is_named(table: str, which: int, wrong: tuple[str, int], shop: Path) -> None:
    rows = count(shop, table)
    kind, number = wrong[0], wrong[1] % (rows + 1)
    removed = which % (rows + 1)
    verified = after(shop, f"DELETE FROM {table} WHERE {NUMBERS[table]} = {removed}")
    assert named(verified) == (kind, table, number)
    assert verified.found.total() == 1


@pytest.mark.parametrize("table", COLUMNS)
def test_several_removed_rows_are_one_finding_and_an_emptied_table_too(table: str, shop: Path) -> None:
    number = NUMBERS[table]
    verified = after(shop, f"DELETE FROM {table} WHERE {number} BETWEEN 5 AND 8")
    assert named(verified) == ("gone", table, 5)
    assert "5 to 8 are gone" in first(verified).said
    rows = count(shop, table) + 4
    verified = after(shop, f"DELETE FROM {table}")
    assert named(verified) == ("cut-off", table, 1)
    assert f"1 to {rows} are gone" in first(verified).said


@pytest.mark.parametrize("table", COLUMNS)
def test_a_row_added_at_the_end_is_named(table: str, shop: Path) -> None:
    rows = count(shop, table)
    verified = after(shop, forging(table, rows + 1))
    assert named(verified) == ("changed", table, rows + 1)


@pytest.mark.parametrize("table", COLUMNS)
@pytest.mark.parametrize("number", [0, -7])
def test_a_row_added_before_the_first_is_named(table: str, number: int, shop: Path) -> None:
    verified = after(shop, forging(table, number))
    assert named(verified) == ("added", table, number)


@pytest.mark.parametrize("table", COLUMNS)
def test_a_row_put_between_two_others_is_named(table: str, shop: Path) -> None:
    """Those after it are renumbered to make room, from the last one."""
    number, rows = NUMBERS[table], count(shop, table)
    moves = [f"UPDATE {table} SET {number} = {n + 1} WHERE {number} = {n}" for n in range(rows, 5, -1)]
    verified = after(shop, *moves, forging(table, 6))
    assert named(verified) == ("changed", table, 6)
    assert verified.found.total() >= rows - 5  # all that moved


@pytest.mark.parametrize("table", COLUMNS)
def test_two_rows_that_changed_places_are_named(table: str, shop: Path) -> None:
    number = NUMBERS[table]
    swap = [(5, 1_000_000), (9, 5), (1_000_000, 9)]
    moves = [f"UPDATE {table} SET {number} = {to} WHERE {number} = {source}" for source, to in swap]
    assert named(after(shop, *moves)) == ("changed", table, 5)


@pytest.mark.parametrize("table", COLUMNS)
def test_the_last_row_under_another_number_is_named(table: str, shop: Path) -> None:
    number, rows = NUMBERS[table], count(shop, table)
    verified = after(shop, f"UPDATE {table} SET {number} = {rows + 10} WHERE {number} = {rows}")
    assert named(verified) == ("gone", table, rows)


# --- more than one row ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", COLUMNS)
def test_a_log_cut_off_and_written_further_keeps_its_gap(table: str, shop: Path) -> None:
    rows = count(shop, table)
    after(shop, f"DELETE FROM {table} WHERE {NUMBERS[table]} > {rows - 3}")
    with Orders.open(shop) as orders:
        assert orders.handle(placing("late"), by=MARKETPLACE).status == "accepted"
    verified = verify(str(shop))
    assert named(verified) == ("gone", table, rows - 2)
    assert f"{rows - 2} to {rows} are gone" in first(verified).said


@pytest.mark.parametrize("table", COLUMNS)
def test_a_sequence_that_was_reset_with_the_cut_hides_it_from_all_but_the_seal(table: str, shop: Path) -> None:
    seal, rows = seal_of(shop), count(shop, table)
    cut = f"DELETE FROM {table} WHERE {NUMBERS[table]} > {rows - 3}"
    attempts = [f"DELETE FROM attempts WHERE entry > {rows - 3}"] if table == JOURNAL else []
    with opened(shop) as connection:
        for statement in (cut, *attempts):
            connection.execute(statement)
    verified = after(shop, f"UPDATE sqlite_sequence SET seq = {rows - 3} WHERE name = '{table}'")
    assert verified.found.total() == 0
    verified = verify(str(shop), seal=seal)
    assert named(verified) == ("not-as-sealed", table, rows)
    assert "is gone" in first(verified).said


@pytest.mark.parametrize("table", COLUMNS)
def test_a_sequence_that_was_set_back_or_deleted_alone_is_found(table: str, shop: Path) -> None:
    assert first(after(shop, f"UPDATE sqlite_sequence SET seq = 3 WHERE name = '{table}'")).kind == "added"
    assert first(after(shop, f"DELETE FROM sqlite_sequence WHERE name = '{table}'")).kind == "added"


@pytest.mark.parametrize("table", COLUMNS)
def test_a_chain_rewritten_as_a_whole_is_found_by_the_seal_alone(table: str, shop: Path) -> None:
    seal, rows = seal_of(shop), count(shop, table)
    with opened(shop) as connection:
        connection.execute(f"UPDATE {table} SET {COLUMNS[table][0]} = 'forged' WHERE {NUMBERS[table]} = 5")
        rechain(connection, table)
    assert verify(str(shop)).found.total() == 0
    assert named(verify(str(shop), seal=seal)) == ("not-as-sealed", table, rows)


@pytest.mark.parametrize("table", COLUMNS)
def test_a_row_removed_with_all_after_it_renumbered_and_chained_anew_is_found_by_the_seal_alone(
    table: str, shop: Path
) -> None:
    seal, rows, number = seal_of(shop), count(shop, table), NUMBERS[table]
    with opened(shop) as connection:
        connection.execute(f"DELETE FROM {table} WHERE {number} = 5")
        for moved in range(6, rows + 1):
            connection.execute(f"UPDATE {table} SET {number} = {moved - 1} WHERE {number} = {moved}")
        if table == JOURNAL:
            connection.execute("DELETE FROM attempts WHERE entry = 5")
            connection.execute("UPDATE attempts SET entry = entry - 1 WHERE entry > 5")
        rechain(connection, table)
        connection.execute(f"UPDATE sqlite_sequence SET seq = {rows - 1} WHERE name = '{table}'")
    assert verify(str(shop)).found.total() == 0
    assert named(verify(str(shop), seal=seal)) == ("not-as-sealed", table, rows)


def test_an_older_copy_in_the_files_place_is_found_by_the_seal_alone(shop: Path, tmp_path: Path) -> None:
    older = Path(shutil.copy(shop, tmp_path / "older.db"))
    with Orders.open(shop) as orders:
        assert [r.status for r in orders.run([b'{"command":"pass-time","command_id":"x","at":"2026-12-01T00:00:00Z"}'])]
    seal = seal_of(shop)
    assert verify(str(older)).found.total() == 0
    assert {found.kind for found in verify(str(older), seal=seal).findings} == {"not-as-sealed"}
    assert verify(str(shop), seal=seal).found.total() == 0


# --- what is beside the chains ----------------------------------------------------------------------------------------


def test_a_changed_policy_is_found_and_with_its_sha_256_by_the_seal_alone(shop: Path) -> None:
    seal = seal_of(shop)
    verified = after(shop, "UPDATE policies SET content = content || ' '", seal=seal)
    assert named(verified) == ("changed", "policies", None)
    with opened(shop) as connection:
        ((version, content),) = connection.execute("SELECT version, content FROM policies")
        connection.execute("UPDATE policies SET sha256 = ?", (hashlib.sha256(content.encode()).hexdigest(),))
    assert verify(str(shop)).found.total() == 0
    found = first(verify(str(shop), seal=seal))
    assert (found.kind, found.table, found.subject) == ("not-as-sealed", "policies", version)


@pytest.mark.parametrize("column", ["content", "sha256"])
def test_a_policy_of_another_type_or_that_is_no_text_is_found(column: str, shop: Path) -> None:
    for value in (f"CAST({column} AS BLOB)", "CAST(x'ff' AS TEXT)"):
        assert named(after(shop, f"UPDATE policies SET {column} = {value}")) == ("changed", "policies", None)


def test_a_removed_or_renamed_policy_is_found_by_the_orders_that_were_placed_under_it(shop: Path) -> None:
    for statement in ("UPDATE policies SET version = version || 'x'", "DELETE FROM policies"):
        verified = after(shop, statement)
        assert named(verified) == ("gone", "policies", None)
        assert first(verified).said == "policy 1 is gone: event 1 was placed under it"
        assert verified.found.total() == 1


def test_the_first_order_of_a_policy_that_is_gone_is_named_however_the_log_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fees = tmp_path / "shop.db", tmp_path / "fees.toml"
    fees.write_text(FEES)
    for policy, order_ids in ((None, ("A", "B")), (fees, ("C", "D"))):
        with Orders.open(path, policy=policy) as orders:
            assert all(orders.handle(placing(order_id), by=MARKETPLACE).status == "accepted" for order_id in order_ids)
    with opened(path) as connection:
        connection.execute("DELETE FROM policies WHERE version <> '1'")
    monkeypatch.setattr("ordertrail.application.audit.verify.SLICE", 1)
    for workers in (1, 2):
        verified = verify(str(path), workers=workers)
        assert first(verified).said == "policy with-fees is gone: event 3 was placed under it"
        assert verified.found.total() == 1


def test_a_policy_put_beside_those_that_were_sealed_is_found_where_an_order_of_then_names_it(shop: Path) -> None:
    seal = seal_of(shop)
    added = "INSERT INTO policies SELECT 'other', content, sha256 FROM policies"
    assert after(shop, added, seal=seal).found.total() == 0  # it judges nothing
    without = msgspec.structs.replace(seal, policies={})
    found = first(verify(str(shop), seal=without))
    assert (found.kind, found.table, found.subject) == ("not-as-sealed", "policies", "1")


def test_a_policy_kept_after_the_seal_is_no_finding(shop: Path, tmp_path: Path) -> None:
    seal, fees = seal_of(shop), tmp_path / "fees.toml"
    fees.write_text(FEES)
    with Orders.open(shop, policy=fees) as orders:
        assert orders.handle(placing("later"), by=MARKETPLACE).status == "accepted"
    assert verify(str(shop), seal=seal).found.total() == 0


def test_a_removed_or_renamed_policy_is_found_by_the_seal(shop: Path) -> None:
    seal = seal_of(shop)
    assert "is gone" in first(after(shop, "UPDATE policies SET version = version || 'x'", seal=seal)).said
    assert "is gone" in first(after(shop, "DELETE FROM policies", seal=seal)).said


@pytest.mark.parametrize(
    ("statement", "kinds"),
    [
        ("DELETE FROM attempts WHERE (order_id, entry) IN (SELECT order_id, entry FROM attempts LIMIT 1)", {"gone"}),
        ("INSERT INTO attempts VALUES ('forged', 3)", {"added"}),
        ("INSERT INTO attempts VALUES ('forged', 1000000)", {"added"}),
        ("INSERT INTO attempts VALUES ('forged', 'text')", {"added"}),
        ("UPDATE attempts SET order_id = CAST(order_id AS BLOB)", {"gone", "added"}),
        ("UPDATE attempts SET entry = entry + 1 WHERE entry = (SELECT max(entry) FROM attempts)", {"gone", "added"}),
    ],
)
def test_attempts_that_are_not_the_journals_are_found(statement: str, kinds: set[str], shop: Path) -> None:
    verified = after(shop, statement)
    assert {found.kind for found in verified.findings} == kinds
    assert {found.table for found in verified.findings} == {"attempts"}


def test_a_journal_with_broken_json_is_a_finding_and_no_failure(shop: Path) -> None:
    assert named(after(shop, "UPDATE journal SET attempts = x'5b22' WHERE entry = 7")) == ("changed", JOURNAL, 7)


@pytest.mark.parametrize("attempts", ["x", "{}", "[1]", '["a', '["\\u0000"]', '["\\ud800"]', "[]]"])
def test_attempts_that_are_no_list_of_orders_are_found_with_sound_digests_and_so_is_what_the_seal_tells(
    attempts: str, shop: Path
) -> None:
    seal, rows = seal_of(shop), count(shop, JOURNAL)
    with opened(shop) as connection:
        connection.execute("UPDATE journal SET attempts = ? WHERE entry = 9", (attempts.encode(),))
        rechain(connection, JOURNAL)
    assert [named(verify(str(shop)))] == [("changed", JOURNAL, 9)]
    assert "its attempts are no list of orders" in first(verify(str(shop))).said
    found = [(each.kind, each.table, each.number) for each in verify(str(shop), seal=seal).findings]
    assert found == [("changed", JOURNAL, 9), ("not-as-sealed", JOURNAL, rows)]


def test_who_reads_a_stream_with_an_event_of_another_one_hears_it_in_one_sentence(shop: Path) -> None:
    with opened(shop) as connection:
        connection.execute(
            "UPDATE stored_events SET state = CAST(json_set(state, '$.order_id', 'GONE') AS BLOB)"
            " WHERE notification_id = 1"
        )
        ((stream,),) = connection.execute("SELECT originator_id FROM stored_events WHERE notification_id = 1")
    with (
        closing(Store.open(str(shop))) as store,
        pytest.raises(StoreError, match="order:GONE version 1 lies in another"),
    ):
        store.newer_events({stream: 0})


# --- on PostgreSQL ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded_there() -> Iterator[str]:
    with fresh_schema() as url:
        with Orders.open(url) as orders:
            list(orders.run(recorded_log(10).splitlines()))
        yield url


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE stored_events SET originator_version = 77 WHERE notification_id = 5", ("changed", EVENTS, 5)),
        ("UPDATE stored_events SET state = state || 'x'::bytea WHERE notification_id = 1", ("changed", EVENTS, 1)),
        ("UPDATE stored_events SET digest = sha256('x') WHERE notification_id = 5", ("changed", EVENTS, 5)),
        ("DELETE FROM stored_events WHERE notification_id = 1", ("changed", EVENTS, 2)),
        ("DELETE FROM stored_events WHERE notification_id BETWEEN 5 AND 8", ("changed", EVENTS, 9)),
        ("UPDATE stored_events SET notification_id = -3 WHERE notification_id = 5", ("added", EVENTS, -3)),
        ("UPDATE journal SET outcome = outcome || 'x'::bytea WHERE entry = 5", ("changed", JOURNAL, 5)),
        ("UPDATE journal SET recorded_at_us = recorded_at_us + 1 WHERE entry = 5", ("changed", JOURNAL, 5)),
        ("WITH a AS (DELETE FROM attempts WHERE entry = 9) DELETE FROM journal WHERE entry = 9", ("gone", JOURNAL, 9)),
        ("UPDATE policies SET content = content || ' '", ("changed", "policies", None)),
        ("DELETE FROM policies", ("gone", "policies", None)),
        ("INSERT INTO attempts VALUES ('forged', 3)", ("added", "attempts", 3)),
    ],
)
def test_the_same_on_postgresql(statement: str, wrong: tuple[Any, ...], recorded_there: str) -> None:
    with postgres_schema(recorded_there) as connection:
        tables = (EVENTS, JOURNAL, "attempts", "policies")
        saved = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        connection.execute(statement)
        try:
            assert named(verify(recorded_there)) == wrong
            assert named(verify(recorded_there, workers=2)) == wrong
        finally:
            connection.execute("TRUNCATE stored_events, journal, attempts, policies")
            for table, rows in saved.items():
                with connection.cursor() as cursor:
                    values = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f"INSERT INTO {table} VALUES ({values})", rows)
    assert verify(recorded_there).found.total() == 0


@pytest.mark.postgres
def test_on_postgresql_a_log_cut_off_and_written_further_is_found_by_the_seal_alone(recorded_there: str) -> None:
    with Orders.open(recorded_there) as orders:
        lines = [b'{"command":"pass-time","command_id":"x%d","at":"2026-12-01T00:00:00Z"}' % n for n in range(3)]
        assert len(list(orders.run(lines))) == 3
    seal = seal_of(recorded_there)
    with postgres_schema(recorded_there) as connection:
        connection.execute("DELETE FROM journal WHERE command_id = 'x2'")
    assert verify(recorded_there).found.total() == 0
    assert named(verify(recorded_there, seal=seal))[:2] == ("not-as-sealed", JOURNAL)
