"""Real processes for tests: the `ordertrail` command, all rows of a store, and crowds that act at the same instant.

Run as a script it is one member of a crowd: it opens the store in its first argument, and answers each line of rivals.
"""

import json
import os
import sqlite3
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from ordertrail.application import Orders, Principal
from ordertrail.application.errors import Conflict
from ordertrail.application.store import Store

SCRIPT = Path(sysconfig.get_path("scripts")) / "ordertrail"
PATIENCE = 240
"""Seconds after which a process counts as hanging; generous, as two loaded cores may run all of the tests."""
TABLES = {
    "stored_events": "notification_id",
    "journal": "entry",
    "attempts": "order_id, entry",
    "deadlines": "order_id",
    "policies": "version",
    "meta": "application",
}

Row = tuple[Any, ...]


# --- the command ------------------------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """This process's, without what would change how `ordertrail` behaves."""
    return {
        key: value for key, value in os.environ.items() if key not in {"ORDERTRAIL_STORE", "FORCE_COLOR", "COLUMNS"}
    }


def start(*arguments: str | Path, **streams: Any) -> subprocess.Popen[bytes]:
    """`ordertrail` with these arguments, under way."""
    return subprocess.Popen([SCRIPT, *arguments], env=environment(), **streams)


def ordertrail(*arguments: str | Path, stdin: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
    """`ordertrail` with these arguments, done."""
    return subprocess.run(
        [SCRIPT, *arguments], input=stdin, capture_output=True, env=environment(), timeout=PATIENCE, **options
    )


def results(printed: bytes) -> list[dict[str, Any]]:
    """What `run` printed, without a last line that is not whole."""
    return [json.loads(line) for line in printed.splitlines(keepends=True) if line.endswith(b"\n")]


def failed_in_one_sentence(status: int | None, said: bytes, *words: str, expected: int = 3) -> None:
    """Assert that a process ended as INTERFACE promises: this status, and one sentence on standard error."""
    text = said.decode()
    assert status == expected, text
    assert len(text.splitlines()) == 1, text
    assert text.startswith("ordertrail: "), text
    assert "Traceback" not in text
    for word in words:
        assert word in text


# --- a store's rows ---------------------------------------------------------------------------------------------------


def rows(url: str) -> dict[str, list[Row]]:
    """Every row of every table of a store that nobody writes to.

    On PostgreSQL without the events' positions and the digests of these: what was rolled back leaves gaps there. Their
    order counts.
    """
    if url.startswith("postgresql://"):
        return _postgres_rows(url)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        known = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert known == {*TABLES, "sqlite_sequence"}, "a table that this comparison does not know"
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        order = TABLES | {"sqlite_sequence": "name"}
        return {t: connection.execute(f"SELECT * FROM {t} ORDER BY {by}").fetchall() for t, by in order.items()}


def _postgres_rows(url: str) -> dict[str, list[Row]]:
    with postgres_schema(url) as connection:
        found = {t: connection.execute(f"SELECT * FROM {t} ORDER BY {by}").fetchall() for t, by in TABLES.items()}
    return found | {"stored_events": [row[1:-1] for row in found["stored_events"]]}


@contextmanager
def postgres_schema(url: str) -> Iterator[Any]:
    """A connection to a store's database that looks into the store's schema."""
    import psycopg

    address, _, schema = url.replace("&schema=", "?schema=").partition("?schema=")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'SET search_path TO "{schema}"')
        yield connection


def acknowledged_is_kept(url: str, told: Sequence[Mapping[str, Any]]) -> None:
    """Assert that every printed answer is the journal's answer; malformed lines have none."""
    if not told:
        return  # and perhaps not even a table
    first_answers, later_answers = journal(url)
    for result in told:
        if result["status"] == "invalid":
            continue
        answer = (
            result["first"] if result["status"] == "duplicate" else {k: v for k, v in result.items() if k != "line"}
        )
        if answer.get("rule") == "ORDER-0":
            assert answer in later_answers[result["command_id"]], result
        else:
            assert first_answers.get(result["command_id"]) == answer, result


def journal(url: str) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """The outcomes by command id: those that answer repeats, and those of ids that were used again (ORDER-0)."""
    first: dict[str, Any] = {}
    later: dict[str, list[Any]] = {}
    for _, command_id, _, outcome, *_, reused, _ in rows(url)["journal"]:
        if reused:
            later.setdefault(command_id, []).append(json.loads(outcome))
        else:
            assert command_id not in first, "two answers to one command"
            first[command_id] = json.loads(outcome)
    return first, later


def nothing_lost_or_doubled(url: str) -> None:
    """Assert that versions have no gaps, and that events and journal tell of exactly the same."""
    tables = rows(url)
    skip = 0 if url.startswith("postgresql://") else 1
    stored = [(row[skip], row[skip + 1]) for row in tables["stored_events"]]
    versions: dict[str, int] = {}
    for stream, version in stored:
        assert version == versions.get(stream, 0) + 1, f"{stream} goes from {versions.get(stream, 0)} to {version}"
        versions[stream] = version
    told = [
        (f"order:{event['order_id']}" if "order_id" in event else f"shipment:{event['shipment_id']}", event["version"])
        for row in tables["journal"]
        for event in json.loads(row[3])["events"]
    ]
    assert sorted(told) == sorted(stored)


def journal_is_the_order_of_events(url: str) -> None:
    """Assert that the journal's commands, one after the other in an empty store, get the same answers again."""
    kept = [(row[2], json.loads(row[3])) for row in rows(url)["journal"]]
    with Orders.open("memory:") as again:
        for (command, answer), result in zip(kept, again.run(command for command, _ in kept), strict=True):
            assert {k: v for k, v in result.to_dict().items() if k != "line"} == answer, command


def money_is_conserved(order: Mapping[str, Any]) -> None:
    """Assert over `show`: no unit is refunded twice, no payment gives back more than it brought."""
    refunded: dict[str, int] = {}
    for refund in order["refunds"]:
        for item_id, quantity in refund["items"].items():
            refunded[item_id] = refunded.get(item_id, 0) + quantity
        assert refund["amount"] == sum(payout["amount"] for payout in refund["payouts"])
    for item in order["items"]:
        assert refunded.pop(item["item_id"], 0) <= item["quantity"]
    assert not refunded
    assert sum(units["value"] for item in order["items"] for units in item["units"]) == order["total"]
    given_back = sum(r["amount"] + sum(d["amount"] for d in r["deductions"]) for r in order["refunds"])
    assert given_back <= order["total"]


# --- crowds -----------------------------------------------------------------------------------------------------------


class Rival(NamedTuple):
    """A command (without its time) and who gives it."""

    command: dict[str, Any]
    role: str
    id: str | None = None


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


class Member:
    """One process's share of a crowd: an `Orders` of its own, and a thread for every rival."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.orders = Orders.open(url, clock=self.clock)

    def fire(self, rivals: Sequence[Rival], now: datetime, instant: float) -> list[dict[str, Any]]:
        """Give all commands when the machine's monotonic clock shows `instant`; the results in the same sequence."""
        self.clock.now = now
        found: list[dict[str, Any]] = [{} for _ in rivals]

        def act(index: int) -> None:
            rival = rivals[index]
            time.sleep(max(0.0, instant - time.monotonic()))
            try:
                result = self.orders.handle(rival.command, by=Principal(rival.role, rival.id))  # type: ignore[arg-type]
                found[index] = result.to_dict()
            except Exception as error:
                found[index] = {"status": "raised", "error": f"{type(error).__name__}: {error}"}

        threads = [threading.Thread(target=act, args=(index,)) for index in range(len(rivals))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        return found

    def close(self) -> None:
        self.orders.close()


class Threads(Member):
    """A crowd of threads that share one `Orders`."""

    def __init__(self, url: str, size: int) -> None:  # noqa: ARG002 - as many threads as there are rivals
        super().__init__(url)

    def together(self, rivals: Sequence[Rival], now: datetime) -> list[dict[str, Any]]:
        return self.fire(rivals, now, time.monotonic() + 0.02)


class Processes:
    """A crowd of processes; rivals are dealt to them in turn, and share one `Orders` where they are more."""

    def __init__(self, url: str, size: int) -> None:
        call = [sys.executable, __file__, url]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment()}
        self.members = [subprocess.Popen(call, **pipes) for _ in range(size)]
        for member in self.members:
            assert self._answer(member) == "ready"

    def together(self, rivals: Sequence[Rival], now: datetime) -> list[dict[str, Any]]:
        instant = time.monotonic() + 0.05
        count = len(self.members)
        for number, member in enumerate(self.members):
            ask = {"rivals": rivals[number::count], "now": now.isoformat(), "instant": instant}
            assert member.stdin is not None
            member.stdin.write(json.dumps(ask).encode() + b"\n")
            member.stdin.flush()
        found: list[dict[str, Any]] = [{} for _ in rivals]
        for number, member in enumerate(self.members):
            found[number::count] = self._answer(member)
        return found

    def close(self) -> None:
        for member in self.members:
            member.communicate(timeout=PATIENCE)

    @staticmethod
    def _answer(member: subprocess.Popen[bytes]) -> Any:
        assert member.stdout is not None
        line = member.stdout.readline()
        assert line, "a member of the crowd died"
        return json.loads(line)


@contextmanager
def write_lock(url: str) -> Iterator[None]:
    """Nobody else can commit meanwhile: who decides now decides on the same state, and meets the others afterwards."""
    if url.startswith("postgresql://"):
        with postgres_schema(url) as connection, connection.transaction():
            connection.execute("LOCK TABLE stored_events IN EXCLUSIVE MODE")
            yield
    else:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.execute("ROLLBACK")


@contextmanager
def counted_conflicts() -> Iterator[list[str]]:
    """The conflicts that stores of this process meet meanwhile."""
    met: list[str] = []
    original = Store.append

    def append(self: Store, *args: Any, **kwargs: Any) -> Sequence[int]:
        try:
            return original(self, *args, **kwargs)
        except Conflict as error:
            met.append(str(error))
            raise

    Store.append = append  # type: ignore[method-assign]
    try:
        yield met
    finally:
        Store.append = original  # type: ignore[method-assign]


def _be_a_member(url: str) -> None:
    member = Member(url)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        ask = json.loads(line)
        rivals = [Rival(*rival) for rival in ask["rivals"]]
        print(json.dumps(member.fire(rivals, datetime.fromisoformat(ask["now"]), ask["instant"])), flush=True)
    member.close()


if __name__ == "__main__":
    _be_a_member(sys.argv[1])
