"""The import of Olist orders: what each oddity of the files becomes, and that nothing is lost on the way to the ledger.

The fixture is made up. The real files are read only where they are: in ORDERTRAIL_OLIST, or beside the checkout.
"""

import importlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from ordertrail.application import Orders, Principal
from postgres import fresh_schema

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]
SCRIPT = CHECKOUT / "examples" / "olist.py"
REAL = Path(os.environ.get("ORDERTRAIL_OLIST", CHECKOUT.parent / "shared" / "data" / "olist"))

sys.path.append(str(SCRIPT.parent))  # as it is where the script runs
olist = importlib.import_module("olist")
holdings = importlib.import_module("holdings")
reconciliation = importlib.import_module("reconciliation")

ORDERS = """
order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date
smooth,c1,delivered,2017-03-01 10:00:00,2017-03-01 10:10:00,2017-03-02 09:00:00,2017-03-05 15:00:00
sellers,c1,delivered,2017-03-01 11:00:00,2017-03-01 11:10:00,2017-03-02 09:00:00,2017-03-05 15:00:00
repeated,c2,processing,2017-03-01 12:00:00,2017-03-01 12:10:00,,
two-prices,c2,invoiced,2017-03-01 13:00:00,2017-03-01 13:10:00,,
vouchers,c2,approved,2017-03-01 14:00:00,2017-03-01 14:10:00,,
zero-payment,c2,shipped,2017-03-01 15:00:00,2017-03-01 15:10:00,2017-03-03 09:00:00,
too-much,c3,shipped,2017-03-01 16:00:00,2017-03-01 16:10:00,2017-03-03 09:00:00,
too-little,c3,shipped,2017-03-01 17:00:00,2017-03-01 17:10:00,2017-03-03 09:00:00,
no-items,c3,unavailable,2017-03-01 18:00:00,2017-03-01 18:10:00,,
no-payments,c3,delivered,2017-03-01 18:30:00,2017-03-01 18:40:00,,
canceled,c3,canceled,2017-03-01 19:00:00,2017-03-02 19:10:00,,
never-approved,c3,canceled,2017-03-01 20:00:00,,,
unavailable,c3,unavailable,2017-03-01 21:00:00,2017-03-01 21:10:00,,
came-back,c3,canceled,2017-03-01 22:00:00,2017-03-01 22:10:00,2017-03-03 09:00:00,
tried-first,c3,canceled,2017-03-01 22:30:00,2017-03-01 22:40:00,2017-03-03 09:00:00,2017-03-06 09:00:00
delivered-first,c3,delivered,2017-03-02 10:00:00,2017-03-02 10:10:00,2017-03-06 09:00:00,2017-03-05 15:00:00
before-purchase,c3,delivered,2017-03-02 11:00:00,2017-03-02 10:50:00,2017-03-02 10:00:00,2017-03-05 15:00:00
no-hand-over,c3,delivered,2017-03-02 12:00:00,2017-03-02 12:10:00,,2017-03-05 15:00:00
no-dates,c3,delivered,2017-03-02 13:00:00,2017-03-02 13:10:00,,
summer,c3,processing,2017-01-10 13:00:00,2017-01-10 13:10:00,,
"""
# All were estimated to come on the same day.
ORDERS = ORDERS.strip().replace("\n", ",2017-03-20 00:00:00\n") + ",2017-03-20 00:00:00"
ORDERS = ORDERS.replace("2017-03-20 00:00:00", "order_estimated_delivery_date", 1)

# Orders of one piece for 10.00, freight included, paid at once.
PLAIN = [
    *("smooth", "canceled", "never-approved", "unavailable", "came-back", "tried-first"),
    *("delivered-first", "before-purchase", "no-hand-over", "no-dates", "summer"),
]

ITEMS = """
order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
sellers,1,p1,seller-b,2017-03-09 00:00:00,30.00,3.33
sellers,2,p2,seller-a,2017-03-09 00:00:00,10.00,0.00
sellers,3,p3,seller-c,2017-03-09 00:00:00,0.01,0.00
repeated,1,p1,seller-a,2017-03-09 00:00:00,19.99,3.10
repeated,2,p2,seller-a,2017-03-09 00:00:00,5.00,1.00
repeated,3,p1,seller-a,2017-03-09 00:00:00,19.99,3.11
two-prices,1,p1,seller-a,2017-03-09 00:00:00,19.99,1.00
two-prices,2,p1,seller-a,2017-03-09 00:00:00,18.99,1.00
vouchers,1,p1,seller-a,2017-03-09 00:00:00,28.00,1.00
zero-payment,1,p1,seller-a,2017-03-09 00:00:00,9.00,1.00
too-much,1,p1,seller-a,2017-03-09 00:00:00,9.00,1.00
too-little,1,p1,seller-a,2017-03-09 00:00:00,9.00,1.00
""" + "\n".join(f"{order_id},1,p1,seller-a,2017-03-09 00:00:00,9.00,1.00" for order_id in [*PLAIN, "no-payments"])

PAYMENTS = """
order_id,payment_sequential,payment_type,payment_installments,payment_value
sellers,2,voucher,1,13.34
sellers,1,credit_card,1,30.00
repeated,1,boleto,1,52.19
two-prices,1,debit_card,1,40.98
zero-payment,1,not_defined,1,0.00
zero-payment,2,credit_card,3,10.00
too-much,1,credit_card,3,10.01
too-much,2,voucher,1,5.00
too-little,1,credit_card,3,3.33
too-little,2,voucher,1,3.33
too-little,3,voucher,1,3.33
no-items,1,voucher,1,77.00
""" + "\n".join(
    [f"vouchers,{number},voucher,1,1.00" for number in range(29, 0, -1)]
    + [f"{order_id},1,credit_card,1,10.00" for order_id in PLAIN]
)

CUSTOMERS = """
customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,buyer-1,00000,nowhere,XX
c2,buyer-2,00000,nowhere,XX
"""


def write(directory, **files):
    for name, text in files.items():
        (directory / f"olist_{name}_dataset.csv").write_text(text.strip() + "\n")
    return directory


@pytest.fixture
def files(tmp_path):
    return write(tmp_path, orders=ORDERS, order_items=ITEMS, order_payments=PAYMENTS, customers=CUSTOMERS)


@pytest.fixture
def log(files):
    return list(olist.convert(files))


def lines_of(log, order_id):
    return [line for line in log if line["command_id"].rpartition(":")[0] == order_id]


def names_and_times(log, order_id):
    return [(line["command"], line["at"]) for line in lines_of(log, order_id)][1:]


def placing(log, order_id):
    return lines_of(log, order_id)[0]


def payments(log, order_id):
    return [(paid["payment_id"], paid["method"], paid["amount"]) for paid in placing(log, order_id)["payments"]]


def cost(line):
    return sum(item["unit_price"] * item["quantity"] + item["shipping"] for item in line["items"])


# --- placing


def test_an_order_is_placed_by_its_seller_at_the_purchase_with_the_offset_of_sao_paulo(log):
    assert placing(log, "smooth") == {
        "command": "place-order",
        "command_id": "smooth:place",
        "at": "2017-03-01T10:00:00-03:00",
        "order_id": "smooth",
        "buyer_id": "buyer-1",
        "seller_id": "seller-a",
        "fulfilled_by": "seller",
        "currency": "BRL",
        "items": [{"item_id": "1", "sku": "p1", "quantity": 1, "unit_price": 900, "shipping": 100}],
        "payments": [{"payment_id": "1", "method": "credit-card", "amount": 1000}],
    }
    assert placing(log, "summer")["at"] == "2017-01-10T13:00:00-02:00"


def test_of_the_hour_that_the_clocks_repeated_the_first_is_meant():
    assert olist.moment("2017-02-18 23:41:47").isoformat() == "2017-02-18T23:41:47-02:00"


def test_a_buyer_whom_the_customers_file_does_not_know_goes_by_the_customer_id(log):
    assert placing(log, "canceled")["buyer_id"] == "c3"


def test_without_a_customers_file_every_buyer_goes_by_the_customer_id(files):
    (files / "olist_customers_dataset.csv").unlink()
    assert placing(olist.convert(files), "smooth")["buyer_id"] == "c1"


def test_several_sellers_make_several_orders_numbered_by_seller_id(log):
    assert [placing(log, f"sellers-{number}")["seller_id"] for number in (1, 2, 3)] == [
        "seller-a",
        "seller-b",
        "seller-c",
    ]
    assert not lines_of(log, "sellers")


def test_several_sellers_share_the_payments_in_proportion_and_to_the_cent(log):
    assert payments(log, "sellers-1") == [("1", "credit-card", 692), ("2", "voucher", 308)]
    assert payments(log, "sellers-2") == [("1", "credit-card", 2307), ("2", "voucher", 1026)]
    assert payments(log, "sellers-3") == [("1", "credit-card", 1)]  # the voucher's share is 0: left out


def test_repeated_rows_are_a_quantity_and_their_freight_is_summed(log):
    assert placing(log, "repeated")["items"] == [
        {"item_id": "1", "sku": "p1", "quantity": 2, "unit_price": 1999, "shipping": 621},
        {"item_id": "2", "sku": "p2", "quantity": 1, "unit_price": 500, "shipping": 100},
    ]


def test_an_equal_product_at_another_price_is_a_line_of_its_own(log):
    items = placing(log, "two-prices")["items"]
    assert [(item["item_id"], item["sku"], item["quantity"], item["unit_price"]) for item in items] == [
        ("1", "p1", 1, 1999),
        ("2", "p1", 1, 1899),
    ]


def test_twenty_nine_payments_stay_twenty_nine_in_their_sequence(log):
    assert payments(log, "vouchers") == [(str(number), "voucher", 100) for number in range(1, 30)]


def test_a_payment_of_zero_is_left_out(log):
    assert payments(log, "zero-payment") == [("2", "credit-card", 1000)]


def test_payments_that_are_too_much_are_scaled_down_one_by_one(log):
    assert payments(log, "too-much") == [("1", "credit-card", 667), ("2", "voucher", 333)]


def test_payments_that_are_too_little_are_scaled_up_and_the_odd_cent_goes_to_the_first(log):
    assert [amount for _, _, amount in payments(log, "too-little")] == [334, 333, 333]


def test_order_3_every_orders_payments_add_up_to_its_items(log):
    for line in log:
        if line["command"] == "place-order":
            assert sum(paid["amount"] for paid in line["payments"]) == cost(line)
            assert all(paid["amount"] >= 1 for paid in line["payments"])


# --- what came of it


def test_a_carrier_date_packs_and_dispatches_and_a_customer_date_delivers(log):
    _, dispatch, deliver = lines_of(log, "smooth")
    assert dispatch == {
        "command": "dispatch-shipment",
        "command_id": "smooth:dispatch",
        "at": "2017-03-02T09:00:00-03:00",
        "shipment_id": "smooth:parcel",
        "contents": [{"order_id": "smooth", "items": "all"}],
        "carrier": {"name": "carrier", "kind": "partner"},
    }
    assert deliver == {
        "command": "deliver",
        "command_id": "smooth:deliver",
        "at": "2017-03-05T15:00:00-03:00",
        "shipment_id": "smooth:parcel",
    }


def test_every_sellers_order_goes_in_a_parcel_of_its_own(log):
    assert lines_of(log, "sellers-2")[1]["contents"] == [{"order_id": "sellers-2", "items": "all"}]


@pytest.mark.parametrize(
    ("order_id", "at"),
    [
        ("canceled", "2017-03-02T19:10:00-03:00"),
        ("never-approved", "2017-03-01T20:00:00-03:00"),
        ("unavailable", "2017-03-01T21:10:00-03:00"),
    ],
)
def test_what_was_not_handed_over_is_cancelled_by_the_seller_at_its_approval_or_else_its_placing(log, order_id, at):
    assert lines_of(log, order_id)[1:] == [
        {
            "command": "cancel-items",
            "command_id": f"{order_id}:cancel",
            "at": at,
            "order_id": order_id,
            "actor": "seller",
            "actor_id": "seller-a",
            "items": "all",
        }
    ]


def test_canceled_after_the_hand_over_is_turned_back_and_received(log):
    assert names_and_times(log, "came-back") == [
        ("dispatch-shipment", "2017-03-03T09:00:00-03:00"),
        ("turn-back", "2017-03-20T00:00:00-03:00"),
        ("receive-return", "2017-03-20T00:00:00-03:00"),
    ]


def test_a_canceled_order_turned_back_at_its_customer_date_and_was_never_delivered(log):
    assert names_and_times(log, "tried-first") == [
        ("dispatch-shipment", "2017-03-03T09:00:00-03:00"),
        ("turn-back", "2017-03-06T09:00:00-03:00"),
        ("receive-return", "2017-03-20T00:00:00-03:00"),
    ]


@pytest.mark.parametrize("order_id", ["repeated", "two-prices", "vouchers", "no-dates"])
def test_the_rest_stays_where_it_was(log, order_id):
    assert names_and_times(log, order_id) == []


def test_scan_2_a_delivery_before_the_hand_over_meets_a_packed_parcel(log):
    assert names_and_times(log, "delivered-first") == [
        ("pack-shipment", "2017-03-05T15:00:00-03:00"),
        ("deliver", "2017-03-05T15:00:00-03:00"),
        ("dispatch-shipment", "2017-03-06T09:00:00-03:00"),
    ]
    assert "contents" not in lines_of(log, "delivered-first")[-1]  # else PACK-1, not SCAN-1


def test_time_2_a_hand_over_before_the_purchase_goes_in_as_it_is_right_after_the_placing(log):
    assert names_and_times(log, "before-purchase") == [
        ("pack-shipment", "2017-03-02T11:00:00-03:00"),
        ("dispatch-shipment", "2017-03-02T10:00:00-03:00"),
        ("deliver", "2017-03-05T15:00:00-03:00"),
    ]


def test_scan_2_a_delivery_without_a_hand_over_meets_a_packed_parcel(log):
    assert names_and_times(log, "no-hand-over") == [
        ("pack-shipment", "2017-03-05T15:00:00-03:00"),
        ("deliver", "2017-03-05T15:00:00-03:00"),
    ]


# --- the log


def test_the_log_is_in_the_order_of_time_but_for_reports_before_their_placing(log):
    times = [datetime.fromisoformat(line["at"]) for line in log if line["command_id"] != "before-purchase:dispatch"]
    assert times == sorted(times)


def test_every_order_is_placed_before_anything_else_is_said_of_it(log):
    placed = set()
    for line in log:
        order_id = line["command_id"].rpartition(":")[0]
        assert (line["command"] == "place-order") == (order_id not in placed)
        placed.add(order_id)


def test_command_ids_are_unique_and_the_same_files_make_the_same_log(files, log):
    assert len({line["command_id"] for line in log}) == len(log)
    assert list(olist.convert(files)) == log


# --- the reconciliation


def test_the_report_names_what_was_skipped_scaled_and_odd(files):
    report = olist.Report()
    list(olist.convert(files, report))

    assert report.orders_read == 20
    assert report.orders_converted == 18
    assert report.skipped == [("no-items", "no items"), ("no-payments", "no payments")]
    assert report.units_skipped == 1
    assert report.money_skipped == {"voucher": 7700}
    assert report.orders_scaled == 2
    assert report.money_scaled.total() == 501 - 1
    assert report.oddities == {
        "payment of 0.00 (left out)": 1,
        "approval before purchase": 1,
        "hand-over before purchase": 1,
        "hand-over before approval": 1,
        "delivery before hand-over": 1,
        "delivery without hand-over": 1,
        "delivery of a canceled order (read as its turning back)": 1,
        "delivered, but no date says so (left where it was)": 1,
    }
    assert len(report.orders) == 20  # one of the 18 has three sellers
    assert report.answers["noted"] == 1
    assert report.answers["rejected TIME-2"] == 1
    assert report.totals()["money owed"] == 5 * 1000


def test_the_reconciliation_adds_up_and_says_so(files):
    report = olist.Report()
    list(olist.convert(files, report))
    text, adds_up = olist.reconcile(report)
    assert adds_up
    assert "skipped no-items: no items" in text
    assert text.endswith("everything adds up")


def test_a_store_that_holds_something_else_does_not_add_up(files):
    report = olist.Report()
    list(olist.convert(files, report))
    held = report.totals()
    held["money owed"] -= 1
    text, adds_up = olist.reconcile(report, reconciliation.Holdings(held, []))
    assert not adds_up
    assert text.endswith("DOES NOT ADD UP: money owed")


def test_rows_of_orders_that_the_orders_file_does_not_have_are_not_lost(files):
    extra = "ghost,1,voucher,1,5.00"
    write(files, order_payments=PAYMENTS + "\n" + extra)
    report = olist.Report()
    list(olist.convert(files, report))
    assert ("ghost", "not in the orders file") in report.skipped
    assert report.money_skipped["voucher"] == 7700 + 500
    assert olist.reconcile(report)[1]


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (1, [5, 6], [0, 1]),
        (7, [7], [7]),
        (0, [3, 4], [0, 0]),
        (0, [], []),
        (12, [0, 6, 6], [0, 6, 6]),
    ],
)
def test_shares_add_up_by_largest_remainder(total, weights, shares):
    assert olist.share(total, weights) == shares


def test_money_is_decimal_and_whole_cents():
    assert olist.cents("19.99") == 1999
    assert olist.cents("1152921504606846.99") == 115292150460684699
    with pytest.raises(ValueError, match=r"0\.005"):
        olist.cents("0.005")


# --- as a program


def run(*arguments):
    command = [sys.executable, str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_the_program_prints_the_log_and_reconciles_on_standard_error(files, log):
    ran = run(files)
    assert ran.returncode == 0, ran.stderr
    assert [json.loads(line) for line in ran.stdout.splitlines()] == log
    assert ran.stderr.endswith("everything adds up\n")


def test_missing_files_are_one_sentence(tmp_path):
    ran = run(tmp_path)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "olist_order_items_dataset.csv" in ran.stderr


def test_an_amount_that_is_none_is_one_sentence_that_names_the_line(files):
    write(files, order_payments=PAYMENTS.replace("52.19", "fifty"))
    ran = run(files)
    assert ran.returncode == 2
    assert "olist_order_payments_dataset.csv, line 4" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_store_that_ran_the_log_agrees_with_the_files_also_the_second_time(files, tmp_path):
    for _ in range(2):
        ran = run(files, "--store", tmp_path / "shop.db")
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout == ""


def test_a_store_that_is_none_is_one_sentence(files, tmp_path):
    (tmp_path / "shop.db").write_text("not a database, but long enough to be read as one" * 100)
    ran = run(files, "--store", tmp_path / "shop.db")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1


# --- the ledger

# Summed from the files by hand. Of 305.51 paid, five orders of 10.00 are to be refunded; the rest is the sellers'.
LEDGER = """
Assets:Payments:Boleto                                         52.19           52.19    yes
Assets:Payments:Credit-Card                                   160.01          160.01    yes
Assets:Payments:Debit-Card                                     40.98           40.98    yes
Assets:Payments:Voucher                                        52.33           52.33    yes
Income:Fees:Restocking                                          0.00            0.00    yes
Income:Fees:Return-Shipping                                     0.00            0.00    yes
Liabilities:Orders:Sellers:* (3 accounts)                    -255.51         -255.51    yes
Liabilities:Refunds:Deferred                                    0.00            0.00    yes
Liabilities:Refunds:Due                                       -50.00          -50.00    yes
Liabilities:Tax                                                 0.00            0.00    yes
all accounts                                                    0.00            0.00    yes
refunds paid                                                    0.00            0.00    yes
""".strip()
DUE, DEFERRED, BOLETO, TAX = (
    "Liabilities:Refunds:Due",
    "Liabilities:Refunds:Deferred",
    "Assets:Payments:Boleto",
    "Liabilities:Tax",
)


def ledger_of(text):
    return text.partition("Ledger (")[2].partition("\n")[2].partition("\n\n")[0]


def imported(files, store):
    """What the import of these files into a store prints at its end, and whether all adds up."""
    report = olist.Report()
    held = holdings.apply(map(olist.encode, olist.convert(files, report)), str(store), report)
    return olist.reconcile(report, held)


@pytest.fixture(scope="module")
def store_once(tmp_path_factory):
    folder = tmp_path_factory.mktemp("olist")
    write(folder, orders=ORDERS, order_items=ITEMS, order_payments=PAYMENTS, customers=CUSTOMERS)
    ran = run(folder, "--store", folder / "shop.db")
    assert ran.returncode == 0, ran.stderr
    return folder / "shop.db", ran.stderr


@pytest.fixture
def store(store_once, tmp_path):
    """A store that has the import and its read models."""
    return Path(shutil.copy(store_once[0], tmp_path / "shop.db"))


def alter(store, sql):
    with closing(sqlite3.connect(store)) as connection, connection:
        assert connection.execute(sql).rowcount == 1


def test_the_ledger_of_the_import_is_that_of_the_files_to_the_cent(store_once):
    assert ledger_of(store_once[1]) == LEDGER
    assert LEDGER in (CHECKOUT / "examples" / "README.md").read_text()  # which shows these files


@pytest.mark.parametrize("where", ["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_ledger_is_compared_wherever_the_store_lives(files, where):
    if where == "memory":
        text, adds_up = imported(files, "memory:")
    else:
        with fresh_schema() as address:
            text, adds_up = imported(files, address)
    assert adds_up, text
    assert ledger_of(text) == LEDGER


def test_an_altered_posting_is_named_with_both_figures_and_exit_status_1(files, store):
    alter(store, f"UPDATE ledger_postings SET amount = amount + 1 WHERE account = '{BOLETO}'")
    ran = run(files, "--store", store)
    assert ran.returncode == 1
    assert f"{BOLETO:<52}{'52.20':>16}{'52.19':>16}     NO\n" in ran.stderr
    assert ran.stderr.endswith(f"DOES NOT ADD UP: {BOLETO}, all accounts\n")


ONE_REFUND = f"entry = (SELECT max(entry) FROM ledger_postings WHERE account = '{DUE}') AND account = '{DUE}'"


@pytest.mark.parametrize(
    ("sql", "wrong"),
    [
        (f"UPDATE ledger_postings SET account = '{DEFERRED}' WHERE {ONE_REFUND}", [DEFERRED, DUE]),
        (f"UPDATE ledger_postings SET account = '{TAX}' WHERE {ONE_REFUND}", [DUE, TAX]),
        (f"UPDATE ledger_postings SET currency = 'USD' WHERE {ONE_REFUND}", [DUE, f"{DUE} (USD)"]),
        (f"DELETE FROM ledger_postings WHERE {ONE_REFUND}", [DUE, "all accounts"]),
    ],
)
def test_a_posting_on_another_account_is_named_also_where_the_sum_is_right(files, store, sql, wrong):
    alter(store, sql)
    text, adds_up = imported(files, store)
    assert not adds_up
    assert text.endswith(f"\nDOES NOT ADD UP: {', '.join(wrong)}")


def test_sellers_whose_money_was_swapped_are_named_though_their_sum_is_right(files, store):
    a, b = "Liabilities:Orders:Sellers:X-seller-2d-a", "Liabilities:Orders:Sellers:X-seller-2d-b"
    alter(store, f"UPDATE ledger_postings SET account = '{b}' WHERE account = '{a}' AND entry = 1")
    text, _ = imported(files, store)
    assert text.endswith(f"\nDOES NOT ADD UP: {a}, {b}")
    assert "Liabilities:Orders:Sellers:* (3 accounts)                    -255.51         -255.51    yes" in text
    assert [line.split()[-1] for line in text.splitlines() if line.startswith((a, b))] == ["NO", "NO"]


def test_a_refund_that_was_paid_since_is_no_longer_what_was_imported(files, store):
    report_of_gateway = {"command": "report-payout", "command_id": "paid", "refund_id": "canceled:refund:1"}
    with Orders.open(f"sqlite:///{store}") as orders:
        paid = report_of_gateway | {"payment_id": "1", "outcome": "paid", "reference": "r-1"}
        assert orders.handle(paid, by=Principal("seller", "seller-a")).status == "accepted"
    text, adds_up = imported(files, store)
    assert not adds_up
    assert f"{'refunds paid':<52}{'10.00':>16}{'0.00':>16}     NO" in text
    assert f"{DUE:<52}{'-40.00':>16}{'-50.00':>16}     NO" in text


def test_read_models_that_cannot_follow_are_one_sentence_and_no_reconciliation(files, store):
    alter(store, "UPDATE projections SET version = 99 WHERE name = 'ledger'")
    ran = run(files, "--store", store)
    assert ran.returncode == 2
    assert ran.stderr == "olist: the projection ledger was made by another version and must be rebuilt\n"


# --- the real files


@pytest.fixture(scope="module")
def real():
    if not (REAL / "olist_orders_dataset.csv").exists():
        pytest.skip(f"no Olist files in {REAL}: set ORDERTRAIL_OLIST to their folder")
    return REAL


def test_the_real_files_add_up(real):
    report = olist.Report()
    log = list(olist.convert(real, report))
    text, adds_up = olist.reconcile(report)
    assert adds_up, text

    assert report.orders_read == report.orders_converted + len(report.skipped)
    assert Counter(why for _, why in report.skipped).keys() == {"no items"}
    assert len({line["command_id"] for line in log}) == len(log)
    for line in log:
        if line["command"] == "place-order":
            assert sum(paid["amount"] for paid in line["payments"]) == cost(line)


@pytest.mark.slow
def test_the_real_files_and_a_store_that_ran_them_agree(real, tmp_path):
    ran = run(real, "--store", tmp_path / "shop.db")
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert "\nmoney owed " in ran.stderr
    assert [line.split()[-1] for line in ledger_of(ran.stderr).splitlines()] == ["yes"] * 12
