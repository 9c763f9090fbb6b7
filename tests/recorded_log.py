"""A command log with commands of every kind: what the demo's simulated week issues, and what a careless client adds.

The same arguments give the same bytes.
"""

import io
import json
from datetime import UTC
from functools import cache
from random import Random
from typing import Any

from rich.console import Console

from ordertrail.application import Orders, Principal, Result
from ordertrail.domain.commands import COMMANDS
from ordertrail.interfaces.demo import simulate
from ordertrail.interfaces.demo.week import SimulatedClock, Week

SPOILT = [
    b"{",
    b'{"command": "cancel-items", "at": "2026-01-05T10:00:00Z"}',
    b'["no", "object"]',
    b'{"command": "pass-time", "command_id": "spoilt", "at": "2026-01-05T10:00:00"}',
]


class Recorder:
    """An `Orders` that remembers what it was given, as lines of a log."""

    def __init__(self, orders: Orders, clock: SimulatedClock) -> None:
        self._orders = orders
        self._clock = clock
        self.commands: list[dict[str, Any]] = []

    def handle(self, raw: dict[str, Any], *, by: Principal) -> Result:
        actor = {"actor": by.role} | ({"actor_id": by.id} if by.id else {})
        self.commands.append({"at": f"{self._clock.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", **raw, **actor})
        return self._orders.handle(raw, by=by)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._orders, name)


@cache
def recorded_log(orders: int, seed: int = 7) -> bytes:
    """The log of a week of so many orders; about eight commands an order."""
    clock = SimulatedClock()
    with Orders.open("memory:", clock=clock) as engine:
        recorder = Recorder(engine, clock)
        week = Week(recorder, clock, Random(seed))  # type: ignore[arg-type]
        simulate(week, orders, Console(file=io.StringIO()))
    lines = list(_with_mishaps(recorder.commands, Random(seed)))
    return b"".join(line + b"\n" for line in lines)


def _with_mishaps(commands: list[dict[str, Any]], random: Random) -> Any:
    """Now and then: clock jobs, lines sent twice, ids used twice, lines that are no commands."""
    for number, command in enumerate(commands):
        yield json.dumps(command).encode()
        if number % 31 == 7:
            yield json.dumps({"command": "pass-time", "command_id": f"tick-{number}", "at": command["at"]}).encode()
        if number % 23 == 11:
            yield json.dumps(random.choice(commands[: number + 1])).encode()
        if number % 29 == 13:
            earlier = random.choice(commands[: number + 1])
            yield json.dumps(earlier | {"actor_id": "somebody-else", "at": command["at"]}).encode()
        if number % 101 == 17:
            yield random.choice(SPOILT)


def kinds(log: bytes) -> set[str]:
    """The kinds of commands in a log."""
    named = (json.loads(line) for line in log.splitlines() if line not in SPOILT)
    return {command["command"] for command in named} & COMMANDS.keys()
