"""Which units a command means: the lowest-numbered eligible ones, or, if there are too few, whose rule says no."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from .admission import missing
from .order import Order
from .rules import Verdict
from .units import Unit

Judge = Callable[[Unit], Verdict]


class Chosen(NamedTuple):
    """A unit and the verdict that chose it."""

    unit: Unit
    verdict: Verdict


def once_for_alike(judge: Judge) -> Judge:
    """``judge``, asked once for the units of a line that only their numbers tell apart (there may be thousands).

    All of them get the answer of the lowest, which is the one that is told if the answer is no.
    """
    known: dict[tuple[object, ...], Verdict] = {}

    def ask(unit: Unit) -> Verdict:
        situation = (unit.item_id, unit.state, unit.shipment_id, unit.request_id, unit.delivered_at)
        verdict = known.get(situation)
        if verdict is None:
            verdict = known[situation] = judge(unit)
        return verdict

    return ask


def check_known(order: Order, wanted: Mapping[str, int] | str) -> None:
    """ORDER-2 for an unknown item, or more units than the line ever had."""
    if isinstance(wanted, str):
        return
    for item_id, quantity in wanted.items():
        if item_id not in order.items:
            missing(f"item {item_id} in order", order.order_id)
        if quantity > (ever := order.items[item_id].line.quantity):
            missing(f"unit {quantity} of item {item_id} (it has {ever}) in order", order.order_id)


def choose(
    order: Order,
    wanted: Mapping[str, int] | str,
    judge: Judge,
    eligible: Callable[[Verdict], bool] = lambda verdict: verdict.allowed,
) -> list[Chosen]:
    """The units that ``wanted`` means, in the order's sequence; raises the ``Rejection`` of the first that fails.

    Items are asked in the order's sequence; the first that has too few eligible units answers with the rule of its
    lowest-numbered ineligible unit (``"all"`` with nothing eligible: with that of the order's first unit).
    """
    check_known(order, wanted)
    if isinstance(wanted, str):
        judged = [Chosen(unit, judge(unit)) for unit in order.units]
        chosen = [c for c in judged if eligible(c.verdict)]
        if not chosen:
            raise judged[0].verdict.rejection()
        return chosen
    chosen = []
    for item_id in order.items:
        if item_id in wanted:
            chosen += _of_line(order, item_id, wanted[item_id], judge, eligible)
    return chosen


def _of_line(
    order: Order, item_id: str, quantity: int, judge: Judge, eligible: Callable[[Verdict], bool]
) -> list[Chosen]:
    found: list[Chosen] = []
    first_no: Verdict | None = None
    for unit in order.units_of(item_id):
        verdict = judge(unit)
        if eligible(verdict):
            found.append(Chosen(unit, verdict))
            if len(found) == quantity:
                return found
        elif first_no is None:
            first_no = verdict
    assert first_no is not None, "a line with too few eligible units has an ineligible one"
    raise first_no.rejection()
