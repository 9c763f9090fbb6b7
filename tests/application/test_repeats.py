"""ORDER-0 on a store: a used id answers as the first time, in whichever way and whenever it comes again."""

from collections.abc import Callable
from typing import Any

import pytest

from ordertrail.application import Orders, Principal
from shop import (
    BUYER,
    CARRIER,
    MARKETPLACE,
    WAREHOUSE,
    Clock,
    cancelling,
    everything,
    give,
    line,
    packing,
    placing,
    scan,
)

FIRST = cancelling("mine", items={"A": 1})


def furnished(orders: Orders, clock: Clock) -> list[tuple[dict[str, Any], Principal, str]]:
    """Commands that were answered: accepted, rejected, noted."""
    give(orders, placing())
    give(orders, placing("O2"))
    give(orders, packing("pack", order_id="O2"), by=WAREHOUSE)
    clock.set("10:05")
    give(orders, scan("deliver", "deliver"), by=CARRIER)
    given = [
        (cancelling("yes", items={"A": 1}), BUYER, "accepted"),
        (cancelling("no", items={"A": 1}), BUYER, "rejected"),
        (scan("start-delivery", "late", at="10:01"), CARRIER, "noted"),
    ]
    for command, by, status in given:
        assert orders.handle(command, by=by).status == status
    return given


def test_order_0_whatever_was_answered_is_answered_so_again_and_nothing_changes(orders: Orders, clock: Clock) -> None:
    given = furnished(orders, clock)
    before = everything(orders)
    clock.set("+40d 10:00")
    for command, by, status in given:
        again = orders.handle(command, by=by)
        assert (again.status, again.events, again.first and again.first["status"]) == ("duplicate", [], status)
        assert again.first == orders.handle(command, by=by).first
    assert everything(orders) == before


def test_order_0_the_first_answer_is_given_whole(orders: Orders) -> None:
    give(orders, placing())
    first = give(orders, FIRST, by=BUYER)
    again = orders.handle(FIRST, by=BUYER)
    assert again.to_dict() == {
        "command": "cancel-items",
        "command_id": "mine",
        "status": "duplicate",
        "order_ids": ["O1"],
        "events": [],
        "first": first.to_dict(),
    }


def test_order_0_across_opening_again(open_orders: Callable[..., Orders], clock: Clock) -> None:
    with open_orders() as orders:
        given = furnished(orders, clock)
        before = everything(orders)
    orders = open_orders()
    for command, by, status in given:
        again = orders.handle(command, by=by)
        assert (again.status, again.first and again.first["status"]) == ("duplicate", status)
    assert everything(orders) == before
    assert orders.handle(cancelling("yes", items={"B": 1}), by=BUYER).rule == "ORDER-0"


def test_order_0_a_command_is_the_same_through_handle_and_in_a_log(orders: Orders) -> None:
    give(orders, placing())
    first = give(orders, FIRST, by=BUYER)
    [again] = orders.run([line(FIRST | {"actor": "buyer", "actor_id": "B1"}, "+9d 10:00")])
    assert (again.status, again.first) == ("duplicate", first.to_dict())
    [logged] = orders.run([line(cancelling("logged", items={"B": 1}, actor="buyer", actor_id="B1"), "10:10")])
    assert logged.status == "accepted"
    again = orders.handle(cancelling("logged", items={"B": 1}), by=BUYER)
    assert again.status == "duplicate"
    assert again.first == {key: value for key, value in logged.to_dict().items() if key != "line"}


def test_order_0_an_actor_left_out_in_the_log_is_another_command_than_one_of_a_host(orders: Orders) -> None:
    give(orders, placing())
    give(orders, FIRST, by=BUYER)
    [result] = orders.run([line(FIRST, "10:00")])
    assert (result.status, result.rule) == ("rejected", "ORDER-0")


@pytest.mark.parametrize(
    ("command", "by"),
    [
        (cancelling("mine", items={"B": 1}), BUYER),
        (FIRST, MARKETPLACE),
        (FIRST, Principal("buyer")),
        (placing("O3") | {"command_id": "mine"}, MARKETPLACE),
    ],
)
def test_order_0_the_same_id_with_another_content_is_rejected_each_time_and_kept_once(
    command: dict[str, Any], by: Principal, orders: Orders, clock: Clock
) -> None:
    give(orders, placing())
    first = give(orders, FIRST, by=BUYER)
    no = orders.handle(command, by=by)
    assert (no.status, no.rule, no.events) == ("rejected", "ORDER-0", [])
    before = everything(orders)
    clock.set("10:20")
    assert orders.handle(command, by=by) == no
    assert orders.handle(FIRST, by=BUYER).first == first.to_dict()
    assert everything(orders) == before


def test_order_0_within_one_batch(orders: Orders) -> None:
    batch = [placing(), FIRST, FIRST, cancelling("mine", items={"B": 1}), cancelling("mine", items={"B": 1}), FIRST]
    results = list(orders.run([line(command, f"10:0{n}") for n, command in enumerate(batch)]))
    assert [result.status for result in results] == [
        "accepted",
        "accepted",
        "duplicate",
        "rejected",
        "rejected",
        "duplicate",
    ]
    assert results[3].to_dict() | {"line": 5} == results[4].to_dict()
    assert len(everything(orders)["journal"]) == 3


def test_a_malformed_command_uses_up_no_id(orders: Orders) -> None:
    give(orders, placing())
    assert orders.handle(cancelling("mine", items={}), by=BUYER).status == "invalid"
    give(orders, FIRST, by=BUYER)


def test_a_log_that_is_run_again_changes_nothing(open_orders: Callable[..., Orders]) -> None:
    log = [line(command, "10:00") for command in (placing(), packing("pack"), FIRST, scan("deliver", "d"), FIRST)]
    with open_orders() as orders:
        first = list(orders.run(log))
        before = everything(orders)
    orders = open_orders()
    again = list(orders.run(log))
    assert [result.status for result in again] == ["duplicate"] * 5
    told = [result.to_dict() for result in first[:4]]
    assert [result.first for result in again[:4]] == [
        {key: value for key, value in each.items() if key != "line"} for each in told
    ]
    assert everything(orders) == before
