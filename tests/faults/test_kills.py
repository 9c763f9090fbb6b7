"""`ordertrail run` killed (SIGKILL) at random moments and started again ends exactly as if it had never been killed.

The marathon takes a second or two a kill; ORDERTRAIL_KILLS says how many (default 1,000), ORDERTRAIL_SEED when:

    python -m pytest -n 0 -m marathon tests/faults
"""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from postgres import fresh_schema
from processes import PATIENCE, acknowledged_is_kept, nothing_lost_or_doubled, ordertrail, results, rows, start
from recorded_log import COMMANDS, kinds, recorded_log

SEED = int(os.environ.get("ORDERTRAIL_SEED", "20260105"))
KILLS = int(os.environ.get("ORDERTRAIL_KILLS", "1000"))

pytestmark = pytest.mark.slow


class Killer:
    """Runs a log on a store, kills it over and over, and keeps what was printed until then."""

    def __init__(self, log: Path, folder: Path, random: Random) -> None:
        self.log = log
        self.folder = folder
        self.random = random
        self.kills: Counter[str] = Counter()
        """By what the moment hung on, and `after n new` for how much the killed process had got done."""

    def run(self, url: str, *, at_most: int) -> None:
        """Start the log again until it comes to its end, killing at most so many processes."""
        printed = self.folder / "printed"
        while at_most and self._killed(url, printed):
            at_most -= 1
            told = results(printed.read_bytes())
            self.kills[f"after {'some' if any(r['status'] != 'duplicate' for r in told) else 'no'} new answers"] += 1
            if (
                self.random.random() < 0.5
            ):  # otherwise the next process is the first to look at what the killed one left
                acknowledged_is_kept(url, told)
        done = ordertrail("run", self.log, "--store", url)
        assert done.returncode == 2, done.stderr.decode()  # the log has malformed lines
        acknowledged_is_kept(url, results(done.stdout))

    def _killed(self, url: str, printed: Path) -> bool:
        """Whether it was killed before it had come to its end."""
        with printed.open("wb") as output:
            process = start("run", self.log, "--store", url, stdout=output, stderr=subprocess.DEVNULL)
        kind, reached = self._moment(url, printed)
        give_up = time.monotonic() + PATIENCE
        while process.poll() is None and not reached():
            assert time.monotonic() < give_up
            time.sleep(0.0002)
        process.kill()
        killed = process.wait(PATIENCE) == -9
        self.kills[kind] += killed
        return killed

    def _moment(self, url: str, printed: Path) -> tuple[str, Callable[[], bool]]:
        """A random moment: some time after the start, at the n-th print, at the n-th write to the database's log."""
        watched = {"time": None, "print": printed, "later": printed}
        if not url.startswith("postgresql://"):
            watched["write"] = Path(url.removeprefix("sqlite:///") + "-wal")
        kind = self.random.choice(sorted(watched))
        path = watched[kind]
        if path is None:
            at = time.monotonic() + self.random.uniform(0, 1)
            return kind, lambda: time.monotonic() >= at
        steps = Steps(path, self.random.randint(1, 3))
        if kind != "later":
            return kind, steps.taken
        pause = self.random.uniform(0, 0.1)
        return kind, lambda: steps.taken() and time.monotonic() >= steps.at + pause


class Steps:
    """Counts how often a file has grown."""

    def __init__(self, path: Path, wanted: int) -> None:
        self.path = path
        self.left = wanted
        self.at = 0.0
        self.size = self._size()

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:  # not made yet, or just folded into the store
            return 0

    def taken(self) -> bool:
        size = self._size()
        if size > self.size and self.left:
            self.left -= 1
            self.at = time.monotonic()
        self.size = size
        return not self.left


def kill_often(
    folder: Path, urls: Callable[[], str], *, orders: int, kills: int, each: int, also: Sequence[str] = ()
) -> None:
    """Run the log into fresh stores, at most `each` kills a store, until there were so many and these kinds of them.

    Each run ends as one that never was killed.
    """
    content = recorded_log(orders)
    assert kinds(content) == COMMANDS.keys()
    log = folder / "log.jsonl"
    log.write_bytes(content)
    undisturbed = urls()
    assert ordertrail("run", log, "--store", undisturbed, "--quiet").returncode == 2
    expected = rows(undisturbed)
    nothing_lost_or_doubled(undisturbed)
    killer = Killer(log, folder, Random(SEED))
    done = 0
    while done < kills or not all(killer.kills[kind] for kind in also):
        assert done < 10 * kills, killer.kills
        url = urls()
        before = killer.kills.total()
        killer.run(url, at_most=each if done >= kills else min(each, kills - done))
        done += (killer.kills.total() - before) // 2  # counted by moment and by what was done
        assert rows(url) == expected
    print(dict(killer.kills))


def files(folder: Path) -> Callable[[], str]:
    """Addresses of new SQLite files."""
    numbers = iter(range(10_000))
    return lambda: f"sqlite:///{folder / f'store-{next(numbers)}.db'}"


def test_a_dozen_kills_on_sqlite_lose_and_double_nothing(tmp_path: Path) -> None:
    seen = ["after some new answers", "write"]
    kill_often(tmp_path, files(tmp_path), orders=100, kills=12, each=10, also=seen)


@pytest.mark.postgres
def test_kills_on_postgresql_lose_and_double_nothing(tmp_path: Path) -> None:
    with ExitStack() as schemas:
        urls = lambda: schemas.enter_context(fresh_schema())  # noqa: E731 - as many as it takes
        kill_often(tmp_path, urls, orders=160, kills=6, each=6, also=["after some new answers"])


@pytest.mark.marathon
def test_a_marathon_of_kills_on_sqlite(tmp_path: Path) -> None:
    kill_often(tmp_path, files(tmp_path), orders=2000, kills=KILLS, each=50)
