"""A real full disk during `ordertrail run`: one sentence, what was acknowledged is there, and with space it goes on."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from processes import acknowledged_is_kept, failed_in_one_sentence, nothing_lost_or_doubled, ordertrail, results, rows
from recorded_log import recorded_log

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_bytes(recorded_log(160))
    return path


@pytest.fixture(scope="module")
def expected(log: Path) -> dict[str, Any]:
    """What a run that has all the space it wants leaves in its store."""
    store = log.parent / "undisturbed.db"
    assert ordertrail("run", log, "--store", store, "--quiet").returncode == 2  # the log has malformed lines
    return rows(str(store))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes, less than the log's store takes."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    call = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)]
    made = subprocess.run(call, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def completes(log: Path, store: Path, expected: dict[str, Any]) -> None:
    done = ordertrail("run", log, "--store", store)
    assert done.returncode == 2, done.stderr.decode()
    acknowledged_is_kept(str(store), results(done.stdout))
    assert rows(str(store)) == expected
    nothing_lost_or_doubled(str(store))


def test_a_full_disk_is_one_sentence_and_with_space_the_log_goes_on(
    small_disk: Path, log: Path, expected: dict[str, Any]
) -> None:
    store = small_disk / "s.db"
    told: list[dict[str, Any]] = []
    for ballast in (1_900_000, 1_100_000):  # full while the store is made, and later
        (small_disk / "ballast").write_bytes(b"x" * ballast)
        done = ordertrail("run", log, "--store", store)
        failed_in_one_sentence(done.returncode, done.stderr, str(store), "the disk is full")
        told += results(done.stdout)
    assert any(result["status"] == "accepted" for result in told)
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    acknowledged_is_kept(str(store), told)
    completes(log, store, expected)


@pytest.mark.parametrize("limit", [1_000, 40_000, 400_000, 900_000])
def test_a_limit_on_the_size_of_files_is_one_sentence_and_without_it_the_log_goes_on(
    tmp_path: Path, log: Path, expected: dict[str, Any], limit: int
) -> None:
    store = tmp_path / "s.db"

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))  # Python ignores SIGXFSZ: writes fail instead

    done = ordertrail("run", log, "--store", store, preexec_fn=limited)
    failed_in_one_sentence(done.returncode, done.stderr, str(store))
    acknowledged_is_kept(str(store), results(done.stdout))
    completes(log, store, expected)
