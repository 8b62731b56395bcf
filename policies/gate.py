"""The gate: every policy on every resource it concerns, with a verdict for each pair or a refusal.

`judge` reads documents and answers with `Judgement`s; `enforce` is what ``main.py`` calls after it
has synthesized. Both run the policies without Checkov, whose import alone takes longer than all
policies on all resources; ``python -m policies`` adds Checkov's own checks.
"""

from __future__ import annotations

import datetime
import importlib
import json
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from policies import checks
from policies.model.document import DocumentError, read_json, terraform_files
from policies.model.inventory import allowed
from policies.model.stack import ChangeableError, Resource, Stack, UnresolvedError, load
from policies.policy import Finding, Policy, Problem, Verdict

# How many policies there are. It stands here so that one cannot vanish with its file.
NUMBER = 53


class GateError(RuntimeError):
    """The gate itself is not whole: a policy is missing, broken or there twice."""


@dataclass(slots=True)
class Judgement:
    """What the gate says of one path."""

    path: str
    findings: list[Finding] = field(default_factory=list)
    waived: list[dict[str, str]] = field(default_factory=list)
    checked: int = 0

    @property
    def verdict(self) -> Verdict:
        """Violated if anything is, else not judged if anything is not, else passed."""
        found = {finding.verdict for finding in self.findings}
        for verdict in (Verdict.VIOLATED, Verdict.UNJUDGED):
            if verdict in found:
                return verdict
        return Verdict.PASSED if self.checked else Verdict.UNJUDGED


@cache
def policies() -> tuple[Policy, ...]:
    """Load every policy of ``policies/checks``; `GateError` unless all of them are whole."""
    found: list[Policy] = []
    for module_info in pkgutil.iter_modules(checks.__path__):
        name = f"{checks.__name__}.{module_info.name}"
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise GateError(f"{name} cannot be imported: {error!r}") from error
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Policy)
            and value.__module__ == module.__name__
        ]
        if len(own) != 1:
            raise GateError(f"{name} defines {len(own)} policies instead of one")
        found.append(own[0]())
    twice = [i for i, count in Counter(policy.id for policy in found).items() if count > 1]
    if twice or not found:
        raise GateError(f"policy ids used twice: {twice}; policies found: {len(found)}")
    # A file that is gone leaves a gap: ids are given once and without holes.
    missing = {f"CKV_PRICE_{n}" for n in range(1, NUMBER + 1)} - {policy.id for policy in found}
    if missing or len(found) != NUMBER:
        raise GateError(f"{len(found)} of {NUMBER} policies found; missing: {sorted(missing)}")
    return tuple(sorted(found, key=lambda policy: int(policy.id.rsplit("_", 1)[1])))


def pair(policy: Policy, subject: Resource, stack: Stack) -> list[Finding]:
    """Judge one (policy, resource) pair: no finding is the verdict "passed"."""

    def finding(problem: Problem, verdict: Verdict) -> Finding:
        address = problem.address or subject.address
        resource = stack.resources.get(address)
        construct = resource.construct if resource else subject.construct
        return Finding(
            policy.id, address, construct, verdict, problem.message, problem.found, problem.expected
        )

    findings = []
    try:
        for problem in policy.judge(subject, stack):
            findings.append(finding(problem, Verdict.VIOLATED))
    except ChangeableError as error:
        findings.append(finding(Problem(str(error)), Verdict.VIOLATED))
    except (UnresolvedError, DocumentError) as error:
        findings.append(finding(Problem(f"cannot judge: {error}"), Verdict.UNJUDGED))
    except (Exception, SystemExit) as error:  # one that leaves with 0 has not judged either
        findings.append(finding(Problem(f"the policy crashed: {error!r}"), Verdict.UNJUDGED))
    return findings


def judge_stack(stack: Stack, path: str) -> Judgement:
    """Run every policy on every resource it concerns and count the verdicts."""
    judgement = Judgement(path)
    for policy in policies():
        subjects = policy.subjects(stack)
        if not subjects and not _may_be_idle(policy):
            where = ", ".join(policy.applies_to) or "nothing"
            message = "found nothing to look at: what it concerns is not in the stack"
            judgement.findings.append(Finding(policy.id, where, None, Verdict.UNJUDGED, message))
        for subject in subjects:
            judgement.findings.extend(pair(policy, subject, stack))
            judgement.checked += 1
    return judgement


def _may_be_idle(policy: Policy) -> bool:
    """Whether all that the policy concerns are types that a stack may be without."""
    tables, types = allowed(), set(policy.applies_to)
    return bool(types) and types <= set(tables["resources"]) - set(tables["inventory"])


def stack_paths(path: Path) -> list[Path]:
    """The stack folders of a ``cdktf.out``, or the path itself.

    The manifest has to name the same stacks as the folder holds: cdktf deploys by the manifest.
    """
    if not (path / "stacks").is_dir() or terraform_files(path):
        return [path]
    folders = sorted(p for p in (path / "stacks").iterdir())
    if not folders:
        raise DocumentError(f"{path} holds no stack: nothing to judge")
    for folder in folders:
        if folder.is_symlink() or not folder.is_dir():
            raise DocumentError(f"{folder} is no folder: remove {path} and synthesize again")
    manifest = path / "manifest.json"
    if manifest.exists():
        try:
            named = read_json(manifest)["stacks"]
            listed = {(s["workingDirectory"], s["synthesizedStackPath"]) for s in named.values()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DocumentError(f"{manifest} is not a manifest: {error!r}") from error
        if listed != {(f"stacks/{p.name}", f"stacks/{p.name}/cdk.tf.json") for p in folders}:
            raise DocumentError(
                f"{manifest} names the stacks {sorted(map(str, listed))}, the folder holds "
                f"{sorted(p.name for p in folders)}: remove {path} and synthesize again"
            )
    return folders


def _refusal(path: str, message: str) -> Finding:
    return Finding("GATE", path, None, Verdict.UNJUDGED, message)


def judge(
    paths: Sequence[Path | str], *, views: str = "raw", with_builtins: bool = False
) -> list[Judgement]:
    """Judge documents, stack folders or ``cdktf.out`` folders: one judgement a path, never none.

    `views` is "raw" for the document alone, "auto" to ask Terraform where that leaves something
    open, or "all" to ask it always and to demand that it reads the stack as the model does.
    `with_builtins` adds Checkov's own checks, less those that ``waivers.toml`` waives.
    """
    return [_judge_path(str(path), views, with_builtins) for path in paths]


def _judge_path(given: str, views: str, with_builtins: bool) -> Judgement:
    judgement = Judgement(given)
    try:
        path = Path(given)
        if not path.exists():
            raise DocumentError(f"{path} does not exist: synthesize first, or correct the path")
        for part in stack_paths(path):
            stack = load(part)
            one = judge_stack(stack, given)
            if views == "all" or (views == "auto" and one.verdict is Verdict.UNJUDGED):
                one = _judge_resolved(stack, given, one, insist=views == "all")
            judgement.findings.extend(one.findings)
            judgement.checked += one.checked
            if with_builtins:
                _add_builtins(stack, judgement)
    except (DocumentError, GateError, UnresolvedError) as error:
        judgement.findings.append(_refusal(given, str(error)))
    except Exception as error:  # whatever it is, it is no pass
        judgement.findings.append(_refusal(given, f"the gate crashed: {error!r}"))
    if not judgement.checked and not judgement.findings:
        judgement.findings.append(_refusal(given, "nothing was judged"))
    return judgement


def judge_plan(path: Path | str, plan: Path) -> list[Finding]:
    """Judge whether a plan does what the judged document says, and was made from it alone."""
    from policies import planned, resolved

    try:
        values = resolved.planned(plan)
        (part,) = stack_paths(Path(path))
        stack = load(part)
        return [*resolved.disagreements(stack, values), *planned.differences(plan, stack)]
    except (resolved.NoAnswerError, DocumentError, ValueError) as error:
        return [_refusal(str(plan), f"the plan: {error}")]


def _judge_resolved(stack: Stack, given: str, raw: Judgement, *, insist: bool) -> Judgement:
    """Judge with Terraform's answers; without an answer the raw view's verdicts stand."""
    from policies import resolved

    try:
        values = resolved.values(stack)
    except resolved.NoAnswerError as error:
        if insist:
            raw.findings.append(_refusal(given, f"the resolved view: {error}"))
        return raw
    stack.answered(values)
    judgement = judge_stack(stack, given)
    judgement.findings.extend(resolved.disagreements(stack, values))
    return judgement


def _add_builtins(stack: Stack, judgement: Judgement) -> None:
    from policies import builtins

    waivers = builtins.read_waivers()
    findings, waived = builtins.judge(stack, waivers, datetime.date.today())
    judgement.findings.extend(findings)
    judgement.waived.extend(waived)


def exit_code(judgements: Sequence[Judgement]) -> int:
    """1 if anything is violated, else 2 if anything could not be judged, else 0."""
    verdicts = {judgement.verdict for judgement in judgements}
    if Verdict.VIOLATED in verdicts:
        return 1
    return 2 if Verdict.UNJUDGED in verdicts or not judgements else 0


def enforce(path: Path | str) -> int:
    """Judge what was synthesized; on anything but a pass say why on stderr and leave the program.

    Exits with 1 where a policy is violated and with 2 where something could not be judged; raised,
    so that a caller who forgets to look at the answer stops too. Returns 0.
    """
    judgements = judge([path])
    code = exit_code(judgements)
    if code:
        from policies.reports import text

        print("\n".join(text(judgements)), file=sys.stderr)
        raise SystemExit(code)
    return 0


def as_object(judgement: Judgement) -> dict[str, Any]:
    """The judgement as the object that ``--format json`` prints."""
    return {
        "path": judgement.path,
        "verdict": judgement.verdict.value,
        "findings": [
            {
                "policy": f.policy,
                "resource": f.resource,
                "construct": f.construct,
                "message": f.message,
            }
            for f in judgement.findings
        ],
        "waived": judgement.waived,
        "checked": judgement.checked,
    }


def by_id() -> dict[str, Policy]:
    """The policies by their ids; none where the gate is not whole, which the judgements say."""
    try:
        return {policy.id: policy for policy in policies()}
    except GateError:
        return {}


def lines(judgements: Sequence[Judgement]) -> Iterator[str]:
    """One JSON object a judgement."""
    for judgement in judgements:
        yield json.dumps(as_object(judgement))
