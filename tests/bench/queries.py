"""What a question to the table costs, in read units and milliseconds, and whether it grows with it.

Units are DynamoDB's arithmetic and have to be the same at every size; the milliseconds are the
embedded AWS's and the client's, on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import growth, project
from tests.bench.figures import Aim, Figure, Spread, counted

SAME = Aim("<=", 1)


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Fill a table of the embedded AWS and ask."""
    progress("filling and asking")
    command: list[str | Path] = [
        project.PYTHON,
        "-m",
        "tests.bench.query_run",
        *(["--quick"] if quick else []),
    ]
    return figures(json.loads(project.run(command).output))


def figures(asked: list[dict[str, Any]]) -> list[Figure]:
    """Return units and milliseconds of each pattern at the largest size, and their growth."""
    found: list[Figure] = []
    for pattern in dict.fromkeys(one["pattern"] for one in asked):
        sizes = {one["rows"]: one for one in asked if one["pattern"] == pattern}
        largest = sizes[max(sizes)]
        units = [one["units"] for one in sizes.values()]
        group = f"asking for {pattern}, {max(sizes):,} rows"
        found += [
            counted(group, "a question", "read units", largest["units"]),
            counted(
                group, f"units, against {min(sizes):,} rows", "×", max(units) / min(units), SAME
            ),
            Figure(group, "a question", "ms", Spread.of(largest["ms"])),
            growth.figure(group, "ms with rows", {s: one["ms"] for s, one in sizes.items()}),
        ]
    return found
