"""An order's history as far as it can be read: where something that was recorded does not hold together, it ends."""

from collections.abc import Sequence

from ....domain import Order, OrderEvent, fold
from ....domain import events as e


def as_far_as_it_folds(stream: str, events: Sequence[OrderEvent]) -> tuple[Order, Sequence[OrderEvent], list[str]]:
    """The order, the events that made it, and a sentence about the first one that cannot be read, if any.

    Raises ``ValueError`` where not even the placing can be read.
    """
    order: Order | None = None
    for number, event in enumerate(events, 1):
        wrong = _out_of_place(stream, number, event)
        try:
            order = order if wrong else fold([event], order)
        except Exception as error:  # whatever a changed event makes of folding it
            wrong = f"{type(error).__name__}: {error}"
        if wrong is None:
            continue
        what = f"version {number}, {event.type}, cannot be read: {wrong}"
        order = fold(events[: number - 1])  # it may have been changed in part
        if order is None:
            raise ValueError(what)
        return order, events[: number - 1], [f"{what[0].upper()}{what[1:]}. It and all that came later is left out."]
    assert order is not None
    return order, events, []


def _out_of_place(stream: str, number: int, event: OrderEvent) -> str | None:
    if event.version != number:
        return f"it says that it is version {event.version}"
    if event.stream != stream:
        return f"it says that it is of {event.stream.replace(':', ' ', 1)}"
    if isinstance(event, e.OrderPlaced) != (number == 1):
        return "an order begins with its placing, once"
    return None
