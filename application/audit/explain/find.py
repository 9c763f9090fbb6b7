"""Finds what an id names, and explains it. Reads only."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from ....domain import OrderEvent
from ....domain.admission import owner
from ...errors import UnknownOrder
from ...store import Store
from .explanation import Explanation
from .history import History
from .others import explain_claim, explain_order, explain_request, explain_return
from .refund import explain_refund

KINDS: dict[str, tuple[str, Callable[[History, str], Explanation]]] = {
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

    An order's own id goes before the ids that the engine gives. Raises ``UnknownId``; ``StoreError`` where the store
    cannot be read.
    """
    opened = Store.open(store, create=False)
    try:
        return explain_in(opened, its_id)
    finally:
        opened.close()


def explain_in(store: Store, its_id: str) -> Explanation:
    """As ``explain``, in an open store."""
    if events := _events(store, its_id):
        history = History(store, its_id, events)
        explanation: Explanation = explain_order(history)
    else:
        history, kind = _given_by(store, its_id)
        explanation = KINDS[kind][1](history, its_id)
    history.cite(*(entry.rule for entry in explanation.attempts if entry.rule is not None))
    explanation.rules = history.cited()
    explanation.numbers = list(history.numbers.values())
    explanation.doubts = history.doubts
    return explanation


def _given_by(store: Store, its_id: str) -> tuple[History, str]:
    """The history in which the engine gave an id, and what kind of thing it names."""
    for kind, (kept_in, _) in KINDS.items():
        order_id = owner(its_id, kind)
        if not order_id or not (events := _events(store, order_id)):
            continue
        history = History(store, order_id, events)
        things: Mapping[str, Any] = getattr(history.order, kept_in)
        if its_id not in things:
            has = f"it has {', '.join(things)}" if things else f"it has no {kind}"
            raise UnknownId(its_id, f"order {order_id} has no {kind} {its_id}: {has}")
        return history, kind
    raise UnknownId(its_id, f"there is no order, request, return, refund or claim {its_id}")


def _events(store: Store, order_id: str) -> list[OrderEvent]:
    return cast(list[OrderEvent], store.events(f"order:{order_id}"))
