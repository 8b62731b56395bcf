"""Synthesis and gate: what a change of the stack waits for before anything is planned.

* ``python main.py``, its raw-view gate included, beside the same program with the AWS bindings
  imported as their documentation does, which loads all of their two thousand modules.
* The gate on one synthesized document, beside the Checkov command running the same policies on it.
* ``python -m policies`` as ``make gate`` runs it: synthesis, every view that the machine can show,
  and Checkov's own checks.
* The test suite, as its last whole run recorded it (:mod:`tests.conftest`).

All are programs of the project's environment, each run once before it counts, so that its bytecode
is there (in a folder of the benchmark's own). CPU seconds are those of the program and of its
children (Node, Terraform); the clock on the wall stands beside them, and on a busy machine says
more about the machine.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench.figures import Aim, Figure, Spread, ratios
from tests.bench.project import PYTHON, ROOT, Ran
from tests.bench.project import run as program

SYNTH_AIM, GATE_AIM = Aim(">=", 2.5), Aim(">=", 10)
RECORD = ROOT / ".pytest_cache" / "v" / "suite" / "last"

OURS, PLAIN = "python main.py", "the same, bindings imported plainly"
GATE, CLI = "the gate, its import included", "the Checkov command"
AGAIN = "the gate, each further document"

_PLAINLY = "from stack import node; node.choose(); import cdktf_cdktf_provider_aws; import main; "
_JUDGED = """
import json, sys, time
started = time.process_time()
from policies import gate
[first] = gate.judge(sys.argv[1:])
taken = [time.process_time() - started]
for _ in range(5):
    started = time.process_time()
    gate.judge(sys.argv[1:])
    taken.append(time.process_time() - started)
print(json.dumps({"verdict": first.verdict.value, "checked": first.checked, "taken": taken}))
"""


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure in turns: every program once a round, in an order that changes."""
    rounds = 1 if quick else 3
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        warm = {"PYTHONPYCACHEPREFIX": str(Path(folder, "bytecode"))}
        synthesized = {**warm, "CDKTF_OUTDIR": str(Path(folder, "synthesized"))}
        plainly = {**warm, "CDKTF_OUTDIR": str(Path(folder, "plainly"))}
        command = partial(
            program,
            [PYTHON, "-c", f"{_PLAINLY}sys = __import__('sys'); sys.exit(main.main())"],
            plainly,
        )
        synths = {OURS: partial(program, [PYTHON, "main.py"], synthesized), PLAIN: command}
        taken = in_turns(synths, rounds, partial(_told, progress, "synthesis"))
        figures = _programs("synthesis, warm", taken)
        figures.append(_times("synthesis, warm", PLAIN, OURS, taken, SYNTH_AIM))
        figures += judging(Path(synthesized["CDKTF_OUTDIR"]), warm, 2 * rounds - 1, progress)
        progress("python -m policies")
        whole = {"make gate": [program([PYTHON, "-m", "policies"], warm)]}
    return [*figures, *_programs("the gate, whole", whole), suite()]


def judging(
    document: Path, warm: Mapping[str, str], rounds: int, progress: Callable[[str], None]
) -> list[Figure]:
    """Measure the gate on a synthesized document, and the Checkov command on the same."""
    group = "judging a document"
    further: list[float] = []

    def ours() -> Ran:
        ran = program([PYTHON, "-c", _JUDGED, document], warm)
        answer = json.loads(ran.output)
        if answer["verdict"] != "pass" or not answer["checked"]:
            raise RuntimeError(f"the gate answered {ran.output}")
        first, *others = answer["taken"]
        further.append(median(others))
        return ran._replace(cpu_seconds=first)

    def theirs() -> Ran:
        options = "--framework terraform_json --external-checks-dir policies/checks --check"
        options += " CKV_PRICE_* --skip-download --quiet --compact -o json -d"
        ran = program(
            [PYTHON.with_name("checkov"), *options.split(), document],
            {**warm, "BC_SKIP_MAPPING": "TRUE"},
        )
        passed = json.loads(ran.output)["summary"]["passed"]
        if not passed:  # it ends well, too, when it has checked nothing
            raise RuntimeError("Checkov judged nothing")
        return ran

    told = partial(_told, progress, "judging")
    taken = in_turns({GATE: ours, CLI: theirs}, rounds, told)
    again = further[1:]
    return [
        *(
            Figure(group, name, "CPU s", Spread.of([ran.cpu_seconds for ran in several]))
            for name, several in taken.items()
        ),
        Figure(group, AGAIN, "CPU s", Spread.of(again)),
        _times(group, CLI, GATE, taken, GATE_AIM),
        Figure(
            group,
            f"{CLI} / {AGAIN}",
            "×",
            Spread.of(ratios([ran.cpu_seconds for ran in taken[CLI]], again)),
        ),
    ]


def suite() -> Figure:
    """Return the wall time that the last whole run of the tests recorded."""
    group, subject = "the test suite", "make test, its tests"
    try:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        spread = Spread.of([record["seconds"] / 60])
        note = f"{record['tests']} tests, {record['day']}"
    except (OSError, ValueError, KeyError):
        spread, note = Spread.unknown(), "not measured: no whole run is recorded here"
    return Figure(group, subject, "minutes", spread, None, note)


def in_turns(
    programs: Mapping[str, Callable[[], Ran]],
    rounds: int,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[str, list[Ran]]:
    """Run every program once a round in a random order; a first round, uncounted, warms them."""
    chance = random.Random(8)
    taken: dict[str, list[Ran]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        progress(number)
        for name in chance.sample(list(programs), len(programs)):
            taken[name].append(programs[name]())
    return {name: several[1:] for name, several in taken.items()}


def _programs(group: str, taken: Mapping[str, Sequence[Ran]]) -> list[Figure]:
    figures = []
    for name, several in taken.items():
        note = f"{median(ran.wall_seconds for ran in several):.1f} s on the clock"
        spread = Spread.of([ran.cpu_seconds for ran in several])
        figures.append(Figure(group, name, "CPU s", spread, None, note))
    return figures


def _times(
    group: str, slower: str, faster: str, taken: Mapping[str, Sequence[Ran]], aim: Aim
) -> Figure:
    above, below = ([ran.cpu_seconds for ran in taken[name]] for name in (slower, faster))
    return Figure(group, f"{slower} / {faster}", "×", Spread.of(ratios(above, below)), aim)


def _told(progress: Callable[[str], None], what: str, number: int) -> None:
    progress(f"{what}, round {number}" if number else f"{what}, warming up")
