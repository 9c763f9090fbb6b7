"""Between our events and the rows of `eventsourcing`: stored names instead of module paths, msgspec instead of json."""

from typing import Any

from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from ...domain.events import Event, decode, encode

EventRow = tuple[str, int, str, bytes]
"""Stream, version, stored name and state: an event's columns."""


def to_event_row(event: Event) -> EventRow:
    """The event as its row holds it."""
    return event.stream, event.version, event.type, encode(event)


class EventMapper(Mapper[str]):
    """Maps the domain's msgspec structs; they carry their stream, version and stored name themselves.

    Events are typed `Any` here, because the library's protocol names those attributes otherwise.
    """

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())  # the base class wants one; it is never asked

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        return StoredEvent(*to_event_row(domain_event))

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        return decode(stored_event.state)
