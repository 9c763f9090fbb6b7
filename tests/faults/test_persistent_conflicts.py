"""Where others always come first, the end is a clear error, and nothing is half done."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from ordertrail.application import Orders, Principal
from ordertrail.application.errors import Conflict, StoreError
from ordertrail.application.store import Store
from processes import failed_in_one_sentence, nothing_lost_or_doubled, ordertrail, results, rows

BUYER = Principal("buyer", "B1")
PLACING: dict[str, Any] = {
    "command": "place-order",
    "command_id": "placing",
    "order_id": "O1",
    "buyer_id": "B1",
    "fulfilled_by": "marketplace",
    "currency": "USD",
    "items": [{"item_id": "A", "sku": "mug", "quantity": 100, "unit_price": 500}],
    "payments": [{"payment_id": "P1", "method": "credit-card", "amount": 50_000}],
}


def cancel(command_id: str) -> dict[str, Any]:
    return {"command": "cancel-items", "command_id": command_id, "order_id": "O1", "items": {"A": 1}}


def test_who_always_comes_second_hears_of_a_conflict(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rival commits between each of the loser's decisions and its append."""
    won = 0
    append = Store.append
    with Orders.open(url) as loser, Orders.open(url) as rival:
        loser.handle(PLACING, by=Principal("marketplace"))

        def second(self: Store, events: Sequence[Any], *args: Any, **kwargs: Any) -> Sequence[int]:
            nonlocal won
            if any(event.command_id == "doomed" for event in events):
                won += 1
                rival.handle(cancel(f"rival-{won}"), by=BUYER)
            return append(self, events, *args, **kwargs)

        monkeypatch.setattr(Store, "append", second)
        with pytest.raises(Conflict, match=r"cancel-items doomed met a conflict \d+ times"):
            loser.handle(cancel("doomed"), by=BUYER)
        monkeypatch.setattr(Store, "append", append)
        assert won > 1
        assert loser.handle(cancel("doomed"), by=BUYER).status == "accepted"
        (units, _) = loser.show("O1")["items"][0]["units"]
        assert (units["state"], len(units["numbers"])) == ("cancelled", won + 1)
    nothing_lost_or_doubled(url)


def test_on_the_command_line_it_is_a_sentence_and_status_3(tmp_path: Path) -> None:
    """A trigger is the rival that always wins: whatever O2 is to get, it has just got."""
    store = tmp_path / "s.db"
    placings = [PLACING | {"command_id": f"c{n}", "order_id": f"O{n}", "at": "2026-01-05T10:00:00Z"} for n in (1, 2, 3)]
    assert ordertrail("run", "-", "--store", store).returncode == 0
    with closing(sqlite3.connect(store)) as connection:
        connection.execute(
            "CREATE TRIGGER rival BEFORE INSERT ON stored_events WHEN NEW.originator_id = 'order:O2' BEGIN"
            " INSERT INTO stored_events (originator_id, originator_version, topic, state, digest)"
            " VALUES (NEW.originator_id, NEW.originator_version, NEW.topic, NEW.state, NEW.digest); END"
        )
    log = b"".join(json.dumps(placing).encode() + b"\n" for placing in placings)
    done = ordertrail("run", "-", "--store", store, stdin=log)
    failed_in_one_sentence(done.returncode, done.stderr, "place-order c2", "conflict")
    assert [result["command_id"] for result in results(done.stdout)] == ["c1"]
    assert [row[1] for row in rows(str(store))["journal"]] == ["c1"]
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("DROP TRIGGER rival")
    done = ordertrail("run", "-", "--store", store, stdin=log)
    assert [result["status"] for result in results(done.stdout)] == ["duplicate", "accepted", "accepted"]
    nothing_lost_or_doubled(str(store))


def test_a_lock_held_beyond_all_patience_is_a_sentence(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "s.db"), lock_seconds=0.2)
    with closing(sqlite3.connect(tmp_path / "s.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"was locked by another process for longer than 0\.2 seconds"):
            store.append([], [], {"O1": None})
    store.close()
