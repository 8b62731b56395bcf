"""Runs the benchmarks and prints their table.

``python -m tests.bench [--only NAME ...] [--json PATH] [--quick]``. Answers 0 when everything was
measured, whatever the figures say, and 1 when a benchmark could not run. The first run installs
the peers into ``.venv-bench``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local import bootstrap
from tests.bench.figures import Figure
from tests.bench.table import table
from tests.bench.worker import BENCHMARKS

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-bench"


class Unmeasured(Exception):
    """A benchmark that ended without figures."""


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure this project beside what one would use instead.",
        epilog="\n".join(f"{name:16}{about}" for name, about in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME", default=[])
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the figures there")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, more noise")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        bootstrap.make_environment(
            bootstrap.find_python(), ENVIRONMENT, Path(__file__).with_name("requirements.txt")
        )
    except bootstrap.Missing as missing:
        print(f"the benchmark's peers could not be installed: {missing}", file=sys.stderr)
        return 1
    names = [name for name in BENCHMARKS if not arguments.only or name in arguments.only]
    started = time.monotonic()
    figures, failures = measured(names, arguments.quick, console)
    console.print(table(figures, f"{machine()}, {time.monotonic() - started:.0f} s"))
    if arguments.json:
        arguments.json.write_text(document(figures, failures, arguments.quick))
    for name, reason in failures.items():
        print(f"{name} was not measured: {reason}", file=sys.stderr)
    return 1 if failures else 0


def measured(
    names: list[str], quick: bool, console: Console
) -> tuple[list[Figure], dict[str, str]]:
    """Return the figures of the benchmarks, and why those that failed did."""
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TextColumn("[dim]{task.fields[detail]}")),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("benchmarks", total=len(names), detail="")
        for name in names:
            try:
                figures += asked(
                    name,
                    quick,
                    lambda text, name=name: progress.update(task, detail=f"{name}: {text}"),  # type: ignore[misc]
                )
            except Unmeasured as reason:
                failures[name] = str(reason)
            progress.advance(task)
    return figures, failures


def asked(name: str, quick: bool, report: Callable[[str], None]) -> list[Figure]:
    """Run one benchmark in the peers' environment; raises :class:`Unmeasured`."""
    command = [str(ENVIRONMENT / "bin" / "python"), "-m", "tests.bench.worker", name]
    process = subprocess.Popen(
        [*command, *(["--quick"] if quick else [])],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    figures: list[Figure] = []
    assert process.stdout is not None
    for line in process.stdout:
        message = json.loads(line)
        if "progress" in message:
            report(message["progress"])
        else:
            figures = [Figure.from_json(fields) for fields in message["figures"]]
    _, complaint = process.communicate()
    if process.returncode or not figures:
        last = complaint.strip().splitlines()[-1:] or ["it said nothing"]
        raise Unmeasured(f"the measuring process ended with {process.returncode}: {last[0]}")
    return figures


def machine() -> str:
    """Return the day and the kind of machine that the figures belong to."""
    day = datetime.now(UTC).date()
    return f"{day}, {os.cpu_count()} × {platform.machine()}, Python {platform.python_version()}"


def document(figures: list[Figure], failures: dict[str, str], quick: bool) -> str:
    """Return everything as JSON."""
    return json.dumps(
        {
            "machine": machine(),
            "quick": quick,
            "figures": [figure.as_json() for figure in figures],
            "failures": failures,
        },
        indent=1,
    )


if __name__ == "__main__":
    sys.exit(main())
