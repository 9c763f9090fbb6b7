"""The life of a unit as data: states, triggers, and the one shared `transitions` machine that judges every move.

The only module that imports `transitions`. Knows no order, no rule and no time. Source: RULEBOOK section 2.
"""

from functools import cache
from typing import NamedTuple

from transitions import EventData, Machine, MachineError

from .errors import IllegalMove

STATES = (
    "placed",
    "seller-window",
    "with-seller",
    "preparing",
    "shipped",
    "out-for-delivery",
    "refused",
    "returning",
    "delivered",
    "in-return",
    "returned",
    "lost",
    "cancelled",
    "refunded",
)
"""In the order's sequence: an order is in the state of its unit that comes first here."""

RANK = {state: rank for rank, state in enumerate(STATES)}
UNSHIPPED = frozenset({"placed", "seller-window", "with-seller", "preparing"})
PACKABLE = frozenset({"placed", "seller-window", "with-seller"})
UNDER_WAY = frozenset({"shipped", "out-for-delivery"})
COMING_BACK = frozenset({"refused", "returning"})


class Move(NamedTuple):
    """One row of the table: ``trigger`` takes a unit from any of ``sources`` to ``dest``."""

    trigger: str
    sources: tuple[str, ...]
    dest: str
    rule: str


_SETTLED_BY_CLAIM = tuple(s for s in STATES if s not in {"placed", "seller-window", "refunded"})

MOVES = (
    Move("open-seller-window", ("placed",), "seller-window", "SELLER-1"),
    Move("close-seller-window", ("seller-window",), "with-seller", "SELLER-1"),
    Move("pack", ("placed", "seller-window", "with-seller"), "preparing", "PACK-1"),
    Move("unpack", ("preparing",), "placed", "PACK-2"),
    Move("unpack", ("preparing",), "seller-window", "PACK-2"),
    Move("unpack", ("preparing",), "with-seller", "PACK-2"),
    Move("dispatch", ("preparing",), "shipped", ""),
    Move("start-delivery", ("shipped",), "out-for-delivery", ""),
    Move("fail-attempt", ("out-for-delivery",), "shipped", ""),
    Move("deliver", ("shipped", "out-for-delivery", "refused", "returning"), "delivered", ""),
    Move("refuse", ("shipped", "out-for-delivery", "returning"), "refused", "REFUSE-1"),
    Move("turn-back", ("shipped", "out-for-delivery"), "returning", "CANCEL-4"),
    Move("lose", ("shipped", "out-for-delivery", "refused", "returning", "in-return"), "lost", ""),
    Move(
        "cancel",
        ("placed", "seller-window", "with-seller", "preparing", "shipped"),
        "cancelled",
        "CANCEL-1…5, SELLER-1, SELLER-2",
    ),
    Move("start-return", ("delivered",), "in-return", "RETURN-1"),
    Move("drop-return", ("in-return",), "delivered", "RETURN-4"),
    Move("receive", ("refused", "returning", "in-return", "delivered"), "returned", "RETURN-5"),
    Move("refund", ("cancelled", "returned", "lost"), "refunded", "REFUND-4"),
    Move("settle-claim", _SETTLED_BY_CLAIM, "refunded", "CLAIM-2"),
)


class _Token:
    """What the machine moves: a bare state."""

    def __init__(self, state: str) -> None:
        self.state = state


def _bound_for(dest: str) -> object:
    """`unpack` is the one trigger with several ends: the caller names the one that the unit's clock says."""

    def wanted(event: EventData) -> bool:
        return bool(event.kwargs.get("to") in (None, dest))

    return wanted


@cache
def machine() -> Machine:
    """The one machine of the process; models are never bound to it."""
    return Machine(
        model=None,
        states=list(STATES),
        initial=STATES[0],
        auto_transitions=False,
        send_event=True,
        transitions=[
            {"trigger": m.trigger, "source": list(m.sources), "dest": m.dest, "conditions": [_bound_for(m.dest)]}
            for m in MOVES
        ],
    )


@cache
def destination(trigger: str, state: str, to: str | None = None) -> str | None:
    """Where ``trigger`` takes a unit in ``state`` (``to`` picks an end of `unpack`), or None: the machine says no.

    Each question is put to the machine once per process and remembered.
    """
    if state not in RANK:
        return None
    token = _Token(state)
    try:
        moved = machine().events[trigger].trigger(token, to=to)
    except MachineError:
        return None
    return token.state if moved else None


def move(trigger: str, state: str, to: str | None = None) -> str:
    """As ``destination``; raises ``IllegalMove`` where the machine says no."""
    dest = destination(trigger, state, to)
    if dest is None:
        raise IllegalMove(f"the lifecycle has no {trigger} from {state}" + (f" to {to}" if to else ""))
    return dest


def mermaid() -> str:
    """The state machine as a Mermaid state diagram, drawn from the machine's own transitions."""
    edges: dict[tuple[str, str], list[str]] = {}
    for name, event in machine().events.items():
        for transitions in event.transitions.values():
            for t in transitions:
                edges.setdefault((str(t.source), str(t.dest)), []).append(name)
    lines = ["stateDiagram-v2", "    direction LR", "    [*] --> placed: place"]
    lines += [f"    {_name(s)} --> {_name(d)}: {', '.join(names)}" for (s, d), names in edges.items()]
    lines += [f"    {_name(state)}: {state}" for state in STATES if "-" in state]
    return "\n".join([*lines, "    refunded --> [*]"])


def table() -> str:
    """The moves as a Markdown table: trigger, from, to, rule."""
    merged: dict[str, list[Move]] = {}
    for m in MOVES:
        merged.setdefault(m.trigger, []).append(m)
    rows = [
        f"| {trigger} | {', '.join(dict.fromkeys(s for m in moves for s in m.sources))} "
        f"| {', '.join(m.dest for m in moves)} | {moves[0].rule} |"
        for trigger, moves in merged.items()
    ]
    return "\n".join(["| trigger | from | to | rule |", "| --- | --- | --- | --- |", *rows])


def _name(state: str) -> str:
    """Mermaid wants plain words for ids."""
    return state.replace("-", "_")
