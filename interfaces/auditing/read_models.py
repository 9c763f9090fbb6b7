"""The read models beside a store's events, as a replay asks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ...application.audit.replay_models import Told
from ...application.store import Store
from ...projections import accounts, registry
from ...projections.audit_views import ASKED, orders_as_read
from ...projections.database import Database
from ...projections.runner import Runner

if TYPE_CHECKING:
    from ...application.audit.replay import OpenReadModels


class BesideTheEvents:
    """See ``replay_models.ReadModels``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def told(self, order_ids: Sequence[str]) -> Mapping[str, Told]:
        return {
            order_id: Told(
                state=read.state,
                open_requests=read.open_requests,
                refunds=read.refunds,
                due=read.balances.get(accounts.DUE, 0),
                deferred=read.balances.get(accounts.DEFERRED, 0),
            )
            for order_id, read in orders_as_read(self._database, order_ids).items()
        }


def caught_up(store: str) -> tuple[OpenReadModels | None, str]:
    """The read models beside the events, caught up; or None, and why they are not to be had."""
    with closing(Store.open(store, create=False)) as log, Database.open(store) as database:
        built = {checkpoint.name for checkpoint in registry.checkpoints(database) if checkpoint.role == "live"}
        if not built.issuperset(projection.name for projection in ASKED):
            return None, "there are none"
        runner = Runner(log, database, ASKED)
        runner.catch_up()
        for status in runner.status():
            if status.state != "following":
                return None, f"{status.name} stopped at position {status.position:,}: {status.why or status.state}"
    return partial(_opened, store), ""


@contextmanager
def _opened(store: str) -> Iterator[BesideTheEvents]:
    with Database.open(store) as database:
        yield BesideTheEvents(database)
