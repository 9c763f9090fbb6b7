"""`ordertrail demo`: a marketplace's week in a fresh store, through the public API, and a summary of it."""

from __future__ import annotations

from pathlib import Path
from random import Random
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ...application import Orders
from ..exits import Failure
from ..places import where_argument
from ..read_models import catch_up, opened, projections_named
from .gateway import RefundDesk
from .lives import chosen, lived
from .market import Market
from .summary import IN_MEMORY, print_summary, print_where_next
from .week import STARTS_AT, SimulatedClock, Week

__all__ = ["refuse_used_store", "run_demo", "simulate"]

SQLITE = "sqlite:///"


def run_demo(
    store_url: str,
    *,
    orders: int = 2000,
    seed: int = 7,
    policy: str | None = None,
    read_models: str | None = None,
    console: Console,
) -> None:
    """Simulate a week of `orders` orders into a fresh store, bring the read models up, and print what came of it.

    The same seed makes the same store. Raises `Failure` (exit status 2) where the store holds something already.
    """
    refuse_used_file(store_url)
    where = where_argument(store_url, read_models)
    clock = SimulatedClock()
    with Orders.open(store_url, policy=policy, clock=clock) as engine:
        refuse_used_store(engine)
        started = perf_counter()
        week = Week(engine, clock, Random(seed))
        simulate(week, orders, console)
        seconds = perf_counter() - started
        with opened(store_url, read_models) as database:
            catch_up(engine, database, projections_named(()), where=where)
            print_summary(console, week, database, seconds, durable=store_url != IN_MEMORY)
    if store_url != IN_MEMORY:
        print_where_next(console, week, where)


def simulate(week: Week, orders: int, console: Console) -> None:
    """Let all lives be lived, with a progress bar of the orders whose life is over (on a terminal only)."""
    market = Market(week.random, buyers=max(1, orders * 3 // 5))
    for life, count in chosen(week.random, orders):
        week.schedule(lived(week, market, life, count), week.placing_time(), settles=count)
    week.schedule(RefundDesk(week).shifts(), STARTS_AT)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("orders"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{STARTS_AT:%d %b}", total=orders)
        for settled in week.run():
            progress.update(bar, advance=settled, description=f"{week.clock.now:%d %b}")


def refuse_used_file(store_url: str) -> None:
    """A file that is there already is not touched; raises ``Failure``, before anything is opened."""
    if store_url == IN_MEMORY or ("://" in store_url and not store_url.startswith(SQLITE)):
        return
    path = Path(store_url.removeprefix(SQLITE))
    if path.is_file() and path.stat().st_size:
        raise Failure(f"{path} is there already, and the demo wants a fresh store: remove it, or name another --store")


def refuse_used_store(engine: Orders) -> None:
    """A server's database cannot be seen from outside: ask it whether anything has happened in it."""
    if engine.last_position() > 0:
        raise Failure(f"{engine.place} is in use already, and the demo wants a fresh store: name another --store")
