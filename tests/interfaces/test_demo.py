"""The demo: every story goes as scripted, the money adds up, the same seed tells the same week."""

import io
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from rich.console import Console

from ordertrail.application import Orders, Principal
from ordertrail.domain import default_policy_toml
from ordertrail.interfaces.demo import refuse_used_store, run_demo, simulate
from ordertrail.interfaces.demo.accounts import Account, accounts
from ordertrail.interfaces.demo.lives import LIVES
from ordertrail.interfaces.demo.market import MARKETPLACE, Case
from ordertrail.interfaces.demo.week import ENDS_AT, Plan, SimulatedClock, Week
from ordertrail.interfaces.exits import WRONG_INPUT, Failure
from ordertrail.interfaces.places import store_argument
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.runner import Runner
from postgres import fresh_schema

pytestmark = pytest.mark.slow

ENOUGH = 200  # orders, so that every kind of life is lived at least once


def quiet() -> Console:
    return Console(file=io.StringIO(), width=120)


def a_week(seed: int, orders: int = ENOUGH) -> Week:
    clock = SimulatedClock()
    week = Week(Orders.open("memory:", clock=clock), clock, Random(seed))
    simulate(week, orders, quiet())
    return week


@pytest.fixture(scope="module")
def week() -> Week:
    return a_week(seed=7)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_every_life_goes_as_its_script_says(seed: int):
    assert a_week(seed).tally.off_script == []


def test_every_kind_of_life_is_lived_and_there_are_as_many_orders_as_asked_for(week: Week):
    assert {case.life for case in week.cases.values()} == {life.name for life in LIVES}
    assert len(week.cases) == ENOUGH


def test_every_command_is_well_formed_and_every_outcome_occurs(week: Week):
    assert set(week.tally.outcomes) == {"accepted", "noted", "duplicate", "rejected"}


def test_what_is_not_allowed_is_tried_and_rejected_by_its_rule(week: Week):
    tried = "AUTH-1 CANCEL-2 CANCEL-6 CANCEL-7 CLAIM-1 CLAIM-3 COMBINED-1 ORDER-0 ORDER-1 ORDER-2 ORDER-5 PACK-1"
    tried += " REFUND-5 RETURN-1 SELLER-2 SELLER-3 TIME-2"
    assert set(week.tally.rejections) == set(tried.split())


def test_the_money_that_came_in_was_kept_paid_back_or_is_owed_to_the_cent(week: Week):
    by_currency = accounts([week.orders.show(order_id) for order_id in week.cases])
    assert set(by_currency) == {"EUR", "JPY", "USD"}
    assert all(account.adds_up for account in by_currency.values())
    assert all(account.refunded > 0 for account in by_currency.values())


def test_no_order_takes_part_in_more_than_its_own_money(week: Week):
    for order_id in week.cases:
        account = Account()
        account.add(week.orders.show(order_id))
        assert account.adds_up, order_id


def test_a_granted_claim_not_yet_paid_is_owed_and_no_longer_kept():
    account = Account()
    refund = {"amount": 1000, "deductions": [], "cause": "claim", "status": "due", "payouts": []}
    units = [{"state": "shipped", "value": 1000}]
    account.add({"total": 1000, "items": [{"units": units}], "refunds": [refund]})
    assert account == Account(came_in=1000, kept=0, refunded=0, owed=1000)


def test_deductions_are_kept_and_what_the_gateway_has_not_paid_is_owed():
    account = Account()
    payouts = [{"amount": 300, "status": "paid"}, {"amount": 500, "status": "submitted"}]
    deductions = [{"kind": "return-shipping", "amount": 200}]
    refund = {"amount": 800, "deductions": deductions, "cause": "returned", "status": "due", "payouts": payouts}
    units = [{"state": "returned", "value": 1000}, {"state": "delivered", "value": 50}]
    account.add({"total": 1050, "items": [{"units": units}], "refunds": [refund]})
    assert account == Account(came_in=1050, kept=250, refunded=300, owed=500)


def test_a_life_that_is_answered_otherwise_than_scripted_ends_and_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Case, "placing", lambda case: {"order_id": case.order_id})
    lived = a_week(seed=1, orders=3)
    assert [line.partition(":")[0].split()[1] for line in lived.tally.off_script] == ["place-order"] * 3
    assert "invalid" in lived.tally.off_script[0]


def content(store: Path) -> list[str]:
    """All of it, but which process wrote a read model last."""
    with closing(sqlite3.connect(store)) as database:
        checkpoints = database.execute("SELECT name, role, position, last_event FROM projections ORDER BY name, role")
        rest = [line for line in database.iterdump() if not line.startswith('INSERT INTO "projections"')]
        return sorted([*map(repr, checkpoints), *rest])  # indexes are made in any sequence


def test_the_same_seed_makes_the_same_store_and_another_seed_another(tmp_path: Path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run_demo(str(tmp_path / name), orders=60, seed=seed, console=quiet())
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a") != content(tmp_path / "c")


@pytest.mark.parametrize("address", ["{}", "sqlite:///{}"])
def test_a_store_that_holds_something_is_refused_and_left_alone(tmp_path: Path, address: str):
    used = tmp_path / "used.db"
    used.write_bytes(b"somebody's")
    with pytest.raises(Failure, match="fresh store") as refusal:
        run_demo(address.format(used), orders=5, console=quiet())
    assert refusal.value.status == WRONG_INPUT
    assert used.read_bytes() == b"somebody's"


FOREIGN = {
    "command": "place-order",
    "command_id": "foreign",
    "order_id": "somebody's",
    "buyer_id": "B1",
    "fulfilled_by": "marketplace",
    "currency": "USD",
    "items": [{"item_id": "A", "sku": "MUG", "quantity": 1, "unit_price": 500}],
    "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 500}],
}


def test_a_store_that_holds_another_order_is_refused_also_where_it_is_no_file():
    with Orders.open("memory:") as orders:
        refuse_used_store(orders)
        orders.handle(FOREIGN, by=MARKETPLACE)
        with pytest.raises(Failure, match="fresh store") as refusal:
            refuse_used_store(orders)
    assert refusal.value.status == WRONG_INPUT
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.postgres
def test_a_used_server_is_refused_without_telling_its_password():
    with fresh_schema() as url:
        address = f"{url}&password=s3cret"
        with Orders.open(address) as orders:
            orders.handle(FOREIGN, by=MARKETPLACE)
        with pytest.raises(Failure, match="is in use already") as refusal:
            run_demo(address, orders=5, console=quiet())
    assert "s3cret" not in str(refusal.value)


def test_orders_that_somebody_else_places_meanwhile_are_left_alone():
    clock = SimulatedClock()
    week = Week(Orders.open("memory:", clock=clock), clock, Random(7))

    def somebody_else() -> Plan:
        seller = {"seller_id": "M1", "fulfilled_by": "seller"}
        week.orders.handle(FOREIGN | seller, by=MARKETPLACE)
        asked = {"command": "request-cancellation", "command_id": "ask", "order_id": "somebody's", "items": "all"}
        yield week.hours(1, 2)
        assert week.orders.handle(asked, by=Principal("buyer", "B1")).status == "accepted"

    week.schedule(somebody_else(), week.clock.now)
    simulate(week, 5, quiet())
    assert week.tally.off_script == []
    assert week.orders.show("somebody's")["requests"][0]["status"] == "lapsed"


@pytest.mark.parametrize(
    ("address", "argument"),
    [
        ("ordertrail.db", ""),
        ("a week.db", " --store 'a week.db'"),
        ("postgresql://shop.example/demo", " --store postgresql://shop.example/demo"),
        ("postgresql://ann@shop.example/demo", " --store postgresql://ann@shop.example/demo"),
        ("postgresql://ann:s3cret@shop.example/demo", ' --store "$ORDERTRAIL_STORE"'),
        ("postgresql://ann:s3#ret@shop.example/demo", ' --store "$ORDERTRAIL_STORE"'),
        ("postgresql://shop.example/demo?user=ann&password=s3cret", ' --store "$ORDERTRAIL_STORE"'),
        ("postgres://shop.example/demo?schema=x&%70assword=s3cret", ' --store "$ORDERTRAIL_STORE"'),
        ("postgresql://ann:s3?ret@shop.example/demo", ' --store "$ORDERTRAIL_STORE"'),
    ],
)
def test_what_to_look_at_next_names_the_store_without_its_password(
    address: str, argument: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("ORDERTRAIL_STORE", raising=False)
    assert store_argument(address) == argument
    monkeypatch.setenv("ORDERTRAIL_STORE", address)
    assert store_argument(address) == ""
    monkeypatch.setenv("ORDERTRAIL_STORE", "another.db")
    assert store_argument(address) == (argument or " --store ordertrail.db")


def test_the_demo_of_one_order_is_one_order_and_lives_under_the_policy_that_is_given(tmp_path: Path):
    policy = tmp_path / "policy.toml"
    policy.write_text(default_policy_toml().replace('version = "1"', 'version = "mine"'))
    console = quiet()
    run_demo(str(tmp_path / "demo.db"), orders=1, policy=str(policy), console=console)
    assert "1 order of the week" in printed(console)
    with Orders.open(tmp_path / "demo.db", create=False) as orders:
        assert orders.show("D-1001")["policy_version"] == "mine"


def test_an_empty_file_is_fresh(tmp_path: Path):
    (tmp_path / "empty.db").touch()
    run_demo(str(tmp_path / "empty.db"), orders=5, console=quiet())


def test_in_memory_there_is_nothing_to_look_at_next():
    console = quiet()
    run_demo("memory:", orders=5, console=console)
    assert "5 orders" in printed(console)
    assert "look at next" not in printed(console)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_summary_is_plain_where_there_is_no_terminal_and_its_commands_work(tmp_path: Path):
    console = quiet()
    run_demo(str(tmp_path / "a week.db"), orders=ENOUGH, console=console)
    assert "\x1b" not in printed(console)
    assert printed(console).count("to the cent") == 3
    assert "did not go as scripted" not in printed(console)
    commands = [line.split(maxsplit=1)[1] for line in printed(console).splitlines() if line.startswith("  ordertrail ")]
    told = ["timeline", "show", "ledger", "options", "balances", "refunds", "exceptions"]
    assert [command.split()[0] for command in commands] == told
    for command in commands:
        call = [sys.executable, "-c", "from ordertrail.interfaces.cli import main; main()", *shlex.split(command)]
        done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout != "nothing found\n"


def test_the_summary_shows_the_parcels_and_the_ledger_which_sums_to_zero():
    console = quiet()
    run_demo("memory:", orders=ENOUGH, console=console)
    said = printed(console)
    assert "Shipments" in said
    assert "parcels" in said
    lines = [line.split() for line in said.splitlines()]
    assert lines[lines.index(["Ledger"]) + 1] == ["account", "EUR", "JPY", "USD"]
    assert [line for line in lines if line[:1] == ["sum"]] == [["sum", "0.00", "0", "0.00"]]
    assert "Liabilities:Orders:Sellers:… (" in said


@pytest.mark.parametrize("elsewhere", [False, True])
def test_the_demo_leaves_its_read_models_up_to_date_where_they_shall_live(tmp_path: Path, elsewhere: bool):
    console, store, models = quiet(), str(tmp_path / "demo.db"), str(tmp_path / "models.db")
    run_demo(store, orders=5, read_models=models if elsewhere else None, console=console)
    with Orders.open(store, create=False) as orders, Database.open(models if elsewhere else store) as database:
        statuses = Runner(orders, database, builtin_projections()).status()
        assert {(status.state, status.position) for status in statuses} == {("following", orders.last_position())}
    assert Path(models).exists() == elsewhere
    assert (f"--read-models {models}" in printed(console)) == elsewhere


def test_a_terminal_sees_the_progress_go_by():
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    run_demo("memory:", orders=30, console=console)
    assert "30/30" in printed(console)


def test_the_simulation_ends_when_everything_that_can_follow_has_had_its_time(week: Week):
    assert week.clock.now >= ENDS_AT
