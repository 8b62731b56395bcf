"""Everything that the README claims, proved at once: gate, tests, journeys, benchmarks.

Each part runs once, with a recorder; the claims' proofs are then looked up in what was recorded.
Mutants and journeys run in the long profile, so that every mutant is judged, every grant taken away
(as `prove-iam` does), every fault injected, and the soak held. docs/evidence.md tells the rest.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from local import claims as claimed
from local import evidence
from local.console import Step, Voice
from local.errors import LocalError
from local.evidence import Case
from local.places import ROOT
from policies.gate import by_id

_TESTS = ("-m", "pytest", "-v", "-p", "no:cacheprovider", "-o", "junit_family=xunit1")
_UNDER_WAY = re.compile(r"^(?P<test>\S+::.*) [A-Z]+ +\[ *(?P<percent>\d+)%\]$")


@dataclass(slots=True)
class Ran:
    """What one part recorded; `trouble` is what kept it from being whole."""

    cases: list[Case] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


def prove(voice: Voice, only: Collection[str], page_only: bool = False) -> int:
    """Run the parts (all of them unless `only` names some), write the page, tell what fails.

    0 when every claim is proved, 1 when one is not. Raises `LocalError` when claims, README and
    proofs are not one, before anything runs.
    """
    claims, readme = claimed.load(), claimed.README.read_text(encoding="utf-8")
    if wrong := claimed.problems(claims, readme, by_id()):
        raise LocalError(
            "the claims do not fit:\n" + "\n".join(f"  {each}" for each in wrong),
            "Mend docs/claims.toml or the README, then run it again; nothing was run.",
        )
    page = evidence.PAGE
    results, measured = evidence.recorded(page.read_text(encoding="utf-8") if page.exists() else "")
    day = datetime.now(UTC).date().isoformat()
    chosen = [] if page_only else [name for name in PARTS if not only or name in only]
    if chosen == list(PARTS):
        measured = {}
    # A test compares the page with the claims: it must not find the page of earlier ones.
    page.write_text(evidence.page(claims, readme, results, measured), encoding="utf-8")
    troubles, failed, begun = [], 0, time.monotonic()
    proofs = dict.fromkeys(proof for claim in claims for proof in claim.proofs)
    for name in chosen:
        with voice.step(name) as step:
            mine = [proof for proof in proofs if _part(proof) == name]
            ran = PARTS[name](step, mine)
            results |= {proof: evidence.result(proof, ran.cases, day) for proof in mine}
            measured |= {figure: (value, day) for figure, value in ran.figures.items()}
            bad = [case for case in ran.cases if case.outcome not in ("passed", "skipped")]
            skipped = sum(case.outcome == "skipped" for case in ran.cases)
            step.outcome = f"{len(ran.cases)} looked at, {len(bad)} failed, {skipped} skipped"
        # Whoever interrupts the next part keeps this one, and knows what failed in it.
        page.write_text(evidence.page(claims, readme, results, measured), encoding="utf-8")
        for case in bad:
            voice.warn(_plain(f"{name}: {case.file}::{case.name}: {case.outcome}"))
        troubles += [f"{name}: {ran.trouble}"] if ran.trouble else []
        failed += len(bad)
    for figure, (value, when) in measured.items():
        voice.say(f"  {figure}: [bold]{value}[/] [dim]{when}[/]")
    if chosen:
        minutes = (time.monotonic() - begun) / 60
        voice.say(f"{len(chosen)} of {len(PARTS)} parts ran, in {minutes:.0f} minutes")
    if failed:
        troubles.append(f"{failed} tests or policies failed, as told above")
    return _tell(voice, evidence.unproved(claims, results), troubles, len(claims))


def _tell(voice: Voice, unproved: Sequence[str], troubles: Sequence[str], claims: int) -> int:
    for each in unproved:
        voice.say(f"[red]✗[/] {_plain(each)}")
    for each in troubles:
        voice.warn(_plain(each))
    where = evidence.PAGE.relative_to(ROOT)
    if unproved or troubles:
        voice.say(
            f"{len(unproved)} proofs do not hold; {where} tells of all. Mend what failed and run "
            "the part again (`python -m local prove --only PART`), or take the claim back."
        )
        return 1
    voice.say(f"[green]✓[/] all {claims} claims hold; {where} tells how each was proved")
    return 0


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


def _part(proof: str) -> str:
    """The part that runs a proof."""
    if proof.startswith("CKV_PRICE_"):
        return "policies"
    if proof.startswith("bench "):
        return "bench"
    file = proof.partition("::")[0]
    fitting = (name for name, path in LONG.items() if file == path or file.startswith(f"{path}/"))
    return next(fitting, "tests")


def _policies(_step: Step, _proofs: Sequence[str]) -> Ran:
    """Judge the stack in every view; what could not be judged proves nothing."""
    done = subprocess.run(
        (sys.executable, "-m", "policies", "--views", "all", "--format", "junit"),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(done.stdout)
        file.flush()
        try:
            found = evidence.cases(Path(file.name))
        except SyntaxError:
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            return Ran(trouble=f"the gate gave no report: {last[0]}")
    if done.returncode == 0 and found:
        return Ran(found)
    doubt = [case for case in found if case.outcome == "error"]
    # Where something was not judged, a policy without a finding may just not have been asked.
    return Ran([] if doubt else found, trouble=f"the gate ended with {done.returncode}")


def _tests(step: Step, _proofs: Sequence[str]) -> Ran:
    return _pytest(step, [f"--ignore={path}" for path in LONG.values()], {})


def _long(name: str) -> Callable[[Step, Sequence[str]], Ran]:
    """The part that runs these tests, but for those of other parts, in the long profile."""
    path = LONG[name]
    others = [f"--ignore={each}" for each in LONG.values() if each.startswith(f"{path}/")]
    return lambda step, _proofs: _pytest(step, [path, *others], {"HYPOTHESIS_PROFILE": "long"})


def _pytest(step: Step, arguments: Sequence[str], variables: Mapping[str, str]) -> Ran:
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "junit.xml"
        process = subprocess.Popen(
            (sys.executable, *_TESTS, f"--junit-xml={xml}", *arguments),
            cwd=ROOT,
            env={**os.environ, **variables, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        last: list[str] = []
        assert process.stdout is not None
        try:
            for line in process.stdout:
                last = [*last[-5:], line.strip()] if line.strip() else last
                if test := _UNDER_WAY.match(line.strip()):
                    step.update(int(test["percent"]), 100, test["test"].rsplit("/", 1)[-1])
            process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if not xml.exists():
            return Ran(trouble=f"pytest ended with {process.returncode}: {' '.join(last)}")
        ran = Ran(evidence.cases(xml), evidence.figures(xml))
    if process.returncode not in (0, 1):
        ran.trouble = f"pytest ended with {process.returncode}: {' '.join(last)}"
    return ran


def _bench(_step: Step, proofs: Sequence[str]) -> Ran:
    """Measure. That it was measured is the proof: noise decides no claim, `make bench` shows it."""
    names = [proof.split()[1] for proof in proofs]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.json"
        done = subprocess.run(
            (sys.executable, "-m", "tests.bench", "--quick", "--json", str(file), "--only", *names),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if not file.exists():
            last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            return Ran(trouble=f"the benchmarks wrote no figures: {last[0]}")
        failures = json.loads(file.read_text(encoding="utf-8"))["failures"]
    return Ran(
        [
            Case("", f"bench {name}", "failed" if name in failures else "passed", why)
            for name in names
            for why in [str(failures.get(name, ""))]
        ]
    )


LONG = {
    "mutants": "tests/policies/test_mutations.py",
    "privileges": "tests/journeys/test_privileges.py",
    "faults": "tests/journeys/test_faults.py",
    "soak": "tests/journeys/test_soak.py",
    "journeys": "tests/journeys",
}
"""What runs in the long profile, by part: what takes long is a part of its own, to be run again."""

PARTS: Mapping[str, Callable[[Step, Sequence[str]], Ran]] = {
    "policies": _policies,
    "tests": _tests,
    **{name: _long(name) for name in LONG},
    "bench": _bench,
}
"""What can be run, each once and in this order."""
