"""What a measurement is told as: figures with their spread and their limit, and the table that shows them."""

import operator
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Self

from msgspec import Struct
from rich import box
from rich.table import Table

Call = Callable[[], object]
AT_A_TIME = 10
_HOLDS: dict[str, Callable[[float, float], bool]] = {"≥": operator.ge, "≤": operator.le}


class Figure(Struct, frozen=True):
    """One measured number; ``low`` and ``high`` are the extremes of its rounds, ``limit`` is such as ``("≥", 0.6)``."""

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    limit: tuple[str, float] | None = None
    note: str = ""

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str, **more: object) -> Self:
        """The median of several rounds."""
        return cls(name, median(values), unit, min(values), max(values), **more)  # type: ignore[arg-type]

    @property
    def holds(self) -> bool | None:
        """Whether the limit holds; None without one."""
        return None if self.limit is None else _HOLDS[self.limit[0]](self.value, self.limit[1])


def table(figures: Iterable[Figure]) -> Table:
    """The figures as a Markdown table, to be copied into the docs as it is."""
    shown = Table(box=box.MARKDOWN)
    for heading in ("figure", "median", "lowest – highest", "limit", "holds", "note"):
        numbers = heading in ("median", "lowest – highest")
        shown.add_column(heading, justify="right" if numbers else "left", no_wrap=True)
    for figure in figures:
        spread = "" if figure.low is None else f"{_number(figure.low)} – {_number(figure.high or 0)}"
        limit = "" if figure.limit is None else f"{figure.limit[0]} {_number(figure.limit[1])}"
        holds = {None: "", True: "yes", False: "**no**"}[figure.holds]
        shown.add_row(figure.name, f"{_number(figure.value)} {figure.unit}", spread, limit, holds, figure.note)
    return shown


def seconds(calls: Iterable[Call]) -> float:
    """How long all the calls take, one after the other."""
    started = perf_counter()
    for call in calls:
        call()
    return perf_counter() - started


def in_turns(contenders: Mapping[str, Sequence[Call]]) -> dict[str, float]:
    """How long each contender's calls take, a few of them at a time: a disturbance meets all of them alike."""
    took = dict.fromkeys(contenders, 0.0)
    longest = max(map(len, contenders.values()))
    names = deque(contenders)
    for start in range(0, longest, AT_A_TIME):
        for name in names:
            took[name] += seconds(contenders[name][start : start + AT_A_TIME])
        names.rotate()
    return took


def ratios(dividends: Sequence[float], divisors: Sequence[float]) -> list[float]:
    """Round by round, because what disturbs a round disturbs both of its sides."""
    return [dividend / divisor for dividend, divisor in zip(dividends, divisors, strict=True)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
