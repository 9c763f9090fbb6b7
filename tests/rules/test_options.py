"""What the buyer can do at a moment, until when and with what refund; and why not the rest."""

from book import Book

ACTIONS = [
    "cancel-items",
    "request-cancellation",
    "refuse-delivery",
    "start-return",
    "withdraw-return",
    "file-claim",
    "withdraw-claim",
]


def order(items=None, *, fulfilled_by="marketplace", **fields):
    """Placed on 2026-01-05 at 10:00."""
    book = Book()
    seller = "M1" if fulfilled_by == "seller" else None
    book.place("O1", items=items or {"A": 2000}, at="10:00", seller=seller, fulfilled_by=fulfilled_by, **fields)
    return book


def pack(book, contents, *, shipment_id="S1", kind="own", at="11:00"):
    parts = [{"order_id": order_id, "items": items} for order_id, items in contents.items()]
    book.accept("pack-shipment", shipment_id=shipment_id, contents=parts, carrier={"name": "C", "kind": kind}, at=at)


def options(book, action, at, order_id="O1"):
    return [each for each in book.options(order_id, at=at)["options"] if each["action"] == action]


def option(book, action, at):
    (only,) = options(book, action, at)
    return only


def test_options_name_every_action_in_the_same_sequence():
    answer = order().options("O1", at="10:10")
    assert [each["action"] for each in answer["options"]] == ACTIONS
    assert (answer["order_id"], answer["state"], answer["at"]) == ("O1", "placed", "2026-01-05T10:10:00Z")


def test_options_record_nothing_but_judge_the_deadlines_that_have_passed():
    book = order(fulfilled_by="seller")
    before = book.events("O1")
    assert book.options("O1", at="10:30")["state"] == "seller-window"
    assert book.options("O1", at="10:30:00.001")["state"] == "with-seller"
    assert book.options("O1", at="+2d 10:30")["state"] == "with-seller"
    assert book.events("O1") == before
    assert book.show("O1")["state"] == "seller-window"


# cancel-items


def test_cancel_1_a_placed_unit_is_cancelled_at_once_without_a_deadline():
    can = option(order(), "cancel-items", "10:10")
    assert (can["allowed"], can["rule"], can["items"], can["until"]) == (True, "CANCEL-1", {"A": 1}, None)
    assert (can["outcome"], can["cascade"], can["refund"]["amount"]) == ("immediate", [], 2000)
    assert sum(payout["amount"] for payout in can["refund"]["payouts"]) == 2000


def test_partial_1_the_option_says_that_its_refund_would_be_deferred():
    book = order({"A": 2000, "B": 3000})
    pack(book, {"O1": {"B": 1}})
    can = option(book, "cancel-items", "11:10")
    assert (can["items"], can["refund"]["amount"], can["refund"]["when"]) == ({"A": 1}, 2000, "deferred")


def test_seller_1_the_option_says_until_when_the_window_is_open():
    book = order(fulfilled_by="seller")
    can = option(book, "cancel-items", "10:30")
    assert (can["allowed"], can["rule"], can["until"]) == (True, "SELLER-1", "2026-01-05T10:30:00Z")


def test_seller_2_after_the_window_the_option_refuses_and_advises_a_request():
    book = order(fulfilled_by="seller")
    cannot = option(book, "cancel-items", "10:30:00.001")
    assert (cannot["allowed"], cannot["rule"], cannot["advice"]) == (False, "SELLER-2", "request-cancellation")
    assert cannot["reason"]


def test_combined_1_a_direct_cancellation_of_a_packed_unit_lists_what_goes_along():
    book = order(fulfilled_by="seller")
    book.place("O2", items={"B": 3000}, at="10:00", seller="M1", fulfilled_by="seller")
    pack(book, {"O1": "all", "O2": "all"}, at="10:10")
    can = option(book, "cancel-items", "10:20")
    assert (can["allowed"], can["cascade"]) == (True, [{"order_id": "O2", "item_id": "B", "quantity": 1}])


def test_cancel_6_what_is_delivered_cannot_be_cancelled_but_returned():
    book = order()
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    cannot = option(book, "cancel-items", "13:00")
    assert (cannot["allowed"], cannot["rule"], cannot["advice"]) == (False, "CANCEL-6", "start-return")
    assert option(book, "cancel-items", "+31d 13:00")["advice"] != "start-return"


# request-cancellation


def test_cancel_2_the_warehouse_can_be_asked_for_packed_units():
    book = order({"A": 2000, "B": 3000})
    pack(book, {"O1": {"A": 1}})
    can = option(book, "request-cancellation", "11:10")
    assert (can["allowed"], can["rule"], can["items"]) == (True, "CANCEL-2", {"A": 1})
    assert (can["outcome"], can["cascade"], can["until"]) == ("not-guaranteed", [], None)


def test_combined_1_a_request_for_some_of_a_parcel_lists_the_others_orders_units():
    book = order()
    book.place("O2", items={"B": 3000}, at="10:00")
    pack(book, {"O1": "all", "O2": "all"})
    can = option(book, "request-cancellation", "11:10")
    assert can["cascade"] == [{"order_id": "O2", "item_id": "B", "quantity": 1}]


def test_cancel_3_the_own_carrier_can_be_asked_to_intercept():
    book = order()
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    can = option(book, "request-cancellation", "11:10")
    assert (can["allowed"], can["rule"], can["outcome"]) == (True, "CANCEL-3", "needs-approval")


def test_cancel_4_nothing_is_guaranteed_once_a_partner_carrier_has_the_parcel():
    book = order()
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="partner")
    can = option(book, "request-cancellation", "11:10")
    assert (can["allowed"], can["rule"], can["outcome"]) == (True, "CANCEL-4", "not-guaranteed")


def test_seller_2_the_seller_can_be_asked_after_the_window():
    can = option(
        order({"A": {"quantity": 2, "unit_price": 383}}, fulfilled_by="seller"), "request-cancellation", "11:00"
    )
    assert (can["allowed"], can["rule"], can["items"], can["until"]) == (True, "SELLER-2", {"A": 2}, None)
    assert (can["outcome"], can["refund"]["amount"]) == ("needs-approval", 766)


def test_seller_3_a_seller_fulfilled_parcel_under_way_cannot_be_requested():
    book = order(fulfilled_by="seller")
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    cannot = option(book, "request-cancellation", "12:00")
    assert (cannot["allowed"], cannot["rule"]) == (False, "SELLER-3")


def test_cancel_8_each_party_that_could_be_asked_has_an_entry_of_its_own():
    book = order({"A": 2000, "B": 3000, "C": 100})
    pack(book, {"O1": {"A": 1}})
    book.ship("S2", contents={"O1": {"B": 1}}, at="11:00", kind="partner")
    offers = options(book, "request-cancellation", "11:10")
    assert [(each["allowed"], each["items"]) for each in offers] == [(True, {"A": 1}), (True, {"B": 1})]
    assert option(book, "cancel-items", "11:10")["items"] == {"C": 1}


def test_cancel_7_an_open_request_is_not_offered_again():
    book = order(fulfilled_by="seller")
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    cannot = option(book, "request-cancellation", "12:00")
    assert (cannot["allowed"], cannot["rule"]) == (False, "CANCEL-7")
    assert option(book, "request-cancellation", "+2d 11:00")["allowed"] is False
    assert option(book, "request-cancellation", "+2d 11:00:00.001")["allowed"] is True


# refuse-delivery


def test_refuse_1_a_parcel_that_is_under_way_can_be_refused():
    book = order()
    assert option(book, "refuse-delivery", "10:10")["allowed"] is False
    pack(book, {"O1": "all"}, kind="partner")
    assert option(book, "refuse-delivery", "11:10")["allowed"] is False
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    can = option(book, "refuse-delivery", "12:10")
    assert (can["allowed"], can["rule"], can["items"], can["refund"]["amount"]) == (True, "REFUSE-1", {"A": 1}, 2000)
    book.accept("start-delivery", shipment_id="S1", at="13:00")
    assert option(book, "refuse-delivery", "13:10")["allowed"] is True
    book.accept("turn-back", shipment_id="S1", at="14:00")
    assert option(book, "refuse-delivery", "14:10")["allowed"] is True
    book.accept("deliver", shipment_id="S1", at="15:00")
    assert option(book, "refuse-delivery", "15:10")["allowed"] is False


def test_refuse_1_the_refund_offered_leaves_out_parcels_that_come_back_already():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    for item_id in ("A", "B"):
        book.ship(f"S-{item_id}", contents={"O1": {item_id: 1}}, at="12:00", kind="partner")
    book.accept("refuse-delivery", shipment_id="S-A", at="13:00")
    for action in ("refuse-delivery", "request-cancellation"):
        can = option(book, action, "13:10")
        assert (can["items"], can["refund"]["amount"]) == ({"B": 1}, 3000)


# start-return, withdraw-return


def test_return_1_the_option_says_until_when_a_return_can_be_started():
    book = order()
    assert option(book, "start-return", "10:10")["allowed"] is False
    assert option(book, "start-return", "10:10")["rule"] == "RETURN-1"
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    can = option(book, "start-return", "+30d 14:00")
    assert (can["allowed"], can["rule"], can["items"]) == (True, "RETURN-1", {"A": 1})
    assert can["until"] == "2026-02-04T14:00:00Z"
    cannot = option(book, "start-return", "+30d 14:00:00.001")
    assert (cannot["allowed"], cannot["rule"]) == (False, "RETURN-1")


def test_return_4_a_return_can_be_withdrawn_until_it_is_handed_over():
    book = order()
    book.ship("S1", contents={"O1": "all"}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    assert option(book, "withdraw-return", "15:00")["allowed"] is False
    book.accept("start-return", order_id="O1", items="all", reason="other", at="15:00")
    can = option(book, "withdraw-return", "16:00")
    assert (can["allowed"], can["rule"], can["items"]) == (True, "RETURN-4", {"A": 1})
    assert option(book, "withdraw-return", "+45d 14:00:00.001")["allowed"] is False
    book.accept("hand-over-return", return_id="O1:return:1", at="17:00")
    cannot = option(book, "withdraw-return", "17:10")
    assert (cannot["allowed"], cannot["rule"]) == (False, "RETURN-4")


# file-claim, withdraw-claim


def test_claim_1_a_claim_is_offered_from_its_ground_to_90_days_after_placing():
    book = order(fulfilled_by="seller")
    cannot = option(book, "file-claim", "+30d 10:00")
    assert (cannot["allowed"], cannot["rule"]) == (False, "CLAIM-1")
    can = option(book, "file-claim", "+30d 10:00:00.001")
    assert (can["allowed"], can["rule"], can["items"]) == (True, "CLAIM-1", {"A": 1})
    assert (can["until"], can["refund"]["amount"]) == ("2026-04-05T10:00:00Z", 2000)
    assert option(book, "file-claim", "+90d 10:00")["allowed"] is True
    assert option(book, "file-claim", "+90d 10:00:00.001")["allowed"] is False


def test_claim_3_an_open_claim_can_be_withdrawn_once():
    book = order(fulfilled_by="seller")
    assert option(book, "withdraw-claim", "+31d 10:00")["allowed"] is False
    book.accept("file-claim", order_id="O1", items="all", at="+31d 10:00")
    assert option(book, "withdraw-claim", "+31d 11:00")["allowed"] is True
    assert option(book, "file-claim", "+31d 11:00")["allowed"] is False
    book.accept("withdraw-claim", claim_id="O1:claim:1", at="+31d 12:00")
    assert option(book, "withdraw-claim", "+31d 13:00")["allowed"] is False
    cannot = option(book, "file-claim", "+31d 13:00")
    assert (cannot["allowed"], cannot["rule"]) == (False, "CLAIM-3")
