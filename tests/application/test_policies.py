"""RULEBOOK section 9 on a store: an order is judged for its whole life by the policy that it was placed under."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ordertrail.application import Orders, PolicyChanged, StoreError
from ordertrail.domain import default_policy_toml, policy_digest
from shop import BUYER, MARKETPLACE, Clock, cancelling, everything, give, line, placing

DEFAULT = default_policy_toml()
SHORT = DEFAULT.replace("window_minutes = 30", "window_minutes = 5")
SECOND = SHORT.replace('version = "1"', 'version = "2"')


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Version 2: sellers' windows of 5 minutes."""
    return file(tmp_path, SECOND)


def file(folder: Path, content: str) -> Path:
    written = folder / f"{hashlib.md5(content.encode()).hexdigest()}.toml"
    written.write_text(content)
    return written


def test_section_9_an_order_keeps_the_policy_that_it_was_placed_under(
    open_orders: Callable[..., Orders], second: Path, clock: Clock
) -> None:
    with open_orders() as orders:
        give(orders, placing("O1", seller="M1"))
    orders = open_orders(policy=second)
    give(orders, placing("O2", seller="M1"))
    clock.set("10:20")
    assert [orders.options(each)["options"][0]["allowed"] for each in ("O1", "O2")] == [True, False]
    give(orders, cancelling("c1", "O1"), by=BUYER)
    assert orders.handle(cancelling("c2", "O2"), by=BUYER).rule == "SELLER-2"
    assert [orders.show(each)["policy_version"] for each in ("O1", "O2")] == ["1", "2"]
    assert orders.order("O1").rules.cancellation.seller_window_minutes == 30


def test_section_9_its_deadlines_too_whoever_lets_time_pass(open_orders: Callable[..., Orders], second: Path) -> None:
    give(open_orders(), placing("O1", seller="M1"))
    orders = open_orders(policy=second)
    give(orders, placing("O2", seller="M1"))
    [passed] = orders.run([line({"command": "pass-time", "command_id": "t"}, "10:20")])
    assert passed.order_ids == ["O2"]
    [passed] = open_orders().run([line({"command": "pass-time", "command_id": "u"}, "10:40")])
    assert passed.order_ids == ["O1"]


def test_section_9_an_older_process_judges_orders_of_a_newer_policy_by_that(
    open_orders: Callable[..., Orders], second: Path, clock: Clock
) -> None:
    older = open_orders()
    give(open_orders(policy=second), placing("O2", seller="M1"))
    clock.set("10:20")
    assert older.handle(cancelling("c", "O2"), by=BUYER).rule == "SELLER-2"


def test_section_9_the_store_keeps_each_policy_with_its_digest_when_it_is_first_used(
    open_orders: Callable[..., Orders], second: Path
) -> None:
    orders = open_orders()
    assert orders.handle(cancelling("c"), by=BUYER).rule == "ORDER-2"
    assert everything(orders)["policies"] == []
    give(orders, placing())
    give(orders, placing("O2"))
    newer = open_orders(policy=second)
    assert len(everything(newer)["policies"]) == 1, "it is not used yet"
    assert [result.status for result in newer.run([line(placing("O3"), "10:00")])] == ["accepted"]
    kept = [
        (version, content, hashlib.sha256(content.encode()).hexdigest())
        for version, content in (("1", DEFAULT), ("2", SECOND))
    ]
    assert everything(orders)["policies"] == kept
    assert kept[1][2] == policy_digest(SECOND)


@pytest.mark.parametrize("changed", [SHORT, DEFAULT + "# a word more\n"])
def test_section_9_the_same_version_with_other_content_is_an_error(
    changed: str, open_orders: Callable[..., Orders], tmp_path: Path
) -> None:
    give(open_orders(), placing())
    with pytest.raises(PolicyChanged, match=r"^the store has policy 1 with another content.*$"):
        open_orders(policy=file(tmp_path, changed))


def test_section_9_also_where_another_process_used_it_since(
    open_orders: Callable[..., Orders], tmp_path: Path, clock: Clock
) -> None:
    """Nobody had used version 1 when both opened the store: the first use decides, also for who thinks otherwise."""
    orders = open_orders()
    give(open_orders(policy=file(tmp_path, SHORT)), placing(seller="M1"))
    before = everything(orders)
    for place in (
        lambda: orders.handle(placing("O2"), by=MARKETPLACE),
        lambda: list(orders.run([line(placing("O2"), "10:00")])),
    ):
        with pytest.raises(PolicyChanged) as failed:
            place()
        assert len(str(failed.value).splitlines()) == 1
    assert everything(orders) == before
    clock.set("10:20")
    assert orders.handle(cancelling("c"), by=BUYER).rule == "SELLER-2", "it was placed under the other's terms"


def test_a_store_that_lost_a_policy_is_one_sentence(open_orders: Callable[..., Orders], second: Path) -> None:
    orders = open_orders(policy=second)
    give(orders, placing())
    orders._store._records.insert("DELETE FROM policies WHERE version = ?", "2")
    with pytest.raises(StoreError, match=r"^the store has orders of policy 2, but not that policy$"):
        open_orders().show("O1")
