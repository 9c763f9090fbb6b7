"""The events as far as they were known at a time: when something was learned, not when it happened.

``Runner(KnownBy(log, at), Database.open("memory:"), projections).catch_up()`` makes the read models of then, straight
from the events; their queries' ``as_of`` still tells what had happened.
"""

from datetime import datetime

from ..domain import Event
from ..domain.admission import in_utc
from .follower import EventLog


class KnownBy:
    """A log of the events that were recorded at ``at`` or before; an ``EventLog`` itself."""

    def __init__(self, log: EventLog, at: datetime) -> None:
        self._log = log
        self._at = in_utc(at)

    def notifications(self, after: int, limit: int) -> list[tuple[int, Event]]:
        """Some events of positions above ``after``; none only where there are no more."""
        while events := self._log.notifications(after, limit):
            known = [(position, event) for position, event in events if event.recorded_at <= self._at]
            if known:
                return known
            after = events[-1][0]
        return []

    def last_position(self) -> int:
        """The position of the last event of the whole log."""
        return self._log.last_position()
