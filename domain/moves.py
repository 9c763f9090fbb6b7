"""What each move does with the units that it names. It may happen: that was decided before, and is never asked here."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from . import events as e
from .units import Unit

M = TypeVar("M", bound=e.ItemsMoved)
Move = Callable[[Sequence[Unit], M], None]

MOVES: dict[type[e.ItemsMoved], Move[Any]] = {}
"""By event."""


def _on(kind: type[M]) -> Callable[[Move[M]], Move[M]]:
    def register(move: Move[M]) -> Move[M]:
        MOVES[kind] = move
        return move

    return register


def _become(kind: type[e.ItemsMoved], state: str) -> None:
    @_on(kind)
    def move(units: Sequence[Unit], _: e.ItemsMoved) -> None:
        for unit in units:
            unit.state = state


_become(e.SellerWindowClosed, "with-seller")
_become(e.DeliveryStarted, "out-for-delivery")
_become(e.AttemptFailed, "shipped")
_become(e.ItemsLost, "lost")
_become(e.ItemsReturned, "returned")


@_on(e.ItemsPacked)
def _packed(units: Sequence[Unit], event: e.ItemsPacked) -> None:
    for unit in units:
        unit.state = "preparing"
        unit.shipment_id = event.shipment_id
        unit.lost_after = event.lost_after


@_on(e.ItemsDispatched)
def _left_with_the_carrier(units: Sequence[Unit], event: e.ItemsDispatched) -> None:
    for unit in units:
        unit.state = "shipped"
        unit.dispatched_at = event.at


@_on(e.ItemsDelivered)
def _arrived(units: Sequence[Unit], event: e.ItemsDelivered) -> None:
    for unit in units:
        unit.state = "delivered"
        unit.delivered_at = event.at


@_on(e.ItemsRefused)
def _refused(units: Sequence[Unit], event: e.ItemsRefused) -> None:
    for unit in units:
        unit.state = "refused"
        unit.turned_at = event.at
        unit.turned_by_request = False


@_on(e.ItemsTurnedBack)
def _turned_back(units: Sequence[Unit], event: e.ItemsTurnedBack) -> None:
    for unit in units:
        unit.state = "returning"
        unit.turned_at = event.at
        unit.turned_by_request = event.requested


@_on(e.ItemsCancelled)
def _cancelled(units: Sequence[Unit], event: e.ItemsCancelled) -> None:
    for unit in units:
        unit.state = "cancelled"
        if event.taken_out:
            unit.shipment_id = None
