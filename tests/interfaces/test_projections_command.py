"""`ordertrail projections` and `rebuild` as real processes: how read models stand, kept up to date, made anew."""

import json
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from query_shell import Shell, act, order

pytestmark = pytest.mark.slow

NAMES = ["ledger", "refunds", "shipments", "orders", "inbox", "exceptions"]
MUG = {"A": {"unit_price": 100}}
FIELDS = ["name", "state", "position", "lag", "failed_position", "failed_event", "why"]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def rows(shell: Shell, query: str) -> list[tuple[object, ...]]:
    """Rows of the store's database, read behind ordertrail's back."""
    with closing(sqlite3.connect(shell.directory / "ordertrail.db")) as database:
        return database.execute(query).fetchall()


def change(shell: Shell, statement: str) -> None:
    """Change the read models behind ordertrail's back."""
    with closing(sqlite3.connect(shell.directory / "ordertrail.db")) as database, database:
        database.execute(statement)


# --- how they stand ---------------------------------------------------------------------------------------------------


def test_projections_are_told_as_they_are_without_catching_up(shell: Shell) -> None:
    shell.run(order("O1", MUG))
    for _ in range(2):
        statuses = shell.json("projections")
        assert [list(status) for status in statuses] == [FIELDS] * 6
        assert [(s["name"], s["state"], s["position"], s["lag"]) for s in statuses] == [
            (name, "not-built", 0, 1) for name in NAMES
        ]
    shell.json("orders")
    shell.run(order("O2", MUG))
    told = {status["name"]: status for status in shell.json("projections")}
    assert (told["orders"]["state"], told["orders"]["position"], told["orders"]["lag"]) == ("following", 1, 1)
    assert (told["ledger"]["state"], told["ledger"]["lag"]) == ("not-built", 2)


def test_a_failure_is_told_with_its_event_and_its_reason(shell: Shell) -> None:
    shell.run(order("O1", MUG))
    shell.json("balances")
    change(shell, "DELETE FROM ledger_orders")
    shell.run(act("cancel-items", "10:01:00", order_id="O1", items="all"))
    shell.fails("balances", 3, "ledger")
    ledger = shell.json("projections")[0]
    assert (ledger["state"], ledger["position"], ledger["lag"]) == ("failed", 2, 1)
    assert (ledger["failed_position"], ledger["failed_event"]) == (3, "refund-owed of order:O1")
    assert "placed before" in ledger["why"]
    said = " ".join(shell.text("projections").split())
    assert "ledger failed 2 1 3, refund-owed of order:O1: AssertionError" in said


def test_what_another_version_made_is_told(shell: Shell) -> None:
    shell.run(order("O1", MUG))
    shell.json("orders")
    change(shell, "UPDATE projections SET version = version + 1")
    assert {status["name"]: status["state"] for status in shell.json("projections")}["orders"] == "needs-rebuild"


def test_without_a_store_there_is_nothing_to_tell(shell: Shell) -> None:
    for call in ("projections", "projections --follow", "rebuild"):
        shell.fails(f"{call} --store none.db", 3, "there is no store at none.db")
    assert list(shell.directory.iterdir()) == []
    shell.fails("projections --follow --json", 2, "--follow", "--json")


# --- kept up to date --------------------------------------------------------------------------------------------------


def until(true: object, seconds: float = 60) -> None:
    """Wait until a function says yes."""
    ends = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.05)


def caught_up(shell: Shell, position: int) -> bool:
    return all((s["position"], s["lag"]) == (position, 0) for s in shell.json("projections"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_follower_keeps_all_of_them_up_to_date_until_it_is_asked_to_end(shell: Shell, number: signal.Signals) -> None:
    shell.run(order("O1", MUG))
    follower = shell.start("projections", "--follow", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert follower.stderr is not None
    assert follower.stderr.readline().startswith(b"following the events")
    until(lambda: caught_up(shell, 1))
    shell.run(order("O2", MUG), order("O3", MUG))
    until(lambda: caught_up(shell, 3))
    follower.send_signal(number)
    assert follower.wait(60) == 0
    assert follower.stderr.read() == b"ended at position 3, all caught up\n"


def test_a_follower_ends_within_seconds_also_where_its_database_is_locked(shell: Shell) -> None:
    shell.run(order("O1", MUG))
    elsewhere = shell.directory / "read-models.db"
    follower = shell.start("projections", "--follow", "--read-models", str(elsewhere), stderr=subprocess.PIPE)
    assert follower.stderr is not None
    assert follower.stderr.readline().startswith(b"following the events")
    with closing(sqlite3.connect(elsewhere, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        shell.run(order("O2", MUG))
        time.sleep(1)  # it waits for the lock, which it would do for a minute
        follower.terminate()
        assert follower.wait(30) == 3
    said = follower.stderr.read().decode()
    assert said == "ordertrail: ended while a database did not answer; the batch under way is left undone\n"
    assert len(shell.json(f"orders --read-models {elsewhere}")) == 2


def test_a_follower_says_which_projection_stopped_and_keeps_the_others_going(shell: Shell) -> None:
    shell.run(order("O1", MUG))
    assert shell("rebuild").returncode == 0
    change(shell, "DELETE FROM ledger_orders")
    follower = shell.start("projections", "--follow", stderr=subprocess.PIPE)
    assert follower.stderr is not None
    follower.stderr.readline()
    shell.run(act("cancel-items", "10:01:00", order_id="O1", items="all"))
    said = follower.stderr.readline().decode()
    assert said.startswith("ordertrail: ledger failed at position 3: AssertionError")
    until(lambda: sum(status["lag"] for status in shell.json("projections")[1:]) == 0)
    follower.terminate()
    assert follower.wait(60) == 0
    assert "behind: ledger (failed) at 2" in follower.stderr.read().decode()


# --- made anew --------------------------------------------------------------------------------------------------------


def test_rebuild_makes_all_of_them_anew_or_those_named_and_says_so(shell: Shell) -> None:
    shell.run(order("O1", MUG), order("O2", MUG))
    balances = shell.json("balances")
    change(shell, "UPDATE ledger_postings SET amount = amount * 2")
    assert shell.json("balances") != balances
    said = shell.text("rebuild orders ledger orders")
    assert re.fullmatch(r"rebuilt up to position 2 in [\d.]+ s: ledger, orders\n", said)
    assert shell.json("balances") == balances
    assert shell.text("rebuild").partition(": ")[2] == f"{', '.join(NAMES)}\n"
    assert caught_up(shell, 2)


def test_an_unknown_name_is_told_with_those_that_there_are_and_nothing_is_rebuilt(shell: Shell) -> None:
    shell.run(order("O1", MUG))
    shell.fails("rebuild orders leger", 2, "leger", *NAMES)
    assert {status["state"] for status in shell.json("projections")} == {"not-built"}


def test_a_rebuild_that_is_interrupted_says_that_it_goes_on_and_does(shell: Shell) -> None:
    shell.run(*(order(f"O{number}", MUG) for number in range(4000)))
    assert shell("balances").returncode == 0
    rebuild = shell.start("rebuild", stderr=subprocess.PIPE)
    until(lambda: rows(shell, "SELECT 1 FROM projections WHERE role = 'next'"))
    rebuild.send_signal(signal.SIGINT)
    assert rebuild.stderr is not None
    said = rebuild.stderr.read().decode()
    assert rebuild.wait(60) == 130
    assert said.splitlines() == [
        "ordertrail: interrupted: what is built so far stays, and ordertrail rebuild goes on from there"
    ]
    assert shell("rebuild").returncode == 0
    assert rows(shell, "SELECT 1 FROM projections WHERE role = 'next'") == []
    assert len(json.loads(shell("orders", "--json").stdout)) == 4000


def test_rebuild_in_memory_is_harmless(shell: Shell) -> None:
    assert shell("rebuild", "ledger", "--store", "memory:").returncode == 0
    assert list(shell.directory.iterdir()) == []
