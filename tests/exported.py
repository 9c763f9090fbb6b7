"""Exports of stores for tests: made by the command, and read line by line."""

import json
from collections.abc import Iterable
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

from ordertrail.application import Orders
from ordertrail.application.store import Store
from ordertrail.interfaces.exports.cloudevents_file import write_cloudevents
from recorded_log import recorded_log
from shop import everything

LOG = recorded_log(80).splitlines()
HALF = LOG[: len(LOG) // 2]
"""Of which many orders have a deadline."""


def applied(url: str | Path, log: Iterable[bytes]) -> list[dict[str, Any]]:
    """The results of a log on a store."""
    with Orders.open(url) as orders:
        return [result.to_dict() for result in orders.run(log)]


def tables(url: str | Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, also of PostgreSQL as it is."""
    with Orders.open(url, create=False) as orders:
        return everything(orders)


def exported(url: str | Path, file: Path) -> Path:
    """The store's export, at this path."""
    write_cloudevents(str(url), str(file), "urn:test")
    return file


def events_of(lines: Iterable[str]) -> list[dict[str, Any]]:
    """Lines as JSON."""
    return [json.loads(line) for line in lines]


def with_gaps(url: str) -> None:
    """Lose some positions of a PostgreSQL store, as transactions that fail do; its next event comes after them."""
    from ordertrail.application.errors import Conflict

    with closing(Store.open(url, create=False)) as store:
        first = [event for _, event in islice(store.notifications(0, 1), 1)]
        for _ in range(3):
            try:
                store.append(first, [], {})
            except Conflict:
                continue
            raise AssertionError("the same event twice")
