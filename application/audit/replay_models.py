"""What a replay asks of read models: the one place where it meets them.

Where they live and how they keep things is another room's affair; it hands over something that answers as
``ReadModels``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ...domain import Order, Shipment
from .replay_asides import Unusual

READ_MODEL = "read-model"


class ReadModels(Protocol):
    """Read models that have followed the log at least as far as they were asked to."""

    @property
    def names(self) -> Sequence[str]:
        """Those that are compared."""
        ...

    def of_orders(self, orders: Sequence[tuple[Order, Iterable[Unusual]]]) -> Mapping[str, Sequence[str]]:
        """Where they say something else of an order (given with what is listed as its exceptions), by order id."""
        ...

    def of_shipments(self, shipments: Sequence[Shipment]) -> Mapping[str, Sequence[str]]:
        """Where they say something else of a shipment, by shipment id."""
        ...

    def strangers(self, orders: int, shipments: int) -> Iterator[tuple[str, str]]:
        """Streams that a log of so many orders and shipments may not have, and what they tell of them.

        All that it does not have are among them; of no stream (empty) is what they tell of nothing.
        """
        ...


OpenReadModels = Callable[[int], AbstractContextManager[ReadModels]]
"""Opens the read models, caught up to a position at least; in processes that take part it must be picklable."""
