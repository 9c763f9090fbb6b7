"""RULEBOOK section 3: packing, unpacking and dispatching parcels (PACK-1, PACK-2, COMBINED-2)."""

import pytest

from book import Book

VANS = {"name": "Vans", "kind": "own"}


def contents(**orders):
    return [{"order_id": order_id, "items": items} for order_id, items in orders.items()]


def pack(book, shipment_id, at="11:00", **orders):
    return book.accept("pack-shipment", shipment_id=shipment_id, contents=contents(**orders), carrier=VANS, at=at)


def seller_order(book, order_id="O1", seller="M1", **fields):
    return book.place(order_id, items={"A": 2000}, seller=seller, fulfilled_by="seller", **({"at": "10:00"} | fields))


def test_pack_1_packed_units_are_preparing_and_in_their_parcel():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    result = pack(book, "S1", O1="all")
    assert result["order_ids"] == ["O1"]
    assert book.states("O1") == {"A": ["preparing"], "B": ["preparing"]}
    assert book.show("O1")["items"][0]["units"][0]["shipment_id"] == "S1"
    parcel = book.shipment("S1")
    assert (parcel["state"], parcel["attempts"]) == ("preparing", 0)
    assert parcel["contents"] == [
        {"order_id": "O1", "item_id": "A", "quantity": 1},
        {"order_id": "O1", "item_id": "B", "quantity": 1},
    ]


def test_pack_1_part_of_a_line_takes_its_lowest_numbered_free_units():
    book = Book()
    book.place("O1", items={"A": {"quantity": 3, "unit_price": 100}}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:05")
    pack(book, "S1", O1={"A": 1})
    assert book.states("O1") == {"A": ["cancelled", "preparing", "placed"]}


def test_pack_1_all_means_the_live_units_that_are_in_no_parcel():
    book = Book()
    book.place("O1", items={"A": {"quantity": 3, "unit_price": 100}, "B": 3000}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:05")
    pack(book, "S1", O1={"A": 1})
    pack(book, "S2", O1="all")
    assert book.shipment("S2")["contents"] == [
        {"order_id": "O1", "item_id": "A", "quantity": 1},
        {"order_id": "O1", "item_id": "B", "quantity": 1},
    ]


@pytest.mark.parametrize("state", ["preparing", "cancelled", "shipped", "delivered"])
@pytest.mark.parametrize("items", ["all", {"A": 1}])
def test_pack_1_a_unit_in_a_parcel_or_no_longer_live_is_not_packed(state, items):
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    if state == "cancelled":
        book.accept("cancel-items", order_id="O1", items="all", at="10:05")
    else:
        pack(book, "S1", O1="all")
    if state in ("shipped", "delivered"):
        book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    if state == "delivered":
        book.accept("deliver", shipment_id="S1", at="13:00")
    before = book.show("O1")
    book.reject("pack-shipment", "PACK-1", shipment_id="S2", contents=contents(O1=items), carrier=VANS, at="14:00")
    assert book.show("O1") == before


def test_pack_1_a_parcel_is_packed_once():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    pack(book, "S1", O1={"A": 1})
    again = {"shipment_id": "S1", "contents": contents(O1={"B": 1}), "carrier": VANS}
    book.reject("pack-shipment", "PACK-1", at="11:30", **again)
    book.reject("dispatch-shipment", "PACK-1", at="11:30", **again)
    book.accept("unpack-shipment", shipment_id="S1", at="11:40")
    book.reject("pack-shipment", "PACK-1", at="11:50", **again)


def test_pack_1_all_or_nothing_one_unit_too_many_packs_none():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.place("O2", items={"A": 2000}, at="10:00")
    book.accept("cancel-items", order_id="O2", items="all", at="10:05")
    book.reject(
        "pack-shipment", "PACK-1", shipment_id="S1", contents=contents(O1="all", O2={"A": 1}), carrier=VANS, at="11:00"
    )
    assert book.states("O1") == {"A": ["placed"], "B": ["placed"]}
    pack(book, "S1", O1="all")


def test_pack_2_unpacked_marketplace_units_are_placed_again_and_can_be_packed_anew():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    pack(book, "S1", O1="all")
    book.accept("unpack-shipment", shipment_id="S1", at="11:30")
    assert book.states("O1") == {"A": ["placed"]}
    assert book.show("O1")["items"][0]["units"][0]["shipment_id"] is None
    assert book.shipment("S1")["state"] == "unpacked"
    pack(book, "S2", O1="all", at="11:45")
    assert book.states("O1") == {"A": ["preparing"]}


@pytest.mark.parametrize(
    ("at", "state"), [("10:20", "seller-window"), ("10:30", "seller-window"), ("10:30:00.001", "with-seller")]
)
def test_pack_2_unpacked_seller_units_go_back_to_where_their_clock_says(at, state):
    book = Book()
    seller_order(book)
    pack(book, "S1", O1="all", at="10:10")
    assert book.states("O1") == {"A": ["preparing"]}
    book.accept("unpack-shipment", shipment_id="S1", at=at)
    assert book.states("O1") == {"A": [state]}


def test_pack_2_units_unpacked_inside_the_window_are_with_the_seller_after_it():
    book = Book()
    seller_order(book)
    pack(book, "S1", O1="all", at="10:10")
    book.accept("unpack-shipment", shipment_id="S1", at="10:20")
    book.accept("pass-time", at="10:31")
    assert book.states("O1") == {"A": ["with-seller"]}


def test_pack_2_a_dispatched_parcel_is_not_unpacked():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="11:00")
    book.reject("unpack-shipment", "PACK-2", shipment_id="S1", at="11:30")
    assert book.states("O1") == {"A": ["shipped"]}


def test_pack_2_an_unpacked_parcel_is_not_unpacked_again():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    pack(book, "S1", O1="all")
    book.accept("unpack-shipment", shipment_id="S1", at="11:30")
    book.reject("unpack-shipment", "PACK-2", shipment_id="S1", at="11:45")


@pytest.mark.parametrize("at", ["10:10", "10:30", "11:00"])
def test_pack_1_the_seller_packs_within_its_window_and_after(at):
    book = Book()
    seller_order(book)
    pack(book, "S1", O1="all", at=at)
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    assert book.states("O1") == {"A": ["shipped"]}


def test_dispatch_of_a_packed_parcel_ships_all_its_units():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    pack(book, "S1", O1={"A": 1})
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    assert book.states("O1") == {"A": ["shipped"], "B": ["placed"]}
    assert book.shipment("S1")["state"] == "shipped"
    assert book.show("O1")["state"] == "placed"


def test_dispatch_with_the_packing_fields_packs_and_dispatches_in_one_step():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.accept(
        "dispatch-shipment",
        shipment_id="S1",
        contents=contents(O1="all"),
        carrier=VANS,
        mail_class="first-class",
        at="12:00",
    )
    assert book.states("O1") == {"A": ["shipped"]}
    assert book.shipment("S1")["mail_class"] == "first-class"


def test_dispatch_without_the_packing_fields_of_an_unknown_parcel_is_order_2():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.reject("dispatch-shipment", "ORDER-2", shipment_id="S1", at="12:00")


def test_pack_1_answers_a_dispatch_with_packing_fields_whose_units_are_taken():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    pack(book, "S1", O1="all")
    book.reject("dispatch-shipment", "PACK-1", shipment_id="S2", contents=contents(O1="all"), carrier=VANS, at="12:00")


def test_combined_2_orders_of_one_buyer_and_fulfiller_share_a_parcel():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000}, at="10:05")
    assert pack(book, "S1", O1="all", O2="all")["order_ids"] == ["O1", "O2"]
    assert (book.states("O1"), book.states("O2")) == ({"A": ["preparing"]}, {"B": ["preparing"]})


def test_combined_2_marketplace_fulfilled_goods_of_several_sellers_share_a_parcel():
    book = Book()
    for order_id, seller in (("O1", None), ("O2", "M1"), ("O3", "M2")):
        book.place(order_id, items={"A": 2000}, seller=seller, fulfilled_by="marketplace", at="10:00")
    pack(book, "S1", O1="all", O2="all", O3="all")


def test_combined_2_two_orders_of_the_same_seller_share_a_parcel():
    book = Book()
    seller_order(book, "O1")
    seller_order(book, "O2", at="10:02")
    pack(book, "S1", O1="all", O2="all")


@pytest.mark.parametrize(
    "other",
    [
        {"buyer": "B2", "seller": "M1", "fulfilled_by": "seller"},
        {"seller": "M2", "fulfilled_by": "seller"},
        {"seller": "M1", "fulfilled_by": "marketplace"},
        {"seller": "M1", "fulfilled_by": "seller", "currency": "EUR"},
    ],
    ids=["buyer", "seller", "fulfiller", "currency"],
)
@pytest.mark.parametrize("command", ["pack-shipment", "dispatch-shipment"])
def test_combined_2_another_buyer_seller_fulfiller_or_currency_does_not_share_the_parcel(command, other):
    book = Book()
    seller_order(book, "O1")
    book.place("O2", items={"B": 3000}, **({"at": "10:00"} | other))
    fields = {"shipment_id": "S1", "contents": contents(O1="all", O2="all"), "carrier": VANS}
    book.reject(command, "COMBINED-2", actor="marketplace", at="10:10", **fields)
    assert (book.show("O1")["version"], book.show("O2")["version"]) == (1, 1)


def test_combined_2_is_asked_before_pack_1():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000}, buyer="B2", at="10:00")
    pack(book, "S1", O1="all")
    book.reject(
        "pack-shipment",
        "COMBINED-2",
        shipment_id="S2",
        contents=contents(O1={"A": 1}, O2="all"),
        carrier=VANS,
        at="11:30",
    )
