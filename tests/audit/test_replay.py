"""`audit replay` finds what is wrong: each fault that is planted in a store is named with order, position and rule."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ordertrail.application import Orders
from ordertrail.application.audit.replay import replay
from ordertrail.application.errors import StoreError
from ordertrail.interfaces.auditing.read_models import caught_up
from ordertrail.interfaces.cli import ordertrail
from recorded_log import recorded_log
from replays import SETTINGS, Altered, build_read_models, found

Fault = Callable[[Altered], tuple[int, str, str]]
"""Does it, and says what must be found: position, whose, rule."""
FAULTS: list[Fault] = []
READ_MODEL_FAULTS: list[Fault] = []


def fault(plant: Fault) -> Fault:
    FAULTS.append(plant)
    return plant


def read_model_fault(plant: Fault) -> Fault:
    READ_MODEL_FAULTS.append(plant)
    return plant


@pytest.fixture
def store(tmp_path: Path) -> Altered:
    return Altered(tmp_path / "shop.db")


# --- rows -------------------------------------------------------------------------------------------------------------


@fault
def a_row_that_is_no_json(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O3", "return-started")
    store.sql("UPDATE stored_events SET state = CAST('{\"type\":' AS BLOB) WHERE notification_id = ?", position)
    return position, "order O3", "readable"


@fault
def a_row_that_is_no_text(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O3", "return-started")
    store.sql("UPDATE stored_events SET state = x'ff00fe' WHERE notification_id = ?", position)
    return position, "order O3", "readable"


@fault
def an_unknown_event(store: Altered) -> tuple[int, str, str]:
    position = store.alter("order:O3", "return-started", lambda state: state.update(type="order-teleported"))
    return position, "order O3", "readable"


@fault
def an_event_of_a_later_schema(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O3", "return-started", lambda state: state.update(schema=9)), "order O3", "readable"


@fault
def a_field_of_another_type(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "refund-owed", lambda state: state.update(amount="much")), "order O1", "readable"


@fault
def a_row_that_no_look_up_by_its_stream_finds(store: Altered) -> tuple[int, str, str]:
    return _stored_as(store, "originator_id", "BLOB")


@fault
def a_row_that_no_look_up_by_its_version_finds(store: Altered) -> tuple[int, str, str]:
    return _stored_as(store, "originator_version", "BLOB")


@fault
def a_row_whose_name_is_no_text(store: Altered) -> tuple[int, str, str]:
    return _stored_as(store, "topic", "BLOB")


@fault
def a_row_whose_state_is_a_text(store: Altered) -> tuple[int, str, str]:
    return _stored_as(store, "state", "TEXT")


def _stored_as(store: Altered, column: str, kind: str) -> tuple[int, str, str]:
    position = store.position("order:O3", "return-started")
    store.sql(f"UPDATE stored_events SET {column} = CAST({column} AS {kind}) WHERE notification_id = ?", position)
    return position, "order O3", "readable"


@fault
def rows_that_make_events_only_together(store: Altered) -> tuple[int, str, str]:
    """The first event is cut in two, and its second half is followed by the events of two rows in one."""
    first = store.position("order:O3", "return-started")
    states = [state for (state,) in store.sql("SELECT state FROM stored_events WHERE notification_id >= ?", first)]
    half, rest = states[0].split(b",", 1)
    for position, state in enumerate([half, rest, states[1] + b"," + states[2]], start=first):
        store.sql("UPDATE stored_events SET state = ? WHERE notification_id = ?", state, position)
    return first, "order O3", "readable"


@fault
def a_row_in_another_stream(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O2", "items-cancelled")
    store.sql("UPDATE stored_events SET originator_id = 'order:O9' WHERE notification_id = ?", position)
    return position, "order O9", "readable"


@fault
def an_event_again_in_another_stream(store: Altered) -> tuple[int, str, str]:
    store.sql(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state, digest)"
        " SELECT 'order:O9', 1, topic, state, digest FROM stored_events WHERE notification_id = ?",
        store.position("order:O2", "items-cancelled"),
    )
    return store.sql("SELECT max(notification_id) FROM stored_events")[0][0], "order O9", "readable"


@fault
def a_row_before_all_others(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O3", "return-started")
    store.sql("UPDATE stored_events SET notification_id = -7 WHERE notification_id = ?", position)
    return -7, "order O3", "sequence"


@fault
def a_row_with_another_version(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O2", "items-cancelled")
    store.sql("UPDATE stored_events SET originator_version = 77 WHERE notification_id = ?", position)
    return position, "order O2", "readable"


@fault
def a_row_with_another_name(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O2", "items-cancelled")
    store.sql("UPDATE stored_events SET topic = 'items-packed' WHERE notification_id = ?", position)
    return position, "order O2", "readable"


# --- versions and envelopes -------------------------------------------------------------------------------------------


@fault
def an_event_that_is_gone(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM stored_events WHERE notification_id = ?", store.position("order:O1", "payout-submitted"))
    return store.position("order:O1", "payout-failed"), "order O1", "sequence"


@fault
def a_first_event_that_is_gone(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM stored_events WHERE notification_id = ?", store.position("order:O4", "order-placed"))
    return store.position("order:O4", "items-packed"), "order O4", "sequence"


@fault
def an_event_under_a_later_version(store: Altered) -> tuple[int, str, str]:
    position = store.alter("order:O3", "refund-owed", lambda state: state.update(version=state["version"] + 3))
    return position, "order O3", "sequence"


@fault
def two_events_in_each_others_place(store: Altered) -> tuple[int, str, str]:
    first, second = store.position("order:O4", "items-packed"), store.position("order:O4", "items-dispatched")
    for before, after in ((first, -1), (second, first), (-1, second)):
        store.sql("UPDATE stored_events SET notification_id = ? WHERE notification_id = ?", after, before)
    return first, "order O4", "sequence"


@fault
def an_order_placed_twice(store: Altered) -> tuple[int, str, str]:
    placed = store.state(store.position("order:O4", "order-placed"))
    return store.add("order:O4", **placed | {"version": 4}), "order O4", "folding"


@fault
def another_buyer(store: Altered) -> tuple[int, str, str]:
    return (
        store.alter("shipment:S-O1", "shipment-delivered", lambda s: s.update(buyer_id="B2")),
        "shipment S-O1",
        "envelope",
    )


@fault
def a_rule_that_nobody_knows(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "items-delivered", lambda s: s.update(rule="SCAN-9")), "order O1", "envelope"


@fault
def recorded_before_the_event_before_it(store: Altered) -> tuple[int, str, str]:
    early = "2026-01-05T10:00:00Z"
    return (
        store.alter("order:O1", "items-delivered", lambda s: s.update(recorded_at=early, at=early)),
        "order O1",
        "envelope",
    )


@fault
def before_the_order_was_placed(store: Altered) -> tuple[int, str, str]:
    return (
        store.alter("order:O1", "items-delivered", lambda s: s.update(at="2026-01-04T10:00:00Z")),
        "order O1",
        "TIME-2",
    )


@fault
def long_before_it_happened(store: Altered) -> tuple[int, str, str]:
    return (
        store.alter("order:O1", "items-delivered", lambda s: s.update(at="2026-03-04T10:00:00Z")),
        "order O1",
        "TIME-3",
    )


@fault
def a_policy_that_is_gone(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM policies")
    return store.position("order:O1", "order-placed"), "order O1", "folding"


# --- moves ------------------------------------------------------------------------------------------------------------


@fault
def a_move_that_the_lifecycle_does_not_have(store: Altered) -> tuple[int, str, str]:
    position = store.alter("order:O4", "items-dispatched", lambda state: state.update(type="delivery-started"))
    return position, "order O4", "lifecycle"


@fault
def a_parcels_move_that_the_lifecycle_does_not_have(store: Altered) -> tuple[int, str, str]:
    position = store.alter(
        "shipment:S-O1", "shipment-dispatched", lambda state: state.update(type="shipment-attempted")
    )
    return position, "shipment S-O1", "lifecycle"


@fault
def units_that_the_order_does_not_have(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "items-delivered", lambda s: s.update(units={"Z": [1]})), "order O1", "folding"


@fault
def a_unit_number_beyond_its_line(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "items-cancelled", lambda s: s.update(units={"A": [2]})), "order O1", "folding"


@fault
def a_unit_twice_in_one_event(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "items-delivered", lambda s: s.update(units={"B": [1, 1]})), "order O1", "folding"


@fault
def no_units_at_all(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "items-delivered", lambda s: s.update(units={})), "order O1", "lifecycle"


@fault
def units_delivered_with_another_parcel(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "items-delivered", lambda s: s.update(shipment_id="S-O4")), "order O1", "PACK-1"


@fault
def a_seller_window_that_closes_too_late(store: Altered) -> tuple[int, str, str]:
    late = "2026-01-05T10:59:00Z"
    return store.alter("order:O2", "seller-window-closed", lambda s: s.update(at=late)), "order O2", "SELLER-1"


@fault
def a_request_asked_again(store: Altered) -> tuple[int, str, str]:
    asked = store.state(store.position("order:O2", "cancellation-requested"))

    def ask_instead(state: dict[str, Any]) -> None:
        version = state["version"]
        state.clear()
        state.update(asked, version=version)

    return store.alter("order:O2", "cancellation-approved", ask_instead), "order O2", "CANCEL-7"


@fault
def an_answer_to_an_answered_request(store: Altered) -> tuple[int, str, str]:
    again = {"type": "cancellation-declined", "request_id": "O2:request:1"}
    return store.add("order:O2", **again), "order O2", "ORDER-5"


@fault
def a_return_after_its_window(store: Altered) -> tuple[int, str, str]:
    late = {"at": "2026-02-09T10:00:00Z", "recorded_at": "2026-02-09T10:00:00Z"}
    position = store.alter("order:O3", "return-started", lambda state: state.update(late))
    for name in ("return-handed-over", "return-received", "refund-owed"):
        store.alter("order:O3", name, lambda state: state.update(recorded_at="2026-02-09T10:00:00Z"))
    return position, "order O3", "RETURN-1"


@fault
def a_return_received_twice(store: Altered) -> tuple[int, str, str]:
    again = {"type": "return-received", "return_id": "O3:return:1", "units": {"A": [1]}}
    return store.add("order:O3", **again), "order O3", "lifecycle"


# --- money ------------------------------------------------------------------------------------------------------------


@fault
def an_order_paid_a_cent_short(store: Altered) -> tuple[int, str, str]:
    position = store.alter("order:O4", "order-placed", lambda state: state["payments"][0].update(amount=4999))
    return position, "order O4", "ORDER-3"


@fault
def a_unit_refunded_twice(store: Altered) -> tuple[int, str, str]:
    owed = store.state(store.position("order:O3", "refund-owed"))
    again = {k: v for k, v in owed.items() if k != "version"} | {"refund_id": "O3:refund:2"}
    return store.add("order:O3", **again), "order O3", "REFUND-1"


@fault
def a_refund_a_cent_too_much(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O3", "refund-owed", lambda state: state.update(amount=2001)), "order O3", "amounts"


@fault
def a_refund_a_cent_too_much_in_all_its_parts(store: Altered) -> tuple[int, str, str]:
    def more(state: dict[str, Any]) -> None:
        state.update(value=state["value"] + 1, amount=state["amount"] + 1)
        state["payouts"][0]["amount"] += 1

    return store.alter("order:O1", "refund-owed", more), "order O1", "amounts"


@fault
def payouts_that_do_not_add_up(store: Altered) -> tuple[int, str, str]:
    position = store.alter("order:O1", "refund-owed", lambda state: state["payouts"][0].update(amount=1999))
    return position, "order O1", "amounts"


@fault
def a_payout_to_somebody_elses_payment(store: Altered) -> tuple[int, str, str]:
    position = store.alter("order:O1", "refund-owed", lambda state: state["payouts"][0].update(payment_id="P7"))
    return position, "order O1", "REFUND-1"


@fault
def more_back_than_was_captured(store: Altered) -> tuple[int, str, str]:
    def more(state: dict[str, Any]) -> None:
        state.update(value=9000, amount=9000)
        state["payouts"][0]["amount"] = 9000

    return store.alter("order:O3", "refund-owed", more), "order O3", "REFUND-1"


@fault
def a_promise_that_the_policy_does_not_make(store: Altered) -> tuple[int, str, str]:
    late = {"promised_by": "2027-01-05T10:00:00Z"}
    return (
        store.alter("order:O3", "refund-owed", lambda state: state["payouts"][0].update(late)),
        "order O3",
        "REFUND-2",
    )


@fault
def a_refund_of_somebody_elses_money(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O3", "refund-owed", lambda s: s.update(funded_by="seller")), "order O3", "REFUND-3"


@fault
def a_payout_paid_a_cent_too_much(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "payout-paid", lambda state: state.update(amount=2001)), "order O1", "REFUND-5"


@fault
def a_payout_paid_twice(store: Altered) -> tuple[int, str, str]:
    paid = store.state(store.position("order:O1", "payout-paid"))
    again = {k: v for k, v in paid.items() if k not in ("version", "at", "recorded_at")}
    return store.add("order:O1", **again), "order O1", "REFUND-4"


@fault
def a_payout_of_no_refund(store: Altered) -> tuple[int, str, str]:
    return store.alter("order:O1", "payout-paid", lambda s: s.update(refund_id="O1:refund:8")), "order O1", "folding"


@fault
def a_key_used_again(store: Altered) -> tuple[int, str, str]:
    position = store.sql("SELECT max(notification_id) FROM stored_events WHERE topic = 'payout-submitted'")[0][0]
    store.write(position, store.state(position) | {"idempotency_key": "O1:refund:1:P1:1"})
    return position, "order O1", "REFUND-4"


@fault
def a_refund_released_twice(store: Altered) -> tuple[int, str, str]:
    released = store.state(store.position("order:O1", "refund-released"))
    again = {k: v for k, v in released.items() if k not in ("version", "at", "recorded_at")}
    return store.add("order:O1", **again), "order O1", "PARTIAL-1"


# --- wholes -----------------------------------------------------------------------------------------------------------


@fault
def a_last_step_that_is_gone(store: Altered) -> tuple[int, str, str]:
    """Everything is paid, and the units are not refunded."""
    store.alter(
        "order:O1", "items-refunded", lambda s: s.update(type="exception-raised", kind="turned-up", amount=2000)
    )
    return store.position("order:O1", "items-delivered"), "order O1", "REFUND-4"


@fault
def a_refund_that_was_never_owed(store: Altered) -> tuple[int, str, str]:
    position = store.position("order:O3", "refund-owed")
    store.sql("DELETE FROM stored_events WHERE notification_id = ?", position)
    return store.position("order:O3", "return-received"), "order O3", "consistency"


@fault
def a_refund_that_stays_deferred(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM stored_events WHERE notification_id = ?", store.position("order:O2", "refund-released"))
    return store.position("order:O2", "items-dispatched"), "order O2", "PARTIAL-1"


@fault
def a_parcel_that_left_its_units_behind(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM stored_events WHERE notification_id = ?", store.position("order:O4", "items-dispatched"))
    return store.position("order:O4", "items-packed"), "order O4", "consistency"


@fault
def units_that_left_their_parcel_behind(store: Altered) -> tuple[int, str, str]:
    store.sql(
        "DELETE FROM stored_events WHERE notification_id = ?", store.position("shipment:S-O1", "shipment-delivered")
    )
    return store.position("shipment:S-O1", "shipment-dispatched"), "shipment S-O1", "consistency"


@fault
def units_that_their_parcel_does_not_hold(store: Altered) -> tuple[int, str, str]:
    store.alter("shipment:S-O4", "shipment-packed", lambda s: s["contents"][0].update(units={"A": [1]}))
    return store.position("order:O4", "items-dispatched"), "order O4", "PACK-1"


@fault
def a_parcel_of_units_that_its_order_does_not_have(store: Altered) -> tuple[int, str, str]:
    store.alter("shipment:S-O4", "shipment-packed", lambda s: s["contents"][0].update(units={"A": [9], "Z": [1]}))
    return store.position("shipment:S-O4", "shipment-dispatched"), "shipment S-O4", "PACK-1"


@fault
def a_parcel_that_is_gone(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM stored_events WHERE originator_id = 'shipment:S-O4'")
    return store.position("order:O4", "items-dispatched"), "order O4", "consistency"


# --- read models ------------------------------------------------------------------------------------------------------


def last_of(store: Altered, order_id: str) -> tuple[int, str, str]:
    query = "SELECT max(notification_id) FROM stored_events WHERE originator_id = ?"
    return store.sql(query, f"order:{order_id}")[0][0], f"order {order_id}", "read-model"


@read_model_fault
def another_state(store: Altered) -> tuple[int, str, str]:
    store.sql("UPDATE order_list SET state = 'lost' WHERE order_id = 'O4'")
    return last_of(store, "O4")


@read_model_fault
def an_open_request(store: Altered) -> tuple[int, str, str]:
    store.sql("UPDATE order_list SET open_requests = 1 WHERE order_id = 'O2'")
    return last_of(store, "O2")


@read_model_fault
def an_order_that_is_not_listed(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM order_list WHERE order_id = 'O4'")
    return last_of(store, "O4")


@read_model_fault
def a_refund_with_another_status(store: Altered) -> tuple[int, str, str]:
    store.sql("UPDATE refunds SET status = 'paid' WHERE order_id = 'O3'")
    return last_of(store, "O3")


@read_model_fault
def a_refund_of_another_amount(store: Altered) -> tuple[int, str, str]:
    store.sql("UPDATE refunds SET made = replace(made, '2000', '2001') WHERE order_id = 'O3'")
    return last_of(store, "O3")


@read_model_fault
def a_refund_that_is_not_there(store: Altered) -> tuple[int, str, str]:
    store.sql("DELETE FROM refunds WHERE order_id = 'O1'")
    return last_of(store, "O1")


@read_model_fault
def a_ledger_that_is_a_cent_off(store: Altered) -> tuple[int, str, str]:
    store.sql(
        "UPDATE ledger_postings SET amount = amount - 1 WHERE account = 'Liabilities:Refunds:Due'"
        " AND entry = (SELECT max(entry) FROM ledger_entries WHERE order_id = 'O3')"
    )
    return last_of(store, "O3")


# --- and that it is found ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plant", FAULTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found_whatever_is_kept_in_memory(plant: Fault, store: Altered) -> None:
    expected = plant(store)
    report = replay(store.url)
    assert expected in found(report)
    assert report.found == len(report.findings) == sum(report.by_rule.values())
    for settings in SETTINGS:
        assert replay(store.url, settings=settings).findings == report.findings


@pytest.mark.parametrize("plant", READ_MODEL_FAULTS, ids=lambda plant: plant.__name__)
def test_a_read_model_that_says_something_else_is_found(plant: Fault, store: Altered) -> None:
    build_read_models(store.url)
    assert replay(store.url, read_models=caught_up(store.url)[0]).found == 0
    expected = plant(store)
    for settings in (None, *SETTINGS):
        assert found(replay(store.url, read_models=caught_up(store.url)[0], settings=settings)) == [expected]
    assert replay(store.url).found == 0


@pytest.mark.slow
@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_find_the_same_and_in_the_same_order(workers: int, store: Altered) -> None:
    build_read_models(store.url)
    for plant in (another_state, a_unit_refunded_twice, a_row_that_is_no_json, a_parcel_that_left_its_units_behind):
        plant(store)
    models, _ = caught_up(store.url)
    alone = replay(store.url, read_models=models)
    assert alone.found > 4
    together = replay(store.url, read_models=models, workers=workers)
    assert (together.findings, together.by_rule, together.by_event) == (alone.findings, alone.by_rule, alone.by_event)


def test_on_the_command_line_each_finding_is_a_line_and_the_status_is_1(store: Altered) -> None:
    position, _, _ = a_payout_paid_a_cent_too_much(store)
    shown = CliRunner().invoke(ordertrail, ["audit", "replay", "--store", store.url], standalone_mode=False)
    assert shown.return_value == 1
    (line,) = [line for line in shown.output.splitlines() if line.split()[:1] == [str(position)]]
    assert line.split()[1:4] == ["order", "O1", "REFUND-5"]


def test_on_the_command_line_json_tells_the_same(store: Altered) -> None:
    build_read_models(store.url)
    position, _, _ = another_state(store)
    ran = CliRunner().invoke(ordertrail, ["audit", "replay", "--json", "--store", store.url], standalone_mode=False)
    report = json.loads(ran.output)
    assert ran.return_value == 1
    assert (report["found"], report["by_rule"], report["compared"]) == (1, {"read-model": 1}, True)
    reason = "state: shipped by the log, lost by the read models"
    assert report["findings"] == [{"position": position, "rule": "read-model", "reason": reason, "order_id": "O4"}]
    without = ["audit", "replay", "--no-read-models", "--json", "--store", store.url]
    ran = CliRunner().invoke(ordertrail, without, standalone_mode=False)
    assert (ran.return_value, json.loads(ran.output)["compared"]) == (0, False)


def test_of_very_many_findings_the_first_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    store = Altered(tmp_path / "shop.db")
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
        columns = "originator_id, originator_version, topic, state, digest"
        row = f"INSERT INTO stored_events ({columns}) VALUES (?, 1, 'x', CAST('{{}}' AS BLOB), x'')"
        connection.executemany(row, [(f"order:X{number}",) for number in range(2500)])
    report = replay(store.url)
    assert (report.found, len(report.findings)) == (2500, 1000)
    assert [finding.order_id for finding in report.findings] == [f"X{number}" for number in range(1000)]


@pytest.mark.parametrize(("answered", "rule"), [("claim-granted", "CLAIM-2"), ("cancellation-approved", "SELLER-2")])
def test_an_answer_from_which_nothing_followed_is_found(tmp_path: Path, answered: str, rule: str) -> None:
    shop = tmp_path / "shop.db"
    with Orders.open(shop) as orders:
        list(orders.run(recorded_log(80).splitlines()))
    with closing(sqlite3.connect(shop)) as connection, connection:
        ((stream, version),) = connection.execute(
            "SELECT originator_id, max(originator_version) FROM stored_events"
            " WHERE topic = ? AND CAST(state AS TEXT) LIKE ? GROUP BY 1 LIMIT 1",
            (answered, f'%"rule":"{rule}"%'),
        )
        followed = "originator_id = ? AND originator_version > ?"
        connection.execute(f"DELETE FROM stored_events WHERE {followed}", (stream, version))
    assert (stream, rule) in {(f"order:{each.order_id}", each.rule) for each in replay(str(shop)).findings}


def test_a_policy_that_was_changed_is_believed_by_nobody(shop: Path) -> None:
    with closing(sqlite3.connect(shop)) as connection, connection:
        connection.execute("UPDATE policies SET content = replace(content, 'lapse_days = 15', 'lapse_days = 9')")
    reasons = {finding.reason for finding in replay(str(shop)).findings}
    assert reasons == {"policy 1 was changed after it was kept: its digest is another"}
    with pytest.raises(StoreError, match="policy 1 was changed"):
        Orders.open(shop)
