"""The ledger's entries of the rulebook's worked examples, to the cent, and the spelling of accounts."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from event_logs import ListedLog, RecordedBook
from ordertrail.projections import accounts, ledger
from ordertrail.projections.answers import plain
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner

MARKETPLACE = "Liabilities:Orders:Marketplace"
CARD, GIFTS, TAX = "Assets:Payments:Credit-Card", "Liabilities:Gift-Cards", "Liabilities:Tax"
DUE, DEFERRED = "Liabilities:Refunds:Due", "Liabilities:Refunds:Deferred"
TWO_PAYMENTS = [
    {"payment_id": "G1", "method": "gift-card", "amount": 1500},
    {"payment_id": "C1", "method": "credit-card", "amount": 3500},
]


def journal(book: RecordedBook) -> list[dict[str, Any]]:
    with Database.open("memory:") as database:
        Runner(ListedLog(book.log), database, [ledger.Ledger()]).catch_up()
        return plain(ledger.entries(database))


def balances(book: RecordedBook) -> dict[str, int]:
    with Database.open("memory:") as database:
        Runner(ListedLog(book.log), database, [ledger.Ledger()]).catch_up()
        return ledger.balances(database).get("USD", {})


def postings(entry: dict[str, Any]) -> list[tuple[str, int]]:
    return [(posting["account"], posting["amount"]) for posting in entry["postings"]]


def test_worked_example_1_split_cents() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    placed, owed = journal(book)
    assert placed == {
        "entry": 1,
        "position": 1,
        "at": "2026-01-05T10:00:00Z",
        "order_id": "O1",
        "event": "order-placed",
        "postings": [
            {"account": CARD, "amount": 1148, "currency": "USD"},
            {"account": MARKETPLACE, "amount": -1048, "currency": "USD"},
            {"account": TAX, "amount": -100, "currency": "USD"},
        ],
    }
    assert (owed["event"], owed["refund_id"], owed["position"]) == ("refund-owed", "O1:refund:1", 3)
    assert postings(owed) == [(MARKETPLACE, 349), (TAX, 34), (DEFERRED, -383)]
    book.accept("cancel-items", order_id="O1", items={"A": 2}, at="10:20")
    assert balances(book) == {CARD: 1148, DUE: -1148}


def test_worked_example_2_partial_cancel() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000, "B": 3000})
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    assert balances(book) == {CARD: 5000, MARKETPLACE: -3000, DEFERRED: -2000}
    book.ship("S1", contents={"O1": "all"}, at="12:00")
    assert balances(book) == {CARD: 5000, MARKETPLACE: -3000, DUE: -2000}
    assert postings(journal(book)[-1]) == [(DEFERRED, 2000), (DUE, -2000)]


def test_worked_example_3_two_payments() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000, "B": 3000}, payments=TWO_PAYMENTS)
    assert postings(journal(book)[0]) == [(GIFTS, 1500), (CARD, 3500), (MARKETPLACE, -5000)]
    book.accept("cancel-items", order_id="O1", items="all", at="10:10")
    book.accept("report-payout", refund_id="O1:refund:1", payment_id="G1", outcome="paid", reference="R", at="11:00")
    assert balances(book) == {CARD: 3500, DUE: -3500}


def test_worked_example_9_claim_over_an_unpaid_refund() -> None:
    book = RecordedBook()
    payments = [TWO_PAYMENTS[0], {"payment_id": "C1", "method": "credit-card", "amount": 500}]
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller", payments=payments)
    paid = {"refund_id": "O1:refund:1", "outcome": "paid"}
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="12:00")
    book.accept("report-payout", **paid, payment_id="G1", reference="R1", at="12:30")
    book.accept("file-claim", order_id="O1", items="all", at="+8d 10:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+9d 10:00")
    assert balances(book) == {CARD: 500, DUE: -500}
    book.accept("report-payout", **paid, payment_id="C1", reference="R2", at="+9d 11:00")
    assert balances(book) == {}


def test_a_bounced_payout_is_owed_again_and_a_payment_too_many_is_in_suspense() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    book.accept("cancel-items", order_id="O1", items="all", at="10:10")
    about = {"refund_id": "O1:refund:1", "payment_id": "P1"}
    book.accept("report-payout", **about, outcome="paid", reference="R1", at="11:00")
    book.accept("report-payout", **about, outcome="failed", reference="R1", at="12:00")
    assert balances(book) == {CARD: 2000, DUE: -2000}
    book.accept("report-payout", **about, outcome="paid", reference="R2", amount=2500, at="13:00")
    assert balances(book) == {CARD: -500, "Assets:Suspense:Refunds": 500}


def test_a_posting_says_whose_payment_it_is_where_it_is_one_payments_money() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000, "B": 3000}, payments=TWO_PAYMENTS)
    book.accept("cancel-items", order_id="O1", items="all", at="10:10")
    about = {"refund_id": "O1:refund:1", "payment_id": "C1"}
    book.accept("report-payout", **about, outcome="paid", reference="R1", amount=4000, at="11:00")
    book.accept("report-payout", **about, outcome="failed", reference="R1", at="12:00")
    with Database.open("memory:") as database:
        Runner(ListedLog(book.log), database, [ledger.Ledger()]).catch_up()
        found = [[(p.account, p.payment_id) for p in entry.postings] for entry in ledger.entries(database)]
    paid, bounced = [(DUE, "C1"), (CARD, "C1")], [(CARD, "C1"), (DUE, "C1")]
    assert found == [
        [(GIFTS, "G1"), (CARD, "C1"), (MARKETPLACE, None)],
        [(MARKETPLACE, None), (DUE, None)],
        paid,
        [("Assets:Suspense:Refunds", "C1"), (CARD, "C1")],
        bounced,
    ]


@pytest.mark.parametrize(("seller", "keeper"), [(None, "Income:Fees:"), ("M1", "Liabilities:Orders:Sellers:M1")])
def test_what_is_kept_is_a_fee_of_the_marketplace_or_the_sellers_own(seller: str | None, keeper: str) -> None:
    book = RecordedBook()
    book.place("O1", items={"A": {"quantity": 1, "unit_price": 4000, "tax": 400, "shipping": 600}}, seller=seller)
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    book.accept("start-return", order_id="O1", items="all", reason="changed-mind", at="+1d 10:00")
    received = [{"item_id": "A", "quantity": 1, "condition": "opened"}]
    book.accept("receive-return", return_id="O1:return:1", at="+4d 10:00", received=received)
    sold_by, *rest = postings(journal(book)[-1])
    assert sold_by[1] == 4600
    fees = ["Restocking", "Return-Shipping"] if seller is None else ["", ""]
    assert rest == [(TAX, 400), (DUE, -2500), (keeper + fees[0], -2000), (keeper + fees[1], -500)]


IDS = st.text(min_size=1, max_size=6) | st.text("aAxX-2d0 :é", min_size=1, max_size=8)


@given(IDS, IDS)
@example("-2", "x--2d-2")
@example("a b", "X-a-20-b")
def test_two_ids_never_share_an_account_and_beancount_can_spell_them(one: str, other: str) -> None:
    for spell in (accounts.of_seller, accounts.spelled):
        assert (spell(one) == spell(other)) == (one == other)
        assert all(re.fullmatch(r"[A-Z0-9][A-Za-z0-9-]*", part) for part in spell(one).split(":"))


CODES = st.from_regex(r"\A[a-z0-9-]{1,8}\Z")


@given(CODES, CODES)
@example("-2", "x--2d-2")
def test_two_payment_methods_never_share_an_account(one: str, other: str) -> None:
    assert (accounts.of_payment(one) == accounts.of_payment(other)) == (one == other)
    assert all(re.fullmatch(r"[A-Z0-9][A-Za-z0-9-]*", part) for part in accounts.of_payment(one).split(":"))
