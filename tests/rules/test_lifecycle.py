"""RULEBOOK section 2: the machine makes the moves of the table and no other, no state is a dead end, and an order is
in the state of its least finished unit."""

import itertools

import pytest

from book import Book
from ordertrail.domain import lifecycle
from ordertrail.domain.errors import IllegalMove

SEQUENCE = (
    *("placed", "seller-window", "with-seller", "preparing", "shipped", "out-for-delivery", "refused", "returning"),
    *("delivered", "in-return", "returned", "lost", "cancelled", "refunded"),
)
"""From the least finished on."""

TABLE = """
| open-seller-window | placed | seller-window | SELLER-1 |
| close-seller-window | seller-window | with-seller | SELLER-1 |
| pack | placed, seller-window, with-seller | preparing | PACK-1 |
| unpack | preparing | placed, seller-window, with-seller | PACK-2 |
| dispatch | preparing | shipped | |
| start-delivery | shipped | out-for-delivery | |
| fail-attempt | out-for-delivery | shipped | |
| deliver | shipped, out-for-delivery, refused, returning | delivered | |
| refuse | shipped, out-for-delivery, returning | refused | REFUSE-1 |
| turn-back | shipped, out-for-delivery | returning | CANCEL-4 |
| lose | shipped, out-for-delivery, refused, returning, in-return | lost | |
| cancel | placed, seller-window, with-seller, preparing, shipped | cancelled | CANCEL-1…5, SELLER-1, SELLER-2 |
| start-return | delivered | in-return | RETURN-1 |
| drop-return | in-return | delivered | RETURN-4 |
| receive | refused, returning, in-return, delivered | returned | RETURN-5 |
| refund | cancelled, returned, lost | refunded | REFUND-4 |
| settle-claim | with-seller, preparing, shipped, out-for-delivery, delivered, refused, returning, in-return, \
returned, lost, cancelled | refunded | CLAIM-2 |
"""
"""The contract: trigger, from, to, rule."""


def rows(table):
    """Of each row: the trigger, where from, where to, the rule."""
    for row in table.strip().splitlines():
        trigger, sources, ends, rule = (cell.strip() for cell in row.strip("|").split("|"))
        yield trigger, tuple(sources.split(", ")), tuple(ends.split(", ")), rule


CONTRACT = {
    (trigger, source, end): rule for trigger, sources, ends, rule in rows(TABLE) for source in sources for end in ends
}
TRIGGERS = tuple(dict.fromkeys(trigger for trigger, _, _ in CONTRACT))


def reachable(state):
    """Every state that a unit in ``state`` can still come to, by questions put to the machine."""
    found, edge = set(), {state}
    while edge:
        found |= edge
        ways = itertools.product(TRIGGERS, edge, SEQUENCE)
        edge = {end for trigger, source, end in ways if lifecycle.destination(trigger, source, end)} - found
    return found


def test_the_states_are_those_of_the_book_in_its_sequence():
    assert lifecycle.STATES == SEQUENCE
    assert tuple(lifecycle.machine().states) == SEQUENCE


def test_the_machine_has_the_triggers_of_the_table_and_no_other():
    assert set(lifecycle.machine().events) == set(TRIGGERS)


def test_the_machine_has_a_transition_for_every_move_of_the_table_and_no_other():
    drawn = [
        (trigger, transition.source, transition.dest)
        for trigger, event in lifecycle.machine().events.items()
        for transition in itertools.chain.from_iterable(event.transitions.values())
    ]
    assert sorted(drawn) == sorted(CONTRACT), "each move once"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_asked_for_an_end_the_machine_goes_there_by_the_moves_of_the_table_and_by_no_other(trigger):
    for source, end in itertools.product(SEQUENCE, SEQUENCE):
        expected = end if (trigger, source, end) in CONTRACT else None
        assert lifecycle.destination(trigger, source, end) == expected, (source, end)


@pytest.mark.parametrize("trigger", [trigger for trigger in TRIGGERS if trigger != "unpack"])
def test_without_an_end_asked_for_the_machine_goes_to_the_one_of_the_table_or_says_no(trigger):
    ends = {source: end for name, source, end in CONTRACT if name == trigger}
    for source in SEQUENCE:
        assert lifecycle.destination(trigger, source) == ends.get(source), source
        if source in ends:
            assert lifecycle.move(trigger, source) == ends[source]
        else:
            with pytest.raises(IllegalMove, match=f"no {trigger} from {source}"):
                lifecycle.move(trigger, source)


@pytest.mark.parametrize("end", ["placed", "seller-window", "with-seller"])
def test_pack_2_unpacking_has_three_ends_and_goes_to_the_one_asked_for(end):
    assert lifecycle.move("unpack", "preparing", end) == end


def test_pack_2_unpacking_has_no_fourth_end():
    with pytest.raises(IllegalMove, match="no unpack from preparing to shipped"):
        lifecycle.move("unpack", "preparing", "shipped")


def test_a_state_that_is_none_has_no_moves():
    assert all(lifecycle.destination(trigger, "on-the-moon") is None for trigger in TRIGGERS)


@pytest.mark.parametrize("state", [state for state in lifecycle.STATES if state not in ("refunded", "delivered")])
def test_no_state_but_refunded_and_delivered_is_a_dead_end(state):
    assert any(lifecycle.destination(trigger, state) for trigger in TRIGGERS), "no way out"
    assert reachable(state) & {"refunded", "delivered"}, "no way to an end"


@pytest.mark.parametrize("state", lifecycle.STATES)
def test_the_money_of_a_unit_can_come_back_from_wherever_the_unit_is(state):
    assert "refunded" in reachable(state)


def test_refunded_is_final():
    assert reachable("refunded") == {"refunded"}


def test_every_state_can_be_reached_from_placed():
    assert reachable("placed") == set(SEQUENCE)


def test_the_docs_table_says_the_moves_and_the_rules_of_the_book():
    _, _, *printed = lifecycle.table().splitlines()
    told = {
        (trigger, source, end): rule
        for trigger, sources, ends, rule in rows("\n".join(printed))
        for source in sources
        for end in ends
    }
    assert told == CONTRACT


def order_of(*states):
    """An order with a unit in each of the states."""
    book = Book()
    book.place("O1", {"A": {"unit_price": 100, "quantity": len(states)}})
    order = book.order("O1")
    for unit, state in zip(order.units, states, strict=True):
        unit.state = state
    return order


@pytest.mark.parametrize(("less", "more"), list(itertools.pairwise(SEQUENCE)))
def test_an_order_is_in_the_state_of_its_least_finished_unit(less, more):
    assert order_of(less, more).state == order_of(more, less).state == less
    assert order_of(more, more).state == more


def test_an_order_with_units_in_all_states_is_in_the_first_and_leaves_them_in_sequence():
    for first in range(len(SEQUENCE)):
        assert order_of(*reversed(SEQUENCE[first:])).state == SEQUENCE[first]
