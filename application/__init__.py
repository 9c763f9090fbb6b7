"""The shell that makes decisions durable: load, decide, append; the journal; the store."""

from .errors import Conflict, PolicyChanged, StoreError, UnknownOrder, UnknownPast
from .orders import Orders
from .principal import Principal
from .results import Result
from .timeline import TimelineEntry

__all__ = [
    "Conflict",
    "Orders",
    "PolicyChanged",
    "Principal",
    "Result",
    "StoreError",
    "TimelineEntry",
    "UnknownOrder",
    "UnknownPast",
]
