"""What was known at a time: read models made from the events recorded by then are what the live ones were then."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from event_logs import ListedLog, RecordedBook, all_rows, told
from lives import command_logs
from ordertrail.domain import Event
from ordertrail.projections import ledger
from ordertrail.projections.builtin import builtin_projections
from ordertrail.projections.database import Database
from ordertrail.projections.known import KnownBy
from ordertrail.projections.runner import Runner

TICK = timedelta(microseconds=1)


def moments(events: list[Event]) -> dict[datetime, int]:
    """Times after which nothing was learned that had been recorded before, and how many events there were by then."""
    found = {}
    for count in range(1, len(events) + 1):
        latest = max(event.recorded_at for event in events[:count])
        if all(event.recorded_at > latest for event in events[count:]):
            found[latest] = count
    return found


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(command_logs(min_size=10))
def test_what_was_known_at_any_moment_is_what_the_live_read_models_showed_then(made: Any) -> None:
    events, projections = told(made[0]).log, builtin_projections()
    cuts = [*moments(events).items()]
    for latest, count in cuts[:: max(1, len(cuts) // 4)]:
        with Database.open("memory:") as live, Database.open("memory:") as then:
            Runner(ListedLog(events[:count]), live, projections).catch_up()
            Runner(KnownBy(ListedLog(events), latest), then, projections, batch_events=7).catch_up()
            assert all_rows(then, projections) == all_rows(live, projections)


def test_when_it_happened_and_when_it_was_learned_are_told_apart() -> None:
    book = RecordedBook()
    book.place("O1", items={"A": 2000})
    book.accept("cancel-items", order_id="O1", items="all", at="10:10")
    book.accept(
        "report-payout", refund_id="O1:refund:1", payment_id="P1", outcome="paid", reference="R", at="+2d 11:00"
    )
    paid = book.log[-1]
    due = {"USD": {"Assets:Payments:Credit-Card": 2000, "Liabilities:Refunds:Due": -2000}}
    for known_at, as_of, balances in (
        (paid.recorded_at, None, {}),
        (paid.recorded_at, paid.at - TICK, due),
        (paid.recorded_at - TICK, None, due),
        (paid.recorded_at - TICK, paid.at, due),
    ):
        with Database.open("memory:") as database:
            Runner(KnownBy(ListedLog(book.log), known_at), database, [ledger.Ledger()]).catch_up()
            assert ledger.balances(database, as_of=as_of) == balances


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        KnownBy(ListedLog(), datetime(2026, 1, 5))
