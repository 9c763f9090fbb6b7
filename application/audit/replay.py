"""`audit replay`: the whole log folded anew, every event and every order judged, and compared with the read models.

Nothing that the engine keeps beside the events is believed. A finding never stops a replay.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from itertools import pairwise

from msgspec import Struct

from ...domain import Event
from ..aggregates import Policies
from ..store import Store
from .replay_findings import Finding, Findings
from .replay_fold import CAPACITY, Fold
from .replay_models import READ_MODEL, OpenReadModels
from .replay_past import Past
from .replay_scan import ROWS_AT_ONCE, batches
from .replay_wholes import Wholes
from .replay_workers import in_processes

Progress = Callable[[int, int], object]
"""Told how many positions of the log are behind, and how many there are."""


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
    read_models: Sequence[str]
    """Those that were compared."""


class Report(Struct, frozen=True):
    """What a replay saw; ``findings`` are the first of the ``found``, in the order of the log."""

    events: int
    orders: int
    shipments: int
    by_event: dict[str, int]
    compared: bool
    """With read models: with these."""
    read_models: list[str]
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
        # First of all: whatever is compared is then brought at least as far.
        end = store.last_position()
        parts = _parts(store.scan().first_position(), end, workers)
    told = _teller(progress, parts)
    if len(parts) == 1:
        seen = [replay_part(url, parts[0], settings, read_models, lambda done: told([done]))]
    else:
        seen = in_processes(replay_part, [(url, part, settings, read_models) for part in parts], told)
    findings, by_event = _together(seen)
    compared = sorted(set.intersection(*(set(each.read_models) for each in seen))) if seen else []
    if read_models is not None:
        findings.add(*_strangers(url, read_models, end, by_event))
    return Report(
        events=by_event.total(),
        orders=by_event["order-placed"],
        shipments=by_event["shipment-packed"],
        by_event=dict(by_event.most_common()),
        compared=bool(compared),
        read_models=compared,
        seconds=time.perf_counter() - began,
        found=findings.by_rule.total(),
        by_rule=dict(findings.by_rule.most_common()),
        findings=findings.listed(),
    )


def replay_part(
    url: str, part: Part, settings: Settings, read_models: OpenReadModels | None, told: Callable[[int], object]
) -> Seen:
    """Replay a part of the log; ``told`` hears how many of its positions are behind."""
    findings, by_kind = Findings(), Counter[type[Event]]()
    opened = read_models(part.end) if read_models else nullcontext()
    with closing(Store.open(url, create=False)) as store, opened as models:
        scan, past = store.scan(), Past(store.scan(), Policies(store))
        wholes = Wholes(scan, past, findings, end=part.end, read_models=models)
        fold = Fold(scan, past, wholes, findings, settings.capacity)
        for last, events in batches(scan, part.after, part.up_to, findings, settings.rows_at_once):
            by_kind.update([type(event) for _, event in events])
            fold.follow(events)
            told(last - part.after)
        fold.finish()
    by_event = Counter({kind.type: number for kind, number in by_kind.items()})
    return Seen(by_event, findings.by_rule, findings.listed(), models.names if models else ())


def _parts(first: int, end: int, workers: int) -> list[Part]:
    first = min(first, end)
    bounds = [first - 1, *(first + (end - first) * number // workers for number in range(1, workers)), end]
    return [Part(after, up_to, end) for after, up_to in pairwise(bounds) if after < up_to]


def _teller(progress: Progress | None, parts: list[Part]) -> Callable[[list[int]], object]:
    if progress is None:
        return lambda _: None
    total = sum(part.up_to - part.after for part in parts)
    return lambda done: progress(sum(done), total)


def _together(seen: list[Seen]) -> tuple[Findings, Counter[str]]:
    findings, by_event = Findings(), Counter[str]()
    for each in seen:
        by_event += each.by_event
        findings.merge(each.findings, each.by_rule)
    return findings, by_event


def _strangers(url: str, read_models: OpenReadModels, end: int, by_event: Counter[str]) -> Iterator[Finding]:
    """What read models tell of orders and shipments that the log does not have; it shows at no position."""
    with closing(Store.open(url, create=False)) as store, read_models(end) as models:
        scan = store.scan()
        for stream, reason in models.strangers(by_event["order-placed"], by_event["shipment-packed"]):
            if not scan.last_version(stream):
                yield Finding.of(0, stream, READ_MODEL, reason)
