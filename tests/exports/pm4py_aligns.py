"""Run by a Python that has pm4py: aligns an OCEL 2.0 file with a Petri net of a unit's life.

The net's places are the states of `ordertrail diagram --json`, its transitions the moves, labelled with the events. A
life may stop in any state. An order is as many tokens as it has units, and an event one transition for each of them.
Prints the fitness of every unit and of every order as one line of JSON.
"""

import json
import sys
from collections import Counter, defaultdict
from typing import Any

import pm4py  # type: ignore[import-not-found]
from pm4py.objects.log.obj import Event, EventLog, Trace  # type: ignore[import-not-found]
from pm4py.objects.petri_net.obj import Marking, PetriNet  # type: ignore[import-not-found]
from pm4py.objects.petri_net.utils.petri_utils import add_arc_from_to  # type: ignore[import-not-found]

EVENT, OBJECT = "ocel:eid", "ocel:oid"
Variant = tuple[str, ...]


class Life:
    """The net, and the places where its tokens begin and end."""

    def __init__(self, moves: list[dict[str, Any]]) -> None:
        self.net = PetriNet("the life of a unit")
        self.places: dict[str | None, Any] = {}
        self.begin, self.end = self._place(None), self._place("(end)")
        for number, move in enumerate(moves):
            self._move(f"{number} {move['trigger']}", move["event"], move["from"], move["to"])
        for state in [state for state in self.places if state not in (None, "(end)")]:
            self._move(f"stop {state}", None, state, "(end)")

    def _move(self, name: str, label: str | None, source: str | None, dest: str) -> None:
        transition = PetriNet.Transition(name, label)
        self.net.transitions.add(transition)
        add_arc_from_to(self._place(source), transition, self.net)
        add_arc_from_to(transition, self._place(dest), self.net)

    def _place(self, state: str | None) -> Any:
        if state not in self.places:
            self.places[state] = PetriNet.Place(state or "(begin)")
            self.net.places.add(self.places[state])
        return self.places[state]

    def fitness(self, variants: set[tuple[int, Variant]]) -> dict[tuple[int, Variant], float]:
        """Of so many units together, going through these events."""
        found = {}
        for units in {units for units, _ in variants}:
            these = sorted(variant for number, variant in variants if number == units)
            log = EventLog([Trace([Event({"concept:name": name}) for name in variant]) for variant in these])
            begin, end = Marking({self.begin: units}), Marking({self.end: units})
            aligned = pm4py.conformance_diagnostics_alignments(log, self.net, begin, end)
            found |= {(units, variant): each["fitness"] for variant, each in zip(these, aligned, strict=True)}
        return found


def lives(path: str, labels: set[str]) -> tuple[dict[str, Variant], dict[str, tuple[int, Variant]]]:
    """Of every unit its moves, and of every order its units' moves together, in the order of the log."""
    log = pm4py.read_ocel2(path)
    positions = dict(zip(log.events[EVENT], log.events["position"], strict=True))
    moved = log.relations[log.relations["ocel:qualifier"] == "moved"].copy()
    moved["position"] = moved[EVENT].map(positions)
    moved = moved[moved["ocel:activity"].isin(labels)].sort_values("position", kind="stable")
    by_unit, by_order = defaultdict(list), defaultdict(list)
    units: Counter[str] = Counter()
    of = log.o2o[(log.o2o["ocel:qualifier"] == "of") & log.o2o[OBJECT].str.startswith("item:")]
    order_of = dict(zip(of[OBJECT], of[f"{OBJECT}_2"], strict=True))
    for unit, order in order_of.items():
        by_unit[unit], by_order[order] = [], []
        units[order] += 1
    for unit, name in zip(moved[OBJECT], moved["ocel:activity"], strict=True):
        by_unit[unit].append(name)
        by_order[order_of[unit]].append(name)
    return (
        {unit: tuple(names) for unit, names in by_unit.items()},
        {order: (units[order], tuple(names)) for order, names in by_order.items()},
    )


def main(path: str, moves_path: str) -> None:
    with open(moves_path, encoding="utf-8") as file:
        moves = json.load(file)
    life = Life(moves)
    of_units, of_orders = lives(path, {move["event"] for move in moves})
    fitness = life.fitness({(1, variant) for variant in of_units.values()} | {*of_orders.values()})
    units = {unit: fitness[1, variant] for unit, variant in of_units.items()}
    orders = {order: fitness[key] for order, key in of_orders.items()}
    print(f"\n{json.dumps({'units': units, 'orders': orders, 'variants': len({*of_units.values()})})}")


main(*sys.argv[1:])
