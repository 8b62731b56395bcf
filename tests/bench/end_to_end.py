"""From webhook to metrics on the local run: ticks a second, latency, and what they grow with.

The embedded AWS is one process, which serves one request at a time: its share of the CPU time is
told, and the figures say what this machine holds, not what AWS does.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

from tests.bench import growth, project
from tests.bench.figures import Figure, Spread, counted

SHARES = {"p50": 50, "p95": 95, "p99": 99}


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Deploy once and measure; raises RuntimeError where Terraform is not there."""
    if shutil.which("terraform") is None:
        raise RuntimeError("terraform is not on the PATH: nothing can be deployed")
    progress("deploying, filling, posting")
    command: list[str | Path] = [
        project.PYTHON,
        "-m",
        "tests.bench.local_run",
        *(["--quick"] if quick else []),
    ]
    return figures(json.loads(project.run(command).output))


def figures(runs: list[dict[str, Any]]) -> list[Figure]:
    """Return the figures of each measurement, and the exponents over batch, symbols and rows."""
    found: list[Figure] = []
    for one in runs:
        group = (
            f"webhook to metrics, {one['ticks_a_message']} a message, {one['symbols']} symbols, "
            f"{one['rows']:,} rows"
        )
        cpu = one["emulator_cpu"] + one["functions_cpu"]
        found += [
            counted(group, "held", "ticks a second", one["ticks"] / one["seconds"]),
            *(counted(group, name, "s", percentile(one, share)) for name, share in SHARES.items()),
            counted(group, "the emulator's part", "% of CPU", 100 * one["emulator_cpu"] / cpu),
        ]
    for varied in ("ticks_a_message", "symbols", "rows"):
        found += _grown(runs, varied)
    return found


def percentile(one: dict[str, Any], share: int) -> float:
    """Return a percentile of the seconds from posting to metrics."""
    held: list[float] = one["latencies"]
    return quantiles(held, n=100, method="inclusive")[share - 1] if len(held) > 1 else held[0]


def _grown(runs: list[dict[str, Any]], varied: str) -> list[Figure]:
    """Exponents over the measurements that differ from the second in one thing alone."""
    middle = runs[1]
    others = {"ticks_a_message", "symbols", "rows"} - {varied}
    series = {
        float(one[varied]): one for one in runs if all(one[name] == middle[name] for name in others)
    }
    costs = {
        "seconds a tick": {s: one["seconds"] / one["ticks"] for s, one in series.items()},
        "p50": {size: percentile(one, 50) for size, one in series.items()},
    }
    group = f"webhook to metrics, growth with {varied.replace('_', ' ')}"
    sizes = f"{min(series):g} to {max(series):g}"
    return [
        Figure(group, name, "exponent", Spread.of([growth.exponent(each)]), None, sizes)
        for name, each in costs.items()
    ]
