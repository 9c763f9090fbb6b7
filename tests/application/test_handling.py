"""`Orders.handle`: who acts is the host's to say, when is the clock's; what is wrong is an answer, not an exception."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest

from ordertrail.application import Orders, Principal, UnknownOrder
from ordertrail.domain.commands import parse
from shop import (
    BUYER,
    CARRIER,
    MARKETPLACE,
    SELLER,
    SYSTEM,
    WAREHOUSE,
    Clock,
    cancelling,
    everything,
    give,
    instant,
    learned,
    line,
    packing,
    placing,
    scan,
)

FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {"dict": dict, "mapping": MappingProxyType, "command": parse}


@pytest.mark.parametrize("form", FORMS)
def test_a_command_is_a_mapping_or_a_command_object(form: str, orders: Orders) -> None:
    result = orders.handle(FORMS[form](placing()), by=MARKETPLACE)
    assert (result.status, result.command, result.command_id) == ("accepted", "place-order", "place-O1")
    assert result.events == [{"type": "order-placed", "order_id": "O1", "version": 1, "rule": "ORDER-1"}]
    packed = orders.handle(FORMS[form](packing("pack")), by=WAREHOUSE)
    assert (packed.status, packed.order_ids) == ("accepted", ["O1"])
    assert {"type": "shipment-packed", "shipment_id": "S1", "version": 1, "rule": "PACK-1"} in packed.events


def test_a_command_object_and_its_dict_are_the_same_command(orders: Orders) -> None:
    give(orders, placing())
    assert orders.handle(parse(placing()), by=MARKETPLACE).status == "duplicate"


@pytest.mark.parametrize(
    ("raw", "command_id", "field"),
    [
        ({"command_id": "c"}, "c", "command"),
        ({"command": "cancel-itmes", "command_id": "c"}, "c", "command"),
        ({"command": "cancel-items", "order_id": "O1", "items": "all"}, None, "command_id"),
        (cancelling("c", items={}), "c", "items"),
        (cancelling("c", items={"A": -1}), "c", "items"),
        (cancelling("c", when="now"), "c", "when"),
        (cancelling("c", reason="Free text!"), "c", "reason"),
        (scan("deliver", "c") | {"at": "2026-01-05T10:00:00"}, "c", "at"),
        (scan("deliver", "c") | {"at": datetime(2026, 1, 5)}, "c", "at"),
        ([], None, "mapping"),
        (None, None, "mapping"),
    ],
)
def test_a_malformed_command_is_invalid_names_the_field_and_leaves_no_trace(
    raw: Any, command_id: str | None, field: str
) -> None:
    with Orders.open("memory:") as orders:
        before = everything(orders)
        for ask in (orders.handle, orders.preview):
            result = ask(raw, by=CARRIER)
            assert (result.status, result.command_id) == ("invalid", command_id)
            assert field in (result.reason or "")
            assert set(result.to_dict()) == {"command", "command_id", "status", "reason"}
        assert everything(orders) == before


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["dict", "command"])
@pytest.mark.parametrize(
    "claimed", [{"actor": "marketplace"}, {"actor": "buyer", "actor_id": "B1"}, {"actor_id": "B1"}]
)
def test_auth_1_a_command_cannot_claim_who_acts(form: str, claimed: dict[str, str]) -> None:
    with Orders.open("memory:") as orders:
        give(orders, placing())
        result = orders.handle(FORMS[form](cancelling("c", **claimed)), by=Principal("buyer", "B2"))
        assert (result.status, result.rule) == ("rejected", "AUTH-1")


def test_auth_1_who_acts_is_recorded_as_the_host_says(orders: Orders) -> None:
    give(orders, placing(), by=MARKETPLACE)
    give(orders, cancelling("c", actor="seller", actor_id="M9"), by=BUYER)
    event = orders._store.events("order:O1")[1]
    assert (event.actor, event.actor_id) == ("buyer", "B1")
    assert [entry.who for entry in orders.timeline("O1")[:2]] == ["marketplace", "buyer B1"]


def test_auth_1_a_seller_without_an_id_is_not_checked_and_a_foreign_one_is_rejected(orders: Orders) -> None:
    give(orders, placing(seller="M1"))
    assert orders.handle(cancelling("c", items={"A": 1}), by=Principal("seller", "M2")).rule == "AUTH-1"
    give(orders, cancelling("d", items={"A": 1}), by=SELLER)
    give(orders, cancelling("e", items={"B": 1}), by=Principal("seller"))


def test_a_principal_has_one_of_the_roles() -> None:
    with pytest.raises(ValueError, match="admin"):
        Principal("admin")  # type: ignore[arg-type]


def test_an_actor_id_that_no_command_could_have_is_invalid() -> None:
    with Orders.open("memory:") as orders:
        result = orders.handle(cancelling("c"), by=Principal("buyer", "B" * 201))
        assert result.status == "invalid"
        assert "actor_id" in (result.reason or "")


# --- when -------------------------------------------------------------------------------------------------------------


def test_time_3_the_clock_stamps_a_command_whatever_time_it_brings(orders: Orders, clock: Clock) -> None:
    give(orders, placing() | {"at": "2020-01-01T00:00:00Z"})
    clock.set("10:07:00.000001")
    give(orders, cancelling("c", items={"A": 1}, at="2031-01-01T00:00:00Z"), by=BUYER)
    at = instant("10:07:00.000001")
    assert [event[1:] for event in learned(orders)] == [(instant("10:00"), instant("10:00")), (at, at), (at, at)]


def test_time_3_without_a_clock_the_time_is_the_systems(address: str) -> None:
    before = datetime.now(UTC)
    with Orders.open(address) as orders:
        give(orders, placing())
        assert before <= orders.order("O1").placed_at <= datetime.now(UTC)


def test_seller_1_in_the_window_by_the_clock(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    clock.set("10:30")
    give(orders, cancelling("c", items={"A": 1}), by=BUYER)
    clock.set("10:30:00.000001")
    result = orders.handle(cancelling("d", items={"B": 1}), by=BUYER)
    assert (result.status, result.rule, result.advice) == ("rejected", "SELLER-2", "request-cancellation")


def test_time_1_the_hosts_clock_job_lets_time_pass_for_all_orders(orders: Orders, clock: Clock) -> None:
    for order_id in ("O1", "O2"):
        give(orders, placing(order_id, seller="M1"))
    clock.set("10:30:01")
    assert orders.handle({"command": "pass-time", "command_id": "t1"}, by=MARKETPLACE).rule == "AUTH-1"
    passed = give(orders, {"command": "pass-time", "command_id": "t2"}, by=SYSTEM)
    assert (passed.order_ids, passed.events) == ([], []), "the rejected one recorded them all the same"
    assert learned(orders, "O2")[-1] == ("seller-window-closed", instant("10:30"), instant("10:30:01"))


# --- what it answers --------------------------------------------------------------------------------------------------


def test_an_accepted_result_is_as_the_interface_shows_it(orders: Orders) -> None:
    give(orders, placing())
    result = give(orders, cancelling("c-7", items={"A": 1}), by=BUYER)
    told = {
        "command": "cancel-items",
        "command_id": "c-7",
        "status": "accepted",
        "order_ids": ["O1"],
        "events": [
            {"type": "items-cancelled", "order_id": "O1", "version": 2, "rule": "CANCEL-1"},
            {"type": "refund-owed", "order_id": "O1", "version": 3, "rule": "PARTIAL-1"},
        ],
    }
    assert result.to_dict() == told
    assert list(result.to_dict()) == list(told)
    assert json.loads(result.to_json()) == told
    [as_line] = orders.run([line(cancelling("c-8", items={"B": 1}), "10:00")])
    assert list(as_line.to_dict()) == ["line", *told]


def test_a_rejected_result_is_as_the_interface_shows_it(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    clock.set("10:30:01")
    told = orders.handle(cancelling("c-8"), by=BUYER).to_dict()
    closed = {"type": "seller-window-closed", "order_id": "O1", "version": 2, "rule": "SELLER-1"}
    assert told == {
        "command": "cancel-items",
        "command_id": "c-8",
        "status": "rejected",
        "order_ids": ["O1"],
        "events": [closed],
        "rule": "SELLER-2",
        "reason": "the seller window closed at 2026-01-05T10:30:00Z",
        "advice": "request-cancellation",
        "cascade": [],
    }


def test_combined_1_a_rejected_result_lists_the_units_that_would_go(orders: Orders) -> None:
    give(orders, placing())
    give(orders, packing("pack"), by=WAREHOUSE)
    asked = {"command": "request-cancellation", "command_id": "r", "order_id": "O1", "items": {"A": 1}}
    told = json.loads(orders.handle(asked, by=BUYER).to_json())
    assert (told["rule"], told["cascade"]) == ("COMBINED-1", [{"order_id": "O1", "item_id": "B", "quantity": 1}])


def test_refund_4_the_answer_to_a_submission_carries_the_key_also_again(orders: Orders) -> None:
    give(orders, placing())
    give(orders, cancelling("c"), by=BUYER)
    submission = {
        "command": "submit-payout",
        "command_id": "s",
        "refund_id": "O1:refund:1",
        "payment_id": "P1",
    }
    result = give(orders, submission)
    assert result.idempotency_key == result.to_dict()["idempotency_key"] == "O1:refund:1:P1:1"
    again = orders.handle(submission, by=MARKETPLACE)
    assert (again.status, again.first) == ("duplicate", result.to_dict())


# --- asking for one order ---------------------------------------------------------------------------------------------


def test_an_order_is_a_copy_whose_change_does_no_harm(orders: Orders) -> None:
    give(orders, placing())
    before = orders.show("O1")
    order = orders.order("O1")
    order.units[0].state = "lost"
    order.version = 99
    order.items.clear()
    assert orders.show("O1") == before
    give(orders, cancelling("c"), by=BUYER)
    assert orders.order("O1") is not orders.order("O1")


def test_an_unknown_order_is_one_sentence(orders: Orders) -> None:
    give(orders, placing())
    for ask in (orders.order, orders.show, orders.timeline, orders.options):
        with pytest.raises(UnknownOrder, match=r"^there is no order O2$"):
            ask("O2")
