"""What pm4py makes of the exported log: it reads all of it, and its alignments say that every life conforms."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ordertrail.application import Orders
from pm4py_environment import python_with_pm4py, say
from processes import ordertrail
from recorded_log import recorded_log

pytestmark = pytest.mark.slow

Document = dict[str, Any]


class Files(NamedTuple):
    """Eighty orders of a simulated week in both formats, and the moves of the lifecycle."""

    json: Path
    sqlite: Path
    moves: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("week")
    with Orders.open(folder / "week.db") as orders:
        for _ in orders.run(recorded_log(80).splitlines()):
            pass
    found = Files(folder / "week.json", folder / "week.sqlite", folder / "moves.json")
    for path in (found.json, found.sqlite):
        call = ("export", "events", "--format", "ocel2", "--output", path, "--store", folder / "week.db")
        assert ordertrail(*call).returncode == 0
    found.moves.write_bytes(ordertrail("diagram", "--json").stdout)
    return found


@pytest.fixture(scope="module")
def python(pytestconfig: pytest.Config) -> str:
    return python_with_pm4py(pytestconfig)


@pytest.fixture
def fitness(python: str, files: Files, tmp_path: Path) -> Callable[[Document], dict[str, dict[str, float]]]:
    """How well each unit and each order of a document fits the lifecycle: 1 is perfect."""

    def align(document: Document) -> dict[str, dict[str, float]]:
        path = tmp_path / "tampered.json"
        path.write_text(json.dumps(document))
        return say(python, "pm4py_aligns.py", path, files.moves)

    return align


@pytest.mark.parametrize("kind", ["json", "sqlite"])
def test_pm4py_reads_every_event_object_relation_and_change(python: str, files: Files, kind: str) -> None:
    read = say(python, "pm4py_reads.py", getattr(files, kind))
    ours = rows(json.loads(files.json.read_text()))
    assert {name: len(read[name]) for name in ours} == {name: len(those) for name, those in ours.items()}
    for name, those in ours.items():
        assert len(those) > 400, name
        assert sorted(read[name], key=str) == sorted(those, key=str), name
    assert read["warned"] == []
    # The standard's constraints on tables, as far as pm4py checks them.
    assert (len(read["satisfied"]), read["unsatisfied"]) == (24 if kind == "sqlite" else 0, [])


def rows(document: Document) -> dict[str, list[list[Any]]]:
    """A document as pm4py's tables have it."""
    events, objects = document["events"], document["objects"]
    return {
        "events": [[e["id"], e["type"], utc(e["time"]), first(e, "amount"), first(e, "rule")] for e in events],
        "objects": [
            [o["id"], o["type"], *(first(o, name) for name in ("value", "currency", "state"))] for o in objects
        ],
        "about": [[e["id"], r["objectId"], r["qualifier"]] for e in events for r in e["relationships"]],
        "links": [[o["id"], r["objectId"], r["qualifier"]] for o in objects for r in o["relationships"]],
        "changes": [
            [o["id"], a["name"], utc(a["time"]), a["value"] if a["name"] == "state" else None]
            for o in objects
            for a in o["attributes"]
            if not a["time"].startswith("1970")
        ],
    }


def first(each: Document, name: str) -> Any:
    return next((a["value"] for a in each["attributes"] if a["name"] == name), None)


def utc(text: str) -> str:
    return text.replace("Z", "+00:00")


def test_every_unit_and_every_order_conforms_to_the_lifecycle(python: str, files: Files) -> None:
    for path in (files.json, files.sqlite):
        found = say(python, "pm4py_aligns.py", path, files.moves)
        assert (len(found["units"]), len(found["orders"])) == (units_of(files), 80)
        assert found["variants"] > 20
        assert {unit: fit for unit, fit in found["units"].items() if fit < 1} == {}
        assert {order: fit for order, fit in found["orders"].items() if fit < 1} == {}


def units_of(files: Files) -> int:
    with closing(sqlite3.connect(files.sqlite)) as database:
        ((count,),) = database.execute("SELECT count(*) FROM object_Item WHERE ocel_changed_field IS NULL")
    return int(count)


def moved(event: Document) -> set[str]:
    return {r["objectId"] for r in event["relationships"] if r["qualifier"] == "moved"}


def orders_of(units: set[str]) -> set[str]:
    return {f"order:{unit.removeprefix('item:').split('/')[0]}" for unit in units}


def delivered_parcels(document: Document) -> Iterator[tuple[Document, Document]]:
    """Dispatches and deliveries of the same units."""
    for dispatched in document["events"]:
        if dispatched["type"] == "items-dispatched":
            for delivered in document["events"]:
                if delivered["type"] == "items-delivered" and moved(delivered) == moved(dispatched):
                    yield dispatched, delivered


def only_these_do_not_fit(found: dict[str, dict[str, float]], units: set[str]) -> None:
    assert {unit for unit, fit in found["units"].items() if fit < 1} == units
    assert {order for order, fit in found["orders"].items() if fit < 1} == orders_of(units)


def test_a_log_without_one_dispatch_does_not_conform(fitness: Any, files: Files) -> None:
    document = json.loads(files.json.read_text())
    dispatched, _ = next(delivered_parcels(document))
    document["events"].remove(dispatched)
    only_these_do_not_fit(fitness(document), moved(dispatched))


def test_a_log_without_a_single_dispatch_conforms_nowhere_behind_it(fitness: Any, files: Files) -> None:
    document = json.loads(files.json.read_text())
    gone = [event for event in document["events"] if event["type"] == "items-dispatched"]
    document["events"] = [event for event in document["events"] if event["type"] != "items-dispatched"]
    went_on = {"items-delivered", "delivery-started", "items-refused", "items-lost", "items-turned-back"}
    behind = set().union(*(moved(event) for event in document["events"] if event["type"] in went_on))
    units = set().union(*map(moved, gone))
    assert len(units & behind) > 100
    only_these_do_not_fit(fitness(document), units & behind)


def test_a_delivery_before_its_dispatch_does_not_conform(fitness: Any, files: Files) -> None:
    document = json.loads(files.json.read_text())
    dispatched, delivered = next(delivered_parcels(document))
    one, other = (next(a for a in event["attributes"] if a["name"] == "position") for event in (dispatched, delivered))
    one["value"], other["value"] = other["value"], one["value"]
    only_these_do_not_fit(fitness(document), moved(dispatched))


def test_a_refund_of_a_unit_that_never_went_back_does_not_conform(fitness: Any, files: Files) -> None:
    document = json.loads(files.json.read_text())
    placed = next(event for event in document["events"] if event["type"] == "order-placed")
    unit = min(moved(placed))
    refunded = next(event for event in document["events"] if event["type"] == "items-refunded")
    early = {"name": "position", "value": 1.5}
    invented = refunded | {"id": "invented", "attributes": [early], "relationships": [relation("moved", unit)]}
    document["events"].append(invented)
    only_these_do_not_fit(fitness(document), {unit})


def relation(qualifier: str, its_id: str) -> dict[str, str]:
    return {"objectId": its_id, "qualifier": qualifier}
