"""`preview` and `preview_line`: what would be answered, and nothing recorded."""

from codecs import BOM_UTF8
from typing import Any

import pytest

from ordertrail.application import Orders, Principal
from shop import (
    BUYER,
    CARRIER,
    MARKETPLACE,
    SELLER,
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

REQUEST = {"command": "request-cancellation", "command_id": "r", "order_id": "O1", "items": {"A": 1}}
ASKED: dict[str, tuple[dict[str, Any], Principal, str]] = {
    "accepted": (cancelling("c", "O2", items={"A": 1}), BUYER, "accepted"),
    "accepted for another order": (placing("O9"), MARKETPLACE, "accepted"),
    "accepted with a parcel": (packing("p", "S9", "O2"), WAREHOUSE, "accepted"),
    "rejected with deadlines passed": (cancelling("c", "O3"), BUYER, "rejected"),
    "rejected for an unknown order": (cancelling("c", "O9"), BUYER, "rejected"),
    "noted": (scan("start-delivery", "s", at="10:02"), CARRIER, "noted"),
    "a time of its own": (scan("deliver", "d", at="10:03", shipment_id="S2"), CARRIER, "accepted"),
    "too far ahead": (scan("deliver", "d", at="11:00"), CARRIER, "rejected"),
    "a used id": (placing(), MARKETPLACE, "duplicate"),
    "a used id for another command": (cancelling("place-O1"), BUYER, "rejected"),
    "malformed": (cancelling("c", items={}), BUYER, "invalid"),
}


def furnish(orders: Orders, clock: Clock) -> None:
    """O1 was delivered in S1, O4 is under way in S2; O2 is untouched; O3's window has closed, unrecorded."""
    for order_id in ("O1", "O2", "O4"):
        give(orders, placing(order_id))
    give(orders, placing("O3", seller="M1"))
    for shipment_id, order_id in (("S1", "O1"), ("S2", "O4")):
        give(orders, packing(f"pack-{shipment_id}", shipment_id, order_id), by=WAREHOUSE)
        give(orders, scan("dispatch-shipment", f"go-{shipment_id}", shipment_id=shipment_id), by=CARRIER)
    clock.set("10:05")
    give(orders, scan("deliver", "delivered"), by=CARRIER)
    clock.set("10:40")


@pytest.mark.parametrize("asked", ASKED)
def test_a_preview_answers_as_handle_then_does_and_records_nothing(asked: str, orders: Orders, clock: Clock) -> None:
    furnish(orders, clock)
    command, by, status = ASKED[asked]
    before = everything(orders)
    previewed = [orders.preview(command, by=by) for _ in range(2)]
    assert everything(orders) == before
    handled = orders.handle(command, by=by)
    assert handled.status == status
    assert previewed == [handled, handled]
    assert (everything(orders) == before) == (status in {"duplicate", "invalid"})


def test_a_preview_on_what_is_in_use_leaves_it_as_it_is(orders: Orders) -> None:
    """What `handle` keeps in memory is not what a preview tries things on."""
    give(orders, placing())
    shown = orders.show("O1")
    assert orders.preview(cancelling("c"), by=BUYER).status == "accepted"
    assert orders.show("O1") == shown
    assert [event["version"] for event in give(orders, cancelling("c"), by=BUYER).events] == [2, 3]


def test_a_preview_of_a_first_placing_keeps_no_policy(orders: Orders) -> None:
    assert orders.preview(placing(), by=MARKETPLACE).status == "accepted"
    assert everything(orders)["policies"] == []


def test_a_line_is_previewed_as_run_would_answer_it(orders: Orders, clock: Clock) -> None:
    furnish(orders, clock)
    for number, (command, _, _) in enumerate(ASKED.values()):
        if "at" in command:
            continue
        raw = line(command if command["command_id"] == "place-O1" else command | {"command_id": f"c-{number}"}, "10:40")
        before = everything(orders)
        previewed = orders.preview_line(raw)
        assert everything(orders) == before
        [ran] = orders.run([raw])
        assert previewed.to_dict() == {key: value for key, value in ran.to_dict().items() if key != "line"}


def test_a_previewed_line_without_a_time_is_of_now(orders: Orders, clock: Clock) -> None:
    give(orders, placing(seller="M1"))
    raw = b'{"command":"cancel-items","command_id":"c","order_id":"O1","items":{"A":1},"actor":"buyer"}'
    clock.set("10:30")
    assert orders.preview_line(raw).status == "accepted"
    clock.set("10:31")
    assert orders.preview_line(raw).rule == "SELLER-2"
    earlier = line(cancelling("c", items={"A": 1}, actor="buyer"), "10:30")
    assert orders.preview_line(earlier).status == "accepted"
    [ran] = orders.run([raw])
    assert (ran.status, ran.reason) == ("invalid", "at: is missing")


def test_auth_1_a_previewed_line_says_who_acts(orders: Orders) -> None:
    give(orders, placing())
    assert orders.preview_line(line(cancelling("c", actor="buyer", actor_id="B2"), "10:00")).rule == "AUTH-1"
    assert orders.preview_line(line(cancelling("c", actor="buyer", actor_id="B1"), "10:00")).status == "accepted"


@pytest.mark.parametrize("raw", [b"", b"  ", b"{", b"[]", b"\xff", b'{"command":"x"}', b'{"command_id":"c"}'])
def test_a_line_that_is_no_command_is_invalid(raw: bytes) -> None:
    with Orders.open("memory:") as orders:
        result = orders.preview_line(raw)
        assert result.status == "invalid"
        assert result.line is None
        assert result.reason


def test_two_previews_in_a_row_do_not_add_up(orders: Orders) -> None:
    give(orders, placing(seller="M1"))
    for item_id in "AB":
        assert orders.preview(cancelling("c", items={item_id: 1}), by=SELLER).status == "accepted"
        assert orders.preview(REQUEST, by=BUYER).events[0]["version"] == 2


def test_a_mark_before_the_text_is_passed_over_as_a_log_has_it(orders: Orders) -> None:
    asked = BOM_UTF8 + line(placing(), "10:00")
    assert orders.preview_line(asked).status == "accepted"
    assert [result.status for result in orders.run([asked])] == ["accepted"]


def test_a_line_that_is_not_bytes_is_one_sentence_before_anything_is_applied(orders: Orders) -> None:
    text: Any = line(placing(), "10:00").decode()
    with pytest.raises(TypeError, match=r"^the line of a command log is bytes, not str$"):
        orders.preview_line(text)
    for lines, said in (([text], "line 1 .* not str"), ([line(placing(), "10:00"), text], "line 2 .* not str")):
        with pytest.raises(TypeError, match=said):
            list(orders.run(lines))
    with pytest.raises(TypeError, match="not int"):
        list(orders.run(line(placing(), "10:00")))  # type: ignore[arg-type]
    assert orders.last_position() == 0
