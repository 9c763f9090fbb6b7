"""`audit explain` over made-up lives: it never fails, adds up to the cent, and cites only what there is."""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lives import FEES, command_logs
from ordertrail.application import Orders
from ordertrail.application.audit.explain import Explanation, OrderExplained, RefundExplained, in_words
from ordertrail.application.audit.explain.find import explain_in
from ordertrail.application.audit.explain.recorded import Passed, Step
from ordertrail.application.store import Store
from ordertrail.domain import RULES, Order, fold
from ordertrail.domain.events import EVENT_TYPES, OrderEvent
from recorded_log import recorded_log

pytestmark = pytest.mark.slow

NOT_FOR_BUYERS = re.compile(
    r"accept_cascade|command id|ORDER-0|AUTH-1|\d{4}-\d\d-\d\dT|out-for-delivery|in-return|seller-window|of item"
)
CITED = re.compile(r"\(([A-Z]+-\d+)\)")
PARTS = re.compile(r": |, |\(")
TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[-+×%]")
ROUNDED = re.compile(r"= (\S+), rounded down in your favour: (\S+) ")


def orders_of(store: Store) -> Iterator[Order]:
    """Every order, folded from what was stored."""
    placed = [event for _, event in store.notifications(0, 10**6) if event.type == "order-placed"]
    for event in placed:
        order = fold(store.events(event.stream))
        assert order is not None
        yield order


def everything_explained(url: str) -> list[Explanation]:
    """The explanations of every id in a store, each of which is sound."""
    store = Store.open(url, create=False)
    try:
        found = []
        for order in orders_of(store):
            for its_id in (order.order_id, *order.requests, *order.returns, *order.refunds, *order.claims):
                explanation = explain_in(store, its_id)
                assert explanation.id == its_id
                is_sound(explanation, order)
                found.append(explanation)
        return found
    finally:
        store.close()


def is_sound(explanation: Explanation, order: Order) -> None:
    assert explanation.doubts == []
    assert json.loads(msgspec.json.encode(explanation))["id"] == explanation.id
    assert explanation.rules == {rule: RULES[rule].text for rule in explanation.rules}
    told = [section for section in in_words(explanation) if not section.title.startswith(("The rules", "The numbers"))]
    words = [text for section in told for text in (*section.paragraphs, *section.lines)]
    said = " ".join(words)
    assert NOT_FOR_BUYERS.findall(said) == []
    assert set(CITED.findall(said)) <= explanation.rules.keys()
    assert all(text[0].isupper() or text[0].isdigit() or ":" in text for text in words), words
    for step in steps_in(explanation):
        is_caused(step)
    for text in words:
        sums_are_right(text)
    if isinstance(explanation, RefundExplained):
        adds_up(explanation, order)
    if isinstance(explanation, OrderExplained):
        assert sum(part.total for part in explanation.worth) == order.total


def steps_in(value: Any) -> Iterator[Step]:
    """Every step of an explanation, wherever it stands."""
    if isinstance(value, Step):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from steps_in(getattr(value, name))
    elif isinstance(value, list):
        for inner in value:
            yield from steps_in(inner)


def is_caused(step: Step) -> None:
    """By the command that the journal has, or by a deadline that is as far off as its number says."""
    event, cause = step.event, step.cause
    assert (step.position > 0, cause is not None) == (True, True)
    assert isinstance(cause, Passed) == (event.actor == "system")
    if isinstance(cause, Passed):
        unit = next(unit for unit in ("minutes", "hours", "days") if unit in cause.number.name)
        assert cause.counted_from + timedelta(**{unit: cause.number.value}) == event.at == cause.at
        assert cause.recorded_with is not None
        assert cause.recorded_with.command_id == event.command_id
    else:
        assert cause is not None
        assert (cause.command_id, cause.at) == (event.command_id, event.at)


def adds_up(refund: RefundExplained, order: Order) -> None:
    """Worth less what is kept is the amount, which is what the payouts, and the parts of the payments, come to."""
    recorded = order.refunds[refund.id]
    kept = sum(part.amount for part in (refund.restocking, refund.return_shipping) if part is not None)
    assert sum(part.total for part in refund.worth) - kept == refund.amount == recorded.amount
    assert {item: sorted(n for part in refund.worth if part.item_id == item for n in part.units)
            for item in refund.units} == refund.units  # fmt: skip
    assert sum(payout.amount for payout in refund.payouts) == refund.amount
    if refund.split:
        gets = {part.payment_id: part.gets for part in refund.split if part.gets}
        assert gets == {payout.payment_id: payout.amount for payout in refund.payouts}
    assert refund.owed.event.version == max([0, *(step.event.version for step in refund.because)]) + 1 or refund.because
    for payout in refund.payouts:
        assert (payout.promise is None) == (refund.due_at is None)
    if refund.restocking is not None:
        assert refund.restocking.amount == sum(part.total for part in refund.restocking.kept)


def sums_are_right(text: str) -> None:
    """Every sum that the words spell out is right, read as anybody would read it, and no fraction is dropped unsaid."""
    for part in PARTS.split(text.replace(" (price less discount)", "")):
        if " = " not in part:
            continue
        terms, _, result = part.partition(" = ")
        assert reckoned(TOKEN.findall(terms)) == exactly(result.split()[0].rstrip(".")), text
    for exact, paid in ROUNDED.findall(text):
        assert 0 < exactly(exact) - exactly(paid) < smallest(paid), text


def reckoned(tokens: list[str]) -> Decimal:
    """`3.33 - 0.01`, `2 × 3.83` or `50 % 3.33`, as it is on paper."""
    if tokens[1:2] == ["×"]:
        return exactly(tokens[0]) * exactly(tokens[2])
    if tokens[1:2] == ["%"]:
        return exactly(tokens[0]) * exactly(tokens[2]) / 100
    signs = ["+", *(token for token in tokens if token in "+-")]
    numbers = [exactly(token) for token in tokens if token not in "+-"]
    return sum((-number if sign == "-" else number for sign, number in zip(signs, numbers, strict=True)), Decimal())


def exactly(number: str) -> Decimal:
    return Decimal(number.replace(",", ""))


def smallest(amount: str) -> Decimal:
    """The smallest amount with as many digits."""
    return Decimal(1).scaleb(-len(amount.partition(".")[2]))


@settings(max_examples=20, phases=[Phase.reuse, Phase.generate])  # to shrink such a log takes many minutes
@given(
    log=command_logs(min_size=15, max_size=60).map(lambda drawn: drawn[0]),
    again=st.lists(st.integers(0, 59), max_size=4),
    batches=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 1)), min_size=1, max_size=12),
)
def test_whatever_happens_every_id_is_explained_and_every_refund_adds_up_to_the_cent(
    log: list[dict[str, Any]], again: list[int], batches: list[tuple[int, int]]
) -> None:
    for place in again:  # ids used again for something else: ORDER-0
        log.append(log[place % len(log)] | {"actor_id": "somebody-else", "at": log[-1]["at"]})
    with tempfile.TemporaryDirectory() as folder:
        url = f"{folder}/shop.db"
        fees = Path(folder) / "fees.toml"
        fees.write_text(FEES)
        done = 0
        for turn in range(len(log)):
            size, whose = batches[turn % len(batches)]
            if done < len(log):
                with Orders.open(url, policy=(None, fees)[whose]) as orders:
                    list(orders.run(json.dumps(raw).encode() for raw in log[done : done + size]))
            done += size
        everything_explained(url)


def test_a_simulated_week_is_explained_and_so_is_every_kind_of_event_in_it(tmp_path: Path) -> None:
    url = str(tmp_path / "shop.db")
    with Orders.open(url) as orders:
        list(orders.run(recorded_log(200, seed=1).splitlines()))
    found = everything_explained(url)
    kinds = {type(explanation).__name__ for explanation in found}
    assert kinds == {"OrderExplained", "RequestExplained", "ReturnExplained", "RefundExplained", "ClaimExplained"}
    told = {step.event.type for explanation in found for step in steps_in(explanation)}
    every = {name for name, kind in EVENT_TYPES.items() if issubclass(kind, OrderEvent)}
    assert every - told == set(), "the week has them all"
