"""RULEBOOK section 3: placing an order (ORDER-1 to ORDER-4), and how its cents are split over units."""

import itertools

import pytest

from book import Book

LINE = {"item_id": "A", "sku": "sku-a", "quantity": 1, "unit_price": 1000}
CARD = {"payment_id": "P1", "method": "credit-card", "amount": 1000}


def order(**changes):
    fields = {
        "order_id": "O1",
        "buyer_id": "B1",
        "fulfilled_by": "marketplace",
        "currency": "USD",
        "items": [LINE],
        "payments": [CARD],
        "at": "10:00",
    }
    return fields | changes


def values(book, order_id="O1", item=0):
    """The value of each unit of an item, by number; an entry of several units shows only their sum."""
    return [(unit["numbers"], unit["value"]) for unit in book.show(order_id)["items"][item]["units"]]


def test_order_1_an_order_is_placed_once():
    book = Book()
    result = book.accept("place-order", **order())
    assert result["order_ids"] == ["O1"]
    assert [event["version"] for event in result["events"]] == [1]
    shown = book.show("O1")
    assert (shown["order_id"], shown["state"], shown["version"], shown["total"]) == ("O1", "placed", 1, 1000)
    assert (shown["buyer_id"], shown["seller_id"], shown["fulfilled_by"]) == ("B1", None, "marketplace")
    assert shown["placed_at"] == "2026-01-05T10:00:00Z"
    assert shown["requests"] == shown["returns"] == shown["refunds"] == shown["claims"] == []


@pytest.mark.parametrize("at", ["09:00", "10:00", "11:00"])
def test_order_1_placing_it_again_under_another_command_id_is_rejected_also_when_earlier(at):
    book = Book()
    book.accept("place-order", **order())
    before = book.show("O1")
    book.reject("place-order", "ORDER-1", **order(at=at))
    assert book.show("O1") == before


def test_order_1_other_content_under_a_used_order_id_is_rejected_too():
    book = Book()
    book.accept("place-order", **order())
    book.reject("place-order", "ORDER-1", **order(buyer_id="B2"))
    assert book.show("O1")["buyer_id"] == "B1"


def test_order_1_answers_before_order_3_on_a_second_placing_that_does_not_add_up():
    book = Book()
    book.accept("place-order", **order())
    book.reject("place-order", "ORDER-1", **order(payments=[CARD | {"amount": 7}]))


UNKNOWN = [
    ("cancel-items", {"order_id": "O9", "items": "all"}),
    ("request-cancellation", {"order_id": "O9", "items": "all"}),
    ("answer-cancellation", {"request_id": "O1:request:1", "approve": True}),
    (
        "pack-shipment",
        {
            "shipment_id": "S1",
            "contents": [{"order_id": "O9", "items": "all"}],
            "carrier": {"name": "Vans", "kind": "own"},
        },
    ),
    ("unpack-shipment", {"shipment_id": "S1"}),
    ("dispatch-shipment", {"shipment_id": "S1"}),
    ("start-delivery", {"shipment_id": "S1"}),
    ("fail-attempt", {"shipment_id": "S1"}),
    ("deliver", {"shipment_id": "S1"}),
    ("refuse-delivery", {"shipment_id": "S1"}),
    ("turn-back", {"shipment_id": "S1"}),
    ("lose-shipment", {"shipment_id": "S1"}),
    ("start-return", {"order_id": "O9", "items": "all", "reason": "other"}),
    ("withdraw-return", {"return_id": "O1:return:1"}),
    ("hand-over-return", {"return_id": "O1:return:1"}),
    (
        "receive-return",
        {"return_id": "O1:return:1", "received": [{"item_id": "A", "quantity": 1, "condition": "unopened"}]},
    ),
    ("receive-return", {"shipment_id": "S1"}),
    ("lose-return", {"return_id": "O1:return:1"}),
    ("submit-payout", {"refund_id": "O1:refund:1", "payment_id": "P1"}),
    (
        "report-payout",
        {"refund_id": "O9:refund:1", "payment_id": "P1", "outcome": "paid", "reference": "R1", "amount": 5},
    ),
    ("file-claim", {"order_id": "O9", "items": "all"}),
    ("decide-claim", {"claim_id": "O1:claim:1", "approve": True}),
    ("withdraw-claim", {"claim_id": "O1:claim:1"}),
]


@pytest.mark.parametrize(("command", "fields"), UNKNOWN, ids=lambda value: value if isinstance(value, str) else "")
def test_order_2_every_other_command_needs_what_it_names_to_exist(command, fields):
    book = Book()
    book.accept("place-order", **order())
    before = book.show("O1")
    book.reject(command, "ORDER-2", at="11:00", **fields)
    assert book.show("O1") == before


@pytest.mark.parametrize("command", ["cancel-items", "request-cancellation"])
@pytest.mark.parametrize("items", [{"Z": 1}, {"A": 1, "Z": 1}, {"A": 2}])
def test_order_2_an_unknown_item_or_more_units_than_the_line_ever_had_is_rejected(command, items):
    book = Book()
    book.accept("place-order", **order())
    book.reject(command, "ORDER-2", order_id="O1", items=items, at="10:05")


def test_order_2_as_many_units_as_the_line_has_are_known():
    book = Book()
    book.accept("place-order", **order())
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:05")


@pytest.mark.parametrize(("paid", "rule"), [(1147, "ORDER-3"), (1148, None), (1149, "ORDER-3")])
def test_order_3_the_payments_add_up_to_exactly_the_total(paid, rule):
    line = {"item_id": "A", "sku": "a", "quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}
    result = Book().run("place-order", **order(items=[line], payments=[CARD | {"amount": paid}]))
    assert result["status"] == ("rejected" if rule else "accepted")
    assert result.get("rule") == rule


@pytest.mark.parametrize(("second", "accepted"), [(399, False), (400, True), (401, False)])
def test_order_3_adds_up_several_items_and_payments(second, accepted):
    lines = [LINE, {"item_id": "B", "sku": "b", "quantity": 2, "unit_price": 100}]
    payments = [CARD | {"amount": 800}, {"payment_id": "P2", "method": "gift-card", "amount": second}]
    result = Book().run("place-order", **order(items=lines, payments=payments))
    assert (result["status"] == "accepted") is accepted


def test_order_3_a_discount_takes_at_most_the_price_of_the_line():
    full = LINE | {"quantity": 2, "discount": 2000, "shipping": 300}
    Book().accept("place-order", **order(items=[full], payments=[CARD | {"amount": 300}]))
    more = full | {"discount": 2001}
    Book().reject("place-order", "ORDER-3", **order(items=[more], payments=[CARD | {"amount": 299}]))


def test_order_3_item_ids_are_unique_within_the_order():
    Book().reject("place-order", "ORDER-3", **order(items=[LINE, LINE], payments=[CARD | {"amount": 2000}]))


def test_order_3_payment_ids_are_unique_within_the_order():
    half = CARD | {"amount": 500}
    Book().reject("place-order", "ORDER-3", **order(payments=[half, half | {"method": "gift-card"}]))


@pytest.mark.parametrize("line", [LINE | {"unit_price": 0}, LINE | {"discount": 1000}])
def test_order_3_an_order_for_nothing_has_no_payments(line):
    book = Book()
    book.accept("place-order", **order(items=[line], payments=[]))
    assert book.show("O1")["total"] == 0


def test_order_3_an_order_for_nothing_is_not_paid_for():
    Book().reject("place-order", "ORDER-3", **order(items=[LINE | {"unit_price": 0}], payments=[CARD]))


def test_order_3_an_order_for_something_has_payments():
    Book().reject("place-order", "ORDER-3", **order(payments=[]))


def test_order_3_a_rejected_placing_leaves_no_order():
    book = Book()
    book.reject("place-order", "ORDER-3", **order(payments=[]))
    book.reject("cancel-items", "ORDER-2", order_id="O1", items="all", at="10:05")
    book.accept("place-order", **order(at="10:10"))


@pytest.mark.parametrize(
    ("fulfilled_by", "seller", "state"),
    [("marketplace", None, "placed"), ("marketplace", "M1", "placed"), ("seller", "M1", "seller-window")],
)
def test_seller_1_only_seller_fulfilled_orders_start_in_the_seller_window(fulfilled_by, seller, state):
    book = Book()
    book.place("O1", items={"A": 1000}, seller=seller, fulfilled_by=fulfilled_by, at="10:00")
    assert book.states("O1") == {"A": [state]}
    assert book.show("O1")["state"] == state


@pytest.mark.parametrize(
    ("line", "each"),
    [
        ({"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}, [383, 383, 382]),
        ({"quantity": 3, "unit_price": 10, "tax": 1}, [11, 10, 10]),
        ({"quantity": 3, "unit_price": 10, "shipping": 2}, [11, 11, 10]),
        ({"quantity": 3, "unit_price": 10, "discount": 2}, [9, 9, 10]),
        ({"quantity": 2, "unit_price": 10, "tax": 1, "discount": 1}, [10, 10]),
        ({"quantity": 1, "unit_price": 10, "tax": 7, "shipping": 5, "discount": 3}, [19]),
    ],
)
def test_split_left_over_cents_go_to_the_lowest_numbered_units(line, each):
    book = Book()
    book.place("O1", items={"A": line}, at="10:00")
    shown = book.show("O1")
    assert shown["total"] == sum(each)
    assert values(book) == [(list(range(1, len(each) + 1)), sum(each))]
    for minute, _ in enumerate(each, start=1):
        book.accept("cancel-items", order_id="O1", items={"A": 1}, at=f"10:{minute:02}")
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == each


def test_split_worked_example_1_three_units_with_cents_left_over():
    book = Book()
    line = {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}
    book.place("O1", items={"A": line}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:05")
    assert [refund["amount"] for refund in book.show("O1")["refunds"]] == [383]
    book.accept("cancel-items", order_id="O1", items={"A": 2}, at="10:06")
    refunds = book.show("O1")["refunds"]
    assert [refund["amount"] for refund in refunds] == [383, 765]
    assert [[payout["amount"] for payout in refund["payouts"]] for refund in refunds] == [[383], [765]]
    assert sum(refund["amount"] for refund in refunds) == book.show("O1")["total"] == 1148


@pytest.mark.parametrize("steps", sorted(set(itertools.permutations([1, 2, 4])) | {(7,), (1,) * 7}))
def test_split_any_sequence_of_partial_refunds_adds_up_to_the_line_to_the_cent(steps):
    book = Book()
    line = {"quantity": 7, "unit_price": 999, "tax": 500, "shipping": 123, "discount": 333}
    book.place("O1", items={"A": line}, at="10:00")
    for minute, units in enumerate(steps, start=1):
        book.accept("cancel-items", order_id="O1", items={"A": units}, at=f"10:{minute:02}")
    assert sum(refund["amount"] for refund in book.show("O1")["refunds"]) == 7 * 999 + 500 + 123 - 333


def test_order_4_a_placed_order_is_paid_in_full_so_that_its_whole_money_is_owed_back_at_once():
    book = Book()
    book.accept("place-order", **order())
    book.accept("cancel-items", order_id="O1", items="all", at="10:00")
    (refund,) = book.show("O1")["refunds"]
    assert (refund["status"], refund["amount"]) == ("due", 1000)
    assert [(p["payment_id"], p["amount"], p["status"]) for p in refund["payouts"]] == [("P1", 1000, "owed")]


def test_order_4_a_partial_capture_places_nothing_until_all_of_it_is_captured():
    book = Book()
    book.reject("place-order", "ORDER-3", **order(payments=[CARD | {"amount": 400}]))
    assert book.stored["order:O1"] == []
    book.accept("place-order", **order(payments=[CARD | {"amount": 400}, CARD | {"payment_id": "P2", "amount": 600}]))


@pytest.mark.parametrize("command", ["authorise-payment", "authorize-payment", "capture-payment", "void-payment"])
def test_order_4_there_is_no_command_for_authorisations_and_captures(command):
    result = Book().run(command, order_id="O1", payment_id="P1", amount=1000, at="10:00")
    assert (result["status"], result["reason"][:7]) == ("invalid", "command")


def test_order_4_a_payment_cannot_be_said_to_be_authorised_only():
    result = Book().run("place-order", **order(payments=[CARD | {"status": "authorised"}]))
    assert (result["status"], "payments[0].status" in result["reason"]) == ("invalid", True)
