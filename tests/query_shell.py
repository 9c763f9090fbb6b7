"""A folder in which `ordertrail` is called on a store of its own, and the logs that its queries are asked about."""

import gc
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from ordertrail.application import Orders
from ordertrail.interfaces.cli import ordertrail as command_line

SCRIPT = Path(sysconfig.get_path("scripts")) / "ordertrail"
PATIENCE = 240
UNSET = {"ORDERTRAIL_STORE", "ORDERTRAIL_READ_MODELS", "FORCE_COLOR", "COLUMNS", "LC_ALL", "LC_MONETARY", "LANG"}
Command = dict[str, Any]


class Shell:
    """A working directory; what would change how `ordertrail` prints is not inherited."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {name: value for name, value in os.environ.items() if name not in UNSET}

    def __call__(self, *arguments: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
        call = [SCRIPT, *arguments]
        return subprocess.run(
            call, input=stdin, capture_output=True, cwd=self.directory, env=self.env | env, timeout=PATIENCE
        )

    def start(self, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        """A call under way."""
        return subprocess.Popen([SCRIPT, *arguments], cwd=self.directory, env=self.env, **streams)

    def python(self, code: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Python under way, to call `main` otherwise than people do."""
        return subprocess.Popen([sys.executable, "-c", code], cwd=self.directory, env=self.env, **streams)

    def run(self, *commands: Command, store: str = "ordertrail.db") -> list[str]:
        """Apply commands; the status of each."""
        with Orders.open(self.directory / store) as orders:
            return [result.status for result in orders.run(json.dumps(command).encode() for command in commands)]

    def json(self, call: str, *, store: str = "ordertrail.db") -> Any:
        """What a query prints for programs, one document on one line; asked in this process, many times faster."""
        place = str(self.directory / store)
        thresholds = gc.get_threshold()
        try:
            done = CliRunner().invoke(command_line, [*call.split(), "--json", "--store", place])
        finally:  # as if the process had ended
            gc.unfreeze()
            gc.set_threshold(*thresholds)
        assert done.exit_code == 0, done.output
        assert (done.stderr, done.stdout.count("\n")) == ("", 1)
        return json.loads(done.stdout)

    def text(self, call: str, **env: str) -> str:
        """What a query prints for people."""
        done = self(*call.split(), **env)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def fails(self, call: str, status: int, *words: str, **env: str) -> str:
        """The one sentence with which a call ends that cannot be answered; nothing else is printed."""
        done = self(*call.split(" "), **env)
        said = done.stderr.decode()
        assert done.returncode == status, said
        assert done.stdout == b""
        assert len(said.splitlines()) == 1, said
        assert said.startswith("ordertrail: "), said
        for word in words:
            assert word in said
        return said


def order(order_id: str, items: dict[str, Command], *, at: str = "2026-01-05T10:00:00Z", **fields: Any) -> Command:
    """A placing; an item is told by what differs from one unit of a mug."""
    lines = [{"item_id": item_id, "sku": "MUG", "quantity": 1} | item for item_id, item in items.items()]
    placing = {
        "command": "place-order",
        "command_id": f"place-{order_id}",
        "at": at,
        "order_id": order_id,
        "buyer_id": "B1",
        "fulfilled_by": "marketplace",
        "currency": "USD",
        "items": lines,
    } | fields
    if "payments" not in placing:
        total = sum(
            line["unit_price"] * line["quantity"]
            + line.get("tax", 0)
            + line.get("shipping", 0)
            - line.get("discount", 0)
            for line in lines
        )
        placing["payments"] = [{"payment_id": "P1", "method": "credit-card", "amount": total}]
    return placing


def act(command: str, at: str, **fields: Any) -> Command:
    """A command with an id of its own, on 5 January 2026 unless `at` names the day."""
    moment = at if "T" in at else f"2026-01-05T{at}Z"
    named = "-".join(str(value) for name, value in fields.items() if name.endswith("_id"))
    return {"command": command, "command_id": f"{command}-{named}-{moment}", "at": moment, **fields}


def packing(shipment_id: str, at: str, contents: dict[str, Any], **fields: Any) -> Command:
    """A parcel that the marketplace's own vans carry."""
    held = [{"order_id": order_id, "items": items} for order_id, items in contents.items()]
    carrier = {"name": "vans", "kind": "own"}
    return act("pack-shipment", at, shipment_id=shipment_id) | {"contents": held, "carrier": carrier} | fields
