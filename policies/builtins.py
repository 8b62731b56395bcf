"""Checkov's own checks on the stack, and the waivers for those that it need not pass.

Checkov exits 0 in many situations in which it checked nothing: array bodies, a
``required_version``, a check that raises. So it is not given the document but a plain rewriting
of the model, and its answers are counted: a resource it did not look at, or a check that raised,
is a refusal.
"""

from __future__ import annotations

import datetime
import json
import logging
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from policies.model.expressions import is_symbolic
from policies.model.inventory import allowed
from policies.model.stack import Body, Resource, Stack
from policies.policy import Finding, Verdict

WAIVERS = Path(__file__).with_name("waivers.toml")
GATE = "GATE"
LONGEST_WAIVER = datetime.timedelta(days=366)


class BuiltinsError(RuntimeError):
    """Checkov cannot be run, or a waiver is not whole."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A built-in check that need not pass on some resources."""

    policy: str
    resource: str
    reason: str
    owner: str
    expires: datetime.date

    def covers(self, policy: str, resource: str) -> bool:
        """Whether it is for this check and resource; ``type.*`` is for all of a type."""
        every = f"{resource.partition('.')[0]}.*"
        return policy == self.policy and self.resource in (resource, every)


def read_waivers(path: Path = WAIVERS) -> list[Waiver]:
    """Read the waivers; `BuiltinsError` where one lacks something or is for our own policies."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BuiltinsError(f"{path.name} cannot be read: {error}") from error
    entries = content.get("waiver", [])
    if set(content) - {"waiver"} or not isinstance(entries, list):
        raise BuiltinsError(f"{path.name} holds other than [[waiver]]s")
    waivers: list[Waiver] = []
    for entry in entries:
        waiver = _waiver(entry, path.name)
        if any((w.policy, w.resource) == (waiver.policy, waiver.resource) for w in waivers):
            raise BuiltinsError(f"{path.name} waives {waiver.policy} of {waiver.resource} twice")
        waivers.append(waiver)
    return waivers


_POLICY = re.compile(r"CKV2?_(?!PRICE_)[A-Z]+_[0-9]+")
_RESOURCE = re.compile(r"[a-z0-9_]+\.(\*|[A-Za-z_][A-Za-z0-9_-]*)")


def _waiver(entry: Any, file: str) -> Waiver:
    fields = ("policy", "resource", "reason", "owner", "expires")
    if not isinstance(entry, dict) or set(entry) != set(fields):
        raise BuiltinsError(f"{file}: a waiver has exactly {', '.join(fields)}, not {entry}")
    name = f"{file}: waiver of {entry['policy']} for {entry['resource']}"
    if type(entry["expires"]) is not datetime.date:
        raise BuiltinsError(f"{name}: expires must be a date such as 2027-06-30")
    texts = [entry[field] for field in fields[:-1]]
    if not all(isinstance(text, str) and text.strip() for text in texts):
        raise BuiltinsError(f"{name}: {', '.join(fields[:-1])} are texts")
    if len(entry["reason"].strip()) < 20:
        raise BuiltinsError(f"{name}: give a reason that a reader can judge")
    if not _POLICY.fullmatch(entry["policy"]):
        raise BuiltinsError(f"{name}: only a check of Checkov's own can be waived")
    if not _RESOURCE.fullmatch(entry["resource"]):
        raise BuiltinsError(f"{name}: name the resource, or aws_type.*")
    return Waiver(**entry)


def plain_document(stack: Stack) -> dict[str, Any]:
    """Write the model's resources in the one form of Terraform JSON that Checkov reads whole."""
    document: dict[str, Any] = {"resource": {}, "data": {}, "provider": {"aws": {}}}
    for resource in stack.resources.values():
        table = document[resource.kind].setdefault(resource.type, {})
        table[resource.name] = _plain_body(resource)
    for block in stack.blocks_of("provider"):
        document["provider"][block.labels[0]] = {
            k: v for k, v in block.raw.items() if isinstance(v, str)
        }
    return document


def _plain_body(resource: Resource) -> dict[str, Any]:
    nested = {
        name.partition(".")[0]
        for name in allowed()["resources"].get(resource.type, [])
        if "." in name and not name.startswith(("lifecycle", "environment"))
    }

    def write(body: Body, top: bool) -> dict[str, Any]:
        result: dict[str, Any] = {}
        dynamic = body.dynamic()
        for name in sorted(body.names()):
            if (top and name in nested | {"environment"}) or name in dynamic:
                inner = [write(block, False) for block in body.blocks(name)]
                result[name] = inner[0] if len(inner) == 1 else inner
            elif name not in ("count", "for_each"):
                resolved = body.resolved(name)
                given = body.value(name) if is_symbolic(resolved) else resolved
                result[name] = _converted(_written(given))
        return result

    return write(resource.body, True)


def _converted(value: Any) -> Any:
    """What Terraform converts by the attribute's type: Checkov knows no types."""
    if isinstance(value, str) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


@cache
def _runner_class() -> Any:
    """Import Checkov, offline and quiet; this alone takes over a second."""
    os.environ["BC_SKIP_MAPPING"] = "TRUE"
    try:
        from checkov.common.checks.base_check_registry import BaseCheckRegistry
        from checkov.terraform_json.runner import TerraformJsonRunner
    except ImportError as error:
        raise BuiltinsError(f"Checkov cannot be imported ({error}): run `make setup`") from error
    logging.getLogger("checkov").setLevel(logging.CRITICAL)
    original = BaseCheckRegistry.run_check

    def recording(
        registry: Any, check: Any, configuration: Any, name: str, type_: str, *more: Any
    ) -> Any:
        result = original(registry, check, configuration, name, type_, *more)
        _answers.append(_Answer(check.id, check.name, f"{type_}.{name}", result))
        return result

    BaseCheckRegistry.run_check = recording
    return TerraformJsonRunner


@dataclass(frozen=True, slots=True)
class _Answer:
    policy: str
    name: str
    address: str
    result: Any


# Checkov's report names a resource without its type, so the answers are taken where they arise.
_answers: list[_Answer] = []


def failed_checks(stack: Stack) -> list[tuple[str, str, str]]:
    """Run Checkov's own checks; returns (check id, address, what it checks) of those that failed.

    Raises `BuiltinsError` where Checkov did not look at everything.
    """
    runner_class = _runner_class()
    from checkov.common.models.enums import CheckResult
    from checkov.runner_filter import RunnerFilter

    _answers.clear()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cdk.tf.json"
        path.write_text(json.dumps(plain_document(stack), indent=1), encoding="utf-8")
        runner = runner_class()
        wanted = RunnerFilter(
            framework=["terraform_json"], skip_checks=["CKV_PRICE_*"], show_progress_bar=False
        )
        report = runner.run(root_folder=folder, runner_filter=wanted)
        read = {
            f"{type_}.{name}"
            for definition in runner.definitions.values()
            for entity in definition.get("resource", [])
            for type_, named in entity.items()
            for name in named
        }
    missing = {r.address for r in stack.resources.values() if r.kind == "resource"} - read
    if missing or report.parsing_errors:
        raise BuiltinsError(f"Checkov did not read {', '.join(sorted(missing)) or 'the document'}")
    if not _answers or not runner.graph_registry.checks:
        raise BuiltinsError("Checkov ran no checks of its own")
    failed = []
    for answer in _answers:
        if "check" in answer.result:  # how Checkov marks a check that raised
            raise BuiltinsError(f"Checkov's {answer.policy} raised on {answer.address}")
        if answer.result["result"] == CheckResult.FAILED:
            failed.append((answer.policy, answer.address, answer.name))
    by_python = {answer.policy for answer in _answers}
    for record in report.failed_checks:
        if record.check_id not in by_python:  # a graph check, which writes <type>.<name>
            failed.append((record.check_id, record.resource, record.check_name))
    return failed


def judge(
    stack: Stack, waivers: Sequence[Waiver], today: datetime.date
) -> tuple[list[Finding], list[dict[str, str]]]:
    """Judge by Checkov's own checks: what fails without a waiver, and what was waived."""
    findings: list[Finding] = []
    waived: list[dict[str, str]] = []
    used: set[Waiver] = set()
    for policy, address, name in failed_checks(stack):
        covering = next((w for w in waivers if w.covers(policy, address)), None)
        resource = stack.resources.get(address)
        construct = resource.construct if resource else None
        if covering is None:
            message = f"Checkov: {name}"
            findings.append(Finding(policy, address, construct, Verdict.VIOLATED, message))
            continue
        used.add(covering)
        waived.append(
            {
                "policy": policy,
                "resource": address,
                "reason": covering.reason,
                "expires": covering.expires.isoformat(),
            }
        )
    findings.extend(_misused(waivers, used, today))
    return findings, waived


def _misused(
    waivers: Sequence[Waiver], used: set[Waiver], today: datetime.date
) -> Iterator[Finding]:
    for waiver in waivers:
        if waiver not in used:
            what = "is used by nothing: remove it"
        elif waiver.expires < today:
            what = f"expired on {waiver.expires}: decide again"
        elif waiver.expires - today > LONGEST_WAIVER:
            what = f"expires only on {waiver.expires}: a year is the longest"
        else:
            continue
        message = f"the waiver of {waiver.policy} for {waiver.resource} {what}"
        yield Finding(GATE, waiver.resource, None, Verdict.VIOLATED, message)
