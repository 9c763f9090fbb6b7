"""`ordertrail audit …`: is the log whole, is it right, would it be decided again?

Imported by every call, also `--help`: neither this nor the modules of the commands may import anything heavy at their
top.
"""

from __future__ import annotations

import click

from ..exits import OneSentenceGroup
from .explain import explain
from .redecide import redecide
from .replay import replay
from .seal import seal
from .verify import verify
from .what_if import what_if


@click.group(cls=OneSentenceGroup, short_help="Replay, decide again, explain, verify, seal.")
def audit() -> None:
    """Audits of a store: each says what it found, and ends with status 1 if that is anything."""


audit.add_command(explain)
audit.add_command(replay)
audit.add_command(redecide)
audit.add_command(what_if)
audit.add_command(verify)
audit.add_command(seal)

__all__ = ["audit"]
