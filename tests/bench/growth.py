"""How each cost grows with its size: the exponent of the power law that fits it best.

1 is proportional, 0 flat. CPU time of both functions with the ticks and symbols they are given, and
of the gate with the stack's resources and with the policies. What grows with the table's rows is
measured where there is a table: ``queries`` and ``end_to_end``.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from statistics import linear_regression

from tests.bench import project
from tests.bench.figures import Aim, Figure, Spread

LINEAR = Aim("<=", 1.15)
"""Proportional, and what noise makes of it."""

TRIFLE = 1e-12
_JUDGED = """
import copy, json, sys, time
from pathlib import Path
from policies import gate
from policies.model.document import blocks
from policies.model.stack import Given, Stack
document, rounds = json.loads(Path(sys.argv[1], "cdk.tf.json").read_text()), int(sys.argv[2])
whole, clock = gate.policies(), time.process_time

def judged(copies, policies):
    larger = copy.deepcopy(document)
    for named in larger["resource"].values():
        for name, body in list(named.items()):
            named.update({f"{name}_{n}": copy.deepcopy(body) for n in range(1, copies)})
    gate.policies = lambda: policies
    stack = Stack(blocks(larger, "cdk.tf.json"), Path(sys.argv[1]), [], Given.FOLDER)
    started = clock()
    gate.judge_stack(stack, "larger")
    return clock() - started

resources = sum(map(len, document["resource"].values()))
judged(1, whole)
print(json.dumps({
    "resources": {c * resources: [judged(c, whole) for _ in range(rounds)] for c in (1, 2, 4)},
    "policies": {
        n: [judged(1, whole[::step]) for _ in range(rounds)]
        for step in (4, 2, 1) for n in [len(whole[::step])]
    },
}))
"""


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure both functions here, and the gate in the project's environment."""
    rounds = 3 if quick else 9
    return functions_grown(rounds, progress) + gate_grown(rounds, progress)


def exponent(costs: Mapping[float, float]) -> float:
    """Return b of the a·size^b that fits the costs by size best, in logarithms."""
    if len(costs) < 2:
        raise ValueError(f"{len(costs)} sizes were measured: expected at least 2")
    sizes = [math.log(size) for size in costs]
    return linear_regression(sizes, [math.log(max(cost, TRIFLE)) for cost in costs.values()]).slope


def figure(
    group: str, subject: str, rounds: Mapping[float, Sequence[float]], aim: Aim | None = None
) -> Figure:
    """Return the exponent of costs that were measured in rounds, each round fitted by itself."""
    turns = zip(*rounds.values(), strict=True)
    each = [exponent(dict(zip(rounds, costs, strict=True))) for costs in turns]
    sizes = f"{min(rounds):g} to {max(rounds):g}"
    return Figure(group, subject, "exponent", Spread.of(each), aim, sizes)


def functions_grown(rounds: int, progress: Callable[[str], None]) -> list[Figure]:
    """CPU an invocation with the ticks and the symbols of a webhook and of a batch."""
    from lambdas.webhook_processor import handler as processor
    from tests.bench.handlers import Invoke, measured, warm_enricher
    from tests.bench.services import functions
    from tests.bench.traffic import webhook

    numbers = count(1)
    with functions() as services:

        def processed(ticks: int, symbols: int) -> Invoke:
            return partial(
                processor.handle, webhook(next(numbers), ticks, min(ticks, symbols)), services
            )

        def enriched(symbols: int, ticks: int) -> Invoke:
            return warm_enricher(services, symbols, ticks)

        of_functions: list[tuple[str, tuple[int, ...], Callable[[int], Callable[[], Invoke]]]] = [
            ("processor, ticks a webhook", (1, 10, 100), lambda n: partial(processed, n, 4)),
            ("processor, symbols of 100 ticks", (1, 3, 10), lambda n: partial(processed, 100, n)),
            ("enricher, ticks a batch", (1, 10, 100), lambda n: partial(enriched, 1, n)),
            ("enricher, symbols of 100 ticks", (1, 4, 20), lambda n: partial(enriched, n, 100)),
        ]
        found = []
        for subject, sizes, make in of_functions:
            progress(subject)
            taken = measured(services, {str(n): make(n) for n in sizes}, rounds, 2)
            costs = {float(n): [cpu.whole for cpu in values] for n, values in taken.items()}
            found.append(figure("growth of CPU", subject, costs, LINEAR))
    return found


def gate_grown(rounds: int, progress: Callable[[str], None]) -> list[Figure]:
    """CPU of judging a document with its resources, which are multiplied, and with the policies."""
    progress("the gate")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project.run([project.PYTHON, "main.py"], {"CDKTF_OUTDIR": folder})
        (stack,) = Path(folder, "stacks").iterdir()
        said = project.run([project.PYTHON, "-c", _JUDGED, stack, str(rounds)]).output
    taken: dict[str, dict[str, list[float]]] = json.loads(said)
    return [
        figure(
            "growth of CPU", f"the gate, {subject}", {float(n): t for n, t in costs.items()}, LINEAR
        )
        for subject, costs in taken.items()
    ]
