"""The benchmarks run, and report every figure; how large a figure is, is no test's affair."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "bench" / "run.py"

# What each benchmark must report, by the beginnings of the figures' names.
FIGURES = {
    "durable": [
        "durable commands, engine",
        "durable commands, raw",
        "durable commands, minimal",
        "engine / raw",
        "engine / minimal",
    ],
    "log": [
        "commands of a log, engine",
        "commands of a log, on the reference",
        "commands of a log, raw",
        "engine / raw",
        "a log of",
        "peak memory, 4 ×",
    ],
    "growth": ["a return of a random old order, long log / short", "a new order, long log / short"],
    "history": [
        f"{life}, {way}, 20 events / 5"
        for life in ("units cancelled one by one", "a payout that keeps failing")
        for way in ("folded anew", "from the shelf")
    ],
    "startup": ["ordertrail --help", "ordertrail --help / python"],
    "phases": [
        "one durable command",
        "parse",
        "load",
        "decide",
        "encode",
        "link",
        "insert",
        "begin and commit",
        "profile: ",
    ],
    "verify": [
        "verified rows",
        "rows of a bare scan",
        "verifying / bare scan",
        "verifying, two processes",
        "peak memory, 4 ×",
        "on SQLite, chained / not",
        "on PostgreSQL, chained / not",
    ],
    "replay": [
        "replayed events",
        "rows of a bare scan",
        "replay / bare scan",
        "replay / bare scan of two columns",
        "decoding alone / bare scan",
        "replay, two processes / one",
        "two replays side by side",
        "events by bare eventsourcing",
        "events of the same lives",
        "replay in one process / bare eventsourcing",
        "replay in two processes / bare eventsourcing",
        "peak memory, 4 ×",
    ],
    "as-of": ["show", *(f"show, {way} / now" for way in ("as_of", "as_known_at", "at_version"))],
    "read-models": [
        f"{work}, {figure}"
        for work in ("catch-up", "rebuild")
        for figure in ("events", "events, on the reference machine", "raw sqlite3", "engine / raw sqlite3")
    ]
    + ["peak memory, 4 × the events"],
    "queries": [
        f"{asked}, engine / raw sqlite3"
        for asked in (
            "an order",
            "a buyer's orders",
            "50 orders of a seller",
            "50 orders in a state",
            "a parcel",
            "an order's parcels",
            "50 refunds of a seller",
            "50 overdue refunds",
            "an order's ledger",
            "an order's balances",
        )
    ],
    "visibility": ["visible after its commit, SQLite", "visible after its commit, PostgreSQL"],
}
LIMITS = {
    "durable": 2,
    "log": 3,
    "growth": 2,
    "history": 0,
    "startup": 1,
    "phases": 0,
    "read-models": 5,
    "queries": 10,
    "visibility": 2,
    "verify": 4,
    "replay": 5,
    "as-of": 3,
}


def run(*arguments, folder):
    process = subprocess.run(
        [sys.executable, RUN, "--quick", "--folder", folder, *arguments], capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_benchmark_reports_every_figure_and_leaves_nothing_behind(name, tmp_path):
    figures = [json.loads(line) for line in run(name, "--json", folder=tmp_path).splitlines()]
    missing = [start for start in FIGURES[name] if not any(figure["name"].startswith(start) for figure in figures)]
    assert missing == []
    assert all(math.isfinite(figure["value"]) for figure in figures)
    assert all(figure["value"] > 0 for figure in figures if figure["unit"] != "%")
    assert sum(figure["limit"] is not None for figure in figures) == LIMITS[name]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_table_is_markdown_and_says_that_tiny_sizes_mean_nothing(tmp_path):
    printed = run("startup", folder=tmp_path)
    assert "Tiny sizes" in printed
    assert "### startup" in printed
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(rows) == 4  # headings, rule, two figures
    assert len({row.count("|") for row in rows}) == 1
