"""RULEBOOK section 5: carriers report late, twice and in the wrong order (SCAN-1, SCAN-2, SCAN-3)."""

import pytest

from book import Book

VANS = {"name": "Vans", "kind": "own"}
PARTNER = {"name": "Post", "kind": "partner"}
REPORTS = {
    "shipped": [],
    "out-for-delivery": ["start-delivery"],
    "delivered": ["deliver"],
    "refused": ["refuse-delivery"],
    "returning": ["turn-back"],
    "lost": ["lose-shipment"],
    "returned": ["turn-back", "receive-return"],
}


def parcel(state, carrier=VANS):
    """O1 (A, 2000) alone in S1: packed 11:00, dispatched 12:00, brought to the state at 13:00 (received 13:30)."""
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    contents = [{"order_id": "O1", "items": "all"}]
    book.accept("pack-shipment", shipment_id="S1", contents=contents, carrier=carrier, at="11:00")
    if state == "preparing":
        return book
    book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    for report in REPORTS[state]:
        book.accept(report, shipment_id="S1", at="13:30" if report == "receive-return" else "13:00")
    return book


def report(book, kind, at):
    return book.run(kind, shipment_id="S1", at=at)["status"]


def state(book):
    [[unit]] = book.states("O1").values()
    assert book.shipment("S1")["state"] == unit
    return unit


def effects(book):
    return [(line["report"], line["effect"]) for line in book.shipment("S1")["history"]]


MOVES = {
    "shipped": {
        "start-delivery": "out-for-delivery",
        "fail-attempt": "shipped",
        "deliver": "delivered",
        "refuse-delivery": "refused",
        "turn-back": "returning",
        "lose-shipment": "lost",
    },
    "out-for-delivery": {
        "fail-attempt": "shipped",
        "deliver": "delivered",
        "refuse-delivery": "refused",
        "turn-back": "returning",
        "lose-shipment": "lost",
    },
    "delivered": {},
    "refused": {"deliver": "delivered", "lose-shipment": "lost"},
    "returning": {"deliver": "delivered", "refuse-delivery": "refused", "lose-shipment": "lost"},
    "lost": {},
    "returned": {},
}
ALL = ["dispatch-shipment", *MOVES["shipped"]]


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("before", MOVES)
def test_scan_1_a_report_that_the_machine_allows_moves_the_parcel_any_other_is_noted(before, kind):
    book = parcel(before)
    after = MOVES[before].get(kind)
    assert report(book, kind, "14:00") == ("accepted" if after else "noted")
    assert state(book) == (after or before)
    last = book.shipment("S1")["history"][-1]
    assert (last["effect"], last["at"]) == ("moved" if after else "noted", "2026-01-05T14:00:00Z")


@pytest.mark.parametrize("kind", MOVES["shipped"])
def test_scan_1_a_report_on_a_parcel_that_was_unpacked_is_noted(kind):
    book = parcel("preparing")
    book.accept("unpack-shipment", shipment_id="S1", at="11:30")
    assert report(book, kind, "14:00") == "noted"
    assert (book.states("O1"), book.shipment("S1")["state"]) == ({"A": ["placed"]}, "unpacked")


def test_scan_1_worked_example_7_a_late_scan_is_noted_and_undoes_no_delivery():
    book = parcel("shipped")
    assert report(book, "deliver", "+1d 15:00") == "accepted"
    assert report(book, "start-delivery", "+1d 09:00") == "noted"
    assert state(book) == "delivered"


def test_scan_1_the_same_report_again_records_nothing():
    book = parcel("shipped")
    report(book, "deliver", "15:00")
    before = (book.show("O1"), book.shipment("S1"))
    assert report(book, "deliver", "15:00") == "noted"
    assert (book.show("O1"), book.shipment("S1")) == before


def test_scan_1_a_noted_report_is_recorded_once():
    book = parcel("delivered")
    before = effects(book)
    for _ in range(3):
        assert report(book, "start-delivery", "14:00") == "noted"
    assert effects(book) == [*before, ("start-delivery", "noted")]
    assert report(book, "start-delivery", "14:01") == "noted"
    assert effects(book) == [*before, ("start-delivery", "noted"), ("start-delivery", "noted")]


@pytest.mark.parametrize(("at", "status"), [("11:59:59.999", "noted"), ("12:00", "accepted"), ("12:01", "accepted")])
@pytest.mark.parametrize("kind", ["start-delivery", "fail-attempt"])
def test_scan_1_setting_out_or_failing_before_the_parcels_last_move_is_noted(kind, at, status):
    book = parcel("shipped")
    assert report(book, kind, at) == status
    moved = "out-for-delivery" if kind == "start-delivery" else "shipped"
    assert state(book) == (moved if status == "accepted" else "shipped")
    assert book.shipment("S1")["attempts"] == (1 if (kind, status) == ("fail-attempt", "accepted") else 0)


@pytest.mark.parametrize("kind", ["deliver", "refuse-delivery", "turn-back", "lose-shipment"])
def test_scan_1_any_other_report_moves_the_parcel_also_from_before_its_last_move(kind):
    book = parcel("out-for-delivery")
    assert report(book, kind, "10:30") == "accepted"
    assert state(book) == MOVES["out-for-delivery"][kind]


@pytest.mark.parametrize(("at", "status"), [("12:59:59.999", "noted"), ("13:00", "accepted"), ("13:01", "accepted")])
@pytest.mark.parametrize(
    ("before", "kind"), [("refused", "deliver"), ("returning", "deliver"), ("returning", "refuse-delivery")]
)
def test_scan_1_a_delivery_or_refusal_from_before_the_parcel_turned_is_noted(before, kind, at, status):
    book = parcel(before)
    assert report(book, kind, at) == status
    assert state(book) == (MOVES[before][kind] if status == "accepted" else before)


def test_scan_1_losing_a_parcel_that_turned_needs_no_later_time():
    book = parcel("returning")
    assert report(book, "lose-shipment", "12:30") == "accepted"
    assert state(book) == "lost"


def test_scan_1_packing_is_a_move():
    book = parcel("preparing")
    assert report(book, "start-delivery", "10:59") == "noted"
    assert state(book) == "preparing"
    assert report(book, "deliver", "10:59") == "accepted"
    assert state(book) == "delivered"


def test_scan_1_the_last_move_is_the_one_recorded_last():
    book = parcel("out-for-delivery")
    assert report(book, "turn-back", "12:30") == "accepted"
    assert report(book, "deliver", "12:45") == "accepted"
    assert state(book) == "delivered"


@pytest.mark.parametrize(("at", "status"), [("13:59", "noted"), ("14:00", "accepted")])
def test_cancel_4_worked_example_8_delivered_after_all_if_not_from_before_the_approval_turned_it(at, status):
    book = parcel("shipped", PARTNER)
    book.accept("request-cancellation", order_id="O1", items="all", at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="14:00")
    assert report(book, "deliver", at) == status
    assert state(book) == ("delivered" if status == "accepted" else "returning")


@pytest.mark.parametrize(("at", "allowed"), [("+32d 15:00", True), ("+32d 15:00:00.001", False)])
def test_cancel_4_worked_example_8_the_return_window_opens_with_that_delivery(at, allowed):
    book = parcel("shipped", PARTNER)
    book.accept("request-cancellation", order_id="O1", items="all", at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="14:00")
    book.accept("deliver", shipment_id="S1", at="+2d 15:00")
    result = book.run("start-return", order_id="O1", items="all", reason="other", at=at)
    assert result["status"] == ("accepted" if allowed else "rejected")


INFERRED = {
    "start-delivery": ["dispatch-shipment"],
    "fail-attempt": ["dispatch-shipment", "start-delivery"],
    "deliver": ["dispatch-shipment"],
    "refuse-delivery": ["dispatch-shipment"],
    "turn-back": ["dispatch-shipment"],
    "lose-shipment": ["dispatch-shipment"],
}


@pytest.mark.parametrize("kind", INFERRED)
def test_scan_2_a_report_proves_the_steps_before_it_which_are_inferred_at_its_time(kind):
    book = parcel("preparing")
    before = len(effects(book))
    assert report(book, kind, "14:00") == "accepted"
    assert state(book) == MOVES["shipped"][kind]
    assert effects(book)[before:] == [*((step, "inferred") for step in INFERRED[kind]), (kind, "moved")]
    assert {line["at"] for line in book.shipment("S1")["history"][before:]} == {"2026-01-05T14:00:00Z"}


def test_scan_2_the_inferred_steps_own_report_is_noted_when_it_comes():
    book = parcel("preparing")
    report(book, "deliver", "14:00")
    assert report(book, "dispatch-shipment", "12:00") == "noted"
    assert report(book, "dispatch-shipment", "14:30") == "noted"
    assert state(book) == "delivered"


def test_scan_2_each_failed_attempt_that_is_not_noted_counts():
    book = parcel("shipped")
    for at in ("13:00", "14:00", "14:00", "15:00"):
        report(book, "fail-attempt", at)
    assert (book.shipment("S1")["attempts"], state(book)) == (3, "shipped")
    assert report(book, "fail-attempt", "14:30") == "noted"
    assert book.shipment("S1")["attempts"] == 3


def test_scan_3_a_delivery_of_units_already_cancelled_moves_none_of_them():
    book = parcel("shipped")
    book.accept("request-cancellation", order_id="O1", items="all", at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="14:00")
    assert book.run("deliver", shipment_id="S1", at="15:00")["status"] in ("accepted", "noted")
    assert (book.states("O1"), len(book.show("O1")["refunds"])) == ({"A": ["cancelled"]}, 1)


@pytest.mark.parametrize("items", ["all", {"A": 1}])
def test_scan_1_a_unit_that_was_claimed_and_refunded_is_not_moved_by_its_parcels_later_reports(items):
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, seller="M1", fulfilled_by="seller", at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="11:00")
    book.accept("file-claim", order_id="O1", items=items, at="+30d 11:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+30d 12:00")
    paid = {"refund_id": "O1:refund:1", "payment_id": "P1", "outcome": "paid", "reference": "R1"}
    book.accept("report-payout", at="+30d 13:00", **paid)
    book.accept("deliver", shipment_id="S1", at="+30d 14:00")
    assert book.states("O1") == {"A": ["refunded"], "B": ["refunded" if items == "all" else "delivered"]}
    assert book.shipment("S1")["state"] == "delivered"


@pytest.mark.parametrize("kind", ALL)
def test_order_2_a_report_on_an_unknown_shipment_is_rejected(kind):
    parcel("shipped").reject(kind, "ORDER-2", shipment_id="S9", at="14:00")
