"""RETURN-2 and RETURN-3: what is kept of a returned unit's refund, and for which reasons."""

import pytest

from book import Book

REASONS = ("changed-mind", "damaged", "wrong-item", "not-as-described", "late", "other")


def returned(items, *received, reason="other", refund_to=None, currency="USD"):
    """An order delivered, all of it sent back, received in the given receipts; the resulting refunds."""
    book = Book()
    book.place("O1", items=items, at="10:00", currency=currency)
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    chosen = {"refund_to": refund_to} if refund_to else {}
    book.accept("start-return", order_id="O1", items="all", reason=reason, at="+1d 09:00", **chosen)
    for day, receipt in enumerate(received, start=3):
        units = [
            {"item_id": item, "quantity": quantity, "condition": condition} for item, quantity, condition in receipt
        ]
        book.accept("receive-return", return_id="O1:return:1", received=units, at=f"+{day}d 09:00")
    return book


def amounts(book):
    return [refund["amount"] for refund in book.show("O1")["refunds"]]


def deductions(book, number=0):
    return {each["kind"]: each["amount"] for each in book.show("O1")["refunds"][number]["deductions"]}


UNIT = {"quantity": 1, "unit_price": 4000, "tax": 400, "shipping": 600}


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason != "changed-mind"])
def test_return_2_received_unopened_a_unit_is_refunded_at_full_value(reason):
    book = returned({"A": UNIT}, [("A", 1, "unopened")], reason=reason)
    assert (amounts(book), deductions(book)) == ([5000], {})


@pytest.mark.parametrize("reason", ["damaged", "wrong-item", "not-as-described", "late"])
def test_return_2_nothing_is_kept_of_an_opened_unit_where_the_fulfiller_is_at_fault(reason):
    book = returned({"A": UNIT}, [("A", 1, "opened")], reason=reason)
    assert (amounts(book), deductions(book)) == ([5000], {})


def test_return_2_half_of_an_opened_units_goods_is_kept_but_no_tax_and_no_shipping():
    book = returned({"A": UNIT}, [("A", 1, "opened")], reason="other")
    assert (amounts(book), deductions(book)) == ([3000], {"restocking": 2000})


def test_return_2_the_share_is_of_the_price_less_the_discount():
    book = returned({"A": UNIT | {"discount": 1000}}, [("A", 1, "opened")], reason="other")
    assert (amounts(book), deductions(book)) == ([2500], {"restocking": 1500})


def test_return_2_the_fraction_of_a_cent_goes_to_the_buyer_unit_by_unit():
    book = returned({"A": {"quantity": 3, "unit_price": 333}}, [("A", 3, "opened")], reason="other")
    assert (amounts(book), deductions(book)) == ([999 - 3 * 166], {"restocking": 3 * 166})


def test_return_2_each_unit_is_judged_by_its_own_condition():
    book = returned(
        {"A": {"quantity": 2, "unit_price": 2000}, "B": 3000},
        [("A", 1, "opened"), ("A", 1, "unopened"), ("B", 1, "opened")],
        reason="other",
    )
    assert (amounts(book), deductions(book)) == ([4500], {"restocking": 2500})


def test_return_3_the_returns_shipping_is_deducted_from_a_change_of_mind():
    book = returned({"A": UNIT}, [("A", 1, "unopened")], reason="changed-mind")
    assert (amounts(book), deductions(book)) == ([4500], {"return-shipping": 500})


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason != "changed-mind"])
def test_return_3_no_other_reason_pays_for_the_returns_shipping(reason):
    book = returned({"A": UNIT}, [("A", 1, "unopened")], reason=reason, refund_to="original")
    assert "return-shipping" not in deductions(book)


def test_return_3_store_credit_does_not_pay_for_the_returns_shipping():
    book = returned({"A": UNIT}, [("A", 1, "unopened")], reason="changed-mind", refund_to="store-credit")
    assert (amounts(book), deductions(book)) == ([5000], {})
    (payout,) = book.show("O1")["refunds"][0]["payouts"]
    assert (payout["payment_id"], payout["method"], payout["amount"]) == ("store-credit", "store-credit", 5000)


def test_return_3_store_credit_does_not_spare_the_restocking_share():
    book = returned({"A": UNIT}, [("A", 1, "opened")], reason="changed-mind", refund_to="store-credit")
    assert (amounts(book), deductions(book)) == ([3000], {"restocking": 2000})


def test_return_3_an_explicit_refund_to_the_original_payments_is_the_default():
    book = returned({"A": UNIT}, [("A", 1, "unopened")], reason="changed-mind", refund_to="original")
    assert amounts(book) == [4500]


def test_return_3_a_currency_that_the_policy_does_not_list_has_no_such_cost():
    book = returned({"A": UNIT}, [("A", 1, "unopened")], reason="changed-mind", currency="SEK")
    assert (amounts(book), deductions(book)) == ([5000], {})


def test_return_3_the_cost_is_deducted_once_from_the_first_refund_of_a_return():
    book = returned(
        {"A": {"quantity": 2, "unit_price": 2000}},
        [("A", 1, "unopened")],
        [("A", 1, "unopened")],
        reason="changed-mind",
    )
    assert (amounts(book), deductions(book, 1)) == ([1500, 2000], {})


def test_return_3_what_the_first_refund_cannot_bear_is_taken_from_the_next():
    book = returned(
        {"A": 300, "B": 400, "C": 700},
        [("A", 1, "unopened")],
        [("B", 1, "unopened")],
        [("C", 1, "unopened")],
        reason="changed-mind",
    )
    assert amounts(book) == [0, 200, 700]
    assert [deductions(book, number) for number in range(3)] == [{"return-shipping": 300}, {"return-shipping": 200}, {}]


def test_return_3_restocking_is_deducted_first_and_no_refund_is_negative():
    book = returned({"A": 600, "B": 2000}, [("A", 1, "opened")], [("B", 1, "unopened")], reason="changed-mind")
    assert amounts(book) == [0, 1800]
    assert [deductions(book, number) for number in range(2)] == [
        {"restocking": 300, "return-shipping": 300},
        {"return-shipping": 200},
    ]


def test_refund_4_a_refund_of_nothing_is_paid_at_once_and_its_units_are_refunded():
    book = returned({"A": 300, "B": 400}, [("A", 1, "unopened")], reason="changed-mind")
    assert book.show("O1")["refunds"][0]["status"] == "paid"
    assert book.states("O1") == {"A": ["refunded"], "B": ["in-return"]}


def test_return_3_every_return_of_an_order_bears_its_own_cost():
    book = Book()
    book.place("O1", items={"A": 2000, "B": 3000}, at="10:00")
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    for number, item in enumerate("AB", start=1):
        book.accept("start-return", order_id="O1", items={item: 1}, reason="changed-mind", at=f"+{number}d 09:00")
        book.accept(
            "receive-return",
            return_id=f"O1:return:{number}",
            at=f"+{number}d 10:00",
            received=[{"item_id": item, "quantity": 1, "condition": "unopened"}],
        )
    assert amounts(book) == [1500, 2500]
