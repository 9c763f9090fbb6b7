"""Where the time of one durable command goes: place, dispatch and deliver, on a SQLite file.

Phases are clocked at their doors (each microsecond belongs to the innermost open one), because a profiler slows Python
down and not the disk, and would so blame the wrong one. cProfile then only names the functions that cost most.
"""

import cProfile
import gc
import pstats
import sys
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial, wraps
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from durable import BY, WARM_UP, durable_lives
from figures import Figure, seconds
from trade import Ticking

from ordertrail.application import Orders, Result
from ordertrail.application.aggregates import WorkingSet
from ordertrail.application.results import decided
from ordertrail.application.store import Store
from ordertrail.application.store.entries import to_row
from ordertrail.application.store.mapper import to_event_row
from ordertrail.application.store.sqlite import SqliteRecorder
from ordertrail.domain import canonical, decide

PARSE = "parse the command"
REPEAT = "ask the journal for a repeat"
LOAD = "load, and look for newer events"
DECIDE = "decide"
ENCODE = "encode events, command and answer"
LINK = "link the rows to those before them"
INSERT = "insert the rows"
COMMIT = "begin and commit"
FUNCTIONS: list[tuple[Callable[..., Any], str]] = [
    (decide, DECIDE),
    (canonical, ENCODE),
    (decided, ENCODE),
    (to_row, ENCODE),
    (to_event_row, ENCODE),
]
METHODS: list[tuple[type, str, str]] = [
    (Orders, "_attributed", PARSE),
    (Store, "entry", REPEAT),
    (WorkingSet, "order", LOAD),
    (WorkingSet, "shipment", LOAD),
    (Result, "to_json", ENCODE),
    (SqliteRecorder, "_insert_linked", LINK),
    (SqliteRecorder, "_insert", INSERT),
    (Store, "append", COMMIT),
]
REST = "the rest"
PHASES = [PARSE, REPEAT, LOAD, DECIDE, ENCODE, LINK, INSERT, COMMIT, REST]
TOP = 12


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds, orders = (1, 20) if quick else (5, 300)
    plain, clocked = [], []
    for number in range(rounds):
        plain.append(_seconds(folder / f"plain-{number}.db", orders) / (3 * orders) * 1e6)
        took_by_phase = _clocked(folder / f"{number}.db", orders)
        clocked.append({phase: took / (3 * orders) * 1e6 for phase, took in took_by_phase.items()})
    whole = [sum(each.values()) for each in clocked]
    figures = [Figure.of("one durable command", plain, "µs", note="without any clock inside")]
    for phase in PHASES:
        took = [each.get(phase, 0.0) for each in clocked]
        if not any(took):
            continue  # such as the journal, which is not asked where no command was repeated
        figures.append(Figure.of(phase, took, "µs", note=f"{100 * sum(took) / sum(whole):.0f} %"))
    return [*figures, *_profiled(folder / "profiled.db", orders)]


class Clock:
    """Which phase the time goes to: the innermost whose door is open."""

    def __init__(self) -> None:
        self.took: dict[str, float] = defaultdict(float)
        self._open = [REST]
        self._since = perf_counter()

    def turn(self) -> None:
        """Book the time since the last turn to the phase that is open."""
        now = perf_counter()
        self.took[self._open[-1]] += now - self._since
        self._since = now

    def restart(self) -> None:
        """Forget what has been booked."""
        self.took.clear()
        self._since = perf_counter()

    def door(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @wraps(function)
        def opened(*args: Any, **kwargs: Any) -> Any:
            self.turn()
            self._open.append(phase)
            try:
                return function(*args, **kwargs)
            finally:
                self.turn()
                self._open.pop()

        return opened


def _clocked(path: Path, orders: int) -> dict[str, float]:
    clock = Clock()
    with ExitStack() as doors:
        for owner, method, phase in METHODS:
            doors.enter_context(patch.object(owner, method, clock.door(getattr(owner, method), phase)))
        for function, phase in FUNCTIONS:
            for module, name in _places(function):
                doors.enter_context(patch.object(module, name, clock.door(function, phase)))
        _seconds(path, orders, before=clock.restart)
        clock.turn()
    return clock.took


def _places(function: object) -> list[tuple[object, str]]:
    """Every module of ours that has the function, and under which name."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("ordertrail")]
    return [(module, name) for module in modules for name, held in vars(module).items() if held is function]


def _seconds(path: Path, orders: int, before: Callable[[], object] = lambda: None) -> float:
    """How long the timed commands take; ``before`` is called when all is warm."""
    with Orders.open(str(path), clock=Ticking()) as engine:
        calls = [partial(engine.handle, command, by=BY) for command in durable_lives(orders)]
        for call in calls[: 3 * WARM_UP]:
            call()
        gc.collect()
        before()
        return seconds(calls[3 * WARM_UP :])


def _profiled(path: Path, orders: int) -> list[Figure]:
    profile = cProfile.Profile()
    _seconds(path, orders, before=profile.enable)
    profile.disable()
    stats: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in stats.values())
    costly = sorted(stats.items(), key=lambda item: -item[1][2])[:TOP]
    return [
        Figure(f"profile: {_name(*where)}", 100 * own / whole, "%", note=f"{calls / (3 * orders):.1f} calls a command")
        for where, (_, calls, own, _, _) in costly
    ]


def _name(file: str, _: int, function: str) -> str:
    return function if file == "~" else f"{Path(file).parent.name}/{Path(file).name} {function}"
