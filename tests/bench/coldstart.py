"""Cold start of whole handlers: ours, and the same on pandas, pydantic, Powertools and boto3.

What is measured is everything before the first event: the imports and the making of the DynamoDB
client, each in a fresh process. "As in Lambda" has bytecode of the standard library and of what the
runtime brings (boto3 and below), and compiles the rest, which comes in the zip. Every peer is first
run once on an event and has to make the calls that it is there for (:mod:`tests.bench.peers`).

By module is the time that each import takes without those it makes in turn, as
``python -X importtime`` tells it (https://docs.python.org/3/using/cmdline.html#cmdoption-X), on the
clock on the wall.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench.figures import Figure, Spread, ratios
from tests.bench.imports import ROOT, environment, imported

RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")
"""What Lambda's runtime brings with its bytecode."""

OURS = "ours"
_CLIENT = "from lambdas.adapters import aws; aws.client('dynamodb')"
_ENVIRONMENT = (
    "import os; os.environ.update(AWS_DEFAULT_REGION='eu-central-1', AWS_ACCESS_KEY_ID='bench', "
    "AWS_SECRET_ACCESS_KEY='bench', TABLE_NAME='prices', "
    "SECRET='dGVzdCBzZWNyZXQgb2YgYmluYW5jZQ==')"
)

HANDLERS: Mapping[str, Mapping[str, str]] = {
    "webhook_processor": {
        OURS: f"import lambdas.webhook_processor.handler; {_CLIENT}",
        "on boto3's resource": "import tests.bench.peers.processor_resource",
        "on pydantic": "import tests.bench.peers.processor_pydantic",
    },
    "price_enricher": {
        OURS: f"import lambdas.price_enricher.handler; {_CLIENT}",
        "on Powertools, boto3's resource": "import tests.bench.peers.enricher_powertools",
        "on pandas, boto3's resource": "import tests.bench.peers.enricher_pandas",
    },
}
"""By function and subject: what runs before the first event."""

WARM, LAMBDA = "with bytecode", "as in Lambda"

_TRIED = """
import io, json, sys
from types import SimpleNamespace
from botocore.awsrequest import AWSResponse
from tests.bench.traffic import webhook
from tests.price_enricher.rows import records, walk
rows, called = walk(30), []
class Raw(io.BytesIO):
    def stream(self, **_):
        yield self.read()
def answer(request, **_):
    called.append(request.headers["X-Amz-Target"].decode().rpartition(".")[2])
    page = {{"Items": rows[::-1], "Count": 30}} if called[-1] == "Query" else {{}}
    return AWSResponse(request.url, 200, {{}}, Raw(json.dumps(page).encode()))
{program}
module = sys.modules[{module!r}]
client = module.DYNAMODB if hasattr(module, "DYNAMODB") else module.TABLE.meta.client
client.meta.events.register("before-send", answer)
enricher = "enricher" in {module!r}
event = {{"Records": records(rows[-3:])}} if enricher else webhook(1, 3, 2)
module.handle(event, SimpleNamespace())
assert called.count("UpdateItem" if enricher else "PutItem") == 3, called
"""

_LINE = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure all handlers in turns, and ours by module."""
    programs = {
        (function, subject): (_ENVIRONMENT, program)
        for function, subjects in HANDLERS.items()
        for subject, program in subjects.items()
    }
    times: dict[tuple[str, str, str], list[float]] = {}
    memory: dict[tuple[str, str], list[float]] = {}
    parts: dict[str, list[Counter[str]]] = {function: [] for function in HANDLERS}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        warm, cold = Path(folder, "warm"), Path(folder, "cold")
        for key, program in programs.items():
            progress(f"trying {' '.join(key)}")
            if key[1] != OURS:
                tried(program[1])
            imported(program, warm, write=True)
        as_in_lambda(warm, cold)
        for number in range(2 if quick else 5):
            progress(f"round {number + 1}")
            for key, program in programs.items():
                for state, bytecode in ((WARM, warm), (LAMBDA, cold)):
                    taken, megabytes = imported(program, bytecode)
                    times.setdefault((*key, state), []).append(taken)
                memory.setdefault(key, []).append(megabytes)
            for function in HANDLERS:
                parts[function].append(by_part(programs[function, OURS], cold))
    return judged(times, memory) + told_by_part(parts)


def judged(
    times: Mapping[tuple[str, str, str], Sequence[float]],
    memory: Mapping[tuple[str, str], Sequence[float]],
) -> list[Figure]:
    """Return times and memory of each handler, and how many times ours the others take."""
    figures = []
    for function in dict.fromkeys(function for function, _ in memory):
        group = f"cold start, {function}"
        for (name, subject, state), taken in times.items():
            if name == function:
                figures.append(Figure(group, f"{subject}, {state}", "ms", Spread.of(taken)))
        for (name, subject), taken in memory.items():
            if name == function and any(taken):
                figures.append(Figure(group, f"{subject}, memory", "MB", Spread.of(taken)))
        ours = times[function, OURS, LAMBDA]
        figures += [
            Figure(group, f"{subject} / ours, {state}", "×", Spread.of(ratios(taken, ours)))
            for (name, subject, state), taken in times.items()
            if name == function and subject != OURS and state == LAMBDA
        ]
    return figures


def told_by_part(parts: Mapping[str, Sequence[Counter[str]]]) -> list[Figure]:
    """Return what each part of our handlers' imports takes, the longest first, trifles together."""
    figures = []
    for function, measured in parts.items():
        rounds = [without_trifles(each) for each in measured]
        spreads = {
            name: Spread.of([each[name] / 1000 for each in rounds]) for name in set().union(*rounds)
        }
        for name, spread in sorted(spreads.items(), key=lambda one: -one[1].middle):
            group = f"cold start, {function}, by module, as in Lambda"
            figures.append(Figure(group, name, "ms", spread, None, "on the clock"))
    return figures


def without_trifles(parts: Counter[str]) -> Counter[str]:
    """Put foreign packages that take less than a fiftieth of the whole together."""
    found: Counter[str] = Counter()
    for name, taken in parts.items():
        trifling = taken * 50 < parts.total() and not name.startswith("lambdas.")
        found["other packages" if trifling else name] += taken
    return found


def by_part(program: tuple[str, str], bytecode: Path) -> Counter[str]:
    """Return microseconds by part: each room of ours, each package, the standard library."""
    said = _python(["-X", "importtime"], f"{program[0]}; {program[1]}", bytecode).stderr
    return parted(said)


def parted(said: str) -> Counter[str]:
    """Add up what ``-X importtime`` says, by part."""
    found: Counter[str] = Counter()
    for microseconds, module in _LINE.findall(said):
        found[part_of(module)] += int(microseconds)
    return found


def part_of(module: str) -> str:
    """Return what a module belongs to: ``lambdas.domain``, ``botocore``, the standard library."""
    top, *rest = module.split(".")
    if top == "lambdas":
        return ".".join(["lambdas", *rest[:1]])
    return "the standard library" if top in sys.stdlib_module_names else top


def tried(program: str) -> None:
    """Run a peer on an event; raises RuntimeError unless it makes its calls."""
    module = program.removeprefix("import ")
    done = _python([], f"{_ENVIRONMENT}\n{_TRIED.format(program=program, module=module)}")
    if done.returncode:
        raise RuntimeError(f"{module} does not work: {done.stderr.strip()[-400:]}")


def as_in_lambda(warm: Path, cold: Path) -> None:
    """Copy the bytecode of the standard library and of what Lambda's runtime brings."""
    library, packages = (Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
    mirrored = [folder.relative_to(folder.anchor) for folder in (library, packages)]
    shutil.copytree(
        warm / mirrored[0],
        cold / mirrored[0],
        ignore=shutil.ignore_patterns("site-packages", "dist-packages"),
    )
    for name in RUNTIME:
        stem = name.removesuffix(".py")
        for found in (warm / mirrored[1]).glob(f"{stem}*"):
            place = cold / mirrored[1] / found.name
            place.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(found, place, dirs_exist_ok=True)
            else:
                shutil.copy(found, place)


def _python(
    options: Sequence[str], program: str, bytecode: Path | None = None
) -> subprocess.CompletedProcess[str]:
    prefix = ["-X", f"pycache_prefix={bytecode}"] if bytecode else []
    return subprocess.run(
        [sys.executable, "-B", *prefix, *options, "-c", program],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
