"""Programs of the project's own environment, whose packages the measuring process does not have."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv" / "bin" / "python"


class Ran(NamedTuple):
    """What a program took, its children's CPU time included, and what it printed."""

    wall_seconds: float
    cpu_seconds: float
    output: str


def run(
    command: Sequence[str | Path],
    variables: Mapping[str, str] | None = None,
    expected: int = 0,
) -> Ran:
    """Run a command in the repository's folder; raises RuntimeError when it does not end well.

    What changes how Python imports is not handed over: a second run finds bytecode wherever the
    variables say it lies.
    """
    left_out = ("OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    path = f"{PYTHON.parent}{os.pathsep}{kept.get('PATH', '')}"
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**kept, "PATH": path, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode != expected:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise RuntimeError(f"`{' '.join(map(str, command))[:200]}` failed: {said}")
    cpu = after.children_user + after.children_system - before.children_user
    return Ran(wall, cpu - before.children_system, done.stdout)
