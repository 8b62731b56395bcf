"""Cold start: what an import costs in CPU time and memory, each in a fresh process.

With bytecode and without: Lambda's runtime has bytecode of the standard library and of boto3, but
unpacks our sources as they are and compiles them at every cold start. "Without" means the same
here: no bytecode of the repository's and the environment's packages, and that of the standard
library. CPU time, because another process's use of the machine is no cost of the import.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench.figures import Aim, Figure, Spread, ratios

ROOT = Path(__file__).resolve().parents[2]
BOTOCORE = "import botocore.session, botocore.config, botocore.exceptions"
CLIENT = (
    "import os; os.environ['AWS_DEFAULT_REGION'] = 'eu-central-1'; "
    "os.environ['AWS_ACCESS_KEY_ID'] = os.environ['AWS_SECRET_ACCESS_KEY'] = 'benchmark'"
)

ARITHMETIC = {
    "ours": ("", "import lambdas.domain.windows"),
    "pandas": ("", "import pandas"),
    "numpy": ("", "import numpy"),
    "TA-Lib": ("", "import talib"),
    "talipp": ("", "from talipp.indicators import BB, EMA, SMA, StdDev"),
    "river": ("", "from river import stats, utils"),
}
"""By subject: what runs before the clock, and what is measured."""

HANDLERS = {
    f"{function}, own code": (BOTOCORE, f"import lambdas.{function}.handler")
    for function in ("webhook_processor", "price_enricher", "error_notifier")
}

FOUNDATIONS = {
    "botocore": ("", BOTOCORE),
    "botocore, and a DynamoDB client": (
        CLIENT,
        "from lambdas.adapters import aws; aws.client('dynamodb')",
    ),
    "boto3, and a DynamoDB client": (CLIENT, "import boto3; boto3.client('dynamodb')"),
    "boto3, and a DynamoDB resource": (CLIENT, "import boto3; boto3.resource('dynamodb')"),
    "Powertools (Logger, BatchProcessor)": (
        BOTOCORE,
        "from aws_lambda_powertools import Logger; from aws_lambda_powertools.utilities.batch "
        "import BatchProcessor",
    ),
    "pydantic": (BOTOCORE, "import pydantic; pydantic.BaseModel"),
    "pandas": (BOTOCORE, "import pandas"),
}
"""What handlers are built on, and what each adds to a process that has botocore."""

WARM, COLD = "with bytecode", "without"
IMPORT_AIM, OWN_CODE_AIM = Aim("<=", 0.1), Aim("<=", 40)

_PROGRAM = """
import time
{before}
def resident():
    try:
        with open("/proc/self/statm") as status:
            return int(status.read().split()[1])
    except OSError:
        return 0
pages = resident()
started = time.process_time()
{measured}
taken = time.process_time() - started
print(taken * 1000, resident() - pages)
"""

Programs = Mapping[str, tuple[str, str]]


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure all imports, in turns."""
    programs = {
        (group, subject): program
        for group, of in (
            ("import, the metrics", ARITHMETIC),
            ("import, a handler beside botocore", HANDLERS),
            ("import, what handlers are built on", FOUNDATIONS),
        )
        for subject, program in of.items()
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        warm, cold = Path(folder, "warm"), Path(folder, "cold")
        for number, program in enumerate(programs.values(), 1):
            progress(f"compiling {number} of {len(programs)}")
            imported(program, warm, write=True)
        _without_packages(warm, cold)
        times: dict[tuple[str, str, str], list[float]] = {}
        memory: dict[tuple[str, str], list[float]] = {}
        for number in range(2 if quick else 5):
            progress(f"round {number + 1}")
            for subject, program in programs.items():
                for state, bytecode in ((WARM, warm), (COLD, cold)):
                    taken, megabytes = imported(program, bytecode)
                    times.setdefault((*subject, state), []).append(taken)
                memory.setdefault(subject, []).append(megabytes)
    return judged(times, memory)


def judged(
    times: Mapping[tuple[str, str, str], list[float]], memory: Mapping[tuple[str, str], list[float]]
) -> list[Figure]:
    """Return times and memory of each subject, our metrics as a share of pandas', and the aims."""
    figures = []
    for (group, subject, state), taken in times.items():
        aim = OWN_CODE_AIM if subject.endswith("own code") else None
        figures.append(Figure(group, f"{subject}, {state}", "ms", Spread.of(taken), aim))
        if state == COLD and any(memory[group, subject]):
            spread = Spread.of(memory[group, subject])
            figures.append(Figure(group, f"{subject}, memory", "MB", spread))
    group = "import, the metrics"
    for state in (WARM, COLD):
        share = Spread.of(ratios(times[group, "ours", state], times[group, "pandas", state]))
        figures.append(Figure(group, f"ours / pandas, {state}", "×", share, IMPORT_AIM))
    # A group's lines stand together, in the order in which the groups were first met.
    order = list(dict.fromkeys(figure.group for figure in figures))
    return sorted(figures, key=lambda figure: order.index(figure.group))


def imported(program: tuple[str, str], bytecode: Path, write: bool = False) -> tuple[float, float]:
    """Run an import in a fresh process; return its CPU milliseconds and megabytes.

    Memory is what Linux tells of the process; elsewhere it is 0.
    """
    before, measured = program
    completed = subprocess.run(
        [
            *(sys.executable, "-X", f"pycache_prefix={bytecode}"),
            *(() if write else ("-B",)),
            *("-c", _PROGRAM.format(before=before, measured=measured)),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if completed.returncode:
        raise RuntimeError(f"`{measured}` failed: {completed.stderr.strip()[-400:]}")
    taken, pages = completed.stdout.split()
    return float(taken), int(pages) * resource.getpagesize() / 2**20


def environment() -> dict[str, str]:
    """Return this process's environment without what changes how Python imports."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def _without_packages(warm: Path, cold: Path) -> None:
    """Copy the bytecode of the standard library alone.

    A bytecode folder mirrors the absolute paths of the sources.
    """
    library = Path(sysconfig.get_path("stdlib"))
    mirrored = warm / library.relative_to(library.anchor)
    shutil.copytree(
        mirrored,
        cold / library.relative_to(library.anchor),
        ignore=shutil.ignore_patterns("site-packages", "dist-packages"),
    )
