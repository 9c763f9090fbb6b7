"""`audit explain` on stores that somebody changed: it never fails, and says what cannot be read."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from letters import Log
from ordertrail.application import Orders
from ordertrail.application.audit.explain import Explanation, Unreadable, in_words
from ordertrail.application.audit.explain.find import explain_in
from ordertrail.application.errors import StoreError, UnknownOrder
from ordertrail.application.store import Store
from processes import ordertrail
from recorded_log import recorded_log

pytestmark = pytest.mark.slow

Place = tuple[str | int, ...]
BY_UNIT = ("units", "opened", "grounds", "promises")
OF_ORDER = ("", ":refund:1", ":request:1", ":return:1", ":claim:1")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An order of which one of two lamps was cancelled and refunded."""
    url = str(tmp_path / "shop.db")
    log = Log()
    log.place({"A": {"quantity": 2, "unit_price": 500}})
    log.add("cancel-items", "10:05", order_id="O1", items={"A": 1})
    log.send("11:00")
    about = {"refund_id": "O1:refund:1", "payment_id": "P1"}
    log.add("report-payout", "12:00", outcome="paid", reference="R1", **about)
    log.add("cancel-items", "13:00", order_id="O1", items={"A": 1})
    log.apply(url)
    return url


def change(url: str, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(url)) as store, store:
        assert store.execute(statement, values).rowcount > 0, statement


def changed_event(url: str, topic: str, before: str, after: str) -> None:
    change(
        url,
        "UPDATE stored_events SET state = CAST(replace(CAST(state AS TEXT), ?, ?) AS BLOB) WHERE topic = ?",
        *(before, after, topic),
    )


def said(url: str, its_id: str) -> str:
    """What the command prints, which ends with the status for what does not add up."""
    done = ordertrail("audit", "explain", its_id, "--store", url)
    assert (done.returncode, done.stderr) == (1, b"")
    as_json = ordertrail("audit", "explain", its_id, "--json", "--store", url)
    assert (as_json.returncode, as_json.stderr) == (1, b"")
    assert json.loads(as_json.stdout)["doubts"]
    return " ".join(done.stdout.decode().split())


def test_a_payout_of_a_payment_that_is_not_there_ends_what_can_be_read(url: str) -> None:
    changed_event(url, "payout-paid", '"payment_id":"P1"', '"payment_id":"PX"')
    told = said(url, "O1:refund:1")
    assert "You are owed 5.00 USD for 1 of 2 × A." in told, "what stands before it is told"
    why = "Version 8, payout-paid, cannot be read: KeyError: 'PX'. It and all that came later is left out."
    assert f"What does not add up - {why}" in told
    assert why in said(url, "O1")


def test_a_refund_of_units_that_are_not_there_is_told_to_be_unreadable(url: str) -> None:
    changed_event(url, "refund-owed", '"units":{"A":[1]}', '"units":{"B":[1]}')
    told = said(url, "O1:refund:1")
    assert "What was recorded of O1:refund:1 cannot be explained." in told
    assert "refund-owed, cannot be read: KeyError: 'B'." in told


def test_an_order_without_its_placing_is_told_to_be_unreadable(url: str) -> None:
    change(url, "DELETE FROM stored_events WHERE topic = 'order-placed'")
    for its_id in ("O1", "O1:refund:1"):
        told = said(url, its_id)
        assert f"What was recorded of {its_id} cannot be explained." in told
        assert "it says that it is version 2" in told


def test_an_event_that_was_removed_ends_what_can_be_read(url: str) -> None:
    change(url, "DELETE FROM stored_events WHERE topic = 'items-packed'")
    assert "Version 4, items-dispatched, cannot be read: it says that it is version 5." in said(url, "O1")


def test_an_event_that_tells_of_another_order_ends_what_can_be_read(url: str) -> None:
    changed_event(url, "items-packed", '"order_id":"O1"', '"order_id":"O2"')
    assert "items-packed, cannot be read: it says that it is of order O2." in said(url, "O1")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"command":"dance"}'])
@pytest.mark.parametrize("column", ["command", "outcome"])
def test_a_journal_entry_that_cannot_be_read_is_a_doubt(column: str, content: str, url: str) -> None:
    change(url, f"UPDATE journal SET {column} = CAST(? AS BLOB)", content)
    told = said(url, "O1")
    assert "What does not add up" in told


# --- whatever is changed ----------------------------------------------------------------------------------------------


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every single value in JSON, and where it stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inner is None:
        yield place, value
        return
    for key, part in inner:
        yield from leaves(part, (*place, key))


def kind_of(place: Place) -> Place:
    """The same for all places that hold the same kind of thing."""
    return tuple("*" if isinstance(key, int) or (at and place[0] in BY_UNIT) else key for at, key in enumerate(place))


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return re.sub(r"(T\d\d:\d\d:)\d\d", r"\g<1>59", value) if re.match(r"\d{4}-\d\d-\d\dT", value) else f"{value}x"


def with_another(state: str, place: Place) -> str:
    """A row's JSON with another value in this place."""
    told = inner = json.loads(state)
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = other(inner[place[-1]])
    return json.dumps(told, separators=(",", ":"))


def changes(url: str, columns: str, table: str) -> Iterator[tuple[int, str, str]]:
    """A row's number, its JSON changed in one place, and an order: each kind of place of each kind of row once."""
    seen = set()
    with closing(sqlite3.connect(url)) as store:
        for number, state in store.execute(f"SELECT {columns} FROM {table}").fetchall():
            told = json.loads(state)
            kind, order_id = told.get("type", told.get("command")), told.get("order_id")
            for place, value in leaves(told):
                if value is not None and (key := (kind, kind_of(place))) not in seen and order_id is not None:
                    seen.add(key)
                    yield number, with_another(state, place), order_id


def explained(store: Store, order_id: str) -> list[Explanation]:
    """Whatever can be explained of an order."""
    found = []
    for suffix in OF_ORDER:
        try:
            found.append(explain_in(store, f"{order_id}{suffix}"))
        except (StoreError, UnknownOrder):
            continue
    return found


@pytest.mark.parametrize(
    ("table", "number", "column"), [("stored_events", "notification_id", "state"), ("journal", "entry", "command")]
)
def test_whatever_single_value_is_changed_it_is_explained_or_told_to_be_unreadable(
    table: str, number: str, column: str, tmp_path: Path
) -> None:
    url, copy = tmp_path / "shop.db", tmp_path / "copy.db"
    with Orders.open(url) as orders:
        list(orders.run(recorded_log(40).splitlines()))
    tried = unreadable = 0
    for row, state, order_id in changes(str(url), f"{number}, {column}", table):
        shutil.copy(url, copy)
        change(str(copy), f"UPDATE {table} SET {column} = CAST(? AS BLOB) WHERE {number} = {row}", state)
        store = Store.open(str(copy), create=False)
        try:
            for explanation in explained(store, order_id):
                assert in_words(explanation)
                assert explanation.doubts or not isinstance(explanation, Unreadable)
                unreadable += isinstance(explanation, Unreadable)
        finally:
            store.close()
        tried += 1
    assert tried > 50
    assert unreadable or table == "journal"
