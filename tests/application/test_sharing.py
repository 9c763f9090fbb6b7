"""Several threads on one `Orders`, and several `Orders` on one store: nobody decides on what is no longer true."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from book import when
from ordertrail.application import Orders, Result
from shop import BUYER, MARKETPLACE, WAREHOUSE, cancelling, everything, give, instant, packing, placing, scan

UNITS = 6
THREADS = 8


def one_line_of_six() -> dict[str, object]:
    line = {"item_id": "A", "sku": "mug", "quantity": UNITS, "unit_price": 100}
    payment = {"payment_id": "P1", "method": "credit-card", "amount": UNITS * 100}
    return placing() | {"items": [line], "payments": [payment]}


def together(*works: Callable[[], Result]) -> list[Result]:
    """All at once, each in a thread of its own."""
    barrier = Barrier(len(works))

    def begin(work: Callable[[], Result]) -> Result:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return [done.result() for done in [threads.submit(begin, work) for work in works]]


def versions(orders: Orders, order_id: str) -> list[int]:
    return [event.version for event in orders._store.events(f"order:{order_id}")]


def test_threads_on_different_orders_do_not_meet(orders: Orders) -> None:
    def life(order_id: str) -> Result:
        give(orders, placing(order_id))
        give(orders, packing(f"pack-{order_id}", f"S-{order_id}", order_id, {"A": 1}), by=WAREHOUSE)
        give(orders, cancelling(f"cancel-{order_id}", order_id, {"B": 1}), by=BUYER)
        return give(orders, scan("deliver", f"deliver-{order_id}", shipment_id=f"S-{order_id}"))

    ids = [f"O{number}" for number in range(THREADS)]
    together(*(lambda order_id=order_id: life(order_id) for order_id in ids))
    for order_id in ids:
        shown = orders.show(order_id)
        assert (shown["state"], shown["refunds"][0]["status"]) == ("delivered", "due")
        assert versions(orders, order_id) == list(range(1, shown["version"] + 1))


def test_threads_on_the_same_order_take_turns(orders: Orders) -> None:
    give(orders, one_line_of_six())
    results = together(
        *(
            lambda number=number: orders.handle(cancelling(f"c-{number}", items={"A": 1}), by=BUYER)
            for number in range(THREADS)
        )
    )
    assert sorted(result.status for result in results) == ["accepted"] * UNITS + ["rejected"] * (THREADS - UNITS)
    assert {result.rule for result in results} == {None, "CANCEL-6"}
    shown = orders.show("O1")
    assert [refund["amount"] for refund in shown["refunds"]] == [100] * UNITS
    assert versions(orders, "O1") == list(range(1, shown["version"] + 1))
    assert len(everything(orders)["journal"]) == 1 + THREADS


def test_threads_that_only_look_see_whole_orders(orders: Orders) -> None:
    give(orders, one_line_of_six())

    def look() -> Result:
        for _ in range(10):
            shown = orders.show("O1")
            cancelled = sum(len(u["numbers"]) for u in shown["items"][0]["units"] if u["state"] == "cancelled")
            assert cancelled == len(shown["refunds"])
            assert orders.options("O1")["order_id"] == "O1"
        return orders.preview(cancelling("look"), by=BUYER)

    def cancel() -> Result:
        for number in range(UNITS - 1):
            give(orders, cancelling(f"c-{number}", items={"A": 1}), by=BUYER)
        return give(orders, cancelling("last"), by=MARKETPLACE)

    assert {result.command_id for result in together(look, look, cancel)} == {"look", "last"}


def test_two_on_one_store_always_see_each_others_changes(open_orders: Callable[..., Orders]) -> None:
    both = [open_orders(), open_orders()]
    give(both[0], one_line_of_six())
    for number in range(UNITS):
        mine, other = both[number % 2], both[(number + 1) % 2]
        given = give(mine, cancelling(f"c-{number}", items={"A": 1}), by=BUYER)
        first = given.events[0]["version"]
        assert [event["version"] for event in given.events] == list(range(first, first + len(given.events)))
        assert other.show("O1") == mine.show("O1")
        assert other.show("O1")["items"][0]["units"][0]["numbers"] == list(range(1, number + 2))
    for each in both:
        assert each.handle(cancelling(f"more-{id(each)}", items={"A": 1}), by=BUYER).rule == "CANCEL-6"
    assert versions(both[0], "O1") == list(range(1, both[0].show("O1")["version"] + 1))


def test_a_parcel_that_the_other_changed_is_not_decided_on_as_it_was(open_orders: Callable[..., Orders]) -> None:
    one, other = open_orders(), open_orders()
    give(one, placing())
    give(one, packing("pack"), by=WAREHOUSE)
    give(other, scan("unpack-shipment", "unpack"), by=WAREHOUSE)
    assert one.handle(scan("deliver", "deliver"), by=MARKETPLACE).status == "noted"
    give(one, packing("again", "S2"), by=WAREHOUSE)
    give(other, scan("deliver", "deliver-2", shipment_id="S2"))
    assert one.show("O1")["state"] == "delivered"
    assert one.handle(cancelling("c"), by=BUYER).rule == "CANCEL-6"


def test_a_deadline_that_the_other_recorded_is_recorded_once(open_orders: Callable[..., Orders]) -> None:
    one, other = open_orders(), open_orders()
    give(one, placing(seller="M1"))
    lines = [b'{"command":"pass-time","command_id":"t%d","at":"2026-01-05T11:00:00Z"}' % number for number in (1, 2)]
    [first] = other.run(lines[:1])
    [second] = one.run(lines[1:])
    assert (first.order_ids, second.order_ids) == (["O1"], [])
    assert versions(one, "O1") == [1, 2]


def test_an_order_that_is_fresh_and_its_parcel_that_is_not_are_looked_up_again(tmp_path: Path) -> None:
    """A's memory of the order is renewed by a conflict, that of its parcel is not: a deadline of theirs cannot pass."""

    def run(orders: Orders, at: str, **command: object) -> str:
        line = command | {"command_id": f"{command['command']} {at}", "at": when(at)}
        (result,) = orders.run([json.dumps(line).encode()])
        return result.status

    carrier = {"name": "post", "kind": "partner"}
    path = str(tmp_path / "shop.db")
    with Orders.open(path) as a, Orders.open(path) as b:
        assert run(a, "10:00", **placing()) == "accepted"
        contents = [{"order_id": "O1", "items": {"A": 1}}]
        dispatch = {"command": "dispatch-shipment", "shipment_id": "S1", "contents": contents, "carrier": carrier}
        assert run(a, "11:00", **dispatch) == "accepted"
        assert run(b, "12:00", command="refuse-delivery", shipment_id="S1") == "accepted"
        contents = [{"order_id": "O1", "items": {"B": 1}}]
        pack = {"command": "pack-shipment", "shipment_id": "S2", "contents": contents, "carrier": carrier}
        assert run(a, "13:00", **pack) == "accepted"
        assert run(a, "+60d 10:00", command="deliver", shipment_id="S1") == "noted"
        taken_as_lost = [event.at for event in a._store.events("shipment:S1") if event.type == "shipment-lost"]
        assert taken_as_lost == [instant("+30d 12:00")], "30 days after it was refused, not 45 after its dispatch"
