"""CLAIM-2: what a granted claim does to refunds, requests, returns and parcels; never two refunds for a unit."""

from claimed_orders import claim, grant, paid, refund, seller_order


def granted(items=None, at="+31d 12:00"):
    """Undelivered for 30 days, claimed, granted on 2026-02-05 (a Thursday) at 12:00."""
    book = seller_order(items)
    claim(book, "+31d 10:00")
    grant(book, at)
    return book


def test_claim_2_a_grant_refunds_unrefunded_units_in_full_at_once_at_the_sellers_cost():
    book = granted()
    assert book.show("O1")["claims"][0]["status"] == "granted"
    (owed,) = book.show("O1")["refunds"]
    assert (owed["cause"], owed["rule"], owed["status"]) == ("claim", "CLAIM-2", "due")
    assert (owed["amount"], owed["due_at"]) == (2000, "2026-02-05T12:00:00Z")
    assert (owed["processor"], owed["funded_by"]) == ("marketplace", "seller")
    assert owed["payouts"][0]["promised_by"] == "2026-02-12T12:00:00Z"


def test_claim_2_the_units_are_refunded_wherever_they_are_when_it_is_paid():
    book = granted()
    assert book.states("O1") == {"A": ["with-seller"]}
    paid(book, "+32d 10:00")
    assert (book.states("O1"), refund(book)["status"]) == ({"A": ["refunded"]}, "paid")


def test_claim_2_only_the_claimed_units_are_refunded():
    book = seller_order({"A": {"quantity": 3, "unit_price": 2000}})
    claim(book, "+31d 10:00", {"A": 2})
    grant(book, "+31d 12:00")
    assert (refund(book)["amount"], refund(book)["items"]) == (4000, {"A": 2})


def cancelled_by_seller(items=None, cancel="all", **order):
    """Cancelled by its seller on 2026-01-05 at 12:00: promised to the card by 2026-01-12 at 12:00 (day 7)."""
    book = seller_order(items, **order)
    book.accept("cancel-items", order_id="O1", items=cancel, at="12:00", actor="seller", actor_id="M1")
    return book


def test_claim_2_an_unpaid_refund_is_taken_over_and_none_is_made():
    book = cancelled_by_seller()
    before = refund(book)
    claim(book, "+8d 10:00")
    grant(book, "+8d 12:00")
    (taken,) = book.show("O1")["refunds"]
    assert (taken["refund_id"], taken["amount"], taken["cause"]) == (before["refund_id"], 2000, "cancelled")
    assert (taken["processor"], taken["funded_by"]) == ("marketplace", "seller")
    assert (taken["status"], taken["due_at"]) == ("due", before["due_at"])
    assert taken["payouts"][0]["promised_by"] == "2026-01-20T12:00:00Z"


def test_claim_2_a_claim_of_one_unit_takes_the_whole_refund_over():
    book = cancelled_by_seller({"A": {"quantity": 2, "unit_price": 2000}})
    claim(book, "+8d 10:00", {"A": 1})
    grant(book, "+8d 12:00")
    assert (refund(book)["processor"], refund(book)["amount"]) == ("marketplace", 4000)
    paid(book, "+9d 10:00")
    assert book.states("O1") == {"A": ["refunded", "refunded"]}


def test_claim_2_a_submitted_payout_stays_in_flight():
    book = cancelled_by_seller()
    book.accept("submit-payout", refund_id="O1:refund:1", payment_id="P1", at="13:00")
    claim(book, "+8d 10:00")
    grant(book, "+8d 12:00")
    assert refund(book)["payouts"][0]["status"] == "submitted"
    book.reject("submit-payout", "REFUND-5", refund_id="O1:refund:1", payment_id="P1", at="+8d 13:00")
    paid(book, "+8d 14:00")
    assert book.states("O1") == {"A": ["refunded"]}


def test_claim_2_a_deferred_refund_becomes_due():
    book = seller_order({"A": 2000, "B": 3000})
    book.accept("request-cancellation", order_id="O1", items={"A": 1}, at="11:00")
    claim(book, "+3d 10:00", {"A": 1})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="+3d 11:00", actor="seller", actor_id="M1")
    assert refund(book)["status"] == "deferred"
    grant(book, "+3d 12:00")
    assert (refund(book)["status"], refund(book)["due_at"]) == ("due", "2026-01-08T12:00:00Z")
    assert (refund(book)["processor"], refund(book)["payouts"][0]["promised_by"]) == (
        "marketplace",
        "2026-01-15T12:00:00Z",
    )


def test_claim_2_a_grant_makes_no_refund_where_everything_was_paid_meanwhile():
    book = cancelled_by_seller()
    claim(book, "+8d 10:00")
    paid(book, "+8d 11:00")
    grant(book, "+8d 12:00")
    assert [each["status"] for each in book.show("O1")["refunds"]] == ["paid"]
    assert book.states("O1") == {"A": ["refunded"]}


def test_auth_1_after_a_takeover_the_seller_no_longer_submits_or_reports():
    book = cancelled_by_seller()
    claim(book, "+8d 10:00")
    grant(book, "+8d 12:00")
    seller = {"actor": "seller", "actor_id": "M1"}
    book.reject("submit-payout", "AUTH-1", refund_id="O1:refund:1", payment_id="P1", at="+8d 13:00", **seller)
    book.reject(
        "report-payout",
        "AUTH-1",
        refund_id="O1:refund:1",
        payment_id="P1",
        outcome="paid",
        reference="R1",
        at="+8d 13:00",
        **seller,
    )
    paid(book, "+8d 14:00", actor="marketplace")


def test_claim_2_a_grant_lapses_the_open_requests_of_its_units():
    book = seller_order()
    claim(book, "+31d 10:00")
    book.accept("request-cancellation", order_id="O1", items="all", at="+31d 11:00")
    grant(book, "+31d 12:00")
    assert book.show("O1")["requests"][0]["status"] == "lapsed"
    book.reject("answer-cancellation", "ORDER-5", request_id="O1:request:1", approve=True, at="+31d 13:00")
    assert len(book.show("O1")["refunds"]) == 1


def test_claim_2_units_under_a_granted_claim_move_on_and_come_back_without_a_second_refund():
    book = granted()
    book.ship("S1", contents={"O1": "all"}, at="+32d 10:00", kind="partner")
    book.accept("deliver", shipment_id="S1", at="+33d 10:00")
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+34d 10:00")
    book.accept(
        "receive-return",
        return_id="O1:return:1",
        at="+36d 10:00",
        received=[{"item_id": "A", "quantity": 1, "condition": "unopened"}],
    )
    assert (book.states("O1"), len(book.show("O1")["refunds"])) == ({"A": ["returned"]}, 1)
    paid(book, "+37d 10:00")
    assert book.states("O1") == {"A": ["refunded"]}


def test_claim_2_a_unit_cancelled_under_a_granted_claim_gets_no_second_refund():
    book = granted()
    book.accept("cancel-items", order_id="O1", items="all", at="+32d 10:00", actor="seller", actor_id="M1")
    assert (book.states("O1"), len(book.show("O1")["refunds"])) == ({"A": ["cancelled"]}, 1)


def test_claim_2_a_parcel_lost_under_a_granted_claim_makes_no_second_refund():
    book = granted()
    book.ship("S1", contents={"O1": "all"}, at="+32d 10:00", kind="partner")
    book.accept("lose-shipment", shipment_id="S1", at="+33d 10:00")
    assert (book.states("O1"), len(book.show("O1")["refunds"])) == ({"A": ["lost"]}, 1)


def test_claim_2_a_settled_unit_is_not_moved_by_its_parcels_later_reports():
    book = seller_order()
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="partner")
    claim(book, "+31d 10:00")
    grant(book, "+31d 12:00")
    paid(book, "+32d 10:00")
    book.run("deliver", shipment_id="S1", at="+33d 10:00")
    assert book.states("O1") == {"A": ["refunded"]}
    assert book.shipment("S1")["state"] == "delivered"


def test_partial_1_a_settled_claim_that_leaves_nothing_unshipped_releases_the_deferred_refunds():
    book = seller_order({"A": 2000, "B": 3000})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="+29d 10:00", actor="seller", actor_id="M1")
    claim(book, "+31d 10:00", {"B": 1})
    grant(book, "+31d 12:00")
    assert [each["status"] for each in book.show("O1")["refunds"]] == ["deferred", "due"]
    book.accept(
        "report-payout", refund_id="O1:refund:2", payment_id="P1", outcome="paid", reference="R1", at="+32d 10:00"
    )
    assert [each["status"] for each in book.show("O1")["refunds"]] == ["due", "paid"]
    assert refund(book)["due_at"] == "2026-02-06T10:00:00Z"


def test_claim_3_a_denied_claim_leaves_refund_and_request_as_they_were():
    book = seller_order()
    claim(book, "+31d 10:00")
    book.accept("request-cancellation", order_id="O1", items="all", at="+31d 11:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=False, at="+31d 12:00")
    assert (book.show("O1")["requests"][0]["status"], book.show("O1")["refunds"]) == ("open", [])
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="+31d 13:00")
    assert refund(book)["processor"] != "marketplace"
