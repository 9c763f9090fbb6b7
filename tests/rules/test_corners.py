"""Where rules meet: combinations that no single rule's tests reach."""

import pytest

from book import Book
from ordertrail.domain import InvalidPolicy, Policy, default_policy_toml, fold_as_of
from ordertrail.domain.events import decode

VANS = {"name": "vans", "kind": "own"}


def two_orders_in_one_parcel(*, second_placed="11:00", policy=None):
    """O1 (placed at 10:00) and O2 packed together into S1 at 12:00, the second perhaps under another policy."""
    book = Book()
    book.place("O1", items={"A": 100, "C": 50}, at="10:00")
    if policy is not None:
        book.use_policy(policy)
    book.place("O2", items={"B": 70}, at=second_placed)
    contents = [{"order_id": "O1", "items": {"A": 1}}, {"order_id": "O2", "items": "all"}]
    book.accept("pack-shipment", at="12:00", shipment_id="S1", contents=contents, carrier=VANS)
    return book


def test_time_2_an_early_answer_does_not_change_an_order_that_was_not_placed_then():
    book = two_orders_in_one_parcel()
    book.accept("request-cancellation", at="12:30", order_id="O1", items={"A": 1}, accept_cascade=True)
    book.reject("answer-cancellation", "TIME-2", at="10:30", request_id="O1:request:1", approve=True)
    book.accept("answer-cancellation", at="11:00", request_id="O1:request:1", approve=True)


@pytest.mark.parametrize("accepted", [True, False])
def test_time_2_is_asked_before_combined_1(accepted):
    book = two_orders_in_one_parcel()
    fields = {"order_id": "O1", "items": {"A": 1}, "actor": "marketplace", "accept_cascade": accepted}
    book.reject("cancel-items", "TIME-2", at="10:30", **fields)


def lost_return():
    """Of two units A (values 99 and 100) one came back and is refunded, the other is lost on its way."""
    book = Book()
    book.place("O1", items={"A": {"quantity": 2, "unit_price": 100, "discount": 1}})
    book.ship("S1", {"O1": "all"}, at="11:00")
    book.accept("deliver", at="12:00", shipment_id="S1")
    book.accept("start-return", at="13:00", order_id="O1", items="all", reason="other")
    book.accept("hand-over-return", at="14:00", return_id="O1:return:1")
    one = [{"item_id": "A", "quantity": 1, "condition": "unopened"}]
    book.accept("receive-return", at="15:00", return_id="O1:return:1", received=one)
    paid = {"refund_id": "O1:refund:1", "payment_id": "P1", "outcome": "paid", "reference": "r1"}
    book.accept("report-payout", at="16:00", **paid)
    book.accept("lose-return", at="17:00", return_id="O1:return:1")
    return book


def test_return_6_what_turns_up_of_a_lost_return_is_what_was_lost_and_only_once():
    book = lost_return()
    one = [{"item_id": "A", "quantity": 1, "condition": "unopened"}]
    first = book.run("receive-return", at="18:00", return_id="O1:return:1", received=one)
    assert first["status"] == "noted"
    raised = book.events("O1")[-1]
    assert (raised["type"], raised["units"], raised["amount"]) == ("exception-raised", {"A": [2]}, 100)
    again = book.run("receive-return", at="19:00", return_id="O1:return:1", received=one)
    assert (again["status"], again["events"]) == ("noted", [])


def test_return_5_more_than_was_lost_cannot_turn_up():
    book = lost_return()
    two = [{"item_id": "A", "quantity": 2, "condition": "unopened"}]
    book.reject("receive-return", "RETURN-5", at="18:00", return_id="O1:return:1", received=two)


def test_scan_3_a_lost_parcel_that_turns_up_twice_is_one_exception():
    book = Book()
    book.place("O1", items={"A": 100})
    book.ship("S1", {"O1": "all"}, at="11:00")
    book.accept("lose-shipment", at="12:00", shipment_id="S1")
    for at in ("13:00", "13:00", "14:00"):
        assert book.run("receive-return", at=at, shipment_id="S1")["status"] == "noted"
    assert [event["type"] for event in book.events("O1")].count("exception-raised") == 1
    assert [report["at"] for report in book.shipment("S1")["history"] if report["effect"] == "noted"] == [
        "2026-01-05T13:00:00Z",
        "2026-01-05T14:00:00Z",
    ]


@pytest.mark.parametrize("clock_job", [True, False])
def test_lost_1_a_parcel_under_two_policies_is_lost_as_a_whole_at_the_earlier_time(clock_job):
    sooner = default_policy_toml().replace("lost_after_dispatch_days = 45", "lost_after_dispatch_days = 10")
    book = two_orders_in_one_parcel(policy=sooner.replace('version = "1"', 'version = "2"'))
    book.accept("dispatch-shipment", at="13:00", shipment_id="S1")
    book.run("cancel-items", at="+10d 13:00", order_id="O1", items={"A": 1})
    assert book.states("O1")["A"] == ["shipped"]
    if clock_job:
        book.accept("pass-time", at="+11d 10:00")
    book.run("cancel-items", at="+12d 10:00", order_id="O1", items={"C": 1})
    assert book.states("O1")["A"] == ["lost"]
    assert book.states("O2")["B"] == ["lost"]


def test_scan_2_the_report_of_an_inferred_step_is_noted_also_at_the_same_time():
    book = Book()
    book.place("O1", items={"A": 100})
    book.ship("S1", {"O1": "all"}, at="11:00", kind="own")
    book.accept("fail-attempt", at="12:00", shipment_id="S1")
    assert book.run("start-delivery", at="12:00", shipment_id="S1")["status"] == "noted"
    assert book.shipment("S1")["state"] == "shipped"
    assert book.run("start-delivery", at="12:00:01", shipment_id="S1")["status"] == "accepted"


def test_time_2_before_its_placing_an_order_has_no_options():
    book = Book()
    book.place("O1", items={"A": 100}, at="10:00")
    assert {o["rule"] for o in book.options("O1", at="09:59")["options"]} == {"TIME-2"}
    assert book.options("O1", at="10:00")["options"][0]["allowed"]


def test_order_2_is_asked_before_auth_1_also_where_dispatching_packs():
    book = Book()
    book.place("O1", items={"A": 100}, seller="X", fulfilled_by="seller")
    book.ship("S1", {"O1": "all"}, at="11:00")
    contents = [{"order_id": "O9", "items": "all"}]
    who = {"actor": "seller", "actor_id": "Y"}
    book.reject("dispatch-shipment", "ORDER-2", at="12:00", shipment_id="S1", contents=contents, carrier=VANS, **who)


def test_partial_1_a_settled_claim_releases_before_its_units_are_refunded():
    book = Book()
    book.place("O1", items={"A": 100, "B": 50}, seller="X", fulfilled_by="seller")
    book.accept("cancel-items", at="+10d 10:00", order_id="O1", items={"B": 1}, actor="seller")
    book.accept("file-claim", at="+31d 10:00", order_id="O1", items={"A": 1})
    book.accept("decide-claim", at="+31d 11:00", claim_id="O1:claim:1", approve=True)
    paid = {"refund_id": "O1:refund:2", "payment_id": "P1", "outcome": "paid", "reference": "r1"}
    result = book.accept("report-payout", at="+31d 12:00", **paid)
    types = [event["type"] for event in result["events"]]
    assert types[-3:] == ["payout-paid", "refund-released", "items-refunded"]


def test_auth_1_holds_for_a_parcel_from_which_everything_was_taken_out():
    book = Book()
    book.place("O1", items={"A": 100}, seller="X", fulfilled_by="seller")
    contents = [{"order_id": "O1", "items": "all"}]
    book.accept("pack-shipment", at="10:10", shipment_id="S1", contents=contents, carrier=VANS)
    book.accept("request-cancellation", at="11:00", order_id="O1", items="all")
    book.accept("answer-cancellation", at="12:00", request_id="O1:request:1", approve=True, scope="units")
    assert book.shipment("S1")["state"] == "cancelled"
    book.reject("unpack-shipment", "AUTH-1", at="13:00", shipment_id="S1", actor="seller", actor_id="Y")
    book.reject("unpack-shipment", "PACK-2", at="13:00", shipment_id="S1", actor="seller", actor_id="X")


def test_claim_1_a_seller_window_that_outlasts_the_claims_is_no_policy():
    toml = default_policy_toml()
    Policy.from_toml(toml.replace("seller_window_minutes = 30", "seller_window_minutes = 43200"))
    with pytest.raises(InvalidPolicy, match="seller_window_minutes"):
        Policy.from_toml(toml.replace("seller_window_minutes = 30", "seller_window_minutes = 43201"))


def test_scan_1_the_past_can_be_shown_although_a_gateway_reported_the_future_late():
    book = Book()
    book.place("O1", items={"A": 100}, at="10:00")
    book.accept("cancel-items", at="15:00", order_id="O1", items="all")
    paid = {"refund_id": "O1:refund:1", "payment_id": "P1", "outcome": "paid", "reference": "r1"}
    book.accept("report-payout", at="14:00", **paid)
    events = [decode(state) for state in book.stored["order:O1"]]
    past = fold_as_of(events, events[-1].at)
    assert past is not None
    assert (past.state, past.refunds) == ("placed", {})
