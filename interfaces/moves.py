"""Which event makes which move of a unit: the lifecycle in the words of the log, for programs that check one by it."""

from collections.abc import Iterator

from msgspec import Struct

from ..domain import events as e
from ..domain.lifecycle import MOVES

PLACE = "place"
"""How units begin: the machine has no trigger for it, and a seller's units begin behind `open-seller-window`."""
_AFTER_DELIVERY = frozenset({"delivered", "in-return"})
_TRIGGERS: dict[type[e.OrderEvent], tuple[str, ...]] = {
    **{kind: (kind.trigger,) for kind in e.ItemsMoved.__subclasses__()},
    e.ItemsRefunded: ("refund", "settle-claim"),
    e.ReturnStarted: ("start-return",),
    e.ReturnWithdrawn: ("drop-return",),
    e.ReturnReceived: ("receive",),
    e.ReturnLapsed: ("drop-return",),
    e.ReturnLost: ("lose",),
}
_DESTINATIONS = {move.trigger: move.dest for move in MOVES}


class EventMove(Struct, frozen=True, rename={"source": "from", "dest": "to"}):
    """An event of this stored name may take a unit from ``source`` (None: it begins) to ``dest``."""

    event: str
    trigger: str
    source: str | None
    dest: str
    rule: str


def event_moves() -> list[EventMove]:
    """Every move that an event can make, in the order of a unit's life."""
    return [
        EventMove("order-placed", PLACE, None, "placed", "ORDER-1"),
        EventMove("order-placed", PLACE, None, "seller-window", "SELLER-1"),
        *(made for kind, triggers in _TRIGGERS.items() for made in _moves(kind, triggers)),
    ]


def state_after(event: e.Event) -> str | None:
    """The state that an event's units are in after it; None where it moves none."""
    if isinstance(event, e.OrderPlaced):
        return "seller-window" if event.fulfilled_by == "seller" else "placed"
    if isinstance(event, e.ItemsUnpacked):
        return event.to
    triggers = _TRIGGERS.get(type(event))  # type: ignore[arg-type]
    return _DESTINATIONS[triggers[0]] if triggers else None


def _moves(kind: type[e.OrderEvent], triggers: tuple[str, ...]) -> Iterator[EventMove]:
    for move in MOVES:
        if move.trigger in triggers:
            sources = [source for source in move.sources if _tells(kind, source)]
            yield from (EventMove(kind.type, move.trigger, source, move.dest, move.rule) for source in sources)


def _tells(kind: type[e.OrderEvent], source: str) -> bool:
    """A return's events tell of units that had been delivered, `items-…` of those before; a refund ends any life."""
    if kind is e.ItemsRefunded:
        return True
    return ("return_id" in kind.__struct_fields__) == (source in _AFTER_DELIVERY)
