"""`audit replay` compares every read model with the log, wherever it lives, and whoever writes meanwhile."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from ordertrail.application import Orders
from ordertrail.application.audit.replay import Report, replay
from ordertrail.application.audit.replay_models import ReadModels
from ordertrail.interfaces.auditing.read_models import caught_up
from ordertrail.interfaces.cli import ordertrail
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.orders import OrderList
from ordertrail.projections.rebuild import rebuild
from ordertrail.projections.runner import Runner
from replays import Altered, build_read_models, found, refund, story
from shop import cancelling, give, line, placing, scan

ALL = ["exceptions", "inbox", "ledger", "orders", "refunds", "shipments"]

RUINED = {
    "no_shipments": "DELETE FROM shipments",
    "shipments_that_are_lost": "UPDATE shipments SET state = 'lost' WHERE shipment_id = 'S-O1'",
    "shipments_of_nothing": "UPDATE shipments SET packed = '[]' WHERE shipment_id = 'S-O1'",
    "shipments_without_a_history": "UPDATE shipments SET history = '[]' WHERE shipment_id = 'S-O1'",
    "shipments_that_are_elsewhere_by_their_history": (
        "UPDATE shipments SET history = replace(history, '\"delivered\"', '\"lost\"') WHERE shipment_id = 'S-O1'"
    ),
    "shipments_with_another_attempt": (
        "UPDATE shipments SET history = replace(history, 'false', 'true') WHERE shipment_id = 'S-O1'"
    ),
    "another_buyers_shipment": "UPDATE shipments SET buyer_id = 'B2' WHERE shipment_id = 'S-O1'",
    "no_requests": "DELETE FROM inbox_requests",
    "requests_that_are_open_again": "UPDATE inbox_requests SET closed_us = NULL",
    "requests_to_somebody_else": "UPDATE inbox_requests SET party = 'carrier'",
    "an_exception_that_nobody_raised": "INSERT INTO exceptions VALUES (1, 'turned-up', 'O1', 'B1', NULL, 5, 9, 'USD')",
    "no_exceptions": "DELETE FROM exceptions",
    "exceptions_of_another_amount": "UPDATE exceptions SET amount = amount + 1",
    "only_the_refunds_balances": "DELETE FROM ledger_postings WHERE account NOT LIKE 'Liabilities:Refunds%'",
    "twice_the_assets": "UPDATE ledger_postings SET amount = amount * 2 WHERE account LIKE 'Assets%'",
    "no_suspense": "DELETE FROM ledger_postings WHERE account = 'Assets:Suspense:Refunds'",
    "postings_in_another_currency": "UPDATE ledger_postings SET currency = 'JPY'",
    "an_entry_of_another_seller": "UPDATE ledger_entries SET seller_id = 'S9' WHERE entry = 1",
    "no_entries_of_placings": "DELETE FROM ledger_entries WHERE event = 'order-placed'",
    "a_posting_of_no_entry": "INSERT INTO ledger_postings VALUES (999, 1, 'Liabilities:Tax', 5, 'USD', NULL)",
    "another_total": "UPDATE order_list SET total = total + 1 WHERE order_id = 'O1'",
    "another_buyer": "UPDATE order_list SET buyer_id = 'B2' WHERE order_id = 'O1'",
    "another_currency": "UPDATE order_list SET currency = 'JPY' WHERE order_id = 'O1'",
    "other_refunds_owed": "UPDATE order_list SET refunds_owed = 77 WHERE order_id = 'O1'",
    "units_in_other_states": "UPDATE order_list SET units = 'aa' WHERE order_id = 'O1'",
    "refunds_in_another_currency": "UPDATE refunds SET currency = 'JPY'",
    "refunds_promised_long_ago": "UPDATE refunds SET next_promise_us = 1",
    "refunds_without_what_happened_to_them": "UPDATE refunds SET story = '[]' WHERE order_id = 'O1'",
    "a_row_that_cannot_be_read": "UPDATE refunds SET made = '{' WHERE order_id = 'O1'",
    "a_time_that_is_none": "UPDATE order_list SET placed_us = 1000000000000000000 WHERE order_id = 'O1'",
}


def written(tmp_path: Path) -> Altered:
    """The shop's story, and a payment that nobody owed."""
    again = refund("O1", "report-payout", "16", outcome="paid", reference="R3", amount=30)
    return Altered(tmp_path / "shop.db", [*story(), line(again, "+6d 10:00")])


@pytest.fixture
def store(tmp_path: Path) -> Altered:
    made = written(tmp_path)
    build_read_models(made.url)
    return made


def replayed(store: Altered, place: str | None = None, workers: int = 1) -> Report:
    return replay(store.url, read_models=caught_up(store.url, place)[0], workers=workers)


def build(url: str, *names: str, place: str | None = None) -> None:
    projections = [projection for projection in builtin_projections() if projection.name in names]
    with Orders.open(url) as orders, Database.open(place or url) as database:
        Runner(orders, database, projections).catch_up()


def cut(store: Altered) -> None:
    """The log as a backup had it: without its last event, which the read models know."""
    store.sql("DELETE FROM stored_events WHERE notification_id = (SELECT max(notification_id) FROM stored_events)")
    store.sql("UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'stored_events'")


def audited(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    ran = CliRunner().invoke(ordertrail, ["audit", "replay", *arguments], env=env, standalone_mode=False)
    return ran.return_value, " ".join(ran.output.split())


# --- what they say ----------------------------------------------------------------------------------------------------


def test_read_models_that_were_only_followed_agree(store: Altered) -> None:
    report = replayed(store)
    assert (report.findings, report.read_models) == ([], ALL)


@pytest.mark.parametrize("statement", RUINED.values(), ids=RUINED)
def test_ruined_read_models_are_found(statement: str, store: Altered) -> None:
    store.sql(statement)
    report = replayed(store)
    assert set(report.by_rule) == {"read-model"}
    assert report.findings


@pytest.mark.parametrize(
    ("table", "of"),
    [
        ("order_list", "order_id"),
        ("refunds", "order_id"),
        ("inbox_requests", "order_id"),
        ("exceptions", "order_id"),
        ("ledger_entries", "order_id"),
        ("shipments", "shipment_id"),
    ],
)
def test_what_only_a_read_model_knows_is_found_at_no_position(table: str, of: str, store: Altered) -> None:
    columns = [name for _, name, *_ in store.sql(f"PRAGMA table_info({table})")]
    key = columns[0]
    shown = [f"'GHOST' AS {name}" if name == of else "999" if name == key else name for name in columns]
    store.sql(f"INSERT INTO {table} SELECT {', '.join(shown)} FROM {table} LIMIT 1")
    assert (0, f"{of.removesuffix('_id')} GHOST", "read-model") in found(replayed(store))


def test_postings_of_no_entry_are_nobodys(store: Altered) -> None:
    store.sql(RUINED["a_posting_of_no_entry"])
    assert found(replayed(store)) == [(0, "no order", "read-model")]


def test_a_finding_says_what_is_wrong_of_what(store: Altered) -> None:
    store.sql("UPDATE refunds SET currency = 'JPY', next_promise_us = 1 WHERE order_id = 'O3'")
    (finding,) = replayed(store).findings
    promise = "2026-01-16 10:00:00+00:00 by the log, 1970-01-01 00:00:00.000001+00:00 by the read models"
    said = f"currency: USD by the log, JPY by the read models; next promise: {promise}"
    assert finding.reason == f"O3:refund:1: {said}"


# --- which of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_where_only_one_exists_it_is_compared_and_named(name: str, tmp_path: Path) -> None:
    store = written(tmp_path)
    build(store.url, name)
    report = replayed(store)
    assert (report.findings, report.compared, report.read_models) == ([], True, [name])


def test_what_is_not_built_is_told(tmp_path: Path) -> None:
    store = written(tmp_path)
    build(store.url, "orders", "refunds")
    status, said = audited("--store", store.url)
    assert status == 0
    assert "each order compared with orders, refunds; not built: exceptions, inbox, ledger, shipments" in said


def test_a_ghost_is_found_by_each_read_model_alone(tmp_path: Path) -> None:
    store = written(tmp_path)
    build(store.url, "refunds")
    store.sql("UPDATE refunds SET order_id = 'GHOST', refund_id = 'GHOST:refund:1' WHERE order_id = 'O1'")
    assert (0, "order GHOST", "read-model") in found(replayed(store))


def test_one_that_must_be_rebuilt_is_left_out_and_the_others_are_compared(store: Altered) -> None:
    store.sql("UPDATE projections SET version = 99 WHERE name = 'ledger'")
    store.sql("UPDATE order_list SET total = 1 WHERE order_id = 'O1'")
    models, why_not = caught_up(store.url)
    report = replay(store.url, read_models=models)
    assert why_not == {"ledger": "was made by another version and must be rebuilt"}
    assert report.read_models == [name for name in ALL if name != "ledger"]
    assert report.found == 1


def test_a_log_that_has_lost_events_which_the_read_models_know_is_found(store: Altered) -> None:
    cut(store)
    report = replayed(store)
    assert [(finding.position, finding.rule, finding.reason) for finding in report.findings] == [
        (0, "read-model", f"the read model {name} knows events that the log does not have") for name in ALL
    ]


def test_a_log_with_other_events_than_the_read_models_know_is_found(store: Altered) -> None:
    cut(store)
    with Orders.open(store.url) as orders:
        give(orders, placing("O8"))
        give(orders, placing("O9"))
    assert found(replayed(store)) == [(0, "no order", "read-model")] * len(ALL)


def test_one_that_knows_lost_events_is_found_beside_one_that_agrees(store: Altered) -> None:
    cut(store)
    with Orders.open(store.url) as orders, Database.open(store.url) as database:
        rebuild(orders, database, OrderList())
    report = replayed(store, workers=2)
    assert (report.read_models, report.by_rule) == (["orders"], {"read-model": 5})


def test_lost_events_end_with_status_1_in_text_and_json(store: Altered) -> None:
    cut(store)
    status, said = audited("--store", store.url)
    assert status == 1
    assert "no order read-model the read model ledger knows events that the log does not have" in said
    assert f"not compared: knows events that the log does not have: {', '.join(ALL)} found 6: read-model ×6" in said
    status, said = audited("--store", store.url, "--json")
    report = json.loads(said)
    assert (status, report["found"], report["read_models"]) == (1, 6, [])
    assert report["not_compared"] == dict.fromkeys(ALL, "knows events that the log does not have")


def test_one_that_stopped_is_a_remark_in_text_and_json(store: Altered) -> None:
    with Orders.open(store.url) as orders:
        give(orders, placing("O8"))
    build_read_models(store.url)
    store.sql("DELETE FROM ledger_orders")
    with Orders.open(store.url) as orders:
        give(orders, cancelling("cancel-O8", "O8"))
    status, said = audited("--store", store.url)
    assert status == 0
    assert "ledger stopped at position" in said
    status, said = audited("--store", store.url, "--json")
    report = json.loads(said)
    assert (status, [*report["not_compared"]]) == (0, ["ledger"])
    assert report["not_compared"]["ledger"].startswith("stopped at position")


def test_json_says_which_are_not_compared_and_why(tmp_path: Path) -> None:
    store = written(tmp_path)
    _, said = audited("--store", store.url, "--json")
    assert json.loads(said)["not_compared"] == dict.fromkeys(ALL, "not built")
    build_read_models(store.url)
    _, said = audited("--store", store.url, "--json", "--no-read-models")
    assert json.loads(said)["not_compared"] == dict.fromkeys(ALL, "not asked for")
    _, said = audited("--store", store.url, "--json")
    assert json.loads(said)["not_compared"] == {}
    store.sql("UPDATE projections SET version = 99 WHERE name = 'ledger'")
    status, said = audited("--store", store.url, "--json")
    assert json.loads(said)["not_compared"] == {"ledger": "was made by another version and must be rebuilt"}
    assert status == 0


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("DROP TABLE ledger_postings", "ledger_postings"),
        ("DROP TABLE ledger_returns", "ledger_returns"),
        ("ALTER TABLE ledger_postings DROP COLUMN payment_id", "ledger_postings.payment_id"),
    ],
)
def test_one_without_its_tables_is_a_remark_and_the_others_are_compared(
    statement: str, lost: str, store: Altered
) -> None:
    store.sql(statement)
    status, said = audited("--store", store.url)
    compared = "each order compared with exceptions, inbox, orders, refunds, shipments"
    assert status == 0
    assert f"{compared}; ledger has lost {lost} and must be rebuilt" in said
    store.sql("UPDATE order_list SET total = 1 WHERE order_id = 'O1'")
    status, said = audited("--store", store.url, "--json")
    report = json.loads(said)
    assert (status, report["found"]) == (1, 1)
    assert report["not_compared"] == {"ledger": f"has lost {lost} and must be rebuilt"}


# --- where they live --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["option", "environment"])
def test_read_models_elsewhere_are_compared(how: str, tmp_path: Path) -> None:
    store, place = written(tmp_path), str(tmp_path / "models.db")
    build(store.url, *ALL, place=place)
    arguments = ["--store", store.url, "--json"]
    if how == "option":
        arguments += ["--read-models", place]
    env = {"ORDERTRAIL_READ_MODELS": place} if how == "environment" else None
    status, said = audited(*arguments, env=env)
    report = json.loads(said)
    assert (status, report["read_models"]) == (0, ALL)
    with Database.open(place) as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE order_list SET total = 1 WHERE order_id = 'O1'")
    status, said = audited(*arguments, env=env)
    assert (status, json.loads(said)["found"]) == (1, 1)


def test_a_place_without_read_models_stays_empty(tmp_path: Path) -> None:
    store, place = written(tmp_path), tmp_path / "nothing.db"
    assert caught_up(store.url, str(place)) == (None, dict.fromkeys(ALL, "not built"))
    assert not place.exists()


def test_in_memory_all_of_them_are_made_for_the_occasion(tmp_path: Path) -> None:
    report = replayed(written(tmp_path), "memory:")
    assert (report.findings, report.read_models) == ([], ALL)


# --- while the store is in use ----------------------------------------------------------------------------------------


def test_orders_written_after_the_read_models_caught_up_are_no_difference(store: Altered) -> None:
    models, _ = caught_up(store.url)
    with Orders.open(store.url) as orders:
        give(orders, placing("O8"))
        give(orders, cancelling("cancel-O8", "O8"))
    for workers in (1, 2):
        report = replay(store.url, read_models=models, workers=workers)
        assert (report.findings, report.orders) == ([], 5)


@pytest.mark.parametrize("then_caught_up", [False, True])
def test_orders_written_while_the_log_is_replayed_are_no_difference(then_caught_up: bool, store: Altered) -> None:
    models, _ = caught_up(store.url)
    assert models is not None
    opened = models
    days = iter(range(8, 20))

    @contextmanager
    def writing(up_to: int) -> Iterator[ReadModels]:
        """Read models in whose shop somebody orders, and cancels, as soon as they are opened."""
        with opened(up_to) as asked:
            with Orders.open(store.url) as orders:
                day = next(days)
                order_id = f"N{day}"
                give(orders, placing(order_id))
                give(orders, cancelling(f"cancel-{order_id}", order_id))
                give(orders, scan("fail-attempt", f"scan-{order_id}", at=f"+{day}d 10:00", shipment_id="S-O4"))
            if then_caught_up:
                build_read_models(store.url)
            yield asked

    assert replay(store.url, read_models=writing).findings == []
