"""ORDER-0 and ORDER-1: repeated commands are quiet; and the ids that the engine gives."""

import pytest

from book import Book


def seller_order():
    book = Book()
    book.place(
        "O1",
        items={"A": {"quantity": 3, "unit_price": 2000}},
        at="10:00",
        seller="M1",
        fulfilled_by="seller",
        buyer="B1",
    )
    return book


CANCEL = {"command_id": "mine", "order_id": "O1", "items": {"A": 1}}


def answer(result):
    return {key: result.get(key) for key in ("command_id", "status", "order_ids", "rule", "reason", "advice", "events")}


def test_order_0_the_same_command_again_is_a_duplicate_that_changes_nothing():
    book = seller_order()
    first = book.accept("cancel-items", at="10:10", **CANCEL)
    before = book.events("O1")
    again = book.run("cancel-items", at="10:10", **CANCEL)
    assert again["status"] == "duplicate"
    assert answer(again["first"]) == answer(first)
    assert book.events("O1") == before
    assert book.states("O1") == {"A": ["cancelled", "seller-window", "seller-window"]}


def test_order_0_another_time_alone_does_not_make_it_another_command():
    book = seller_order()
    book.accept("cancel-items", at="10:10", **CANCEL)
    assert book.run("cancel-items", at="+3d 10:10", **CANCEL)["status"] == "duplicate"


@pytest.mark.parametrize("spelt_out", [{"accept_cascade": False}, {"reason": None}, {"actor": None}])
def test_order_0_defaults_that_are_spelt_out_do_not_make_it_another_command(spelt_out):
    book = seller_order()
    book.accept("cancel-items", at="10:10", **CANCEL)
    assert book.run("cancel-items", at="10:10", **CANCEL, **spelt_out)["status"] == "duplicate"


@pytest.mark.parametrize(
    "change",
    [
        {"items": {"A": 2}},
        {"items": "all"},
        {"reason": "mistake"},
        {"accept_cascade": True},
        {"order_id": "O9"},
        {"actor": "buyer"},
        {"actor_id": "B1"},
        {"actor": "marketplace"},
    ],
)
def test_order_0_the_same_id_with_another_content_is_rejected(change):
    book = seller_order()
    first = book.accept("cancel-items", at="10:10", **CANCEL)
    before = book.events("O1")
    book.reject("cancel-items", "ORDER-0", at="10:11", **(CANCEL | change))
    assert book.events("O1") == before
    again = book.run("cancel-items", at="10:12", **CANCEL)
    assert (again["status"], answer(again["first"])) == ("duplicate", answer(first))


def test_order_0_the_same_id_for_another_kind_of_command_is_rejected():
    book = seller_order()
    book.accept("cancel-items", at="10:10", **CANCEL)
    book.reject("request-cancellation", "ORDER-0", at="10:11", **CANCEL)


def test_order_0_an_actor_left_out_later_is_another_content_too():
    book = seller_order()
    book.accept("cancel-items", at="10:10", actor="buyer", **CANCEL)
    book.reject("cancel-items", "ORDER-0", at="10:11", **CANCEL)


def test_order_0_a_rejected_command_is_remembered_and_answered_the_same_again():
    book = seller_order()
    first = book.reject("start-return", "RETURN-1", at="10:10", reason="other", **CANCEL)
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    again = book.run("start-return", at="13:00", reason="other", **CANCEL)
    assert (again["status"], answer(again["first"])) == ("duplicate", answer(first))
    book.accept("start-return", order_id="O1", items={"A": 1}, reason="other", at="13:00")


def test_order_0_a_noted_command_is_remembered_too():
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    assert book.run("start-delivery", shipment_id="S1", at="11:30", command_id="late")["status"] == "noted"
    again = book.run("start-delivery", shipment_id="S1", at="11:30", command_id="late")
    assert (again["status"], again["first"]["status"]) == ("duplicate", "noted")


def test_order_0_a_malformed_command_does_not_use_its_id_up():
    book = seller_order()
    assert book.run("cancel-items", at="10:10", **(CANCEL | {"items": {"A": 0}}))["status"] == "invalid"
    book.accept("cancel-items", at="10:11", **CANCEL)


def test_order_0_a_repeated_submission_answers_with_the_same_idempotency_key():
    book = seller_order()
    book.accept("cancel-items", at="10:10", order_id="O1", items="all")
    fields = {"refund_id": "O1:refund:1", "payment_id": "P1", "command_id": "submit"}
    first = book.accept("submit-payout", at="10:11", **fields)
    again = book.run("submit-payout", at="10:12", **fields)
    assert (again["status"], again["first"]["idempotency_key"]) == ("duplicate", first["idempotency_key"])
    assert book.show("O1")["refunds"][0]["payouts"][0]["attempts"] == 1


PLACE = {
    "command_id": "place",
    "order_id": "O1",
    "buyer_id": "B1",
    "fulfilled_by": "marketplace",
    "currency": "USD",
    "items": [{"item_id": "A", "sku": "a", "quantity": 1, "unit_price": 2000}],
    "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 2000}],
}


@pytest.mark.parametrize(
    "spelt_out",
    [
        {"seller_id": None},
        {
            "items": [
                {"item_id": "A", "sku": "a", "quantity": 1, "unit_price": 2000, "tax": 0, "shipping": 0, "discount": 0}
            ]
        },
    ],
)
def test_order_0_a_placing_with_its_defaults_spelt_out_is_the_same_placing(spelt_out):
    book = Book()
    book.accept("place-order", at="10:00", **PLACE)
    assert book.run("place-order", at="10:00", **(PLACE | spelt_out))["status"] == "duplicate"


def test_order_1_an_order_is_not_placed_again_under_another_command_id():
    book = Book()
    book.accept("place-order", at="10:00", **PLACE)
    book.reject("place-order", "ORDER-1", at="10:01", **(PLACE | {"command_id": "other"}))
    book.reject("place-order", "ORDER-1", at="09:00", **(PLACE | {"command_id": "earlier"}))


# The ids that the engine gives


def test_ids_are_counted_by_order_and_kind_in_the_order_of_their_making():
    book = seller_order()
    for number in (1, 2):
        book.accept("request-cancellation", order_id="O1", items={"A": 1}, at=f"1{number}:00")
        book.accept("answer-cancellation", request_id=f"O1:request:{number}", approve=number == 2, at=f"1{number}:30")
    shown = book.show("O1")
    assert [each["request_id"] for each in shown["requests"]] == ["O1:request:1", "O1:request:2"]
    assert [each["refund_id"] for each in shown["refunds"]] == ["O1:refund:1"]


@pytest.mark.parametrize("order_id", ["a:b", "O1:request:1", "x/y z", "ünï-🛒", ":"])
def test_ids_of_the_host_with_any_printable_character_work_in_the_ids_derived_from_them(order_id):
    book = Book()
    book.place(order_id, items={"A": 2000}, at="10:00", seller="M1", fulfilled_by="seller")
    book.accept("request-cancellation", order_id=order_id, items="all", at="11:00")
    book.accept("answer-cancellation", request_id=f"{order_id}:request:1", approve=True, at="12:00")
    book.accept(
        "report-payout", refund_id=f"{order_id}:refund:1", payment_id="P1", outcome="paid", reference="R1", at="13:00"
    )
    assert book.states(order_id) == {"A": ["refunded"]}
