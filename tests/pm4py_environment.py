"""A Python that has pm4py, which is AGPL and heavy: an environment of its own, never the project's.

The one that ORDERTRAIL_TEST_PM4PY names, or one that the tests make once and keep beside pytest's cache.
"""

import json
import os
import subprocess
import venv
from functools import cache
from pathlib import Path
from typing import Any

import pytest

PM4PY = "pm4py>=2.7.23,<2.8"
SCRIPTS = Path(__file__).parent / "exports"
MINUTES_TO_INSTALL = 15
PATIENCE = 300


def python_with_pm4py(config: pytest.Config) -> str:
    """Its path; where it can neither be found nor made, the test is skipped."""
    return os.environ.get("ORDERTRAIL_TEST_PM4PY") or _made(Path(config.cache.mkdir("pm4py-2.7.23")))


@cache
def _made(folder: Path) -> str:
    python, complete = folder / "bin" / "python", folder / "complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        call = [python, "-m", "pip", "install", "--quiet", "--no-compile", PM4PY]
        try:
            subprocess.run(call, check=True, capture_output=True, timeout=60 * MINUTES_TO_INSTALL)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{PM4PY} could not be installed: {(error.stderr or b'').decode()[-300:]}")
        complete.touch()
    return str(python)


def say(python: str, script: str, *arguments: Path) -> dict[str, Any]:
    """What a script prints as its last line."""
    # pm4py draws progress bars and says who it is before it answers.
    done = subprocess.run([python, SCRIPTS / script, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
