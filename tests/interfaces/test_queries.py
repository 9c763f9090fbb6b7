"""The query commands as real processes: their JSON to the key, their filters and pages, and their lists for people."""

import json
import os
import pty
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import get_args

import psycopg
import pytest
from babel import Locale

from ordertrail.application import Orders
from ordertrail.domain import events as e
from ordertrail.domain.lifecycle import STATES
from ordertrail.domain.money import CURRENCIES
from ordertrail.domain.vocabulary import Party
from ordertrail.interfaces import filters
from ordertrail.interfaces.amounts import localized
from ordertrail.interfaces.places import where_argument
from ordertrail.interfaces.read_models import stopped
from ordertrail.projections.runner import Status
from postgres import fresh_schema
from query_shell import Shell, act, order, packing

pytestmark = pytest.mark.slow

SPLIT = {"A": {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}}
PAIR = {"A": {"unit_price": 2000}, "B": {"unit_price": 3000}}
CARD, MARKETPLACE, TAX = "Assets:Payments:Credit-Card", "Liabilities:Orders:Marketplace", "Liabilities:Tax"
DUE, DEFERRED = "Liabilities:Refunds:Due", "Liabilities:Refunds:Deferred"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


SOLD_BY_S1 = {"buyer_id": "B2", "seller_id": "S1", "fulfilled_by": "seller"}
SHOP = [
    order("O1", SPLIT),
    order("O2", PAIR, at="2026-01-05T10:01:00Z"),
    order("O3", {"A": {"unit_price": 1148}}, at="2026-01-05T10:02:00Z", currency="JPY", **SOLD_BY_S1),
    order("O4", {"A": {"unit_price": 1148}}, at="2026-01-06T10:00:00Z", currency="KWD", **SOLD_BY_S1),
    act("cancel-items", "10:05:00", order_id="O1", items={"A": 1}),
    act("cancel-items", "10:06:00", order_id="O2", items="all"),
    act("request-cancellation", "11:00:00", order_id="O3", items="all"),
    packing("S-1", "12:00:00", {"O1": "all"}, tracking_number="T1", mail_class="first-class"),
    act("dispatch-shipment", "13:00:00.5", shipment_id="S-1"),
    act("deliver", "2026-01-07T09:00:00Z", shipment_id="S-1"),
    act("start-delivery", "2026-01-07T08:00:00Z", shipment_id="S-1"),
    act("submit-payout", "2026-01-07T10:00:00Z", refund_id="O2:refund:1", payment_id="P1"),
    act("report-payout", "2026-01-07T11:00:00Z", refund_id="O2:refund:1", payment_id="P1")
    | {"outcome": "paid", "reference": "r1"},
    act("report-payout", "2026-01-07T12:00:00Z", refund_id="O2:refund:1", payment_id="P1")
    | {"outcome": "paid", "reference": "r2", "amount": 700},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell whose store holds the log above; every command but the doubted ones was accepted."""
    shell = Shell(tmp_path_factory.mktemp("shop"))
    statuses = shell.run(*SHOP)
    assert [status for status in statuses if status != "accepted"] == ["noted"]  # the late start-delivery
    return shell


# --- the worked examples ----------------------------------------------------------------------------------------------


def test_example_1_split_cents_are_refunded_to_the_cent_and_the_ledger_is_even(shell: Shell) -> None:
    log = [order("O1", SPLIT), act("cancel-items", "10:01:00", order_id="O1", items={"A": 1})]
    assert shell("run", "-", stdin=b"\n".join(json.dumps(line).encode() for line in log)).returncode == 0
    assert json.loads(shell.text("balances --json")) == {
        "USD": {CARD: 1148, DEFERRED: -383, MARKETPLACE: -699, TAX: -66}
    }
    shell.run(act("cancel-items", "10:02:00", order_id="O1", items={"A": 2}))
    refunds = shell.json("refunds --order O1")
    assert [(refund["amount"], refund["status"]) for refund in refunds] == [(383, "due"), (765, "due")]
    assert shell.json("balances") == {"USD": {CARD: 1148, DUE: -1148}}


def test_example_2_a_partial_cancellation_is_deferred_until_nothing_is_left_to_ship(shell: Shell) -> None:
    cancelled = act("cancel-items", "10:01:00", order_id="O1", items={"A": 1})
    shell.run(order("O1", PAIR), cancelled, packing("S-1", "11:00:00", {"O1": "all"}))
    [refund] = shell.json("refunds")
    assert (refund["status"], refund["amount"], refund["rule"], refund["due_at"]) == (
        "deferred",
        2000,
        "PARTIAL-1",
        None,
    )
    assert shell.json("balances")["USD"] == {CARD: 5000, DEFERRED: -2000, MARKETPLACE: -3000}
    shell.run(act("dispatch-shipment", "12:00:00", shipment_id="S-1"))
    [refund] = shell.json("refunds")
    assert (refund["status"], refund["due_at"]) == ("due", "2026-01-05T12:00:00Z")
    assert shell.json("balances")["USD"] == {CARD: 5000, DUE: -2000, MARKETPLACE: -3000}
    assert [entry["event"] for entry in shell.json("ledger")] == ["order-placed", "refund-owed", "refund-released"]


@pytest.mark.parametrize(
    ("scope", "states", "refunded", "contents"),
    [
        ("parcel", ["cancelled", "cancelled"], ["O1", "O2"], []),
        ("units", ["cancelled", "preparing"], ["O1"], [{"order_id": "O2", "item_id": "B", "quantity": 1}]),
    ],
)
def test_example_5_a_combined_parcel_goes_together_or_lets_the_rest_go_on(
    shell: Shell, scope: str, states: list[str], refunded: list[str], contents: list[dict]
) -> None:
    asked = act("request-cancellation", "12:00:00", order_id="O1", items={"A": 1})
    statuses = shell.run(
        order("O1", {"A": {"unit_price": 2000}}),
        order("O2", {"B": {"unit_price": 3000}}),
        packing("S-1", "11:00:00", {"O1": "all", "O2": "all"}),
        asked,
        asked | {"command_id": "again", "accept_cascade": True},
    )
    assert statuses == ["accepted", "accepted", "accepted", "rejected", "accepted"]
    [request] = shell.json("inbox --to warehouse --at 2026-01-05T12:00:00Z")
    assert (request["request_id"], request["items"]) == ("O1:request:1", {"A": 1})
    assert [found["open_requests"] for found in shell.json("orders")] == [1, 0]
    shell.run(act("answer-cancellation", "13:00:00", request_id="O1:request:1", approve=True, scope=scope))
    assert shell.json("inbox") == []
    assert [found["state"] for found in shell.json("orders --shipment S-1 --as-of 2026-01-05T12:30:00Z")] == [
        "preparing"
    ] * 2
    assert [found["state"] for found in shell.json("orders")] == states
    due = [(refund["order_id"], refund["status"]) for refund in shell.json("refunds")]
    assert due == [(order_id, "due") for order_id in refunded]
    [parcel] = shell.json("shipments --shipment S-1")
    assert [held for held in parcel["contents"] if held["order_id"] not in refunded] == contents


# --- JSON, to the key -------------------------------------------------------------------------------------------------


def test_orders_as_json(shop: Shell) -> None:
    found = shop.json("orders --order O1")
    assert found == [
        {
            "order_id": "O1",
            "buyer_id": "B1",
            "seller_id": None,
            "state": "delivered",
            "placed_at": "2026-01-05T10:00:00Z",
            "total": 1148,
            "currency": "USD",
            "open_requests": 0,
            "refunds_owed": 383,
        }
    ]


def test_shipments_as_json(shop: Shell) -> None:
    [parcel] = shop.json("shipments")
    moved = {"report": "dispatch-shipment", "effect": "moved"}
    assert parcel == {
        "shipment_id": "S-1",
        "state": "delivered",
        "carrier": "vans",
        "tracking_number": "T1",
        "mail_class": "first-class",
        "attempts": 0,
        "contents": [{"order_id": "O1", "item_id": "A", "quantity": 2}],
        "history": [
            {"at": "2026-01-05T13:00:00.5Z", **moved},
            {"at": "2026-01-07T09:00:00Z", "report": "deliver", "effect": "moved"},
            {"at": "2026-01-07T08:00:00Z", "report": "start-delivery", "effect": "noted"},
        ],
    }


def test_the_ledger_as_json(shop: Shell) -> None:
    first, *_ = shop.json("ledger")
    assert first == {
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
    later = [entry for entry in shop.json("ledger --order O2") if entry["event"] != "order-placed"]
    keys = ["entry", "position", "at", "order_id", "event", "refund_id", "postings"]
    assert {frozenset(entry) for entry in later} == {frozenset(keys)}
    assert {entry["refund_id"] for entry in later} == {"O2:refund:1"}


def test_balances_as_json_leave_out_accounts_at_zero_and_sum_to_zero(shop: Shell) -> None:
    balances = shop.json("balances")
    assert list(balances) == ["JPY", "KWD", "USD"]
    assert {sum(accounts.values()) for accounts in balances.values()} == {0}
    assert shop.json("balances --order O2") == {"USD": {CARD: -700, "Assets:Suspense:Refunds": 700}}
    assert balances["JPY"] == {CARD: 1148, "Liabilities:Orders:Sellers:S1": -1148}


def test_refunds_as_json(shop: Shell) -> None:
    [refund] = shop.json("refunds --order O2 --at 2026-01-08T00:00:00Z")
    payout = {"payment_id": "P1", "method": "credit-card", "amount": 5000, "status": "paid", "attempts": 1}
    assert refund == {
        "refund_id": "O2:refund:1",
        "order_id": "O2",
        "seller_id": None,
        "currency": "USD",
        "status": "paid",
        "cause": "cancelled",
        "rule": "CANCEL-1",
        "funded_by": "marketplace",
        "processor": "marketplace",
        "amount": 5000,
        "items": {"A": 1, "B": 1},
        "deductions": [],
        "due_at": "2026-01-05T10:06:00Z",
        "payouts": [payout | {"promised_by": "2026-01-12T10:06:00Z"}],
        "overdue": False,
    }


def test_the_inbox_as_json(shop: Shell) -> None:
    [request] = shop.json("inbox --at 2026-01-06T00:00:00Z")
    assert request == {
        "request_id": "O3:request:1",
        "to": "seller",
        "seller_id": "S1",
        "asked_at": "2026-01-05T11:00:00Z",
        "answer_by": "2026-01-07T11:00:00Z",
        "items": {"A": 1},
    }


def test_exceptions_as_json(shop: Shell) -> None:
    unexpected = {"kind": "unexpected-payment", "order_id": "O2", "at": "2026-01-07T12:00:00Z", "amount": 700}
    overdue = {"kind": "overdue-refund", "order_id": "O1", "at": "2026-01-12T13:00:00.5Z", "amount": 383}
    found = shop.json("exceptions --at 2026-02-01T00:00:00Z")
    first, second = "1767787200000000:22", "1768222800500000:O1:refund:1"
    assert found == [
        unexpected | {"currency": "USD", "cursor": first},
        overdue | {"currency": "USD", "cursor": second},
    ]
    assert shop.json(f"exceptions --at 2026-02-01T00:00:00Z --limit 1 --after {first}") == found[1:]
    assert shop.json(f"exceptions --at 2026-02-01T00:00:00Z --after {second}") == []


# --- filters and pages ------------------------------------------------------------------------------------------------

KEYS = {"orders": "order_id", "shipments": "shipment_id", "refunds": "refund_id", "inbox": "request_id"}


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("orders", "O1 O2 O3 O4"),
        ("orders --buyer B1", "O1 O2"),
        ("orders --seller S1", "O3 O4"),
        ("orders --state refunded", "O2"),
        ("orders --shipment S-1", "O1"),
        ("orders --shipment S-1 --order O2", ""),
        ("orders --shipment nowhere", ""),
        ("orders --placed-from 2026-01-05T10:02:00Z", "O3 O4"),
        ("orders --placed-before 2026-01-05T10:02:00Z", "O1 O2"),
        ("orders --as-of 2026-01-05T10:01:30Z", "O1 O2"),
        ("orders --as-of 2026-01-05T10:05:30Z --state placed", "O1 O2"),
        ("orders --limit 2", "O1 O2"),
        ("orders --after O2 --limit 1", "O3"),
        ("shipments --order O1", "S-1"),
        ("shipments --order O2", ""),
        ("shipments --buyer B2", ""),
        ("shipments --seller S1", ""),
        ("shipments --state delivered", "S-1"),
        ("shipments --as-of 2026-01-05T14:00:00Z --state delivered", ""),
        ("shipments --after S-1", ""),
        ("refunds", "O1:refund:1 O2:refund:1"),
        ("refunds --buyer B2", ""),
        ("refunds --seller S1", ""),
        ("refunds --status paid", "O2:refund:1"),
        ("refunds --state due", "O1:refund:1"),
        ("refunds --status due --as-of 2026-01-05T10:10:00Z", "O2:refund:1"),
        ("refunds --method gift-card", ""),
        ("refunds --overdue --at 2026-01-12T13:00:00.5Z", ""),
        ("refunds --overdue --at 2026-01-12T13:00:00.500001Z", "O1:refund:1"),
        ("refunds --after O1:refund:1", "O2:refund:1"),
        ("inbox", ""),
        ("inbox --at 2026-01-07T11:00:00Z", "O3:request:1"),
        ("inbox --at 2026-01-07T11:00:00.000001Z", ""),
        ("inbox --as-of 2026-01-05T12:00:00Z", "O3:request:1"),
        ("inbox --at 2026-01-06T00:00:00Z --to carrier", ""),
        ("inbox --at 2026-01-06T00:00:00Z --seller S1 --buyer B2 --order O3 --to seller", "O3:request:1"),
    ],
)
def test_a_query_finds_what_its_filters_say(shop: Shell, call: str, found: str) -> None:
    key = KEYS[call.split()[0]]
    assert [row[key] for row in shop.json(call)] == found.split()


@pytest.mark.parametrize(
    ("call", "entries"),
    [
        ("ledger --order O1", [1, 5, 7]),
        ("ledger --seller S1", [3, 4]),
        ("ledger --buyer B2", [3, 4]),
        ("ledger --buyer B1 --limit 2", [1, 2]),
        ("ledger --as-of 2026-01-05T10:01:00Z", [1, 2]),
        ("ledger --after 2 --limit 3", [3, 4, 5]),
    ],
)
def test_the_ledgers_filters(shop: Shell, call: str, entries: list[int]) -> None:
    assert [entry["entry"] for entry in shop.json(call)] == entries


def test_the_balances_filters_add_up(shop: Shell) -> None:
    assert shop.json("balances --seller S1") == shop.json("balances --buyer B2")
    assert shop.json("balances --buyer B1")["USD"] == shop.json("balances")["USD"]
    assert shop.json("balances --as-of 2026-01-05T10:00:00Z") == shop.json(
        "balances --order O1 --as-of 2026-01-05T10:01:00Z"
    )
    assert shop.json("balances --order nobody's") == {}


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        ("exceptions --overdue", ["overdue-refund"]),
        ("exceptions --kind unexpected-payment", ["unexpected-payment"]),
        ("exceptions --seller S1", []),
        ("exceptions --buyer B1 --order O2", ["unexpected-payment"]),
        ("exceptions --as-of 2026-01-07T11:00:00Z", []),
        ("exceptions --at 2026-01-08T00:00:00Z", ["unexpected-payment"]),
        ("exceptions --limit 1", ["unexpected-payment"]),
    ],
)
def test_the_exceptions_filters(shop: Shell, call: str, kinds: list[str]) -> None:
    assert [row["kind"] for row in shop.json(call)] == kinds


def test_a_request_that_is_open_when_asked_of_is_counted_at_that_time_only(shop: Shell) -> None:
    for asked, count in (("--as-of 2026-01-06T00:00:00Z", 1), ("--at 2026-01-06T00:00:00Z", 1), ("", 0)):
        assert [row["open_requests"] for row in shop.json(f"orders --order O3 {asked}")] == [count]


def test_a_refund_whose_days_are_over_is_due_once_time_was_let_pass_and_not_by_asking(shell: Shell) -> None:
    shell.run(order("O1", PAIR), act("cancel-items", "10:05:00", order_id="O1", items={"A": 1}))
    late = "--at 2026-03-05T10:00:00Z"
    assert [row["status"] for row in shell.json(f"refunds {late}")] == ["deferred"]
    assert shell.json(f"refunds --overdue {late}") == shell.json(f"exceptions {late}") == []
    shell.run(act("pass-time", "2026-02-05T10:00:00Z"))
    assert [row["status"] for row in shell.json(f"refunds --overdue {late}")] == ["due"]
    assert [row["kind"] for row in shell.json(f"exceptions {late}")] == ["overdue-refund"]


def test_people_get_a_page_and_are_told_how_to_go_on_and_programs_get_all(shell: Shell) -> None:
    shell.run(*(order(f"O{number:03}", {"A": {"unit_price": 100}}) for number in range(1, 121)))
    assert len(shell.json("orders")) == 120
    pages, call = [], "orders"
    while call:
        *rows, last = shell.text(call).splitlines()
        pages.append([row.split()[0] for row in [*rows[2:], last] if row.startswith("O")])
        call = f"orders {last.partition('more: ')[2]}" if last.startswith("there are more") else ""
    assert [len(page) for page in pages] == [50, 50, 20]
    assert sorted(row for page in pages for row in page) == [f"O{number:03}" for number in range(1, 121)]
    assert "there are more" not in shell.text("orders --after O070")
    assert shell.text("ledger --limit 2 --after 3").splitlines()[-1] == "there are more: --after 5"


def test_a_page_of_exceptions_goes_on_behind_its_last_row(shop: Shell) -> None:
    at = "--at 2026-02-01T00:00:00Z"
    first = shop.text(f"exceptions {at} --limit 1")
    assert "unexpected-payment" in first
    cursor = first.splitlines()[-1].removeprefix("there are more: --after ")
    rest = shop.text(f"exceptions {at} --after {cursor}")
    assert "overdue-refund" in rest
    assert "unexpected-payment" not in rest


# --- for people -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "spelled"),
    [
        ({}, ["USD 11.48", "JPY 1,148", "KWD 1.148"]),
        ({"LC_ALL": "C"}, ["USD 11.48", "JPY 1,148", "KWD 1.148"]),
        ({"LANG": "POSIX"}, ["USD 11.48", "JPY 1,148", "KWD 1.148"]),
        ({"LC_ALL": "tlh_XX.UTF-8"}, ["USD 11.48", "JPY 1,148", "KWD 1.148"]),
        ({"LANG": "de_DE.UTF-8"}, ["11,48 USD", "1.148 JPY", "1,148 KWD"]),
        ({"LANG": "en_US.UTF-8", "LC_MONETARY": "de_DE.UTF-8@euro"}, ["11,48 USD", "1.148 JPY", "1,148 KWD"]),
        ({"LC_ALL": "C.UTF-8", "LC_MONETARY": "de_DE.UTF-8"}, ["USD 11.48", "JPY 1,148", "KWD 1.148"]),
        ({"LC_ALL": "", "LANG": "fr_FR.UTF-8"}, ["11,48 USD", "1 148 JPY", "1,148 KWD"]),
    ],
)
def test_amounts_are_spelled_as_the_locale_spells_them(shop: Shell, env: dict[str, str], spelled: list[str]) -> None:
    said = shop.text("orders", **env)
    for amount in spelled:
        assert amount in said
    assert json.loads(shop("orders", "--json", **env).stdout)[0]["total"] == 1148


@pytest.mark.parametrize("currency", sorted(CURRENCIES))
def test_every_currency_is_shown_with_its_own_digits_and_to_the_last_one(currency: str) -> None:
    digits = CURRENCIES[currency]
    whole = f"{123456789012345678:0{digits + 1}}"
    bare = whole if digits == 0 else f"{whole[:-digits]}.{whole[-digits:]}"
    said = localized(123456789012345678, currency, Locale.parse("en_US"))
    assert said.replace(",", "") == f"{currency} {bare}"
    assert localized(-1, currency, Locale.parse("en_US")).startswith(f"-{currency} 0" if digits else f"-{currency} 1")


def test_the_ledger_reads_like_a_journal(shop: Shell) -> None:
    head, _, *lines = shop.text("ledger --order O1").splitlines()
    assert head.split()[-2:] == ["debit", "credit"]
    assert lines[0] == "1  2026-01-05  order-placed  O1"
    placed = [line.split(maxsplit=1) for line in lines[1:4]]
    assert placed == [[CARD, "USD 11.48"], [MARKETPLACE, "USD 10.48"], [TAX, "USD 1.00"]]
    assert lines[1].index("USD") < lines[2].index("USD")  # debits left, credits right
    assert lines[4] == "5  2026-01-05  refund-owed  O1:refund:1"


def test_balances_show_a_table_a_currency_that_sums_to_zero(shop: Shell) -> None:
    sums = [line.split(maxsplit=1)[1] for line in shop.text("balances").splitlines() if line.startswith("sum")]
    assert sums == ["JPY 0", "KWD 0.000", "USD 0.00"]


def test_lists_say_what_matters(shop: Shell) -> None:
    for call, words in {
        "refunds --at 2026-02-01T00:00:00Z": ["overdue", "paid", "USD 3.83", "credit-card 50.00 paid"],
        "inbox --at 2026-01-06T00:00:00Z": ["O3:request:1", "seller", "A ×1", "2026-01-07 11:00:00Z"],
        "exceptions": ["unexpected-payment", "USD 7.00", "O2"],
        "shipments": ["S-1", "delivered", "first-class", "O1: A ×2", "start-delivery", "noted"],
        "orders": ["with-seller", "–", "USD 3.83"],
    }.items():
        said = shop.text(call)
        for word in words:
            assert word in said, said
        assert "\x1b" not in said
        assert max(map(len, said.splitlines())) <= 120
        assert not any(line.endswith(" ") for line in said.splitlines())


def test_where_nothing_is_found_it_is_said(shop: Shell) -> None:
    for call in ("orders --order nobody's", "inbox", "balances --order nobody's", "shipments --buyer nobody"):
        assert shop.text(call) == "nothing found\n"


# --- up to date, or not at all ----------------------------------------------------------------------------------------


def test_every_answer_knows_what_was_applied_before(shell: Shell) -> None:
    for number in range(1, 4):
        shell.run(order(f"O{number}", {"A": {"unit_price": 100}}))
        assert len(shell.json("orders")) == number
        assert shell.json("balances")["USD"][CARD] == number * 100


def broken(shell: Shell, statement: str, *, place: str = "ordertrail.db") -> None:
    """Change the read models behind ordertrail's back."""
    with closing(sqlite3.connect(shell.directory / place)) as database, database:
        assert database.execute(statement).rowcount == 1


def test_a_projection_that_failed_is_named_with_its_event_and_others_still_answer(shell: Shell) -> None:
    shell.run(order("O1", SPLIT))
    assert shell.json("balances")
    broken(shell, "DELETE FROM ledger_orders")
    shell.run(act("cancel-items", "10:01:00", order_id="O1", items="all"))
    for call in ("ledger", "balances --json", "ledger --json"):
        shell.fails(call, 3, "ledger", "position 3", "refund-owed of order:O1", "ordertrail rebuild ledger")
    assert len(shell.json("refunds")) == 1
    assert shell("rebuild", "ledger").returncode == 0
    assert shell.json("balances") == {"USD": {CARD: 1148, DUE: -1148}}


def test_what_failed_goes_on_with_the_next_query_once_that_is_mended(shell: Shell) -> None:
    shell.run(order("O1", SPLIT))
    assert shell.json("balances")
    broken(shell, "UPDATE ledger_orders SET order_id = 'O9'")
    shell.run(act("cancel-items", "10:01:00", order_id="O1", items="all"))
    said = shell.fails("balances", 3, "; once that is mended, the next query goes on from there")
    assert said.endswith(" (only rows that were damaged need ordertrail rebuild ledger)\n")
    broken(shell, "UPDATE ledger_orders SET order_id = 'O1'")
    assert shell.json("balances") == {"USD": {CARD: 1148, DUE: -1148}}


DAMAGED = {
    "orders --limit 9": ("orders", "UPDATE order_list SET placed_us = 'x' WHERE order_id = 'O1'"),
    "orders --as-of 2026-01-08T00:00:00Z": ("orders", "UPDATE order_list SET story = '{' WHERE order_id = 'O1'"),
    "orders --at 2026-01-08T00:00:00Z": ("orders", "UPDATE order_list SET requests = '[' WHERE order_id = 'O1'"),
    "refunds": ("refunds", "UPDATE refunds SET story = '{' WHERE order_id = 'O1'"),
    "refunds --status due": (
        "refunds",
        """UPDATE refunds SET story = '[[1,"paid",null,null,"P9"]]' WHERE order_id = 'O1'""",
    ),
    "shipments": ("shipments", "UPDATE shipments SET history = 'x' WHERE shipment_id = 'S-1'"),
    "shipments --seller S1": ("shipments", "UPDATE shipments SET packed = 'x' WHERE shipment_id = 'S-2'"),
    "inbox --at 2026-01-05T11:01:00Z": ("inbox", "UPDATE inbox_requests SET items = '['"),
    "exceptions": ("refunds", "UPDATE refunds SET made = '{', next_promise_us = 1 WHERE order_id = 'O1'"),
    "exceptions --kind turned-up": (
        "exceptions",
        "INSERT INTO exceptions VALUES (1, 'turned-up', 'O1', 'B1', NULL, 'x', 9, 'USD')",
    ),
    "ledger": ("ledger", "UPDATE ledger_entries SET at_us = 'x' WHERE entry = 1"),
}
"""By the query, whose row somebody damaged, and how."""


@pytest.mark.parametrize("call", DAMAGED)
def test_a_damaged_row_is_one_sentence_that_advises_the_rebuild_which_mends_it(call: str, shell: Shell) -> None:
    name, damage = DAMAGED[call]
    shell.run(*SHOP)
    shell.run(packing("S-2", "2026-01-08T12:00:00Z", {"O4": "all"}))
    before = shell.json(call)
    broken(shell, damage)
    advice = f"the projection {name} has a row that cannot be read and must be rebuilt: ordertrail rebuild {name}\n"
    asked = f"{call} --json" if name == "refunds" else call
    assert shell.fails(asked, 3) == f"ordertrail: {advice}"
    assert shell("rebuild", name).returncode == 0
    assert shell.json(call) == before


def test_the_rebuild_that_is_advised_mends_what_was_asked_as_it_is_printed(shell: Shell) -> None:
    shell.run(order("O1", SPLIT), store="a shop.db")
    asked = ["orders", "--json", "--store", "a shop.db", "--read-models", "its models.db"]
    told = shell(*asked)
    assert told.returncode == 0
    broken(shell, "UPDATE projections SET version = version + 1 WHERE name = 'orders'", place="its models.db")
    refused = shell(*asked)
    assert refused.returncode == 3
    advised = refused.stderr.decode().rpartition(" must be rebuilt: ")[2].strip()
    assert advised == "ordertrail rebuild orders --store 'a shop.db' --read-models 'its models.db'"
    assert shell(*shlex.split(advised)[1:]).returncode == 0
    assert shell(*asked).stdout == told.stdout


def test_the_rebuild_that_is_advised_names_nothing_that_the_environment_says_already(shell: Shell) -> None:
    shell.run(order("O1", SPLIT), store="shop.db")
    env = {"ORDERTRAIL_STORE": "shop.db", "ORDERTRAIL_READ_MODELS": "models.db"}
    shell.text("orders", **env)
    broken(shell, "UPDATE projections SET version = version + 1 WHERE name = 'orders'", place="models.db")
    assert shell.fails("orders", 3, **env).endswith(" must be rebuilt: ordertrail rebuild orders\n")


def test_where_the_rows_are_made_for_the_call_alone_no_rebuild_is_advised() -> None:
    failed = Status("ledger", "failed", 2, 1, 3, "refund-owed of order:O1", "ValueError: what")
    assert stopped(failed, None) == (
        "the projection ledger stopped at position 3 (refund-owed of order:O1): ValueError: what; "
        "once that is mended, the next query goes on from there"
    )


def test_of_a_projection_that_cannot_make_its_tables_it_is_said_why() -> None:
    failed = Status("ledger", "failed", 0, 3, why="ProgrammingError: no room")
    assert stopped(failed, "") == (
        "the projection ledger cannot make its tables: ProgrammingError: no room; "
        "once that is mended, the next query tries again"
    )


@pytest.mark.parametrize(
    ("store", "read_models", "where"),
    [
        ("postgresql://ann:s3cret@host/shop", None, ' --store "$ORDERTRAIL_STORE"'),
        ("shop.db", "postgresql://ann:s3cret@host/shop", ' --store shop.db --read-models "$ORDERTRAIL_READ_MODELS"'),
        ("postgresql://ann@host/shop", "memory:", " --store postgresql://ann@host/shop --read-models memory:"),
    ],
)
def test_the_rebuild_that_is_advised_never_shows_a_password(
    store: str, read_models: str | None, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ORDERTRAIL_STORE", "ORDERTRAIL_READ_MODELS"):
        monkeypatch.delenv(name, raising=False)
    said = stopped(Status("ledger", "diverged", 2, 1), where_argument(store, read_models))
    assert said.endswith(f" must be rebuilt: ordertrail rebuild ledger{where}")
    assert "s3cret" not in said


def test_rows_of_another_version_are_never_shown(shell: Shell) -> None:
    shell.run(order("O1", SPLIT))
    assert shell.json("orders")
    broken(shell, "UPDATE projections SET version = version + 1 WHERE name = 'orders'")
    shell.fails("orders", 3, "orders", "another version", "ordertrail rebuild orders")
    assert shell("rebuild", "orders").returncode == 0
    assert len(shell.json("orders")) == 1


def test_read_models_of_another_store_are_never_shown(shell: Shell) -> None:
    shell.run(order("O1", SPLIT), store="one.db")
    shell.run(order("O2", PAIR), store="other.db")
    elsewhere = f"--read-models {shell.directory / 'models.db'}"
    assert shell.json(f"orders {elsewhere}", store="one.db")[0]["order_id"] == "O1"
    shell.fails(f"orders --store other.db {elsewhere}", 3, "orders", "ordertrail rebuild orders")


# --- where the read models live ---------------------------------------------------------------------------------------


def test_read_models_may_live_elsewhere_by_option_or_environment(shell: Shell) -> None:
    shell.run(order("O1", SPLIT))
    before = (shell.directory / "ordertrail.db").stat().st_size
    told = shell.text("balances --json --read-models models.db")
    assert shell.text("balances --json", ORDERTRAIL_READ_MODELS="more.db") == told
    assert shell.text("balances --json --read-models memory:", ORDERTRAIL_READ_MODELS="nowhere.db") == told
    assert (shell.directory / "ordertrail.db").stat().st_size == before
    assert {path.name for path in shell.directory.glob("*.db")} == {"ordertrail.db", "models.db", "more.db"}


AS_NOBODY = "import os, sys; os.setresuid(65534, 65534, 65534); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def read_only() -> Iterator[Shell]:
    """A shell in which nobody may write a file, with a store."""
    with tempfile.TemporaryDirectory() as name:
        shell = Shell(Path(name))
        shell.run(order("O1", SPLIT))
        (shell.directory / "ordertrail.db").chmod(0o444)
        shell.directory.chmod(0o555)
        yield shell
        shell.directory.chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "setresuid"), reason="needs permissions as Linux has them")
@pytest.mark.parametrize("call", ["balances", "orders --json", "rebuild ledger", "projections --follow"])
def test_a_store_that_may_not_be_written_wants_its_read_models_elsewhere(read_only: Shell, call: str) -> None:
    def as_nobody(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        script = shutil.which("ordertrail", path=Path(sys.executable).parent) or "ordertrail"
        become = [sys.executable, "-c", AS_NOBODY] if os.geteuid() == 0 else []
        whole = [*become, script, *arguments]
        return subprocess.run(whole, capture_output=True, cwd=read_only.directory, env=read_only.env, timeout=60)

    done = as_nobody(*call.split())
    assert done.returncode == 3
    assert "may not be written" in done.stderr.decode().splitlines()[-1]
    assert "--read-models" in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr
    done = as_nobody("balances", "--read-models", "memory:", "--json")
    assert (done.returncode, json.loads(done.stdout)["USD"][CARD]) == (0, 1148)


@pytest.mark.postgres
def test_on_postgresql_a_query_answers_and_who_may_only_read_needs_read_models_elsewhere(shell: Shell) -> None:
    with fresh_schema() as url, reader_of(url) as (reader, grant):
        with Orders.open(url) as orders:
            [result] = orders.run([json.dumps(order("O1", SPLIT)).encode()])
            assert result.status == "accepted"
        grant()
        shell.fails("balances", 3, "may not be written", "--read-models", ORDERTRAIL_STORE=reader)
        told = json.loads(shell.text("balances --json --read-models memory:", ORDERTRAIL_STORE=reader))
        assert json.loads(shell.text("balances --json", ORDERTRAIL_STORE=url)) == told
        assert told["USD"][CARD] == 1148
        grant()
        assert json.loads(shell.text("balances --json", ORDERTRAIL_STORE=reader)) == told


@contextmanager
def reader_of(url: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """The address of a store for a role that may only read it, and what lets it read all that is there by then."""
    base, _, schema = url.replace("&schema=", "?schema=").partition("?schema=")
    role = f"reader_{schema}"
    with psycopg.connect(base, autocommit=True) as connection:
        grant = f"GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"
        connection.execute(f"CREATE ROLE {role}")
        try:
            yield f"{url}&options=-c%20role%3D{role}", lambda: connection.execute(grant)
        finally:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize("query", ["orders", "shipments", "ledger", "balances", "refunds", "inbox", "exceptions"])
def test_without_a_store_a_query_makes_none_and_in_memory_it_finds_nothing(shell: Shell, query: str) -> None:
    shell.fails(f"{query} --store none.db", 3, "there is no store at none.db")
    shell.fails(f"{query} --store none.db --read-models models.db", 3, "there is no store at none.db")
    assert shell.text(f"{query} --store memory: --json") == ("{}\n" if query == "balances" else "[]\n")
    assert shell.text(f"{query} --store memory:") == "nothing found\n"
    assert list(shell.directory.iterdir()) == []


# --- wrong arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ("orders --state nowhere", "nowhere"),
        ("shipments --state placed", "placed"),
        ("refunds --status owed", "owed"),
        ("inbox --to buyer", "buyer"),
        ("exceptions --kind strange", "strange"),
        ("exceptions --overdue --kind turned-up", "--overdue"),
        ("exceptions --after O1", "--after"),
        ("exceptions --after=1:99999999999999999999999", "--after"),
        ("exceptions --after=99999999999999999999999:1", "--after"),
        ("exceptions --after=-99999999999999999999999999:x", "--after"),
        ("exceptions --limit 99999999999999999999", "--limit"),
        ("ledger --after 9223372036854775808", "--after"),
        ("ledger --after O1", "--after"),
        ("ledger --after -1", "--after"),
        ("ledger --overdue", "--overdue"),
        ("orders --at yesterday", "yesterday"),
        ("orders --as-of 2026-01-05T10:00:00", "offset"),
        ("orders --limit 0", "--limit"),
        ("orders --limit 99999999999999999999", "--limit"),
        ("orders --order ", "--order"),
        ("orders --buyer \udcff", "--buyer"),
        ("orders --policy missing.toml", "missing.toml"),
        ("orders O1", "O1"),
        ("balances --read-models ", "--read-models"),
    ],
)
def test_a_wrong_argument_is_a_sentence(shop: Shell, call: str, word: str) -> None:
    shop.fails(call, 2, word)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("mysql:/x", "is no address of a store"),
        ("nowhere/models.db", "there is no folder nowhere"),
        ("junk", "file is not a database"),
    ],
)
def test_a_place_that_is_none_is_a_sentence(shop: Shell, place: str, words: str) -> None:
    (shop.directory / "junk").write_bytes(b"These are my notes, not a database." * 100)
    shop.fails(f"balances --read-models {place}", 3, words)


def test_the_words_of_the_filters_are_those_of_the_domain() -> None:
    assert set(filters.ORDER_STATES) == set(STATES)
    moved = {kind.state for kind in e.EVENT_TYPES.values() if issubclass(kind, e.ShipmentMoved)}
    assert set(filters.SHIPMENT_STATES) == moved | {"preparing"}
    assert set(filters.PARTIES) == set(get_args(Party))


# --- the process ------------------------------------------------------------------------------------------------------


def test_the_help_imports_neither_sqlalchemy_nor_babel() -> None:
    code = "import sys, ordertrail.interfaces.cli; print(*(m.partition('.')[0] for m in sys.modules))"
    loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
    assert not loaded & {"sqlalchemy", "babel", "rich", "msgspec", "eventsourcing", "sqlite3"}


def test_json_needs_neither_babel_nor_rich(shop: Shell) -> None:
    code = (
        "import sys; from ordertrail.interfaces import cli; cli.ordertrail(['orders', '--json'], standalone_mode=False)"
    )
    code += "; print(*(m.partition('.')[0] for m in sys.modules), file=sys.stderr)"
    process = shop.python(code, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, loaded = process.communicate(timeout=60)
    assert process.returncode == 0
    assert not set(loaded.decode().split()) & {"babel", "rich"}


def test_help_lists_the_commands_in_the_sequence_of_their_use(shell: Shell) -> None:
    told = "demo run preview show timeline options explain diagram orders shipments ledger balances refunds inbox"
    told += " exceptions rebuild projections audit export import"
    listed = shell.text("--help").partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in listed.splitlines()] == told.split()


def on_terminal(shell: Shell, code: str) -> str:
    """What a terminal shows as standard error."""
    keyboard, screen = pty.openpty()
    process = shell.python(code, stdout=subprocess.DEVNULL, stderr=screen)
    os.close(screen)
    shown: list[bytes] = []

    def watch() -> None:
        try:
            while piece := os.read(keyboard, 65536):
                shown.append(piece)
        except OSError:  # Linux' way to say that the other end is closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert process.wait(60) == 0
    watcher.join(10)
    os.close(keyboard)
    return b"".join(shown).decode()


def test_a_long_catching_up_draws_a_bar_on_a_terminal_and_a_short_one_none(shell: Shell) -> None:
    shell.run(*(order(f"O{number}", {"A": {"unit_price": 100}}) for number in range(200)))
    call = "from ordertrail.interfaces import cli, progress; progress.PATIENCE_SECONDS = {}; "
    call += "cli.ordertrail(['balances', '--read-models', 'memory:'], standalone_mode=False)"
    shown = on_terminal(shell, call.format(0))
    assert "catching up" in shown
    assert "200 of 200" in shown
    assert on_terminal(shell, call.format(60)) == ""


def test_nobody_reading_a_long_ledger_is_no_error(shell: Shell) -> None:
    shell.run(*(order(f"O{number}", {"A": {"unit_price": 100}}) for number in range(2000)))
    process = shell.start("ledger", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 141
