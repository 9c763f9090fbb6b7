"""`audit replay` finds nothing where nothing is wrong: in whatever engines recorded, however it is read."""

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lives import FEES, command_logs
from ordertrail.application import Orders
from ordertrail.application.audit.replay import Report, Settings, replay
from ordertrail.interfaces.auditing.read_models import caught_up
from recorded_log import recorded_log
from replays import SETTINGS, Altered, build_read_models
from shop import Clock, give, placing

pytestmark = pytest.mark.slow


def clean(report: Report) -> Report:
    assert report.findings == []
    assert (report.found, report.by_rule) == (0, {})
    assert report.events == sum(report.by_event.values())
    return report


def test_a_recorded_week_is_clean_and_agrees_with_the_read_models(url: str) -> None:
    with Orders.open(url) as orders:
        for _ in orders.run(recorded_log(60).splitlines()):
            pass
        store = orders._store
        events = Counter(event.type for _, event in store.notifications(0, 10**6))
    build_read_models(url)
    models, why_not = caught_up(url)
    assert models is not None, why_not
    heard: list[tuple[int, int]] = []
    report = clean(replay(url, read_models=models, progress=lambda done, all_: heard.append((done, all_))))
    assert report.by_event == events
    assert (report.orders, report.shipments) == (events["order-placed"], events["shipment-packed"])
    assert heard == sorted(heard)
    assert heard[-1][0] == heard[-1][1]
    in_pieces = replay(url, read_models=models, workers=3, settings=Settings(rows_at_once=50, capacity=20))
    assert clean(in_pieces).by_event == events


@settings(max_examples=12)
@given(log=command_logs(max_size=60).map(lambda drawn: drawn[0]), turn=st.integers(0, 60))
def test_made_up_lives_under_two_policies_are_clean_whatever_is_kept_in_memory(
    log: list[dict[str, Any]], turn: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/shop.db"
        fees = Path(folder) / "fees.toml"
        fees.write_text(FEES)
        for policy, commands in ((None, log[:turn]), (fees, log[turn:])):
            with Orders.open(url, policy=policy) as orders:
                for _ in orders.run(json.dumps(raw).encode() for raw in commands):
                    pass
        build_read_models(url)
        for each in (None, *SETTINGS):
            clean(replay(url, read_models=caught_up(url)[0], settings=each))


def test_an_empty_store_is_clean(url: str) -> None:
    with Orders.open(url):
        pass
    assert clean(replay(url, workers=2)).events == 0


def test_what_happens_meanwhile_is_no_difference(tmp_path: Path) -> None:
    """Read models that know more than the replayed part of the log are not wrong."""
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    clock = Clock()
    with Orders.open(url, clock=clock) as orders:
        give(orders, placing("O1"))
        build_read_models(url)
        models, _ = caught_up(url)
        assert models is not None

        def more(done: int, _: int) -> None:
            give(orders, {"command": "cancel-items", "command_id": f"c-{done}", "order_id": "O1", "items": "all"})
            caught_up(url)

        clean(replay(url, read_models=models, progress=more))


def test_positions_that_were_never_given_are_no_gap(tmp_path: Path) -> None:
    store = Altered(tmp_path / "shop.db")
    store.sql("UPDATE stored_events SET notification_id = notification_id * 1000")
    for workers in (1, 2):
        clean(replay(store.url, workers=workers))


def test_events_of_an_earlier_schema_are_read(tmp_path: Path) -> None:
    store = Altered(tmp_path / "shop.db")

    def earlier(state: dict[str, Any]) -> None:
        state.pop("lost_after", None)
        state.update(schema=1)

    store.alter("order:O1", "items-packed", earlier)
    clean(replay(store.url))
