"""How fast this machine is, by something that is not ours: a trigger of a bare machine of `transitions`.

A promise of so many a second is one about the reference machine, on which such a trigger takes 7 µs. A rate that was
measured elsewhere, or in a slow minute of the same machine, says what it says there only beside the yardstick.
"""

from collections.abc import Sequence

from figures import Figure, seconds
from transitions import Machine

REFERENCE_MICROSECONDS = 7
TRIGGERS = 2_000
TRIES = 5


class _Lamp:
    """A model with two states."""


def slowness() -> float:
    """How many times as long as on the reference machine a trigger takes just now; the best of some tries."""
    lamp = _Lamp()
    machine = Machine(lamp, states=["off", "on"], initial="off", auto_transitions=False)
    machine.add_transition("press", "off", "on")
    machine.add_transition("press", "on", "off")
    press = lamp.press  # type: ignore[attr-defined]
    best = min(seconds([press] * TRIGGERS) for _ in range(TRIES))
    return best / TRIGGERS * 1e6 / REFERENCE_MICROSECONDS


def on_reference(name: str, rates: Sequence[float], slow: Sequence[float], least: float) -> Figure:
    """Rates a second at the reference machine's speed, each by the yardstick of its own round, and their limit."""
    scaled = [rate * factor for rate, factor in zip(rates, slow, strict=True)]
    typical = sorted(slow)[len(slow) // 2]
    note = f"{typical:.2g} times as fast: a bare trigger takes {typical * REFERENCE_MICROSECONDS:.3g} µs here"
    return Figure.of(f"{name}, on the reference machine", scaled, "/s", limit=("≥", least), note=note)
