"""TIME-1 and TIME-2: deadlines do not depend on a scheduler, and nothing happens before an order is placed."""

import pytest

from book import Book
from ordertrail.domain import decode
from ordertrail.domain.admission import moment


def seller_order(items=None):
    book = Book()
    book.place("O1", items=items or {"A": 2000}, at="10:00", seller="M1", fulfilled_by="seller")
    return book


def deadlines(book, order_id="O1"):
    """The times of the events after the placing, in their sequence."""
    return [event["at"] for event in book.events(order_id)][1:]


def test_time_1_the_window_closes_strictly_after_its_deadline_at_the_deadlines_own_time():
    book = seller_order()
    book.accept("pass-time", at="10:30")
    assert book.states("O1") == {"A": ["seller-window"]}
    book.accept("pass-time", at="15:00")
    assert book.states("O1") == {"A": ["with-seller"]}
    assert book.events("O1")[-1]["at"] == "2026-01-05T10:30:00Z"
    assert book.events("O1")[-1]["rule"] == "SELLER-1"


def test_time_1_pass_time_with_nothing_due_is_accepted_and_records_nothing():
    book = seller_order()
    before = book.events("O1")
    result = book.accept("pass-time", at="10:29")
    assert (result["events"], book.events("O1")) == ([], before)
    assert Book().accept("pass-time", at="10:29")["events"] == []


def test_time_1_pass_time_records_the_deadlines_of_every_order_that_has_one_due():
    book = seller_order()
    book.place("O2", items={"A": 2000}, at="10:10", seller="M2", fulfilled_by="seller")
    book.place("O3", items={"A": 2000}, at="10:30", seller="M1", fulfilled_by="seller")
    book.accept("pass-time", at="10:50")
    assert [book.states(order)["A"] for order in ("O1", "O2", "O3")] == [
        ["with-seller"],
        ["with-seller"],
        ["seller-window"],
    ]


def with_open_request():
    """A's request was asked at 11:00 and lapses on 2026-01-07; the cancelled C's refund falls due on 2026-02-04."""
    book = seller_order({"A": 2000, "B": 3000, "C": 100})
    book.accept("cancel-items", order_id="O1", items={"C": 1}, at="10:05")
    book.accept("request-cancellation", order_id="O1", items={"A": 1}, at="11:00")
    return book


def test_time_1_a_command_first_records_the_deadlines_that_have_passed_in_the_order_of_their_times():
    book = with_open_request()
    known = len(book.events("O1"))
    book.accept("cancel-items", order_id="O1", items={"B": 1}, at="+40d 10:00", actor="seller", actor_id="M1")
    learned = [event["at"] for event in book.events("O1")][known:]
    assert learned[:2] == ["2026-01-07T11:00:00Z", "2026-02-04T10:05:00Z"]
    assert set(learned[2:]) == {"2026-02-14T10:00:00Z"}


def test_time_1_a_rejected_command_records_them_all_the_same():
    book = with_open_request()
    book.reject("cancel-items", "SELLER-2", order_id="O1", items={"A": 1}, at="+40d 10:00")
    assert book.show("O1")["requests"][0]["status"] == "lapsed"
    assert book.show("O1")["refunds"][0]["due_at"] == "2026-02-04T10:05:00Z"


def test_time_1_a_noted_command_records_them_all_the_same():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000, "C": 100}, at="10:00")
    book.accept("cancel-items", order_id="O1", items={"C": 1}, at="10:05")
    book.ship("S1", contents={"O1": {"A": 1}}, at="11:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="12:00")
    assert book.run("start-delivery", shipment_id="S1", at="+31d 09:00")["status"] == "noted"
    assert book.show("O1")["refunds"][0]["status"] == "due"


def test_time_1_a_duplicate_and_a_malformed_command_record_nothing():
    book = with_open_request()
    book.accept(
        "cancel-items", order_id="O1", items={"B": 1}, at="12:00", actor="seller", actor_id="M1", command_id="b"
    )
    before = book.events("O1")
    again = book.run(
        "cancel-items", order_id="O1", items={"B": 1}, at="+40d 10:00", actor="seller", actor_id="M1", command_id="b"
    )
    assert (again["status"], book.events("O1")) == ("duplicate", before)
    assert book.run("cancel-items", order_id="O1", items={"A": -1}, at="+40d 10:00")["status"] == "invalid"
    assert book.events("O1") == before


def test_time_1_a_command_names_only_its_own_order():
    book = seller_order()
    book.place("O2", items={"A": 2000}, at="10:00", seller="M2", fulfilled_by="seller")
    book.reject("cancel-items", "SELLER-2", order_id="O1", items="all", at="11:00")
    assert book.states("O1") == {"A": ["with-seller"]}
    assert len(book.events("O2")) == 1


def test_time_1_deadlines_are_recorded_once():
    book = seller_order()
    for minute in (31, 32, 33):
        book.accept("pass-time", at=f"10:{minute}")
    assert deadlines(book) == ["2026-01-05T10:30:00Z"]


def test_seller_1_asks_the_commands_time_also_when_the_windows_closing_is_recorded():
    book = seller_order()
    book.accept("pass-time", at="11:00")
    book.accept("cancel-items", order_id="O1", items="all", at="10:30")
    assert book.states("O1") == {"A": ["cancelled"]}


def test_time_1_a_report_on_a_parcel_records_the_deadlines_of_all_its_orders():
    book = Book()
    for order_id in ("O1", "O2"):
        book.place(order_id, items={"A": 2000, "B": 3000}, at="10:00", seller="M1", fulfilled_by="seller")
    book.ship("S1", contents={"O1": {"A": 1}, "O2": {"A": 1}}, at="10:20", kind="partner")
    book.accept("deliver", shipment_id="S1", at="12:00")
    assert [book.states(order_id)["B"] for order_id in ("O1", "O2")] == [["with-seller"], ["with-seller"]]


def test_time_1_deadlines_of_one_instant_are_recorded_in_the_order_of_their_units():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.ship("S2", contents={"O1": {"A": 1}}, at="12:00", kind="own")
    book.ship("S1", contents={"O1": {"B": 1}}, at="12:00", kind="own")
    book.accept("pass-time", at="+46d 00:00")
    assert [refund["items"] for refund in book.show("O1")["refunds"]] == [{"A": 1}, {"B": 1}]


# TIME-2


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("cancel-items", {"order_id": "O1", "items": "all"}),
        ("request-cancellation", {"order_id": "O1", "items": "all"}),
        ("start-return", {"order_id": "O1", "items": "all", "reason": "other"}),
        ("file-claim", {"order_id": "O1", "items": "all"}),
        (
            "pack-shipment",
            {
                "shipment_id": "S2",
                "contents": [{"order_id": "O1", "items": "all"}],
                "carrier": {"name": "Vans", "kind": "own"},
            },
        ),
        ("deliver", {"shipment_id": "S1"}),
        ("start-delivery", {"shipment_id": "S1"}),
        ("lose-shipment", {"shipment_id": "S1"}),
    ],
)
def test_time_2_a_command_earlier_than_its_orders_placing_is_rejected(command, fields):
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.ship("S1", contents={"O1": {"A": 1}}, at="12:00", kind="own")
    before = book.events("O1"), book.shipment("S1")
    book.reject(command, "TIME-2", at="09:59:59.999", **fields)
    assert (book.events("O1"), book.shipment("S1")) == before


def test_time_2_a_command_at_the_instant_of_the_placing_is_in_time():
    book = seller_order()
    book.accept("cancel-items", order_id="O1", items="all", at="10:00")


def test_time_2_a_parcel_is_not_older_than_any_of_its_orders():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.place("O2", items={"B": 3000}, at="11:00")
    book.ship("S1", contents={"O1": "all", "O2": "all"}, at="12:00", kind="own")
    book.reject("deliver", "TIME-2", shipment_id="S1", at="10:59")
    book.accept("deliver", shipment_id="S1", at="11:00")


def test_time_2_times_are_compared_in_utc():
    book = seller_order()
    book.reject("cancel-items", "TIME-2", order_id="O1", items="all", at="2026-01-05T11:30:00+02:00")
    book.accept("cancel-items", order_id="O1", items="all", at="2026-01-05T05:00:00-05:00")


def test_time_2_a_report_from_the_past_is_learned_as_a_whole_and_not_before_what_its_orders_know_already():
    book = Book()
    book.place("O1", items={"A": 1000, "C": 1000}, at="10:00")
    packed = {"contents": [{"order_id": "O1", "items": {"C": 1}}], "carrier": {"name": "vans", "kind": "own"}}
    book.accept("pack-shipment", shipment_id="S1", at="10:30", **packed)
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="12:00")
    result = book.accept("dispatch-shipment", shipment_id="S1", at="11:00")
    assert [event["type"] for event in result["events"]] == [
        "shipment-dispatched",
        "items-dispatched",
        "refund-released",
    ]
    stored = [decode(state) for stream in ("order:O1", "shipment:S1") for state in book.stored[stream]]
    learned = {event.recorded_at for event in stored if event.command_id == result["command_id"]}
    assert {moment(at) for at in learned} == {"2026-01-05T12:00:00Z"}
    assert book.shipment("S1")["state"] == "shipped"
