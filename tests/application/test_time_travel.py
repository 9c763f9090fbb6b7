"""`show` then and now, and `options` at a moment."""

import json
from datetime import timedelta

import pytest

from ordertrail.application import Orders, UnknownOrder, UnknownPast
from shop import BUYER, CARRIER, SELLER, WAREHOUSE, Clock, cancelling, everything, give, instant, packing, placing, scan

TICK = timedelta(microseconds=1)


def lived(orders: Orders, clock: Clock) -> None:
    """A is cancelled at 10:10, B packed at 10:20, delivered at 12:00 the next day, which is learned on the third."""
    give(orders, placing())
    clock.set("10:10")
    give(orders, cancelling("c", items={"A": 1}), by=BUYER)
    clock.set("10:20")
    give(orders, packing("p", items={"B": 1}), by=WAREHOUSE)
    clock.set("+3d 09:00")
    give(orders, scan("deliver", "d", at="+1d 12:00"), by=CARRIER)


def test_show_is_the_order_now_as_json(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    shown = orders.show("O1")
    assert json.loads(json.dumps(shown)) == shown
    assert list(shown)[:10] == [
        "order_id",
        "version",
        "state",
        "buyer_id",
        "seller_id",
        "fulfilled_by",
        "currency",
        "total",
        "placed_at",
        "policy_version",
    ]
    assert (shown["state"], shown["total"], shown["placed_at"]) == ("delivered", 5000, "2026-01-05T10:00:00Z")
    units = {"numbers": [1], "state": "delivered", "shipment_id": "S1", "value": 3000}
    assert shown["items"][1] == {"item_id": "B", "sku": "sku-B", "quantity": 1, "units": [units]}
    [refund] = shown["refunds"]
    assert (refund["refund_id"], refund["status"], refund["due_at"]) == ("O1:refund:1", "due", "2026-01-06T12:00:00Z")
    assert (refund["cause"], refund["rule"], refund["processor"]) == ("cancelled", "PARTIAL-1", "marketplace")


@pytest.mark.parametrize(
    ("at", "states", "refund"),
    [
        ("10:00", ["placed", "placed"], None),
        ("10:10", ["cancelled", "placed"], "deferred"),
        ("10:20", ["cancelled", "preparing"], "deferred"),
        ("+1d 11:59", ["cancelled", "preparing"], "deferred"),
        ("+1d 12:00", ["cancelled", "delivered"], "due"),
        ("+9d 12:00", ["cancelled", "delivered"], "due"),
    ],
)
def test_as_of_a_time_is_what_had_happened_by_then_also_if_it_was_learned_later(
    at: str, states: list[str], refund: str | None, orders: Orders, clock: Clock
) -> None:
    lived(orders, clock)
    shown = orders.show("O1", as_of=instant(at))
    assert [item["units"][0]["state"] for item in shown["items"]] == states
    assert [each["status"] for each in shown["refunds"]] == ([refund] if refund else [])


def test_at_each_version_it_is_shown_as_it_was_then(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    shown = [orders.show("O1")]
    clock.set("10:10")
    for number, item_id in enumerate("AB"):
        give(orders, cancelling(f"c{number}", items={item_id: 1}), by=SELLER)
        shown.append(orders.show("O1"))
    assert [orders.show("O1", at_version=each["version"]) for each in shown] == shown
    assert [orders.show("O1", at_version=version)["version"] for version in range(1, shown[-1]["version"] + 1)] == list(
        range(1, shown[-1]["version"] + 1)
    )


def test_a_version_and_a_time_together_are_both_kept_to(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    last = orders.show("O1")["version"]
    assert orders.show("O1", as_of=instant("+9d 10:00"), at_version=last) == orders.show("O1")
    shown = orders.show("O1", as_of=instant("+9d 10:00"), at_version=1)
    assert (shown["version"], shown["state"]) == (1, "placed")


def test_before_its_placing_there_is_no_order(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    for then in ({"as_of": instant("10:00") - TICK}, {"at_version": 0}):
        with pytest.raises(UnknownOrder):
            orders.show("O1", **then)  # type: ignore[arg-type]
    for now in ({}, {"as_of": instant("10:00")}, {"at_version": 1}):
        with pytest.raises(UnknownOrder):
            orders.show("O2", **now)  # type: ignore[arg-type]


def test_what_an_order_never_was_is_said_in_one_sentence(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    last = orders.show("O1")["version"]
    give(orders, placing("O2"))
    for order_id, then, said in (
        ("O1", {"at_version": last + 1}, f"order O1 has only {last} versions"),
        ("O1", {"at_version": 10**20}, f"order O1 has only {last} versions"),
        ("O1", {"at_version": last + 1, "as_of": clock.now}, f"order O1 has only {last} versions"),
        ("O2", {"at_version": 2}, "order O2 has only 1 version"),
        ("O1", {"at_version": 0}, "order O1 has no version 0: its first is 1"),
        ("O1", {"as_of": instant("09:00")}, "order O1 was not placed yet at 2026-01-05T09:00:00Z"),
    ):
        with pytest.raises(UnknownPast) as failed:
            orders.show(order_id, **then)  # type: ignore[arg-type]
        assert str(failed.value) == said
        assert isinstance(failed.value, LookupError)


def test_events_up_to_any_number_can_be_asked_for(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    every = orders._store.events("order:O1")
    assert orders._store.events("order:O1", up_to=10**20) == every
    assert orders._store.events("order:O1", up_to=-(10**20)) == []


def test_another_offset_is_the_same_moment(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    then = instant("2026-01-05T12:10:00+02:00")
    assert orders.show("O1", as_of=then) == orders.show("O1", as_of=instant("10:10"))
    assert orders.options("O1", at=then)["at"] == "2026-01-05T10:10:00Z"


def test_a_clock_elsewhere_tells_the_same_moments(address: str) -> None:
    with Orders.open(address, clock=lambda: instant("2026-01-05T12:00:00+02:00")) as orders:
        give(orders, placing())
        assert orders.show("O1")["placed_at"] == "2026-01-05T10:00:00Z"
        assert orders.options("O1")["at"] == "2026-01-05T10:00:00Z"
        assert b"+02:00" not in b"".join(row[4] for row in everything(orders)["stored_events"])


def test_a_time_without_an_offset_is_refused_in_one_sentence() -> None:
    naive = instant("10:00").replace(tzinfo=None)
    with Orders.open("memory:") as orders, Orders.open("memory:", clock=lambda: naive) as naive_orders:
        give(orders, placing())
        for ask in (
            lambda: orders.show("O1", as_of=naive),
            lambda: orders.options("O1", at=naive),
            lambda: naive_orders.handle(placing(), by=BUYER),
            lambda: naive_orders.preview(placing(), by=BUYER),
        ):
            with pytest.raises(ValueError, match="without an offset"):
                ask()


def test_looking_records_nothing_not_even_a_deadline_that_has_passed(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    clock.set("+9d 10:00")
    before = everything(orders)
    for look in (orders.show, orders.order, orders.timeline, orders.options):
        look("O1")
    orders.show("O1", as_of=clock.now)
    assert everything(orders) == before


# --- options ----------------------------------------------------------------------------------------------------------


def cancel_option(orders: Orders, **at: object) -> tuple[bool, str]:
    option = orders.options("O1", **at)["options"][0]  # type: ignore[arg-type]
    assert option["action"] == "cancel-items"
    return option["allowed"], option["rule"]


def test_options_are_of_now_by_the_clock(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    clock.set("10:30")
    assert cancel_option(orders) == (True, "SELLER-1")
    assert orders.options("O1")["at"] == "2026-01-05T10:30:00Z"
    assert orders.options("O1") == orders.options("O1", at=clock.now)
    clock.now += TICK
    assert cancel_option(orders) == (False, "SELLER-2")


def test_options_at_a_moment_do_not_ask_the_clock(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    clock.set("+9d 10:00")
    assert cancel_option(orders, at=instant("10:30")) == (True, "SELLER-1")
    assert cancel_option(orders, at=instant("10:31")) == (False, "SELLER-2")


def test_options_are_json_in_the_interfaces_sequence(orders: Orders, clock: Clock) -> None:
    lived(orders, clock)
    told = orders.options("O1")
    assert json.loads(json.dumps(told)) == told
    assert (told["order_id"], told["state"]) == ("O1", "delivered")
    actions = [option["action"] for option in told["options"]]
    assert list(dict.fromkeys(actions)) == [
        "cancel-items",
        "request-cancellation",
        "refuse-delivery",
        "start-return",
        "withdraw-return",
        "file-claim",
        "withdraw-claim",
    ]
    [back] = [option for option in told["options"] if option["action"] == "start-return"]
    assert (back["allowed"], back["rule"], back["items"]) == (True, "RETURN-1", {"B": 1})


@pytest.mark.parametrize(
    ("known_at", "of", "state"),
    [
        ("+3d 08:59", "+3d 08:59", "preparing"),
        ("+3d 08:59", "+1d 12:00", "preparing"),
        ("+3d 09:00", "+1d 11:59", "preparing"),
        ("+3d 09:00", "+1d 12:00", "delivered"),
        ("+3d 09:00", None, "delivered"),
    ],
)
def test_when_it_happened_and_when_it_was_learned_are_never_mixed_up(
    known_at: str, of: str | None, state: str, orders: Orders, clock: Clock
) -> None:
    lived(orders, clock)
    shown = orders.show("O1", as_of=instant(of) if of else None, as_known_at=instant(known_at))
    assert shown["items"][1]["units"][0]["state"] == state


def test_what_was_known_at_a_time_is_what_the_live_order_showed_then(orders: Orders, clock: Clock) -> None:
    seen = []
    give(orders, placing())
    seen.append((clock(), orders.show("O1")))
    for at, command, by in (
        ("10:10", cancelling("c", items={"A": 1}), BUYER),
        ("10:20", packing("p", items={"B": 1}), WAREHOUSE),
        ("+3d 09:00", scan("deliver", "d", at="+1d 12:00"), CARRIER),
    ):
        clock.set(at)
        give(orders, command, by=by)
        seen.append((clock(), orders.show("O1")))
    for moment, shown in seen:
        assert orders.show("O1", as_known_at=moment) == shown
        assert orders.show("O1", as_known_at=moment + TICK) == shown
    with pytest.raises(UnknownPast, match="nothing was known of order O1 yet"):
        orders.show("O1", as_known_at=seen[0][0] - TICK)
