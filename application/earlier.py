"""An order as it was: two times that are never mixed up, when something happened and when it was learned."""

from collections.abc import Sequence
from datetime import datetime

from ..domain import Event, Order, fold, fold_as_of
from ..domain.admission import in_utc, moment
from .errors import UnknownPast


def earlier(
    order_id: str,
    events: Sequence[Event],
    *,
    as_of: datetime | None,
    as_known_at: datetime | None,
    at_version: int | None,
) -> Order:
    """The order of all its ``events`` (at least one), as ``Orders.show`` is asked for it.

    Raises ``UnknownPast``, and ``ValueError`` for a time without an offset.
    """
    if at_version is not None:
        _require_version(order_id, at_version, len(events))
        events = events[:at_version]
    if as_known_at is not None:
        known_at = in_utc(as_known_at)
        events = [event for event in events if event.recorded_at <= known_at]
        if not events:
            raise UnknownPast(order_id, f"nothing was known of order {order_id} yet at {moment(known_at)}")
    order = fold(events) if as_of is None else fold_as_of(events, in_utc(as_of))
    if order is None:
        assert as_of is not None
        raise UnknownPast(order_id, f"order {order_id} was not placed yet at {moment(as_of)}")
    return order


def _require_version(order_id: str, asked: int, last: int) -> None:
    if asked > last:
        raise UnknownPast(order_id, f"order {order_id} has only {last} version{'' if last == 1 else 's'}")
    if asked < 1:
        raise UnknownPast(order_id, f"order {order_id} has no version {asked}: its first is 1")
