"""Hypothesis profiles; pick one with HYPOTHESIS_PROFILE or `--hypothesis-profile`, which wins.

Deadlines are off in all of them: examples that open a store take as long as the disk takes. Processes that tests start
can be interrupted, however the tests were started.
"""

import os
import signal

from hypothesis import settings

settings.register_profile("default", max_examples=50, deadline=None, print_blob=True)
# The same work on every run, so that a red CI is about the change and can be repeated.
settings.register_profile("ci", settings.get_profile("default"), max_examples=100, derandomize=True, database=None)
settings.register_profile("long", settings.get_profile("default"), max_examples=5_000, stateful_step_count=200)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell that runs something in the background lets it ignore SIGINT, and so all processes that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
