"""`ordertrail --help` as a whole process: what every call of the command line pays before it does anything."""

import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from figures import Figure, ratios, seconds


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    rounds = 1 if quick else 10
    script = Path(sysconfig.get_path("scripts")) / "ordertrail"
    took: dict[str, list[float]] = {"help": [], "bare": []}
    calls = {"help": [str(script), "--help"], "bare": [sys.executable, "-c", ""]}
    for number in range(rounds + 1):
        for name, call in calls.items():
            elapsed = seconds([partial(_run, call, folder)])
            if number:  # the first fills the file system's cache
                took[name].append(elapsed)
    return [
        Figure.of("ordertrail --help", took["help"], "s", limit=("≤", 0.25), note="a whole process"),
        Figure.of("ordertrail --help / python -c ''", ratios(took["help"], took["bare"]), "×"),
    ]


def _run(call: Sequence[str], folder: Path) -> None:
    subprocess.run(call, cwd=folder, check=True, stdout=subprocess.DEVNULL)
