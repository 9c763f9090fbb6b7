"""What events say that no order remembers: kept beside the orders that a replay has in memory, by stream."""

from collections.abc import Iterable, Mapping

from ...domain import events as e

Unusual = e.ExceptionRaised | e.PaymentUnexpected
"""What a person must look at."""


class Asides:
    """Filled by the checks of the events that say it, so that an order folded again brings its own."""

    def __init__(self) -> None:
        self._received: dict[str, e.ReturnReceived] = {}
        self._unusual: dict[str, dict[int, Unusual]] = {}

    def note_receipt(self, event: e.ReturnReceived) -> None:
        """The last goods that came back: their refund is made next."""
        self._received[event.stream] = event

    def last_receipt(self, stream: str) -> e.ReturnReceived | None:
        """What came back last."""
        return self._received.get(stream)

    def note_unusual(self, event: Unusual) -> None:
        """Something that is listed as an exception; noted twice, it is the same one."""
        self._unusual.setdefault(event.stream, {})[event.version] = event

    def unusual(self, stream: str) -> Iterable[Unusual]:
        """All that is listed as an exception of an order."""
        return self._unusual.get(stream, {}).values()

    def forget(self, streams: Mapping[str, object]) -> None:
        """The orders of these streams are no longer in memory."""
        for kept in (self._received, self._unusual):
            for stream in kept.keys() & streams.keys():
                del kept[stream]
