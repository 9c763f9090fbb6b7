"""RULEBOOK section 4: one request asks one party, once (CANCEL-7, CANCEL-8); which units; and when requests lapse."""

import pytest

from book import Book

VANS = {"name": "Vans", "kind": "own"}


def pack(book, shipment_id, items, at="11:00"):
    contents = [{"order_id": "O1", "items": items}]
    book.accept("pack-shipment", shipment_id=shipment_id, contents=contents, carrier=VANS, at=at)


def two_items(**fields):
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00", **fields)
    return book


def ask(book, items="all", at="14:00", **fields):
    return book.accept("request-cancellation", order_id="O1", items=items, at=at, **fields)


def answer(book, approve=True, at="15:00", request_id="O1:request:1", **fields):
    return book.accept("answer-cancellation", request_id=request_id, approve=approve, at=at, **fields)


def statuses(book):
    return [request["status"] for request in book.show("O1")["requests"]]


def asked(where):
    """O1 with its only unit A in parcel S1, and an open request to the warehouse, the carrier or the seller."""
    book = Book()
    by = {"seller": "M1", "fulfilled_by": "seller"} if where == "seller" else {}
    book.place("O1", items={"A": 2000}, at="10:00", **by)
    pack(book, "S1", "all")
    if where == "carrier":
        book.accept("dispatch-shipment", shipment_id="S1", at="12:00")
    ask(book)
    assert book.show("O1")["requests"][0]["to"] == where
    return book


def test_cancel_7_a_unit_with_an_open_request_is_not_requested_again():
    book = asked("warehouse")
    before = book.show("O1")
    book.reject("request-cancellation", "CANCEL-7", order_id="O1", items={"A": 1}, at="14:30")
    book.reject("request-cancellation", "CANCEL-7", order_id="O1", items="all", at="14:30")
    assert book.show("O1") == before


def test_cancel_7_a_declined_unit_may_be_requested_again():
    book = asked("warehouse")
    answer(book, approve=False)
    ask(book, at="16:00")
    assert statuses(book) == ["declined", "open"]
    assert [request["request_id"] for request in book.show("O1")["requests"]] == ["O1:request:1", "O1:request:2"]


def test_cancel_7_another_request_takes_the_units_of_the_line_that_have_none():
    book = Book()
    book.place("O1", items={"A": {"quantity": 2, "unit_price": 100}}, at="10:00")
    pack(book, "S1", {"A": 1})
    pack(book, "S2", {"A": 1})
    ask(book, {"A": 1})
    ask(book, {"A": 1}, at="14:10")
    book.reject("request-cancellation", "CANCEL-7", order_id="O1", items={"A": 1}, at="14:20")
    answer(book, request_id="O1:request:2")
    assert book.states("O1") == {"A": ["preparing", "cancelled"]}


def test_cancel_7_is_not_about_units_that_can_be_cancelled_directly_and_cancelling_them_lapses_the_request():
    book = asked("warehouse")
    book.accept("unpack-shipment", shipment_id="S1", at="14:30")
    assert statuses(book) == ["open"]
    book.accept("cancel-items", order_id="O1", items="all", at="14:40")
    assert (book.states("O1"), statuses(book)) == ({"A": ["cancelled"]}, ["lapsed"])


def test_cancel_8_units_of_two_parcels_in_the_warehouse_are_one_request():
    book = two_items()
    pack(book, "S1", {"A": 1})
    pack(book, "S2", {"B": 1})
    ask(book, {"A": 1, "B": 1})
    assert book.show("O1")["requests"][0]["items"] == {"A": 1, "B": 1}
    answer(book)
    assert book.states("O1") == {"A": ["cancelled"], "B": ["cancelled"]}


def test_cancel_8_all_carriers_are_one_party():
    book = two_items()
    book.ship("S1", contents={"O1": {"A": 1}}, kind="own", at="11:00")
    book.ship("S2", contents={"O1": {"B": 1}}, kind="partner", at="11:00")
    ask(book, {"A": 1, "B": 1})
    answer(book)
    assert book.states("O1") == {"A": ["cancelled"], "B": ["returning"]}


def test_cancel_8_warehouse_and_carrier_are_asked_apart():
    book = two_items()
    pack(book, "S1", {"A": 1})
    book.ship("S2", contents={"O1": {"B": 1}}, at="11:00")
    before = book.show("O1")
    book.reject("request-cancellation", "CANCEL-8", order_id="O1", items={"A": 1, "B": 1}, at="14:00")
    assert book.show("O1") == before
    ask(book, {"A": 1})
    ask(book, {"B": 1})
    assert [request["to"] for request in book.show("O1")["requests"]] == ["warehouse", "carrier"]


def test_cancel_8_units_of_which_only_some_can_be_cancelled_directly_are_asked_apart():
    book = two_items()
    pack(book, "S1", {"B": 1})
    book.reject("request-cancellation", "CANCEL-8", order_id="O1", items={"A": 1, "B": 1}, at="14:00")
    ask(book, {"A": 1})
    ask(book, {"B": 1})
    assert book.states("O1") == {"A": ["cancelled"], "B": ["preparing"]}


def test_cancel_2_all_requests_the_units_that_can_still_be_asked_for():
    book = two_items()
    book.ship("S1", contents={"O1": {"A": 1}}, at="11:00")
    book.accept("deliver", shipment_id="S1", at="12:00")
    pack(book, "S2", {"B": 1}, at="12:30")
    ask(book)
    assert book.show("O1")["requests"][0]["items"] == {"B": 1}


def test_all_or_nothing_one_unit_that_cannot_go_keeps_the_others():
    book = two_items()
    pack(book, "S1", {"B": 1})
    book.reject("cancel-items", "CANCEL-2", order_id="O1", items={"A": 1, "B": 1}, at="14:00")
    assert book.states("O1") == {"A": ["placed"], "B": ["preparing"]}


@pytest.mark.parametrize("items", [{"A": 1, "B": 1}, {"B": 1, "A": 1}])
def test_all_or_nothing_the_first_failing_item_in_the_orders_own_sequence_answers(items):
    book = two_items()
    book.ship("S1", contents={"O1": {"A": 1}}, at="11:00")
    book.accept("deliver", shipment_id="S1", at="12:00")
    book.ship("S2", contents={"O1": {"B": 1}}, at="12:00")
    book.reject("cancel-items", "CANCEL-6", order_id="O1", items=items, at="14:00")


def test_all_or_nothing_the_lowest_numbered_ineligible_unit_of_the_item_answers():
    book = Book()
    book.place("O1", items={"A": {"quantity": 3, "unit_price": 100}}, at="10:00")
    book.ship("S1", contents={"O1": {"A": 1}}, at="11:00")
    book.accept("deliver", shipment_id="S1", at="12:00")
    pack(book, "S2", {"A": 1})
    book.reject("cancel-items", "CANCEL-6", order_id="O1", items={"A": 2}, at="14:00")
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="14:00")
    assert book.states("O1") == {"A": ["delivered", "preparing", "cancelled"]}


def test_all_or_nothing_all_with_nothing_eligible_is_answered_by_the_orders_first_unit():
    book = two_items()
    pack(book, "S1", {"A": 1})
    book.ship("S2", contents={"O1": {"B": 1}}, kind="partner", at="11:00")
    book.reject("cancel-items", "CANCEL-2", order_id="O1", items="all", at="14:00")


@pytest.mark.parametrize("where", ["warehouse", "carrier"])
def test_lapse_the_warehouse_and_the_carrier_answer_when_they_can(where):
    book = asked(where)
    book.accept("pass-time", at="+40d 10:00")
    assert statuses(book) == ["open"]
    answer(book, at="+40d 11:00")
    assert book.states("O1") == {"A": ["cancelled"]}


LAPSES = [
    ("warehouse", "dispatch-shipment"),
    ("warehouse", "start-delivery"),
    ("warehouse", "deliver"),
    ("seller", "dispatch-shipment"),
    ("seller", "refuse-delivery"),
    ("carrier", "deliver"),
    ("carrier", "refuse-delivery"),
    ("carrier", "turn-back"),
    ("carrier", "lose-shipment"),
]


@pytest.mark.parametrize(("where", "report"), LAPSES)
def test_lapse_what_happens_to_the_parcel_closes_the_request_with_the_reason(where, report):
    book = asked(where)
    book.accept(report, shipment_id="S1", at="14:30")
    assert statuses(book) == ["lapsed"]
    [lapse] = [event for event in book.events("O1") if "lapsed" in event["type"]]
    assert lapse["because"]
    book.reject("answer-cancellation", "ORDER-5", request_id="O1:request:1", approve=True, at="15:00")


@pytest.mark.parametrize("reports", [["start-delivery"], ["start-delivery", "fail-attempt"], ["fail-attempt"]])
def test_lapse_setting_out_and_failing_leave_the_carriers_request_open(reports):
    book = asked("carrier")
    for minute, report in enumerate(reports):
        book.accept(report, shipment_id="S1", at=f"14:3{minute}")
    assert statuses(book) == ["open"]


def test_lapse_packing_and_unpacking_leave_the_sellers_request_open():
    book = Book()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller", at="10:00")
    ask(book, at="10:40")
    pack(book, "S1", "all")
    assert statuses(book) == ["open"]
    book.accept("unpack-shipment", shipment_id="S1", at="11:30")
    assert statuses(book) == ["open"]
    answer(book)
    assert book.states("O1") == {"A": ["cancelled"]}


def test_lapse_units_cancelled_otherwise_close_the_request():
    book = asked("warehouse")
    book.accept("cancel-items", order_id="O1", items="all", actor="marketplace", at="14:30")
    assert statuses(book) == ["lapsed"]


def test_lapse_units_claimed_otherwise_close_the_request():
    book = Book()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller", at="10:00")
    ask(book, at="+30d 11:00")
    book.accept("file-claim", order_id="O1", items="all", at="+30d 12:00")
    assert statuses(book) == ["open"]
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+30d 13:00")
    assert statuses(book) == ["lapsed"]


def test_lapse_a_request_lapses_as_a_whole_as_soon_as_one_of_its_units_goes_another_way():
    book = two_items()
    pack(book, "S1", {"A": 1})
    pack(book, "S2", {"B": 1})
    ask(book)
    book.accept("dispatch-shipment", shipment_id="S1", at="14:30")
    assert (statuses(book), book.states("O1")) == (["lapsed"], {"A": ["shipped"], "B": ["preparing"]})
    ask(book, {"B": 1}, at="14:45")
    assert statuses(book) == ["lapsed", "open"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_order_5_an_answered_request_is_not_answered_again(first, second):
    book = asked("warehouse")
    answer(book, approve=first)
    before = book.show("O1")
    book.reject("answer-cancellation", "ORDER-5", request_id="O1:request:1", approve=second, at="16:00")
    assert book.show("O1") == before
