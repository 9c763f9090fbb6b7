"""Whole lives of several orders with combined parcels: what must hold, whatever happens in whatever order."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from author import stamp
from book import Book
from lives import Lives, command_logs

pytestmark = pytest.mark.slow

test_whatever_happens_money_units_and_options_stay_right = Lives.TestCase


def essence(event):
    """An event without what tells by which command, and when it was recorded."""
    return {key: value for key, value in json.loads(event).items() if key not in {"command_id", "recorded_at"}}


def answered(result):
    return {key: result.get(key) for key in ("status", "rule", "reason", "advice", "cascade", "idempotency_key")}


def ended(book, log):
    """The world after 200 more days."""
    last = datetime.fromisoformat(log[-1]["at"]) + timedelta(days=200)
    book.accept("pass-time", command_id="at-last", at=stamp(last))
    return {name: [essence(event) for event in events] for name, events in book.stored.items() if events}


@given(command_logs(), st.data())
def test_time_1_the_same_commands_give_the_same_events_whether_or_not_a_clock_job_ran(lived, data):
    log = sorted(lived[0], key=lambda raw: datetime.fromisoformat(raw["at"]))
    alone, clocked = Book(), Book()
    for number, raw in enumerate(log):
        if clocked.due and data.draw(st.booleans()):
            now = datetime.fromisoformat(raw["at"])
            due = [at + span for at in clocked.due.values() for span in (timedelta(0), timedelta(microseconds=1))]
            at = data.draw(st.sampled_from([moment for moment in due if moment <= now] + [now]))
            clocked.accept("pass-time", command_id=f"clock-{number}", at=stamp(at))
        assert answered(alone.run_raw(raw)) == answered(clocked.run_raw(raw))
    assert ended(alone, log) == ended(clocked, log)
