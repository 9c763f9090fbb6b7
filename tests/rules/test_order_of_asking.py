"""The order of asking: of two rules that would say no, which one answers."""

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


def test_asking_malformed_comes_before_a_used_command_id():
    book = seller_order()
    book.accept("cancel-items", at="10:10", **CANCEL)
    assert book.run("cancel-items", at="10:11", **(CANCEL | {"items": {}}))["status"] == "invalid"


def test_asking_a_used_command_id_comes_before_an_unknown_order():
    book = seller_order()
    book.accept("cancel-items", at="10:10", **CANCEL)
    book.reject("cancel-items", "ORDER-0", at="10:11", **(CANCEL | {"order_id": "O9"}))


def test_asking_an_unknown_order_comes_before_authority():
    seller_order().reject("cancel-items", "ORDER-2", order_id="O9", items="all", at="10:10", actor="carrier")


def test_asking_an_unknown_item_comes_before_authority():
    seller_order().reject("cancel-items", "ORDER-2", order_id="O1", items={"X": 1}, at="10:10", actor="carrier")


def test_asking_authority_comes_before_the_time_of_the_placing():
    seller_order().reject(
        "cancel-items", "AUTH-1", order_id="O1", items="all", at="09:00", actor="buyer", actor_id="B2"
    )


def test_asking_the_time_of_the_placing_comes_before_what_is_closed():
    book = seller_order()
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=False, at="12:00")
    book.reject("answer-cancellation", "TIME-2", request_id="O1:request:1", approve=True, at="09:00")


def test_asking_what_is_closed_comes_before_a_commands_own_rules():
    book = seller_order()
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.reject("answer-cancellation", "ORDER-5", request_id="O1:request:1", approve=True, scope="units", at="12:30")


def test_asking_the_state_of_the_units_comes_before_what_goes_along():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.accept(
        "pack-shipment",
        shipment_id="S1",
        contents=[{"order_id": "O1", "items": "all"}],
        carrier={"name": "Vans", "kind": "own"},
        at="11:00",
    )
    book.reject("cancel-items", "CANCEL-2", order_id="O1", items={"A": 1}, at="11:30")
    book.reject("request-cancellation", "COMBINED-1", order_id="O1", items={"A": 1}, at="11:30")


def test_asking_who_shares_a_parcel_comes_before_what_can_be_packed():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", buyer="B1")
    book.place("O2", items={"A": 2000}, at="10:00", buyer="B2")
    book.accept("cancel-items", order_id="O1", items="all", at="10:30")
    book.reject(
        "pack-shipment",
        "COMBINED-2",
        shipment_id="S1",
        at="11:00",
        carrier={"name": "Vans", "kind": "own"},
        contents=[{"order_id": "O1", "items": {"A": 1}}, {"order_id": "O2", "items": {"A": 1}}],
    )
