"""Read models, one file each, and the runner that keeps them.

A projection is a view that can be thrown away and made again from the events: it decides nothing, and what it knows
comes from ``ordertrail.domain`` alone. What is open or overdue is judged at the time of the query; deadlines that make
events, such as a deferred refund that falls due, are known once they are recorded.

The queries are functions of the modules ``ledger``, ``refunds``, ``shipments``, ``orders``, ``inbox`` and
``exceptions``; ``rebuild`` is in the module of that name.
"""

from .builtin import builtin_projections
from .database import Database
from .errors import (
    DatabaseUnavailable,
    Diverged,
    NeedsRebuild,
    NotBuilt,
    ProjectionError,
    ProjectionFailed,
    UnreadableRow,
)
from .projection import FIXED, ID, NUMBER, Projection, Rows
from .registry import reading
from .runner import Runner, Status

__all__ = [
    "FIXED",
    "ID",
    "NUMBER",
    "Database",
    "DatabaseUnavailable",
    "Diverged",
    "NeedsRebuild",
    "NotBuilt",
    "Projection",
    "ProjectionError",
    "ProjectionFailed",
    "Rows",
    "Runner",
    "Status",
    "UnreadableRow",
    "builtin_projections",
    "reading",
]
