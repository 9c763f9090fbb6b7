"""`audit what-if`: the journal under another policy: which decisions, how many refunds, how much money."""

import hashlib
import json
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from embedded_life import lived
from lives import command_logs
from ordertrail.application import Orders
from ordertrail.application.audit.refunds import Amounts, ByRule
from ordertrail.application.audit.verdicts import Made, Otherwise, Verdict
from ordertrail.application.audit.what_if import Counts, Times, WhatIf, what_if
from ordertrail.domain import default_policy_toml
from postgres import fresh_schema
from processes import failed_in_one_sentence, ordertrail, rows
from recorded_log import recorded_log
from shop import BUYER, Clock, cancelling, give, line, packing, placing, scan


def changed(before: str = "", after: str = "") -> str:
    """The packaged policy with one change, under a version of its own."""
    toml = default_policy_toml()
    assert toml.count(before or "version") >= 1
    return toml.replace('version = "1"', 'version = "other"').replace(before, after) if before else toml


def starting(order_id: str, reason: str = "changed-mind") -> dict[str, Any]:
    back = {"command": "start-return", "command_id": f"back-{order_id}", "order_id": order_id}
    return back | {"items": {"B": 1}, "reason": reason}


def receiving(order_id: str) -> dict[str, Any]:
    received = [{"item_id": "B", "quantity": 1, "condition": "opened"}]
    about = {"command": "receive-return", "command_id": f"got-{order_id}", "return_id": f"{order_id}:return:1"}
    return about | {"received": received}


def paying(order_id: str, amount: int | None = None) -> list[dict[str, Any]]:
    about = {"refund_id": f"{order_id}:refund:1", "payment_id": "P1"}
    report = about | {"command": "report-payout", "command_id": f"paid-{order_id}", "outcome": "paid"}
    submit = about | {"command": "submit-payout", "command_id": f"pay-{order_id}"}
    return [submit, report | {"reference": f"R-{order_id}"} | ({"amount": amount} if amount else {})]


def three_returns(url: str) -> None:
    """O1 sends B (30.00 USD) back after 5 days, O2 after 20 days, O3 damaged after 20 days; all opened, all paid."""
    log = []
    for order_id, day, reason in [("O1", 6, "changed-mind"), ("O2", 21, "changed-mind"), ("O3", 21, "damaged")]:
        parcel = f"S-{order_id}"
        log += [
            line(placing(order_id), "10:00"),
            line(packing(f"pack-{order_id}", parcel, order_id), "11:00"),
            line(scan("deliver", f"come-{order_id}", shipment_id=parcel), "+1d 10:00"),
            line(starting(order_id, reason), f"+{day}d 10:00"),
            line(receiving(order_id), f"+{day + 2}d 10:00"),
            *(line(command, f"+{day + 3}d 10:00") for command in paying(order_id)),
        ]
    with Orders.open(url) as orders:
        assert {result.status for result in orders.run(log)} == {"accepted"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    address = str(tmp_path / "shop.db")
    three_returns(address)
    return address


ACCEPTED_RETURN = Verdict("accepted", "RETURN-1")
USD = {"USD": Amounts(1000 + 1000 + 3000, 1000 + 1000 + 3000)}
"""30.00 less the restocking of 15.00 and 5.00 for shipping; damaged, all of it."""


# --- one change each --------------------------------------------------------------------------------------------------


def test_under_the_same_policy_nothing_is_otherwise(url: str) -> None:
    kept = {"USD": {"restocking": Amounts(3000, 3000), "return-shipping": Amounts(1000, 1000)}}
    assert what_if(url, changed()) == WhatIf("1", commands=21, owed=USD, kept=kept)


def test_a_shorter_return_window_rejects_returns_and_all_that_follows_from_them(url: str) -> None:
    result = what_if(url, changed("window_days = 30 ", "window_days = 14 "))
    no = Verdict("rejected", "ORDER-2")
    assert result.otherwise == {
        Otherwise("start-return", "answer", ACCEPTED_RETURN, Verdict("rejected", "RETURN-1")): Times("O2", directly=2),
        Otherwise("receive-return", "answer", Verdict("accepted", "RETURN-5"), no): Times("O2", as_consequence=2),
        Otherwise("submit-payout", "answer", Verdict("accepted", "REFUND-4"), no): Times("O2", as_consequence=2),
        Otherwise("report-payout", "answer", Verdict("accepted", "REFUND-4"), no): Times("O2", as_consequence=2),
    }
    assert (result.directly, result.as_consequence, result.orders_touched) == (2, 6, 2)
    assert result.refunds == {"RETURN-2": ByRule(gone=2, moved=Counter(USD=-4000))}
    assert result.owed == {"USD": Amounts(5000, 1000)}
    assert result.kept == {"USD": {"restocking": Amounts(3000, 1500), "return-shipping": Amounts(1000, 500)}}
    assert result.at_other_times == 1, "O1's return would lapse sooner"


def test_another_restocking_share_changes_amounts_and_what_is_paid(url: str) -> None:
    result = what_if(url, changed("restocking_percent = 50", "restocking_percent = 25"))
    owed = Verdict("accepted", "RETURN-5", (Made("refund-owed", "RETURN-2"),))
    paid = Verdict("accepted", "REFUND-4", (Made("payout-paid", "REFUND-4"),))
    assert result.otherwise == {
        Otherwise("receive-return", "amounts", owed, owed): Times("O1", directly=2),
        Otherwise("report-payout", "amounts", paid, paid): Times("O1", as_consequence=2),
    }
    assert result.refunds == {"RETURN-2": ByRule(changed=2, moved=Counter(USD=1500))}
    assert result.owed == {"USD": Amounts(5000, 6500)}
    assert result.kept == {"USD": {"restocking": Amounts(3000, 1500), "return-shipping": Amounts(1000, 1000)}}
    assert (result.orders_touched, result.promises_moved, result.at_other_times) == (2, 0, 0)


def test_another_promise_moves_promised_times_and_nothing_else(url: str) -> None:
    result = what_if(url, changed("credit-card = { business_days = 5", "credit-card = { business_days = 3"))
    assert (result.promises_moved, result.at_other_times) == (3, 3)
    assert (result.otherwise, result.orders_touched, result.refunds, result.owed) == ({}, 0, {}, USD)


def test_a_payment_of_an_amount_that_nobody_owes_there_is_a_consequence(tmp_path: Path) -> None:
    url = str(tmp_path / "shop.db")
    with Orders.open(url, clock=(clock := Clock())) as orders:
        give(orders, placing("O1"))
        give(orders, packing("pack-O1"))
        give(orders, scan("deliver", "come-O1"))
        give(orders, starting("O1"), by=BUYER)
        give(orders, receiving("O1"))
        for command in paying("O1", amount=1000):
            clock.set("+1d 10:00")
            give(orders, command)
    result = what_if(url, changed("restocking_percent = 50", "restocking_percent = 0"))
    unexpected = Verdict("accepted", "REFUND-4", (Made("payment-unexpected", "REFUND-5"),))
    how = Otherwise("report-payout", "events", Verdict("accepted", "REFUND-4"), unexpected)
    assert result.otherwise[how] == Times("O1", as_consequence=1)


def test_what_time_does_otherwise_is_told_apart_from_decisions(tmp_path: Path) -> None:
    """The seller's window closes sooner: one cancellation comes too late, and two commands record the closing."""
    url = str(tmp_path / "shop.db")
    log = [line(placing(order_id, seller="M1"), "10:00") for order_id in ("O1", "O2", "O3")]
    log += [line(cancelling("c-1", "O1"), "10:20"), line(packing("p-2", "S2", "O2"), "10:20")]
    with Orders.open(url) as orders:
        assert {result.status for result in orders.run(log)} == {"accepted"}
    result = what_if(url, changed("seller_window_minutes = 30", "seller_window_minutes = 10"))
    how = Otherwise("cancel-items", "answer", Verdict("accepted", "SELLER-1"), Verdict("rejected", "SELLER-2"))
    assert result.otherwise == {how: Times("O1", directly=1)}
    assert result.by_time == {Made("seller-window-closed", "SELLER-1"): Counts(0, 2)}
    assert result.refunds == {"SELLER-1": ByRule(gone=1, moved=Counter(USD=-5000))}


def test_a_refund_that_only_time_makes_touches_its_order(tmp_path: Path) -> None:
    url = str(tmp_path / "shop.db")
    sent = packing("p-1") | {"command": "dispatch-shipment"}
    tick = {"command": "pass-time", "command_id": "tick"}
    with Orders.open(url) as orders:
        list(orders.run([line(placing("O1"), "10:00"), line(sent, "11:00"), line(tick, "+20d 10:00")]))
    result = what_if(url, changed("lost_after_dispatch_days = 45", "lost_after_dispatch_days = 10"))
    assert (result.otherwise, result.orders_touched) == ({}, 1)
    assert result.by_time[Made("refund-owed", "LOST-1")] == Counts(0, 1)
    assert result.refunds == {"LOST-1": ByRule(new=1, moved=Counter(USD=5000))}
    assert result.owed == {"USD": Amounts(0, 5000)}


# --- promises ---------------------------------------------------------------------------------------------------------


def promises_moved_without_a_cancellation(url: str, log: list[bytes], business_days: int) -> int:
    """How many, where the cancellation of A at 10:10 comes too late, so that B's refund bears the id of A's."""
    with Orders.open(url) as orders:
        assert {result.status for result in orders.run(log)} == {"accepted"}
        assert [refund["amount"] for refund in orders.show("O1")["refunds"]] == [2000, 3000]
    policy = changed("seller_window_minutes = 30", "seller_window_minutes = 5")
    promise = "credit-card = { business_days = "
    result = what_if(url, policy.replace(f"{promise}5", f"{promise}{business_days}"))
    assert result.refunds == {"PARTIAL-1": ByRule(gone=1, moved=Counter(USD=-2000))}
    return result.promises_moved


def b_comes_back(day: int) -> list[bytes]:
    """A is cancelled, and its refund falls due when B is dispatched; B cannot be delivered, and is back on that day."""
    return [
        line(placing("O1", seller="M1"), "10:00"),
        line(cancelling("c-1", items={"A": 1}), "10:10"),
        line(packing("p-1", items={"B": 1}), "11:00"),
        line(scan("dispatch-shipment", "d-1"), "11:30"),
        line(scan("turn-back", "t-1"), "+1d 11:30"),
        line(scan("receive-return", "r-1"), f"+{day}d 11:30"),
    ]


def test_a_promise_is_not_moved_where_its_refund_only_bears_the_id_of_one_for_other_units(tmp_path: Path) -> None:
    assert promises_moved_without_a_cancellation(str(tmp_path / "shop.db"), b_comes_back(5), business_days=5) == 0


def test_a_promise_is_moved_where_its_refund_is_for_the_same_units_under_another_id(tmp_path: Path) -> None:
    """B's is moved to the day for which A's was promised."""
    assert promises_moved_without_a_cancellation(str(tmp_path / "shop.db"), b_comes_back(2), business_days=3) == 1


@pytest.mark.parametrize(("business_days", "moved"), [(5, 0), (3, 1)])
def test_what_a_release_promises_is_compared_for_the_units_of_its_refund(
    business_days: int, moved: int, tmp_path: Path
) -> None:
    """B's refund is released under another id: with A's, or alone."""
    answer = {"command": "answer-cancellation", "command_id": "y-1", "request_id": "O1:request:1", "approve": True}
    log = [
        line(placing("O1", seller="M1", items={"A": 2000, "B": 3000, "C": 1000}), "10:00"),
        line(cancelling("c-1", items={"A": 1}), "10:10"),
        line(cancelling("c-2", items={"B": 1}) | {"command": "request-cancellation"}, "11:00"),
        line(answer, "11:10"),
        line(packing("p-1"), "12:00"),
        line(scan("dispatch-shipment", "d-1"), "12:30"),
    ]
    assert promises_moved_without_a_cancellation(str(tmp_path / "shop.db"), log, business_days) == moved


# --- one by one -------------------------------------------------------------------------------------------------------


def test_each_command_decided_otherwise_is_named_with_its_entry_and_order_in_the_journals_order(url: str) -> None:
    result = what_if(url, changed("window_days = 30 ", "window_days = 14 "))
    assert [(which.entry, which.command_id, which.order_ids, which.directly) for which in result.which] == [
        (11, "back-O2", ["O2"], True),
        (12, "got-O2", ["O2"], False),
        (13, "pay-O2", ["O2"], False),
        (14, "paid-O2", ["O2"], False),
        (18, "back-O3", ["O3"], True),
        (19, "got-O3", ["O3"], False),
        (20, "pay-O3", ["O3"], False),
        (21, "paid-O3", ["O3"], False),
    ]
    assert Counter(which.how for which in result.which) == {
        how: times.directly + times.as_consequence for how, times in result.otherwise.items()
    }
    journal = rows(f"sqlite:///{url}")["journal"]
    assert all(journal[which.entry - 1][1] == which.command_id for which in result.which)


@pytest.mark.parametrize(("listed", "named"), [(0, 0), (3, 3), (8, 8), (9, 8)])
def test_no_more_commands_are_named_than_asked_for_and_all_are_counted(listed: int, named: int, url: str) -> None:
    whole = what_if(url, changed("window_days = 30 ", "window_days = 14 "))
    result = what_if(url, changed("window_days = 30 ", "window_days = 14 "), listed=listed)
    assert result.which == whole.which[:named]
    assert (result.directly, result.as_consequence) == (2, 6)


# --- whole logs -------------------------------------------------------------------------------------------------------


def is_the_same(result: WhatIf) -> bool:
    assert all(amounts.difference == 0 for amounts in result.owed.values())
    quiet = WhatIf(result.policy, result.commands, owed=result.owed, kept=result.kept)
    assert result == quiet
    return True


@pytest.mark.slow
def test_a_recorded_week_under_its_own_policy_is_the_same_on_both_databases(tmp_path: Path) -> None:
    log = recorded_log(60).splitlines()
    with fresh_schema() as postgres:
        for url in (str(tmp_path / "shop.db"), postgres):
            with Orders.open(url) as orders:
                list(orders.run(log))
            assert is_the_same(result := what_if(url, changed()))
            assert result.commands == len(rows(url if url is postgres else f"sqlite:///{url}")["journal"])
            assert result.owed["USD"].before > 0


def test_what_an_embedded_engine_decided_by_its_clock_is_the_same_under_its_own_policy(tmp_path: Path) -> None:
    lived(str(tmp_path / "shop.db"))
    assert is_the_same(what_if(str(tmp_path / "shop.db"), changed()))


@pytest.mark.slow
@settings(max_examples=20)
@given(log=command_logs().map(lambda drawn: drawn[0]))
def test_made_up_lives_under_their_own_policy_are_the_same(log: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Orders.open(f"{folder}/shop.db") as orders:
            list(orders.run(json.dumps(raw).encode() for raw in log))
        assert is_the_same(what_if(f"{folder}/shop.db", changed()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("window_days = 30 ", "window_days = 1 "),
        ("restocking_percent = 50", "restocking_percent = 33"),
        ("seller_window_minutes = 30", "seller_window_minutes = 5"),
        ("shipping_minor = { USD = 500 }", "shipping_minor = { EUR = 250, JPY = 40 }"),
        ("lost_after_dispatch_days = 45", "lost_after_dispatch_days = 2"),
    ],
)
def test_whatever_changes_the_refunds_by_rule_add_up_to_the_difference_in_money(
    week: str, before: str, after: str
) -> None:
    result = what_if(week, changed(before, after))
    moved: Counter[str] = Counter()
    for changes in result.refunds.values():
        moved.update(changes.moved)
    differences = {currency: amounts.difference for currency, amounts in result.owed.items() if amounts.difference}
    assert differences == {currency: amount for currency, amount in moved.items() if amount}
    assert differences, "it changed nothing"
    # The recorded world is the same one whatever it is compared with.
    recorded = what_if(week, changed()).owed
    assert {c: a.before for c, a in result.owed.items() if a.before} == {c: a.before for c, a in recorded.items()}
    under_that_policy(week, changed(before, after), result)


def under_that_policy(week: str, toml: str, result: WhatIf) -> None:
    """Assert that a shop which had that policy from the beginning owes what the comparison says."""
    with tempfile.TemporaryDirectory() as folder:
        policy = Path(folder) / "policy.toml"
        policy.write_text(toml)
        journal = [row[2] for row in rows(f"sqlite:///{week}")["journal"]]
        owed: Counter[str] = Counter()
        with Orders.open("memory:", policy=policy) as orders:
            list(orders.run(journal))
            placed = {event.order_id for _, event in orders.notifications(0, 10**6) if event.type == "order-placed"}
            for order_id in placed:
                shown = orders.show(order_id)
                owed[shown["currency"]] += sum(refund["amount"] for refund in shown["refunds"])
    assert {currency: amounts.after for currency, amounts in result.owed.items()} == owed


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> str:
    url = str(tmp_path_factory.mktemp("week") / "shop.db")
    with Orders.open(url) as orders:
        list(orders.run(recorded_log(200).splitlines()))
    return url


# --- the store, and the command ---------------------------------------------------------------------------------------


def digest(url: str) -> str:
    return hashlib.sha256(Path(url).read_bytes()).hexdigest()


def test_the_store_is_not_changed_by_a_byte_nor_is_anything_left_beside_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = digest(url)
    what_if(url, changed("window_days = 30 ", "window_days = 14 "))
    assert digest(url) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shop.db", "temporary"]
    assert list(temporary.iterdir()) == []


def test_the_other_policy_may_bear_the_version_of_a_stored_one(url: str) -> None:
    toml = default_policy_toml().replace("restocking_percent = 50", "restocking_percent = 0")
    assert what_if(url, toml).owed == {"USD": Amounts(5000, 8000)}


def test_progress_is_told(url: str) -> None:
    told: list[tuple[int, int]] = []
    what_if(url, changed(), advance=lambda done, total: told.append((done, total)))
    assert told[-1] == (21, 21)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.toml"
    file.write_text(changed("window_days = 30 ", "window_days = 14 "))
    return file


def test_the_command_prints_tables_with_amounts(url: str, policy: Path) -> None:
    done = ordertrail("audit", "what-if", "--policy", policy, "--store", url)
    shown = [" ".join(row.split()) for row in done.stdout.decode().splitlines()]
    assert (done.returncode, done.stderr) == (0, b"")
    assert "decided otherwise 2, and as a consequence 6 more" in shown
    assert "refunds 0 new, 2 gone, 0 changed" in shown
    assert "start-return accepted by RETURN-1 rejected by RETURN-1 2 O2" in shown
    assert "RETURN-2 2 -40.00 USD" in shown
    assert "refunds 50.00 USD 10.00 USD -40.00 USD" in shown
    assert "kept for restocking 30.00 USD 15.00 USD -15.00 USD" in shown


def test_the_command_prints_json_in_minor_units(url: str, policy: Path) -> None:
    done = ordertrail("audit", "what-if", "--policy", policy, "--json", "--store", url)
    said = json.loads(done.stdout)
    assert (said["policy"], said["commands"], said["directly"], said["as_consequence"]) == ("other", 21, 2, 6)
    assert said["otherwise"][0] == {
        "command": "start-return",
        "differs": "answer",
        "before": {"status": "accepted", "rule": "RETURN-1", "events": []},
        "after": {"status": "rejected", "rule": "RETURN-1", "events": []},
        "first": "O2",
        "directly": 2,
        "as_consequence": 0,
    }
    assert said["owed"] == {"USD": {"before": 5000, "after": 1000, "difference": -4000}}
    assert said["refunds"] == [{"rule": "RETURN-2", "new": 0, "gone": 2, "changed": 0, "moved": {"USD": -4000}}]
    assert said["kept"]["USD"]["return-shipping"] == {"before": 1000, "after": 500, "difference": -500}


def test_the_command_names_the_commands_in_a_table_and_in_json(url: str, policy: Path) -> None:
    call = ("audit", "what-if", "--policy", policy, "--store", url)
    shown = [" ".join(row.split()) for row in ordertrail(*call).stdout.decode().splitlines()]
    assert "One by one" in shown
    assert "11 start-return back-O2 O2 accepted by RETURN-1 rejected by RETURN-1" in shown
    assert "12 receive-return got-O2 O2 accepted by RETURN-5 rejected by ORDER-2 a consequence" in shown
    shown = [" ".join(row.split()) for row in ordertrail(*call, "--limit", "2").stdout.decode().splitlines()]
    assert "The first 2 of 8" in shown
    assert not any("pay-O2" in row for row in shown)
    which = json.loads(ordertrail(*call, "--json").stdout)["which"]
    assert len(which) == 8
    assert which[0] == {
        "entry": 11,
        "command_id": "back-O2",
        "order_ids": ["O2"],
        "directly": True,
        "command": "start-return",
        "differs": "answer",
        "before": {"status": "accepted", "rule": "RETURN-1", "events": []},
        "after": {"status": "rejected", "rule": "RETURN-1", "events": []},
    }
    assert len(json.loads(ordertrail(*call, "--json", "--limit", "3").stdout)["which"]) == 3


def test_a_policy_that_is_none_is_one_sentence(url: str, tmp_path: Path) -> None:
    (file := tmp_path / "bad.toml").write_text("version = 1")
    done = ordertrail("audit", "what-if", "--policy", file, "--store", url)
    failed_in_one_sentence(done.returncode, done.stderr, "bad.toml", "version", expected=2)
    done = ordertrail("audit", "what-if", "--store", url)
    failed_in_one_sentence(done.returncode, done.stderr, "--policy", expected=2)


def test_a_store_that_is_damaged_is_one_sentence(url: str, policy: Path) -> None:
    with sqlite3.connect(url) as connection:
        connection.execute("DELETE FROM stored_events WHERE originator_id = 'order:O2' AND originator_version = 3")
    done = ordertrail("audit", "what-if", "--policy", policy, "--store", url)
    failed_in_one_sentence(done.returncode, done.stderr, "order:O2 has no version 3", expected=3)
