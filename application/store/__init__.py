"""The durable store: events, the command journal, deadlines and policies, in one transaction.

Everything that knows `eventsourcing` lives in this package.
"""

from .address import SQLITE
from .entries import JournalEntry
from .store import Store

__all__ = ["SQLITE", "JournalEntry", "Store"]
