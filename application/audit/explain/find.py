"""Finds what an id names, and explains it. Reads only."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from ....domain import OrderEvent
from ....domain.admission import owner
from ....domain.errors import OrdertrailError
from ...errors import UnknownOrder
from ...store import Store
from .explanation import Explained, Explanation, Unreadable
from .history import History
from .letter import in_words
from .others import explain_claim, explain_order, explain_request, explain_return
from .refund import explain_refund

KINDS: dict[str, tuple[str, Callable[[History, str], Explained]]] = {
    "request": ("requests", explain_request),
    "return": ("returns", explain_return),
    "refund": ("refunds", explain_refund),
    "claim": ("claims", explain_claim),
}
"""By what stands in an id: where the order keeps such things, and who explains them."""


class UnknownId(UnknownOrder):
    """No order, request, return, refund or claim has this id; ``str()`` says what there is instead."""


def explain(store: str, its_id: str) -> Explanation:
    """Why an order, request, return, refund or claim is as it is, by the store at an address. Reads only.

    An order's own id goes before the ids that the engine gives. What was recorded and does not hold together is
    ``Unreadable``, or among the doubts. Raises ``UnknownId``; ``StoreError`` where the store cannot be read.
    """
    opened = Store.open(store, create=False)
    try:
        return explain_in(opened, its_id)
    finally:
        opened.close()


def explain_in(store: Store, its_id: str) -> Explanation:
    """As ``explain``, in an open store."""
    order_id, kind, events = _found(store, its_id)
    doubts: list[str] = []
    try:
        history = History(store, order_id, events)
        doubts = history.doubts
        explanation = _explained(history, kind, its_id)
        in_words(explanation)  # what cannot be said is not explained
    except OrdertrailError:
        raise
    except Exception as error:  # whatever a changed store makes of explaining it
        what = f"{its_id} cannot be explained from what was recorded of order {order_id}"
        return Unreadable(id=its_id, doubts=[*doubts, f"{what}: {type(error).__name__}: {error}."])
    return explanation


def _found(store: Store, its_id: str) -> tuple[str, str | None, list[OrderEvent]]:
    """The order in which an id is to be looked for, what kind of thing it is (None: the order), and its events."""
    if events := _events(store, its_id):
        return its_id, None, events
    for kind in KINDS:
        order_id = owner(its_id, kind)
        if order_id and (events := _events(store, order_id)):
            return order_id, kind, events
    raise UnknownId(its_id, f"there is no order, request, return, refund or claim {its_id}")


def _explained(history: History, kind: str | None, its_id: str) -> Explanation:
    if kind is None:
        explanation: Explained = explain_order(history)
    else:
        kept_in, explainer = KINDS[kind]
        things: Mapping[str, Any] = getattr(history.order, kept_in)
        if its_id not in things:
            if history.doubts:
                return Unreadable(id=its_id, doubts=history.doubts)
            has = f"it has {', '.join(things)}" if things else f"it has no {kind}"
            raise UnknownId(its_id, f"order {history.order.order_id} has no {kind} {its_id}: {has}")
        explanation = explainer(history, its_id)
    explanation.rules = history.cited()
    explanation.numbers = list(history.numbers.values())
    explanation.doubts = history.doubts
    return explanation


def _events(store: Store, order_id: str) -> list[OrderEvent]:
    return cast(list[OrderEvent], store.events(f"order:{order_id}"))
