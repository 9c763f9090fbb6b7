"""A PostgreSQL server that is stopped at once in the middle of a run, and started again."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from postgres import Server, stoppable_server
from processes import (
    PATIENCE,
    acknowledged_is_kept,
    failed_in_one_sentence,
    nothing_lost_or_doubled,
    ordertrail,
    results,
    rows,
    start,
)
from recorded_log import recorded_log

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
KEPT_BACK = 100  # lines that are sent only after the stop, so that the run cannot have ended before


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with stoppable_server() as server:
        yield server


def test_a_server_stopped_in_the_middle_is_one_sentence_and_afterwards_the_log_goes_on(
    server: Server, tmp_path: Path
) -> None:
    lines = recorded_log(40).splitlines(keepends=True)
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"".join(lines))
    undisturbed, url = (f"{server.address}&schema={name}" for name in ("undisturbed", "stopped"))
    assert ordertrail("run", log, "--store", undisturbed, "--quiet").returncode == 2  # the log has malformed lines
    for results_before_the_stop in (1, 100):
        printed, said = tmp_path / "printed", tmp_path / "said"
        with printed.open("wb") as output, said.open("wb") as errors:
            process = start("run", "-", "--store", url, stdin=subprocess.PIPE, stdout=output, stderr=errors)
        feeder = threading.Thread(target=feed, args=(process, lines[:-KEPT_BACK]))
        feeder.start()
        give_up = time.monotonic() + PATIENCE
        while printed.read_bytes().count(b"\n") < results_before_the_stop:
            assert process.poll() is None, said.read_bytes().decode()
            assert time.monotonic() < give_up
            time.sleep(0.001)
        server.stop()
        try:
            feeder.join(PATIENCE)
            feed(process, lines[-KEPT_BACK:])
            status = process.wait(PATIENCE)
        finally:
            server.start()
        failed_in_one_sentence(status, said.read_bytes(), "PostgreSQL")
        told = results(printed.read_bytes())
        assert len(told) >= results_before_the_stop
        acknowledged_is_kept(url, told)
    done = ordertrail("run", log, "--store", url)
    assert done.returncode == 2, done.stderr.decode()
    acknowledged_is_kept(url, results(done.stdout))
    assert rows(url) == rows(undisturbed)
    nothing_lost_or_doubled(url)


def feed(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
    """Write to the process as long as it reads."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        for line in lines:
            process.stdin.write(line)
        process.stdin.flush()
