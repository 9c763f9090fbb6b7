"""The policy file: its numbers and tables decide, and an order keeps the policy that it was placed under."""

import pytest

from book import Book
from ordertrail.domain import default_policy_toml


def policy(version="2", **changes):
    """The default policy as TOML with some fields replaced; a value is TOML text."""
    lines = []
    for line in default_policy_toml().splitlines():
        field = line.partition("=")[0].strip()
        lines.append(f"{field} = {changes.pop(field)}" if field in changes else line)
    assert not changes, "fields that the default policy does not have"
    return "\n".join(lines).replace('version = "1"', f'version = "{version}"')


def refused(policy_text, mail_class, *, items=None, order_ids=("O1",), currency="USD"):
    """Orders in one parcel, refused at the door and received."""
    book = Book(policy_text)
    for order_id in order_ids:
        book.place(order_id, items=items or {"A": {"quantity": 2, "unit_price": 2000}}, at="10:00", currency=currency)
    book.ship("S1", contents=dict.fromkeys(order_ids, "all"), at="12:00", mail_class=mail_class)
    book.accept("refuse-delivery", shipment_id="S1", at="+1d 15:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    return book


def refund(book, order_id="O1"):
    (only,) = book.show(order_id)["refunds"]
    return only["amount"], {each["kind"]: each["amount"] for each in only["deductions"]}


WITH_FEE = policy(fee_minor="{ USD = 300 }")


def test_refuse_2_the_policys_fee_is_deducted_for_other_mail_classes():
    assert refund(refused(WITH_FEE, "parcel-post")) == (3700, {"return-shipping": 300})


def test_refuse_2_a_parcel_of_which_no_mail_class_is_known_bears_no_fee():
    assert refund(refused(WITH_FEE, None)) == (4000, {})


def test_refuse_2_refusing_first_class_mail_is_free_whatever_the_fee():
    assert refund(refused(WITH_FEE, "first-class")) == (4000, {})


def test_refuse_2_a_currency_that_the_policy_does_not_list_has_no_fee():
    assert refund(refused(WITH_FEE, "parcel-post", currency="EUR")) == (4000, {})


def test_refuse_2_the_fee_is_deducted_once_per_order_and_parcel():
    book = refused(WITH_FEE, "parcel-post", order_ids=("O1", "O2"))
    assert [refund(book, order_id) for order_id in ("O1", "O2")] == [(3700, {"return-shipping": 300})] * 2


def test_refuse_2_the_fee_never_makes_a_refund_negative():
    book = refused(WITH_FEE, "parcel-post", items={"A": 100})
    assert refund(book)[0] == 0
    assert book.states("O1") == {"A": ["refunded"]}


@pytest.mark.parametrize(("report", "amount"), [("turn-back", 4000), ("lose-shipment", 4000)])
def test_refuse_2_undeliverable_and_lost_parcels_never_bear_the_fee(report, amount):
    book = Book(WITH_FEE)
    book.place("O1", items={"A": {"quantity": 2, "unit_price": 2000}}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", mail_class="parcel-post")
    book.accept(report, shipment_id="S1", at="+1d 15:00")
    if report == "turn-back":
        book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert refund(book) == (amount, {})


def test_cancel_4_units_turned_back_by_an_approval_never_bear_the_fee():
    book = Book(WITH_FEE)
    book.place("O1", items={"A": 2000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", mail_class="parcel-post")
    book.accept("request-cancellation", order_id="O1", items="all", at="13:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="14:00")
    book.accept("receive-return", shipment_id="S1", at="+4d 08:00")
    assert refund(book) == (2000, {})


ELECTRONICS = {"quantity": 1, "unit_price": 2000, "category": "electronics"}


def delivered(policy_text, items):
    book = Book(policy_text)
    book.place("O1", items=items, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00")
    book.accept("deliver", shipment_id="S1", at="14:00")
    return book


def test_return_1_a_listed_category_has_fewer_days():
    book = delivered(policy(category_window_days="{ electronics = 14 }"), {"A": ELECTRONICS, "B": 3000})
    fields = {"order_id": "O1", "items": {"A": 1}, "reason": "other"}
    book.reject("start-return", "RETURN-1", at="+14d 14:00:00.001", **fields)
    book.accept("start-return", at="+14d 14:00", **fields)
    book.accept("start-return", order_id="O1", items={"B": 1}, reason="other", at="+30d 14:00")
    assert [each["lapses_at"] for each in book.show("O1")["returns"]] == [
        "2026-02-03T14:00:00Z",
        "2026-02-19T14:00:00Z",
    ]


def test_return_1_no_category_has_fewer_days_by_default():
    book = delivered(None, {"A": ELECTRONICS})
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+30d 14:00")


@pytest.mark.parametrize(("percent", "amount"), [("0", 999), ("15", 850), ("33", 670), ("100", 0)])
def test_return_2_the_policys_share_is_kept_and_the_fraction_of_a_cent_goes_to_the_buyer(percent, amount):
    book = delivered(policy(restocking_percent=percent), {"A": 999})
    book.accept("start-return", order_id="O1", items="all", reason="other", at="+1d 10:00")
    received = [{"item_id": "A", "quantity": 1, "condition": "opened"}]
    book.accept("receive-return", return_id="O1:return:1", received=received, at="+4d 10:00")
    assert refund(book)[0] == amount


def test_an_order_is_judged_for_its_whole_life_by_the_policy_it_was_placed_under():
    book = Book()
    book.place("O1", items={"A": 2000}, at="10:00", seller="M1", fulfilled_by="seller")
    book.use_policy(policy(seller_window_minutes="60"))
    book.place("O2", items={"A": 2000}, at="10:00", seller="M1", fulfilled_by="seller")
    book.reject("cancel-items", "SELLER-2", order_id="O1", items="all", at="10:31")
    book.accept("cancel-items", order_id="O2", items="all", at="11:00")
    assert [book.show(each)["policy_version"] for each in ("O1", "O2")] == ["1", "2"]


def test_an_order_keeps_its_policy_for_its_deadlines_and_its_refunds():
    book = Book()
    for order_id in ("O1", "O2"):
        book.place(order_id, items={"A": 2000}, at="10:00")
        book.ship(f"S-{order_id}", contents={order_id: "all"}, at="12:00")
        book.accept("deliver", shipment_id=f"S-{order_id}", at="14:00")
        book.use_policy(policy(shipping_minor="{ USD = 900 }", window_days="10"))
    book.accept("start-return", order_id="O1", items="all", reason="changed-mind", at="+20d 10:00")
    book.reject("start-return", "RETURN-1", order_id="O2", items="all", reason="changed-mind", at="+20d 10:00")
    book.accept("start-return", order_id="O2", items="all", reason="changed-mind", at="+10d 14:00")
    received = [{"item_id": "A", "quantity": 1, "condition": "unopened"}]
    for order_id in ("O1", "O2"):
        book.accept("receive-return", return_id=f"{order_id}:return:1", received=received, at="+21d 10:00")
    assert [refund(book, each)[0] for each in ("O1", "O2")] == [1500, 1100]
