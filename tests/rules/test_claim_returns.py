"""CLAIM-2 and RETURN-5: what a settled claim leaves of parcels and returns on their way back."""

from claimed_orders import claim, grant, paid, seller_order


def test_return_5_a_refused_parcel_whose_units_were_all_settled_by_claims_is_noted_on_receipt():
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    book.accept("refuse-delivery", shipment_id="S1", at="+29d 12:00")
    claim(book, "+31d 10:00")
    grant(book, "+31d 12:00")
    paid(book, "+32d 10:00")
    assert book.run("receive-return", shipment_id="S1", at="+33d 10:00")["status"] == "noted"
    assert (book.states("O1"), len(book.show("O1")["refunds"])) == ({"A": ["refunded"]}, 1)


def test_return_5_a_receipt_takes_the_units_of_a_refused_parcel_that_no_claim_has_settled():
    book = seller_order({"A": 2000, "B": 3000})
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    book.accept("refuse-delivery", shipment_id="S1", at="+29d 12:00")
    claim(book, "+31d 10:00", {"A": 1})
    grant(book, "+31d 12:00")
    paid(book, "+32d 10:00")
    book.accept("receive-return", shipment_id="S1", at="+33d 10:00")
    assert book.states("O1") == {"A": ["refunded"], "B": ["returned"]}
    assert [(each["cause"], each["amount"]) for each in book.show("O1")["refunds"]] == [
        ("claim", 2000),
        ("refused", 3000),
    ]


def returning(quantity):
    """Delivered on day 1, its return handed over on day 3, claimed on day 20."""
    book = seller_order({"A": {"quantity": quantity, "unit_price": 2000}})
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    book.accept("deliver", shipment_id="S1", at="+1d 12:00")
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+2d 09:00")
    book.accept("hand-over-return", return_id="O1:return:1", at="+3d 09:00")
    return book


def test_claim_2_a_return_whose_units_were_all_settled_by_a_claim_is_closed_as_withdrawn():
    book = returning(1)
    claim(book, "+20d 10:00")
    grant(book, "+20d 12:00")
    paid(book, "+21d 10:00")
    assert (book.states("O1"), book.show("O1")["returns"][0]["status"]) == ({"A": ["refunded"]}, "withdrawn")


def test_claim_2_a_partly_received_return_settled_by_a_claim_is_received():
    book = returning(2)
    book.accept(
        "receive-return",
        return_id="O1:return:1",
        at="+10d 09:00",
        received=[{"item_id": "A", "quantity": 1, "condition": "unopened"}],
    )
    paid(book, "+11d 10:00")
    claim(book, "+20d 10:00", {"A": 1})
    grant(book, "+20d 12:00")
    book.accept(
        "report-payout", refund_id="O1:refund:2", payment_id="P1", outcome="paid", reference="R2", at="+21d 10:00"
    )
    assert book.states("O1") == {"A": ["refunded", "refunded"]}
    assert book.show("O1")["returns"][0]["status"] == "received"
