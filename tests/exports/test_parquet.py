"""The events as Parquet: what DuckDB and pandas find in it is what the store holds, and what the ledger says."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas
import pytest
from pyarrow import parquet

from book import when
from exported import LOG, applied
from forger import opened
from ordertrail.application import Orders
from ordertrail.domain.events import EVENT_TYPES
from ordertrail.interfaces.exports import parquet_folder
from ordertrail.interfaces.exports.parquet_columns import COLUMNS, ENVELOPE, FIELDS
from ordertrail.interfaces.exports.parquet_folder import write_parquet
from ordertrail.projections import ledger
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from processes import PATIENCE, SCRIPT, environment, failed_in_one_sentence, ordertrail, rows
from shop import placing


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty orders of a simulated week, and what came of them."""
    path = tmp_path_factory.mktemp("store") / "week.db"
    applied(path, LOG)
    return path


@pytest.fixture(scope="module")
def folder(store: Path) -> Path:
    write_parquet(str(store), str(store.with_name("events")))
    return store.with_name("events")


@pytest.fixture
def duck(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with a view on all events."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE VIEW events AS FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true)")
        yield connection


@pytest.fixture(scope="module")
def stored(store: Path) -> list[tuple[int, str, int, str, dict[str, Any], str]]:
    """Position, stream, version, name, JSON decoded and as it is."""
    found = rows(str(store))["stored_events"]
    return [(row[0], row[1], row[2], row[3], json.loads(row[4]), row[4].decode()) for row in found]


def paid_by_ledger(store: Path) -> Counter[str]:
    """By currency, what payouts took from `Liabilities:Refunds:Due`."""
    with Orders.open(store) as orders, Database.open("memory:") as database:
        Runner(orders, database, [ledger.Ledger()]).catch_up()
        entries = [entry for entry in ledger.each_entry(database) if entry.event == "payout-paid"]
    paid: Counter[str] = Counter()
    for entry in entries:
        paid.update({p.currency: p.amount for p in entry.postings if p.account == "Liabilities:Refunds:Due"})
    return paid


# --- queries ----------------------------------------------------------------------------------------------------------


def test_duckdb_counts_the_events_by_type_as_the_store_does(duck: Any, stored: Any) -> None:
    found = dict(duck.execute("SELECT type, count(*) FROM events GROUP BY type").fetchall())
    assert found == Counter(name for _, _, _, name, _, _ in stored)


def test_what_was_paid_by_currency_is_what_the_ledger_says(duck: Any, store: Path) -> None:
    found = duck.execute(
        "SELECT placed.currency, sum(paid.amount) FROM events AS paid"
        " JOIN events AS placed ON placed.order_id = paid.order_id AND placed.type = 'order-placed'"
        " WHERE paid.type = 'payout-paid' GROUP BY ALL"
    ).fetchall()
    assert len(found) == 3
    assert {currency: int(amount) for currency, amount in found} == paid_by_ledger(store)


def test_the_json_can_be_asked_for_what_has_no_column(duck: Any, stored: Any) -> None:
    found = duck.execute("SELECT DISTINCT unnest(data ->> '$.items[*].sku') FROM events").fetchall()
    assert {sku for (sku,) in found} == {item["sku"] for *_, data, _ in stored for item in data.get("items", [])}


def test_pandas_says_the_same(folder: Path, store: Path, stored: Any) -> None:
    events = pandas.read_parquet(folder, dtype_backend="pyarrow")
    assert events["type"].value_counts().to_dict() == Counter(name for _, _, _, name, _, _ in stored)
    currencies = events[events["type"] == "order-placed"].set_index("order_id")["currency"]
    paid = events[events["type"] == "payout-paid"]
    assert paid.groupby(paid["order_id"].map(currencies))["amount"].sum().to_dict() == paid_by_ledger(store)


def test_a_query_on_one_day_reads_nothing_of_the_others(folder: Path, stored: Any, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "events")
    day = date(2026, 1, 7)
    for file in (tmp_path / "events").rglob("*.parquet"):
        if file.parent.name != f"recorded_on={day}":
            content = file.read_bytes()
            footer = 8 + int.from_bytes(content[-8:-4], "little")
            file.write_bytes(b"PAR1" + b"\xff" * (len(content) - 4 - footer) + content[-footer:])
    of_day = sum(data["recorded_at"].startswith(str(day)) for *_, data, _ in stored)
    with duckdb.connect() as connection:
        view = f"read_parquet('{tmp_path}/events/*/*.parquet', hive_partitioning = true)"
        counted = connection.execute(f"SELECT count(*), count(rule) FROM {view} WHERE recorded_on = '{day}'")
        assert counted.fetchall() == [(of_day, of_day)]
        with pytest.raises(duckdb.Error):
            connection.execute(f"SELECT count(rule) FROM {view}").fetchall()
    filtered = pandas.read_parquet(tmp_path / "events", filters=[("recorded_on", "==", str(day))])
    assert len(filtered) == of_day > 0


# --- what it holds ----------------------------------------------------------------------------------------------------


def test_every_column_says_what_the_event_says(duck: Any, stored: Any) -> None:
    found = duck.sql("FROM events ORDER BY position").to_arrow_table().to_pylist()
    assert len(found) == len(stored)
    for row, (position, stream, version, name, data, state) in zip(found, stored, strict=True):
        assert row == {
            **{name: as_told(name, data) for name in (*ENVELOPE, *FIELDS)},
            "position": position,
            "stream": stream,
            "version": version,
            "subject": stream.partition(":")[0],
            "type": name,
            "schema": data.get("schema", 1),
            "total": sum(p["amount"] for p in data["payments"]) if name == "order-placed" else None,
            "units": sum(map(len, data["units"].values())) if "units" in data else None,
            "data": state,
            "recorded_on": instant(data["recorded_at"]).date(),
        }


def as_told(name: str, data: dict[str, Any]) -> Any:
    """A field's value, or what is left out because it is the default."""
    held = EVENT_TYPES[data["type"]].__struct_fields__
    if name == "inferred" and name in held:
        return data.get(name, False)
    value = data.get(name)
    return instant(value) if value is not None and COLUMNS[name].kind == "time" else value


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_every_column_has_values_somewhere(duck: Any) -> None:
    counts = ", ".join(f'count("{name}")' for name in COLUMNS)
    (found,) = duck.execute(f"SELECT {counts} FROM events").fetchall()
    empty = {name for name, count in zip(COLUMNS, found, strict=True) if not count}
    assert empty == {"kind"}  # a week without exceptions


def test_columns_are_typed_and_say_what_they_mean(folder: Path) -> None:
    for file in folder.rglob("*.parquet"):
        schema = parquet.read_schema(file)
        assert schema.names == list(COLUMNS)
        assert schema.metadata[b"ordertrail.format"] == b"1"
        assert str(schema.field("amount").type) == "int64"
        assert str(schema.field("at").type) == "timestamp[us, tz=UTC]"
        assert str(schema.field("type").type).startswith("dictionary<values=string")
        assert b"`" not in schema.field("at").metadata[b"meaning"]


def test_events_of_a_day_lie_in_the_order_of_the_log(folder: Path) -> None:
    for file in folder.rglob("*.parquet"):
        positions = parquet.read_table(file, columns=["position"], partitioning=None)["position"].to_pylist()
        assert positions == sorted(positions)


# --- long and strange logs --------------------------------------------------------------------------------------------


def test_days_that_come_again_and_again_need_no_more_open_files_than_a_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_folder, "BATCH_ROWS", 7)
    days = 3 * parquet_folder.OPEN_DAYS
    # A log of the past, whose times go through all days three times.
    log = [
        json.dumps(placing(f"O{turn}-{day}") | {"at": when(f"+{day}d 23:{turn}0")}).encode()
        for turn in range(3)
        for day in range(days)
    ]
    applied(tmp_path / "store.db", log)
    write_parquet(str(tmp_path / "store.db"), str(tmp_path / "events"))
    folders = list((tmp_path / "events").iterdir())
    assert len(folders) == days
    assert {len(list(folder.iterdir())) for folder in folders} == {3}
    events = pandas.read_parquet(tmp_path / "events")
    assert sorted(events["position"]) == list(range(1, 3 * days + 1))


def test_row_groups_are_of_a_batch_each(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_folder, "BATCH_ROWS", 50)
    write_parquet(str(store), str(tmp_path / "events"))
    found = [parquet.read_metadata(file) for file in (tmp_path / "events").rglob("*.parquet")]
    assert any(metadata.num_row_groups > 1 for metadata in found)
    groups = [metadata.row_group(n).num_rows for metadata in found for n in range(metadata.num_row_groups)]
    assert max(groups) <= 50
    assert sum(groups) == rows(str(store))["stored_events"][-1][0]


def test_an_empty_store_has_columns_without_rows(tmp_path: Path) -> None:
    applied(tmp_path / "empty.db", [])
    write_parquet(str(tmp_path / "empty.db"), str(tmp_path / "events"))
    with duckdb.connect() as connection:
        view = f"read_parquet('{tmp_path}/events/*/*.parquet', hive_partitioning = true)"
        assert connection.execute(f"SELECT sum(amount), count(recorded_on) FROM {view}").fetchall() == [(None, 0)]


# --- in full or not at all --------------------------------------------------------------------------------------------


def test_an_empty_folder_is_taken_and_another_refused(store: Path, tmp_path: Path) -> None:
    output = tmp_path / "events"
    output.mkdir()
    call = ("export", "events", "--format", "parquet", "--output", output, "--store", store)
    assert ordertrail(*call).returncode == 0
    before = sorted(output.rglob("*"))
    done = ordertrail(*call)
    failed_in_one_sentence(done.returncode, done.stderr, str(output), "not an empty folder", expected=2)
    assert sorted(output.rglob("*")) == before
    assert list(tmp_path.iterdir()) == [output]


def test_a_file_in_its_place_and_a_folder_that_is_not_there_are_refused(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    call = ("export", "events", "--format", "parquet", "--store", store, "--output")
    for output, words in ((tmp_path / "file", "not an empty folder"), (tmp_path / "no" / "events", "No such file")):
        done = ordertrail(*call, output)
        failed_in_one_sentence(done.returncode, done.stderr, str(output), words, expected=2)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "precious")]


def test_an_event_that_cannot_be_read_ends_the_export_and_leaves_nothing(store: Path, tmp_path: Path) -> None:
    shutil.copy(store, tmp_path / "bad.db")
    with opened(tmp_path / "bad.db") as connection:
        connection.execute("UPDATE stored_events SET state = x'7b7d' WHERE notification_id = 700")
    call = ("export", "events", "--format", "parquet", "--output", tmp_path / "events")
    done = ordertrail(*call, "--store", tmp_path / "bad.db")
    failed_in_one_sentence(done.returncode, done.stderr, "event 700")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.db"]


def test_without_pyarrow_a_sentence_says_what_to_install(store: Path, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('as if it were not installed')")
    call = ("export", "events", "--format", "parquet", "--output", tmp_path / "events", "--store", store)
    path = environment() | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([SCRIPT, *call], capture_output=True, env=path, timeout=PATIENCE)
    failed_in_one_sentence(done.returncode, done.stderr, "pip install 'ordertrail[parquet]'", expected=2)


def test_a_source_is_for_cloudevents_only(store: Path, tmp_path: Path) -> None:
    call = ("export", "events", "--format", "parquet", "--source", "urn:x", "--output", tmp_path / "events")
    done = ordertrail(*call, "--store", store)
    failed_in_one_sentence(done.returncode, done.stderr, "--source", expected=2)
