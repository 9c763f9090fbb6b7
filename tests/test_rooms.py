"""The arrows between the rooms: what each room may import, read from its source where it is installed.

The standard library is open to all. Imports inside functions and under TYPE_CHECKING count like any other.
"""

import ast
import importlib.machinery
import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest

ROOMS = {
    "domain": {"domain"},
    "application": {"domain", "application"},
    "projections": {"domain", "projections"},
    "interfaces": {"domain", "application", "projections", "interfaces"},
}

# Who may import which library: a room, a package in it, or one module. Nothing else may.
# Beyond the table: msgspec outside domain, for its structs are the domain's own types; the store's driver, psycopg.
LIBRARIES = {
    "msgspec": ["domain", "application", "projections", "interfaces"],
    "transitions": ["domain/lifecycle.py"],
    "eventsourcing": ["application/store"],
    "psycopg": ["application/store"],
    "cryptography": ["application/audit/signature.py"],
    "sqlalchemy": ["projections"],
    "click": ["interfaces"],
    "pyarrow": ["interfaces/exports/parquet_folder.py"],
    "rich": ["interfaces"],
    "babel": ["interfaces"],
}
NOT_CORE = ("sqlalchemy.orm", "sqlalchemy.ext")  # of SQLAlchemy, Core only


def folder(room: str) -> Path:
    spec = importlib.util.find_spec(f"ordertrail.{room}")
    assert spec is not None
    assert spec.origin is not None, f"ordertrail.{room} has no __init__.py"
    return Path(spec.origin).parent


def modules() -> list[tuple[str, Path]]:
    """Every module as its path from the rooms' common top, such as `domain/money.py`, and where it lies."""
    return [
        (f"{room}/{path.relative_to(folder(room)).as_posix()}", path)
        for room in ROOMS
        for path in sorted(folder(room).rglob("*.py"))
    ]


def imports(module: str, source: str) -> Iterator[str]:
    """The absolute dotted names that a module imports, relative ones resolved as they are when installed."""
    package = ["ordertrail", *Path(module).parent.parts]
    for node in ast.walk(ast.parse(source, filename=module)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=name, level=0, names=names):
                yield from (f"{name}.{alias.name}" for alias in names)
            case ast.ImportFrom(module=name, level=level, names=names):
                base = [*package[: len(package) - level + 1], *([name] if name else [])]
                yield from (".".join([*base, alias.name]) for alias in names)
            case (
                ast.Call(func=ast.Name(id="__import__" | "import_module"), args=[first, *_])
                | ast.Call(func=ast.Attribute(attr="import_module"), args=[first, *_])
            ):
                yield first.value if isinstance(first, ast.Constant) else "a name made at run time"
            case _:
                pass


def forbidden(module: str, source: str) -> list[str]:
    """The imports of a module that its room does not allow."""
    room = module.split("/")[0]
    return [name for name in imports(module, source) if not allowed(module, room, name)]


def allowed(module: str, room: str, name: str) -> bool:
    top, *rest = name.split(".")
    if top == "ordertrail":
        return bool(rest) and rest[0] in ROOMS[room]
    if top in sys.stdlib_module_names:
        return True
    if name.startswith(NOT_CORE):
        return False
    return any(module == place or module.startswith(f"{place}/") for place in LIBRARIES.get(top, []))


@pytest.mark.parametrize(("module", "path"), modules(), ids=[module for module, _ in modules()])
def test_a_module_imports_only_what_its_room_allows(module: str, path: Path) -> None:
    assert forbidden(module, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("domain/order.py", "from ..application import Orders"),
        ("domain/order.py", "def f():\n    from ordertrail.application.orders import Orders"),
        ("domain/order.py", "from .. import application"),
        ("domain/order.py", "from transitions import Machine"),
        ("domain/machine/lifecycle.py", "import transitions"),
        ("domain/order.py", "import eventsourcing.domain"),
        ("domain/order.py", "import sqlalchemy"),
        ("domain/order.py", "import domain.money"),
        ("domain/order.py", "import ordertrail"),
        ("domain/order.py", "import importlib\nimportlib.import_module('ordertrail.application')"),
        ("domain/order.py", "from importlib import import_module\nimport_module('rich')"),
        ("application/orders.py", "from ..interfaces import cli"),
        ("application/orders.py", "from ..projections import ledger"),
        ("application/orders.py", "from eventsourcing.application import Application"),
        ("application/store/sqlite.py", "from ...interfaces.cli import main"),
        ("application/store/sqlite.py", "import transitions.extensions"),
        ("projections/ledger.py", "from ..application import Orders"),
        ("projections/ledger.py", "from ..interfaces import cli"),
        ("projections/ledger.py", "from sqlalchemy import orm"),
        ("interfaces/cli.py", "import eventsourcing"),
        ("interfaces/cli.py", "import pytest"),
    ],
)
def test_an_import_against_the_arrows_is_seen(module: str, source: str) -> None:
    assert len(forbidden(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("domain/order.py", "import msgspec, decimal\nfrom . import money\nfrom .money import Amount"),
        ("domain/lifecycle.py", "from transitions import Machine"),
        ("application/orders.py", "from ..domain.events import Event\nfrom .store import Store"),
        ("application/store/sqlite.py", "import eventsourcing.sqlite\nfrom ...domain import events"),
        ("application/store/postgres.py", "import psycopg\nfrom ..errors import StoreError"),
        ("projections/ledger.py", "from sqlalchemy import select\nfrom ..domain import events"),
        ("interfaces/cli.py", "import click\nfrom rich.table import Table\nfrom ..projections import ledger"),
        ("interfaces/demo/week.py", "from ...application import Orders\nfrom ..tables import money"),
    ],
)
def test_an_import_along_the_arrows_is_quiet(module: str, source: str) -> None:
    assert forbidden(module, source) == []


def test_every_package_of_a_room_is_installed_by_name() -> None:
    listed = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted({".".join(["ordertrail", *Path(module).parent.parts]) for module, _ in modules()})


def test_every_room_is_typed() -> None:
    assert [room for room in ROOMS if not (folder(room) / "py.typed").is_file()] == []


def test_no_package_of_ours_takes_a_name_at_the_top_level() -> None:
    # `python -m pytest` puts the current folder, perhaps the checkout, on the path: that is not what we install.
    path = [entry for entry in sys.path if entry and Path(entry).resolve() != Path.cwd().resolve()]
    tops = {room: importlib.machinery.PathFinder.find_spec(room, path) for room in ROOMS}
    # A folder called `tests/domain` may stand there, as a namespace without a file; a package of ours may not.
    assert {room: spec.origin for room, spec in tops.items() if spec is not None and spec.origin is not None} == {}


def test_core_dependencies_are_libraries_of_the_rooms() -> None:
    entries = [entry for entry in requires("ordertrail") or [] if "extra ==" not in entry]
    assert {re.split(r"[^\w-]", entry)[0] for entry in entries} <= LIBRARIES.keys()
