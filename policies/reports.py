"""Judgements as text for a person, JSON lines, SARIF and JUnit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from policies.gate import Judgement, by_id, lines
from policies.policy import Finding, Policy, Verdict
from policies.source import places

_WORDS = {Verdict.VIOLATED: "VIOLATED", Verdict.UNJUDGED: "CANNOT JUDGE"}
_LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note"}


def visible(text: str) -> str:
    """The text with an escape for each character that one does not see.

    What a report quotes was written by others: a line's end, a terminal's escape or a mark of
    direction in it could make a refusal look like a pass.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def text(judgements: Sequence[Judgement]) -> Iterator[str]:
    """Every finding with what was found, what is expected, and how to put it right."""
    yield from map(visible, _lines(judgements))


def _lines(judgements: Sequence[Judgement]) -> Iterator[str]:
    known = by_id()
    for judgement in judgements:
        for finding in sorted(judgement.findings, key=lambda f: f.verdict is not Verdict.VIOLATED):
            yield from _finding_text(finding, known.get(finding.policy))
        violated = sum(f.verdict is Verdict.VIOLATED for f in judgement.findings)
        unjudged = len(judgement.findings) - violated
        yield (
            f"{judgement.path}: {judgement.verdict.value}; {judgement.checked} verdicts, "
            f"{violated} violated, {unjudged} not judged, {len(judgement.waived)} waived"
        )


def _finding_text(finding: Finding, policy: Policy | None) -> Iterator[str]:
    yield f"{_WORDS[finding.verdict]}  {finding.policy}  {finding.resource}"
    rows = [
        ("construct", finding.construct),
        ("source", ", ".join(places(finding.resource))),
        ("found", finding.message),
    ]
    if finding.expected:
        rows.append(("expected", finding.expected))
    if policy is not None:
        rows.insert(0, ("policy", f"{policy.name} ({policy.severity})"))
        rows += [("to fix", policy.fix), ("see", policy.page)]
    yield from (f"  {label:<10} {value}" for label, value in rows if value)
    yield ""


def sarif(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """SARIF 2.1.0, for code scanning.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    rules = [
        {
            "id": policy.id,
            "name": type(policy).__name__,
            "shortDescription": {"text": policy.name},
            "help": {"text": policy.fix},
            "helpUri": policy.page,
            "defaultConfiguration": {"level": _LEVELS[policy.severity]},
        }
        for policy in by_id().values()
    ]
    levels = {policy.id: _LEVELS[policy.severity] for policy in by_id().values()}
    results = [
        {
            "ruleId": finding.policy,
            "level": levels.get(finding.policy, "error"),
            "message": {"text": f"{finding.resource}: {finding.message}"},
            "locations": [
                {
                    "physicalLocation": _location(finding, judgement),
                    "logicalLocations": [
                        {"name": finding.resource, "fullyQualifiedName": finding.construct}
                        if finding.construct
                        else {"name": finding.resource}
                    ],
                }
            ],
            "properties": {"verdict": finding.verdict.value},
        }
        for judgement in judgements
        for finding in judgement.findings
    ]
    driver = {
        "name": "price-pipeline policies",
        "informationUri": "https://developer.hashicorp.com/terraform/language/syntax/json",
        "rules": rules,
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _location(finding: Finding, judgement: Judgement) -> dict[str, Any]:
    """The line that makes the resource, which a reviewer can comment on, else what was judged."""
    for place in places(finding.resource)[:1]:
        file, _, line = place.rpartition(":")
        return {"artifactLocation": {"uri": file}, "region": {"startLine": int(line)}}
    return {"artifactLocation": {"uri": judgement.path}}


def junit(judgements: Sequence[Judgement]) -> str:
    """JUnit XML: a suite a path, a case a policy; what could not be judged is an error."""
    suites = ElementTree.Element("testsuites")
    for judgement in judgements:
        found: dict[str, list[Finding]] = {policy: [] for policy in by_id()}
        for finding in judgement.findings:
            found.setdefault(finding.policy, []).append(finding)
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=visible(judgement.path),
            tests=str(len(found)),
            failures=str(_count(found, Verdict.VIOLATED)),
            errors=str(_count(found, Verdict.UNJUDGED)),
        )
        for policy, findings in found.items():
            known = by_id().get(policy)
            name = f"{policy} {known.name if known else ''}".strip()
            case = ElementTree.SubElement(suite, "testcase", classname="policies", name=name)
            for finding in findings:
                kind = "failure" if finding.verdict is Verdict.VIOLATED else "error"
                message = visible(f"{finding.resource}: {finding.message}")
                found_here = ElementTree.SubElement(case, kind, message=message)
                found_here.text = visible(finding.construct or "")
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)


def _count(found: dict[str, list[Finding]], verdict: Verdict) -> int:
    return sum(any(f.verdict is verdict for f in findings) for findings in found.values())


def render(judgements: Sequence[Judgement], form: str) -> Iterator[str]:
    """The report in one of the forms of the command line: text, json, sarif or junit."""
    if form == "json":
        yield from lines(judgements)
    elif form == "sarif":
        yield json.dumps(sarif(judgements), indent=2)
    elif form == "junit":
        yield junit(judgements)
    else:
        yield from text(judgements)
