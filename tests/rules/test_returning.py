"""RETURN-1 and RETURN-4: starting a return, handing it over, withdrawing it, letting it lapse."""

import pytest

from book import Book
from delivered_orders import delivered, receive, start, status

# RETURN-1: the window


def test_return_1_at_thirty_days_sharp_a_return_can_still_be_started():
    book = delivered()
    start(book, {"A": 2}, at="+30d 14:00")
    assert book.states("O1") == {"A": ["in-return", "in-return", "delivered"]}
    assert status(book) == "open"
    assert book.show("O1")["returns"][0]["items"] == {"A": 2}


def test_return_1_a_millisecond_after_thirty_days_no_return_can_be_started():
    book = delivered()
    book.reject("start-return", "RETURN-1", order_id="O1", items="all", reason="other", at="+30d 14:00:00.001")
    assert book.states("O1") == {"A": ["delivered"] * 3}
    assert book.show("O1")["returns"] == []


@pytest.mark.parametrize("report", ["start-delivery", "refuse-delivery", "turn-back"])
def test_return_1_what_is_not_delivered_cannot_be_returned(report):
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.reject("start-return", "RETURN-1", order_id="O1", items="all", reason="other", at="10:30")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.reject("start-return", "RETURN-1", order_id="O1", items={"A": 1}, reason="other", at="12:30")
    book.accept(report, shipment_id="S1", at="14:00")
    book.reject("start-return", "RETURN-1", order_id="O1", items={"A": 1}, reason="other", at="15:00")


def test_return_1_a_return_dated_before_the_recorded_delivery_is_rejected():
    book = delivered()
    book.reject("start-return", "RETURN-1", order_id="O1", items="all", reason="other", at="13:59")
    start(book, at="14:00")


def test_return_1_the_window_opens_again_when_a_refused_parcel_is_delivered_after_all():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("refuse-delivery", shipment_id="S1", at="14:00")
    book.accept("deliver", shipment_id="S1", at="+5d 14:00")
    start(book, at="+35d 14:00")


def test_return_1_units_of_several_parcels_share_a_return_each_within_its_own_window():
    book = two_parcels()
    book.reject("start-return", "RETURN-1", order_id="O1", items={"A": 1, "B": 1}, reason="other", at="+30d 14:01")
    start(book, {"A": 1, "B": 1}, at="+30d 14:00")
    assert book.states("O1") == {"A": ["in-return"], "B": ["in-return"]}


def test_return_1_all_means_the_units_whose_window_is_still_open():
    book = two_parcels()
    start(book, "all", at="+31d 09:00")
    assert book.states("O1") == {"A": ["delivered"], "B": ["in-return"]}


def two_parcels():
    """A delivered on the first day at 14:00, B ten days later."""
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.ship("S1", contents={"O1": {"A": 1}}, at="12:00", kind="own")
    book.ship("S2", contents={"O1": {"B": 1}}, at="12:00", kind="partner")
    book.accept("deliver", shipment_id="S1", at="14:00")
    book.accept("deliver", shipment_id="S2", at="+10d 14:00")
    return book


def test_return_1_a_unit_already_in_a_return_cannot_be_returned_again():
    book = delivered(items={"A": 2000})
    start(book)
    book.reject("start-return", "RETURN-1", order_id="O1", items={"A": 1}, reason="other", at="+1d 10:00")
    book.reject("start-return", "RETURN-1", order_id="O1", items="all", reason="other", at="+1d 10:00")


def test_order_2_an_unknown_item_or_more_units_than_the_line_ever_had_do_not_exist():
    book = delivered()
    book.reject("start-return", "ORDER-2", order_id="O1", items={"X": 1}, reason="other", at="+1d 09:00")
    book.reject("start-return", "ORDER-2", order_id="O1", items={"A": 4}, reason="other", at="+1d 09:00")
    book.reject("start-return", "ORDER-2", order_id="O9", items="all", reason="other", at="+1d 09:00")


def test_return_1_a_seller_fulfilled_delivery_can_be_returned_too():
    book = delivered(seller="M1", fulfilled_by="seller")
    start(book)
    receive(book, ("A", 3, "unopened"), at="+4d 09:00")
    assert (status(book), book.show("O1")["refunds"][0]["amount"]) == ("received", 6000)


# RETURN-4: lapse, withdrawal, hand-over


def test_return_4_a_return_lapses_strictly_after_15_days_from_the_end_of_its_window():
    book = delivered()
    start(book)
    assert book.show("O1")["returns"][0]["lapses_at"] == "2026-02-19T14:00:00Z"
    book.accept("pass-time", at="+45d 14:00")
    assert (status(book), book.states("O1")["A"][0]) == ("open", "in-return")
    book.accept("pass-time", at="+45d 14:00:00.001")
    assert (status(book), book.states("O1")["A"][0]) == ("lapsed", "delivered")
    assert book.show("O1")["refunds"] == []


def test_return_4_the_last_of_several_windows_counts():
    book = two_parcels()
    start(book, at="+11d 09:00")
    book.accept("pass-time", at="+55d 14:00")
    assert status(book) == "open"
    book.accept("pass-time", at="+55d 14:00:00.001")
    assert status(book) == "lapsed"


def test_return_4_handed_over_exactly_at_the_deadline_it_does_not_lapse():
    book = delivered()
    start(book)
    book.accept("hand-over-return", return_id="O1:return:1", at="+45d 14:00")
    book.accept("pass-time", at="+46d 00:00")
    assert status(book) == "handed-over"


def test_order_5_a_return_that_lapsed_is_not_handed_over():
    book = delivered()
    start(book)
    book.reject("hand-over-return", "ORDER-5", return_id="O1:return:1", at="+45d 14:00:00.001")
    assert status(book) == "lapsed"


def test_order_5_a_hand_over_dated_before_a_recorded_lapse_comes_too_late():
    book = delivered()
    start(book)
    book.accept("pass-time", at="+46d 00:00")
    book.reject("hand-over-return", "ORDER-5", return_id="O1:return:1", at="+44d 00:00")


def test_order_5_a_return_is_handed_over_once():
    book = delivered()
    start(book)
    book.accept("hand-over-return", return_id="O1:return:1", at="+2d 09:00", tracking_number="T1")
    book.reject("hand-over-return", "ORDER-5", return_id="O1:return:1", at="+2d 10:00")


def test_return_4_the_buyer_withdraws_a_return_before_it_is_handed_over():
    book = delivered()
    start(book)
    book.accept("withdraw-return", return_id="O1:return:1", at="+2d 09:00")
    assert (status(book), book.states("O1")["A"]) == ("withdrawn", ["delivered"] * 3)
    start(book, at="+3d 09:00")
    assert book.show("O1")["returns"][1]["return_id"] == "O1:return:2"


def test_return_4_a_return_that_was_handed_over_is_not_withdrawn():
    book = delivered()
    start(book)
    book.accept("hand-over-return", return_id="O1:return:1", at="+2d 09:00")
    book.reject("withdraw-return", "RETURN-4", return_id="O1:return:1", at="+2d 09:01")
    assert status(book) == "handed-over"


def test_return_4_a_return_that_was_partly_received_is_not_withdrawn():
    book = delivered()
    start(book)
    receive(book, ("A", 1, "unopened"), at="+2d 09:00")
    book.reject("withdraw-return", "RETURN-4", return_id="O1:return:1", at="+2d 09:01")


@pytest.mark.parametrize("ending", ["withdrawn", "received", "lapsed"])
def test_order_5_a_closed_return_is_not_withdrawn(ending):
    book = delivered()
    start(book)
    if ending == "withdrawn":
        book.accept("withdraw-return", return_id="O1:return:1", at="+2d 09:00")
    elif ending == "received":
        receive(book, ("A", 3, "unopened"), at="+2d 09:00")
    book.reject("withdraw-return", "ORDER-5", return_id="O1:return:1", at="+46d 09:00")
    assert status(book) == ending


def test_order_2_an_unknown_return_does_not_exist():
    book = delivered()
    for command in ("withdraw-return", "hand-over-return", "lose-return"):
        book.reject(command, "ORDER-2", return_id="O1:return:1", at="+2d 09:00")
    book.reject(
        "receive-return",
        "ORDER-2",
        return_id="O1:return:1",
        at="+2d 09:00",
        received=[{"item_id": "A", "quantity": 1, "condition": "opened"}],
    )
