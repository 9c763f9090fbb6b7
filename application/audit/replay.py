"""`audit replay`: the whole log folded anew, every event and every order judged, and compared with the read models.

Nothing that the engine keeps beside the events is believed. A finding never stops a replay.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import pairwise

from msgspec import Struct

from ..aggregates import Policies
from ..store import Store
from .replay_findings import Finding, Findings
from .replay_fold import CAPACITY, Fold
from .replay_models import ReadModels
from .replay_past import Past
from .replay_scan import ROWS_AT_ONCE, batches
from .replay_wholes import Wholes
from .replay_workers import in_processes

Progress = Callable[[int, int], object]
"""Told how many positions of the log are behind, and how many there are."""
OpenReadModels = Callable[[], AbstractContextManager[ReadModels]]
"""Opens the read models, in each process that takes part: where there are several, it must be picklable."""


class Settings(Struct, frozen=True):
    """How much is held in memory; what is found does not depend on it."""

    rows_at_once: int = ROWS_AT_ONCE
    capacity: int = CAPACITY


class Part(Struct, frozen=True):
    """The rows of positions after ``after`` and up to ``up_to``, of a log that ends at ``end``."""

    after: int
    up_to: int
    end: int


class Seen(Struct):
    """What was seen of a part."""

    by_event: Counter[str]
    by_rule: Counter[str]
    findings: list[Finding]


class Report(Struct, frozen=True):
    """What a replay saw; ``findings`` are the first of the ``found``, in the order of the log."""

    events: int
    orders: int
    shipments: int
    by_event: dict[str, int]
    compared: bool
    """With the read models."""
    seconds: float
    found: int
    by_rule: dict[str, int]
    findings: list[Finding]


def replay(
    url: str,
    *,
    workers: int = 1,
    read_models: OpenReadModels | None = None,
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> Report:
    """Replay the log of a store as far as it goes now, in so many processes.

    Raises ``StoreError`` where it cannot be read.
    """
    began = time.perf_counter()
    settings = settings or Settings()
    with closing(Store.open(url, create=False)) as store:
        parts = _parts(store, workers)
    told = _teller(progress, parts)
    if len(parts) == 1:
        seen = [replay_part(url, parts[0], settings, read_models, lambda done: told([done]))]
    else:
        seen = in_processes(replay_part, [(url, part, settings, read_models) for part in parts], told)
    return _report(seen, compared=read_models is not None, seconds=time.perf_counter() - began)


def replay_part(
    url: str, part: Part, settings: Settings, read_models: OpenReadModels | None, told: Callable[[int], object]
) -> Seen:
    """Replay a part of the log; ``told`` hears how many of its positions are behind."""
    findings, by_event = Findings(), Counter[str]()
    with closing(Store.open(url, create=False)) as store, read_models() if read_models else nullcontext() as models:
        scan, past = store.scan(), Past(store.scan(), Policies(store))
        wholes = Wholes(scan, past, findings, end=part.end, read_models=models)
        fold = Fold(scan, past, wholes, findings, settings.capacity)
        for last, events in batches(scan, part.after, part.up_to, findings, settings.rows_at_once):
            by_event.update([event.type for _, event in events])
            fold.follow(events)
            told(last - part.after)
        fold.finish()
    return Seen(by_event, findings.by_rule, findings.listed())


def _parts(store: Store, workers: int) -> list[Part]:
    scan, end = store.scan(), store.last_position()
    first = min(scan.first_position(), end)
    bounds = [first - 1, *(first + (end - first) * number // workers for number in range(1, workers)), end]
    return [Part(after, up_to, end) for after, up_to in pairwise(bounds) if after < up_to]


def _teller(progress: Progress | None, parts: list[Part]) -> Callable[[list[int]], object]:
    if progress is None:
        return lambda _: None
    total = sum(part.up_to - part.after for part in parts)
    return lambda done: progress(sum(done), total)


def _report(seen: list[Seen], *, compared: bool, seconds: float) -> Report:
    findings, by_event = Findings(), Counter[str]()
    for each in seen:
        by_event += each.by_event
        findings.merge(each.findings, each.by_rule)
    return Report(
        events=by_event.total(),
        orders=by_event["order-placed"],
        shipments=by_event["shipment-packed"],
        by_event=dict(by_event.most_common()),
        compared=compared,
        seconds=seconds,
        found=findings.by_rule.total(),
        by_rule=dict(findings.by_rule.most_common()),
        findings=findings.listed(),
    )
