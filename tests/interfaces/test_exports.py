"""The ledger in accountants' formats: real Beancount checks every file, and comes to the ledger's own balances."""

import csv
import io
import json
import os
import re
import subprocess
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from beancount import loader
from beancount.core.data import Balance, Commodity, Open, Transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from event_logs import ListedLog, RecordedBook, told
from lives import command_logs
from ordertrail.domain.admission import moment
from ordertrail.domain.money import CURRENCIES
from ordertrail.interfaces.exports.amounts import number
from ordertrail.interfaces.exports.beancount_file import beancount_file, link
from ordertrail.interfaces.exports.csv_file import COLUMNS, cell, csv_file
from ordertrail.projections import ledger
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from postgres import fresh_schema
from recorded_log import recorded_log

pytestmark = pytest.mark.slow

SCRIPTS = Path(sysconfig.get_path("scripts"))
CARD, DUE = "Assets:Payments:Credit-Card", "Liabilities:Refunds:Due"
few = settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


class Books:
    """The ledger of a book's events, and what the exports make of it."""

    def __init__(self, book: RecordedBook, directory: Path) -> None:
        self.path = directory / "ledger.beancount"
        with Database.open("memory:") as database:
            Runner(ListedLog(book.log), database, [ledger.Ledger()]).catch_up()
            used = ledger.accounts_used(database)
            self.text = "".join(beancount_file("the books", used, ledger.each_entry(database)))
            self.csv = "".join(csv_file(ledger.each_entry(database)))
            self.balances = ledger.balances(database)
            self.entries = ledger.entries(database)
        self.path.write_text(self.text, "utf-8")

    def load(self) -> list[Any]:
        """The directives, as Beancount reads them; it finds nothing wrong."""
        directives, errors, _ = loader.load_file(str(self.path))
        assert errors == []
        return directives

    def transactions(self) -> list[Transaction]:
        return [each for each in self.load() if isinstance(each, Transaction)]

    def rows(self) -> list[dict[str, str]]:
        return [*csv.DictReader(io.StringIO(self.csv, newline=""), strict=True)]

    def check(self) -> None:
        """Both files say what the ledger says, entry for entry and to the minor unit."""
        self.load()
        transactions = self.transactions()
        assert [each.meta["entry"] for each in sorted(transactions, key=lambda each: each.meta["entry"])] == [
            entry.entry for entry in self.entries
        ]
        posted: Counter[tuple[str, str]] = Counter()
        for each in transactions:
            for posting in each.postings:
                posted[posting.units.currency, posting.account] += minor(posting.units.number, posting.units.currency)
        assert nested(posted) == self.balances
        rows: Counter[tuple[str, str]] = Counter()
        for row in self.rows():
            assert minor(Decimal(row["amount"]), row["currency"]) == int(row["amount_minor"])
            rows[row["currency"], row["account"]] += int(row["amount_minor"])
        assert nested(rows) == self.balances


def minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount that has exactly its currency's digits."""
    assert amount.as_tuple().exponent == -CURRENCIES[currency]
    return int(amount.scaleb(CURRENCIES[currency]))


def nested(sums: Counter[tuple[str, str]]) -> ledger.Balances:
    result: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (currency, account), amount in sums.items():
        if amount:
            result[currency][account] = amount
    return dict(result)


def bean_check(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPTS / "bean-check", path], capture_output=True, text=True, timeout=120)


@pytest.fixture
def books(tmp_path: Path) -> Callable[[RecordedBook], Books]:
    return lambda book: Books(book, tmp_path)


def split_cents(currency: str = "USD") -> RecordedBook:
    """Worked example 1, with a payout."""
    book = RecordedBook()
    lines = {"A": {"quantity": 3, "unit_price": 333, "tax": 100, "shipping": 50, "discount": 1}}
    book.place("O1", items=lines, currency=currency)
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    book.accept("cancel-items", order_id="O1", items={"A": 2}, at="10:20")
    about = {"refund_id": "O1:refund:1", "payment_id": "P1"}
    book.accept("report-payout", **about, outcome="paid", reference="R1", at="+1d 11:00")
    return book


def two_payments() -> RecordedBook:
    """Worked examples 2 and 3, a bounce and a payment too many."""
    book = RecordedBook()
    payments = [
        {"payment_id": "G1", "method": "gift-card", "amount": 1500},
        {"payment_id": "C1", "method": "credit-card", "amount": 3500},
    ]
    book.place("O1", items={"A": 2000, "B": 3000}, payments=payments)
    book.accept("cancel-items", order_id="O1", items={"A": 1}, at="10:10")
    book.ship("S1", contents={"O1": "all"}, at="12:00")
    about = {"refund_id": "O1:refund:1", "payment_id": "G1"}
    book.accept("report-payout", **about, outcome="paid", reference="R1", at="+1d 11:00")
    book.accept("report-payout", **about, outcome="failed", reference="R1", at="+2d 12:00")
    book.accept("report-payout", **about, outcome="paid", reference="R2", amount=2500, at="+3d 13:00")
    return book


def opened_return(seller: str | None = None) -> RecordedBook:
    """Worked example 6, where something is kept."""
    book = RecordedBook()
    book.place("O1", items={"A": {"quantity": 1, "unit_price": 4000, "tax": 400, "shipping": 600}}, seller=seller)
    book.ship("S1", contents={"O1": "all"}, at="12:00", kind="own")
    book.accept("deliver", shipment_id="S1", at="14:00")
    book.accept("start-return", order_id="O1", items="all", reason="changed-mind", at="+1d 10:00")
    received = [{"item_id": "A", "quantity": 1, "condition": "opened"}]
    book.accept("receive-return", return_id="O1:return:1", at="+4d 10:00", received=received)
    return book


def taken_over_claim() -> RecordedBook:
    """Worked example 9."""
    book = RecordedBook()
    book.place("O1", items={"A": 2000}, seller="M1", fulfilled_by="seller")
    book.accept("request-cancellation", order_id="O1", items="all", at="11:00")
    book.accept("answer-cancellation", request_id="O1:request:1", approve=True, at="12:00")
    book.accept("file-claim", order_id="O1", items="all", at="+8d 10:00")
    book.accept("decide-claim", claim_id="O1:claim:1", approve=True, at="+9d 10:00")
    return book


# What Beancount says


@pytest.mark.parametrize(
    "book",
    [
        split_cents(),
        split_cents("JPY"),
        split_cents("KWD"),
        two_payments(),
        opened_return(),
        opened_return("M1"),
        taken_over_claim(),
        RecordedBook(),
    ],
    ids=["1", "1-JPY", "1-KWD", "3", "6", "6-seller", "9", "empty"],
)
def test_beancount_accepts_the_worked_examples(books: Any, book: RecordedBook) -> None:
    made = books(book)
    made.check()
    done = bean_check(made.path)
    assert (done.returncode, done.stderr) == (0, "")


def test_beancount_accepts_a_simulated_week(books: Any) -> None:
    log = [json.loads(line) for line in recorded_log(160).splitlines() if line.startswith(b"{") and len(line) > 1]
    made = books(told(log))
    assert len(made.entries) > 200
    made.check()


@pytest.mark.slow
@few
@given(command_logs())
def test_beancount_accepts_any_life_of_orders(books: Any, made: Any) -> None:
    books(told(made[0])).check()


IDS = (
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
    | st.text("aA-_/.: \"\\^#;'=+@é日😀", min_size=1, max_size=10)
).filter(str.isprintable)


@few
@given(st.lists(IDS, min_size=3, max_size=3, unique=True).filter(lambda ids: "store-credit" not in ids))
@example(['"', "\\", '\\"'])
@example(["x" * 200, "日" * 200, "😀" * 200])
@example(["; no comment", "2026-01-05 open", " "])
def test_beancount_accepts_ids_of_any_spelling_and_gives_them_back(books: Any, ids: list[str]) -> None:
    order_id, seller, payment = ids
    book = RecordedBook()
    paid = [{"payment_id": payment, "method": "credit-card", "amount": 2000}]
    book.place(order_id, items={"A": 2000}, seller=seller, payments=paid)
    book.accept("cancel-items", order_id=order_id, items="all", at="10:10")
    made = books(book)
    made.check()
    placed, owed = made.transactions()
    assert placed.meta["order"] == owed.meta["order"] == order_id
    assert owed.meta["refund"] == f"{order_id}:refund:1"
    assert [posting.meta.get("payment") for posting in placed.postings] == [payment, None]
    assert {row["order_id"] for row in made.rows()} == {cell(order_id)}
    assert [row["payment_id"] for row in made.rows()] == [cell(payment), "", "", ""]


# What stands in the file


def test_the_file_of_worked_example_1(books: Any) -> None:
    head, _, rest = books(split_cents()).text.partition("\n2026-01-05 * ")
    assert head == (
        'option "title" "the books"\n'
        'option "operating_currency" "USD"\n'
        "\n; What the entries below come to. One that is missing, or altered, fails here.\n"
        "2026-01-07 balance Assets:Payments:Credit-Card  7.65 ~ 0 USD\n"
        "2026-01-07 balance Liabilities:Orders:Marketplace  0.00 ~ 0 USD\n"
        "2026-01-07 balance Liabilities:Refunds:Deferred  0.00 ~ 0 USD\n"
        "2026-01-07 balance Liabilities:Refunds:Due  -7.65 ~ 0 USD\n"
        "2026-01-07 balance Liabilities:Tax  0.00 ~ 0 USD\n"
        "\n2026-01-05 commodity USD\n"
        "  precision: 2\n"
        "\n2026-01-05 open Assets:Payments:Credit-Card  USD\n"
        "2026-01-05 open Liabilities:Orders:Marketplace  USD\n"
        "2026-01-05 open Liabilities:Refunds:Deferred  USD\n"
        "2026-01-05 open Liabilities:Refunds:Due  USD\n"
        "2026-01-05 open Liabilities:Tax  USD\n"
    )
    placed, owed, *_ = re.split(r"\n\d{4}-\d\d-\d\d \* ", rest)
    assert placed == (
        '"order placed" ^order-O1 ^payment-O1/P1\n'
        '  order: "O1"\n'
        '  event: "order-placed"\n'
        "  position: 1\n"
        "  entry: 1\n"
        '  time: "2026-01-05T10:00:00Z"\n'
        "  Assets:Payments:Credit-Card  11.48 USD\n"
        '    payment: "P1"\n'
        "  Liabilities:Orders:Marketplace  -10.48 USD\n"
        "  Liabilities:Tax  -1.00 USD\n"
    )
    assert owed == (
        '"refund owed" ^order-O1 ^refund-O1.refund.1\n'
        '  order: "O1"\n'
        '  refund: "O1:refund:1"\n'
        '  event: "refund-owed"\n'
        "  position: 3\n"
        "  entry: 2\n"
        '  time: "2026-01-05T10:10:00Z"\n'
        "  Liabilities:Orders:Marketplace  3.49 USD\n"
        "  Liabilities:Tax  0.34 USD\n"
        "  Liabilities:Refunds:Deferred  -3.83 USD\n"
    )


@pytest.mark.parametrize(("currency", "amount"), [("USD", "11.48"), ("JPY", "1148"), ("KWD", "1.148")])
def test_amounts_have_exactly_their_currencys_digits(books: Any, currency: str, amount: str) -> None:
    made = books(split_cents(currency))
    assert f"  {CARD}  {amount} {currency}\n" in made.text
    assert made.rows()[0]["amount"] == amount
    (commodity,) = [each for each in made.load() if isinstance(each, Commodity)]
    assert (commodity.currency, commodity.meta["precision"]) == (currency, CURRENCIES[currency])


@given(st.integers(-(2**63), 2**63), st.sampled_from(sorted(CURRENCIES)))
def test_amounts_are_exact_whatever_their_size(amount: int, currency: str) -> None:
    assert Decimal(number(amount, currency)) * 10 ** CURRENCIES[currency] == amount or abs(amount) >= 10**28
    assert minor(Decimal(number(amount, currency)), currency) == amount


def test_an_account_of_several_currencies_is_opened_once_and_balanced_in_each(books: Any) -> None:
    book = RecordedBook()
    for number_, currency in enumerate(("USD", "JPY", "KWD")):
        book.place(f"O{number_}", items={"A": 1000 + number_}, currency=currency, at=f"+{number_}d 10:00")
    made = books(book)
    made.check()
    (opened,) = [each for each in made.load() if isinstance(each, Open) and each.account == CARD]
    assert opened.currencies == ["JPY", "KWD", "USD"]
    assert opened.date.isoformat() == "2026-01-05"
    amounts = {each.amount.to_string() for each in made.load() if isinstance(each, Balance) and each.account == CARD}
    assert amounts == {"10.00 USD", "1001 JPY", "1.002 KWD"}


def test_days_are_those_of_utc_and_the_balances_are_of_the_day_after_the_latest(books: Any) -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 1000}, at="2026-01-05T23:59:59-01:00")
    book.place("O2", items={"A": 1000}, at="2026-01-04T10:00:00Z")  # recorded later
    made = books(book)
    assert [(str(each.date), each.meta["entry"]) for each in made.transactions()] == [
        ("2026-01-04", 2),
        ("2026-01-06", 1),
    ]
    assert {str(each.date) for each in made.load() if isinstance(each, Balance)} == {"2026-01-07"}
    assert re.findall("entry: (.)", made.text) == ["1", "2"]


def test_what_is_booked_while_the_file_is_written_is_left_out(tmp_path: Path) -> None:
    book = split_cents()
    with Database.open("memory:") as database:
        Runner(ListedLog(book.log), database, [ledger.Ledger()]).catch_up()
        used, known = ledger.accounts_used(database), ledger.entries(database)
        book.place("O2", items={"A": 700})
        Runner(ListedLog(book.log), database, [ledger.Ledger()]).catch_up()
        path = tmp_path / "ledger.beancount"
        path.write_text("".join(beancount_file("the books", used, ledger.each_entry(database))), "utf-8")
    assert bean_check(path).returncode == 0
    assert path.read_text("utf-8").count("entry: ") == len(known)


# Links


def test_links_find_every_entry_of_an_order_a_refund_and_a_payment(books: Any) -> None:
    book = two_payments()
    book.place("O2", items={"A": 700}, payments=[{"payment_id": "G1", "method": "gift-card", "amount": 700}])
    made = books(book)
    linked: defaultdict[str, set[int]] = defaultdict(set)
    for each in made.transactions():
        for its_link in each.links:
            linked[f"^{its_link}"].add(each.meta["entry"])
    expected: defaultdict[str, set[int]] = defaultdict(set)
    for entry in made.entries:
        expected[link("order", entry.order_id)].add(entry.entry)
        if entry.refund_id is not None:
            expected[link("refund", entry.refund_id)].add(entry.entry)
        for posting in entry.postings:
            if posting.payment_id is not None:
                expected[link("payment", entry.order_id, posting.payment_id)].add(entry.entry)
    assert linked == expected
    assert linked.keys() == {
        "^order-O1",
        "^order-O2",
        "^refund-O1.refund.1",
        "^payment-O1/G1",
        "^payment-O1/C1",
        "^payment-O2/G1",
    }
    assert len(linked["^payment-O1/G1"]) == 5  # placed, paid, bounced, paid again, paid too much


@given(st.lists(IDS, min_size=1, max_size=2), st.lists(IDS, min_size=1, max_size=2))
@example(["_", ";"], ["_;"])
@example(["a/b"], ["a", "b"])
@example(["_3b_"], [";"])
@example(["a.b"], ["a:b"])
@example(["_5f_"], ["__"])
def test_two_ids_never_share_a_link_and_beancount_can_spell_it(one: list[str], other: list[str]) -> None:
    assert (link("order", *one) == link("order", *other)) == (one == other)
    assert re.fullmatch(r"\^[A-Za-z0-9\-_/.]+", link("order", *one))


# What does not go unnoticed


def test_bean_check_refuses_an_amount_changed_by_the_smallest_unit(books: Any) -> None:
    for currency, one, other in (("USD", "11.48", "11.49"), ("JPY", "1148", "1149"), ("KWD", "1.148", "1.147")):
        made = books(split_cents(currency))
        made.path.write_text(made.text.replace(f"{CARD}  {one}", f"{CARD}  {other}"), "utf-8")
        done = bean_check(made.path)
        assert (done.returncode, "does not balance" in done.stderr) == (1, True)


def test_bean_check_refuses_an_entry_changed_on_both_sides(books: Any) -> None:
    made = books(two_payments())
    text = made.text.replace("Gift-Cards  15.00", "Gift-Cards  15.01", 1)
    text = text.replace("Orders:Marketplace  -50.00", "Orders:Marketplace  -50.01", 1)
    assert text != made.text
    made.path.write_text(text, "utf-8")
    done = bean_check(made.path)
    assert (done.returncode, "Balance failed" in done.stderr) == (1, True)


def test_bean_check_refuses_a_file_without_one_of_its_transactions(books: Any) -> None:
    made = books(opened_return())
    parts = re.split(r"\n(?=\d{4}-\d\d-\d\d \* )", made.text)
    for missing in range(1, len(parts)):
        made.path.write_text("\n".join(part for n, part in enumerate(parts) if n != missing), "utf-8")
        assert bean_check(made.path).returncode == 1


def test_bean_check_refuses_a_file_that_was_cut_off_at_any_line(books: Any) -> None:
    made = books(split_cents())
    lines = made.text.splitlines(keepends=True)
    first_balance = next(n for n, line in enumerate(lines) if " balance " in line)
    last_payout = len(lines) - 3  # whose amounts Beancount would complete
    for kept in range(first_balance + 1, last_payout):
        _, errors, _ = loader.load_string("".join(lines[:kept]))
        assert errors, f"cut after line {kept}: {lines[kept - 1]}"


# CSV


def test_the_csv_has_its_columns_and_a_line_a_posting(books: Any) -> None:
    made = books(split_cents())
    head, first, *_ = made.csv.splitlines(keepends=True)
    assert head == ",".join(COLUMNS) + "\r\n"
    assert first == (
        "1,1,2026-01-05T10:00:00Z,2026-01-05,O1,order-placed,,P1,Assets:Payments:Credit-Card,1148,11.48,USD\r\n"
    )
    rows = made.rows()
    assert len(rows) == sum(len(entry.postings) for entry in made.entries)
    assert rows[-1]["refund_id"] == "O1:refund:1"
    assert [row["at"] for row in rows] == [moment(entry.at) for entry in made.entries for _ in entry.postings]


@given(IDS)
@example("=1+1")
@example("'=1+1")
@example("-2")
@example("+2")
@example("@SUM(A1)")
@example("O'1")
def test_no_id_in_a_cell_is_a_formula_and_each_can_be_had_back(its_id: str) -> None:
    shown = cell(its_id)
    assert not shown.startswith(("=", "+", "-", "@"))
    assert (shown[1:] if shown.startswith("'") else shown) == its_id


# The command


class Shop:
    """A directory with a store, and `ordertrail export ledger` on it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ORDERTRAIL_")}

    def run(self, log: bytes) -> None:
        done = subprocess.run([SCRIPTS / "ordertrail", "run", "-", "--quiet"], input=log, **self._call())
        assert done.returncode in (0, 2), done.stderr

    def export(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([SCRIPTS / "ordertrail", "export", "ledger", *arguments], **(self._call() | more))

    def balances(self, **filters: Any) -> ledger.Balances:
        with Database.open(str(self.directory / "ordertrail.db")) as database:
            return ledger.balances(database, **filters)

    def _call(self) -> dict[str, Any]:
        return {"capture_output": True, "cwd": self.directory, "env": self.env, "timeout": 120}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.run(recorded_log(80))
    return shop


def test_the_command_prints_what_bean_check_accepts(shop: Shop, tmp_path: Path) -> None:
    done = shop.export("--format", "beancount")
    assert (done.returncode, done.stderr) == (0, b"")
    (tmp_path / "l.beancount").write_bytes(done.stdout)
    checked = bean_check(tmp_path / "l.beancount")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert csv_sums(shop.export("--format", "csv").stdout) == shop.balances()


def csv_sums(text: bytes) -> ledger.Balances:
    sums: Counter[tuple[str, str]] = Counter()
    for row in csv.DictReader(io.StringIO(text.decode(), newline=""), strict=True):
        sums[row["currency"], row["account"]] += int(row["amount_minor"])
    return nested(sums)


def seller_of(line: bytes) -> str | None:
    found = re.search(rb'"seller_id": "([^"]+)"', line)
    return None if found is None else found[1].decode()


def test_the_command_exports_an_order_a_seller_or_the_books_of_then(shop: Shop, tmp_path: Path) -> None:
    rows = [*csv.DictReader(io.StringIO(shop.export("--format", "csv").stdout.decode(), newline=""))]
    order_id = next(row["order_id"] for row in rows if row["refund_id"])
    seller_id = next(seller for seller in map(seller_of, recorded_log(80).splitlines()) if seller)
    then = rows[len(rows) // 2]["at"]
    for option, value, filters in (
        ("--order", order_id, {"order_id": order_id}),
        ("--seller", seller_id, {"seller_id": seller_id}),
        ("--as-of", then, {"as_of": datetime.fromisoformat(then)}),
    ):
        some = shop.balances(**filters)
        exported = shop.export("--format", "csv", option, value).stdout
        assert 1 < len(exported.splitlines()) < len(rows) + 1
        assert csv_sums(exported) == some
        path = tmp_path / "some.beancount"
        assert shop.export("--output", str(path), option, value).returncode == 0
        assert bean_check(path).returncode == 0
        assert value in path.read_text("utf-8").splitlines()[0]


@pytest.mark.postgres
def test_an_export_from_postgresql_is_the_one_from_sqlite(shop: Shop, tmp_path: Path) -> None:
    with fresh_schema() as url:
        elsewhere = Shop(tmp_path)
        elsewhere.env["ORDERTRAIL_STORE"] = url
        elsewhere.run(recorded_log(80))
        for kind in ("beancount", "csv"):
            assert elsewhere.export("--format", kind).stdout == shop.export("--format", kind).stdout


def test_an_export_is_the_same_bytes_again(shop: Shop) -> None:
    assert shop.export().stdout == shop.export().stdout


def test_a_file_is_there_in_full_or_not_at_all(shop: Shop) -> None:
    path = shop.directory / "books.beancount"
    path.write_text("as before")
    path.chmod(0o640)
    whole = shop.export().stdout
    assert len(whole) > 65_536
    small = f"ulimit -f 64; trap '' XFSZ; {SCRIPTS / 'ordertrail'} export ledger --output books.beancount"
    done = subprocess.run(["bash", "-c", small], **shop._call())
    assert (done.returncode, done.stderr) == (74, b"ordertrail: books.beancount: File too large\n")
    assert path.read_text() == "as before"
    assert shop.export("--output", "books.beancount").returncode == 0
    assert path.read_bytes() == whole
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in shop.directory.iterdir() if "export" in each.name] == []


def test_a_file_behind_a_link_is_replaced_and_the_link_stays(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "target.csv")
    assert shop.export("--format", "csv", "--output", str(tmp_path / "link.csv")).returncode == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "target.csv").read_bytes() == shop.export("--format", "csv").stdout


def test_what_is_no_file_is_written_to_not_replaced(shop: Shop, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        assert shop.export("--output", str(tmp_path / "pipe")).returncode == 0
        assert reader.communicate(timeout=60)[0] == shop.export().stdout
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("--format xls", "--format"),
        ("--output nowhere/l.csv", "nowhere/l.csv"),
        ("--output .", "'.'"),
        ("--as-of yesterday", "yesterday"),
        ("--as-of 2026-01-05T10:00:00", "offset"),
    ],
)
def test_a_wrong_argument_is_a_sentence(shop: Shop, arguments: str, word: str) -> None:
    done = shop.export(*arguments.split())
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert re.fullmatch(r"ordertrail: .+\n", said)
    assert word in said


def test_a_missing_store_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    done = Shop(tmp_path).export("--output", "l.csv")
    assert (done.returncode, done.stderr) == (3, b"ordertrail: there is no store at ordertrail.db\n")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_and_a_reader_that_went_away_end_as_everywhere(shop: Shop) -> None:
    with Path("/dev/full").open("wb") as full:
        done = shop.export(capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (74, b"ordertrail: standard output: No space left on device\n")
    call = f"set -o pipefail; {SCRIPTS / 'ordertrail'} export ledger | head -1"
    piped = subprocess.run(["bash", "-c", call], **shop._call())
    assert (piped.returncode, piped.stderr) == (141, b"")
