"""Hypothesis profiles; pick one with HYPOTHESIS_PROFILE or `--hypothesis-profile`, which wins.

Deadlines are off in all of them: examples that open a store take as long as the disk takes. Processes that tests start
can be interrupted, however the tests were started. `url` is for tests that hold on both databases.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from postgres import fresh_schema

settings.register_profile("default", max_examples=50, deadline=None, print_blob=True)
# The same work on every run, so that a red CI is about the change and can be repeated.
settings.register_profile("ci", settings.get_profile("default"), max_examples=100, derandomize=True, database=None)
settings.register_profile("long", settings.get_profile("default"), max_examples=5_000, stateful_step_count=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell that runs something in the background lets it ignore SIGINT, and so all processes that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a new store may be made."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        with fresh_schema() as address:
            yield address
