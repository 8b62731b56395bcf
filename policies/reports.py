"""Judgements as text for a person, JSON lines, SARIF and JUnit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from policies.gate import Judgement, by_id, lines
from policies.policy import Verdict


def text(judgements: Sequence[Judgement]) -> Iterator[str]:
    """Every finding with what was found, what is expected, and how to put it right."""
    known = by_id()
    for judgement in judgements:
        for finding in sorted(judgement.findings, key=lambda f: f.verdict is not Verdict.VIOLATED):
            policy = known.get(finding.policy)
            word = "VIOLATED" if finding.verdict is Verdict.VIOLATED else "CANNOT JUDGE"
            yield f"{word}  {finding.policy}  {finding.resource}"
            if policy is not None:
                yield f"  policy     {policy.name} ({policy.severity})"
            if finding.construct:
                yield f"  construct  {finding.construct}"
            yield f"  found      {finding.message}"
            if policy is not None:
                yield f"  to fix     {policy.fix}"
                yield f"  see        {policy.page}"
            yield ""
        violated = sum(f.verdict is Verdict.VIOLATED for f in judgement.findings)
        unjudged = len(judgement.findings) - violated
        yield (
            f"{judgement.path}: {judgement.verdict.value}; {judgement.checked} verdicts, "
            f"{violated} violations, {unjudged} not judged, {len(judgement.waived)} waived"
        )


def render(judgements: Sequence[Judgement], form: str) -> Iterator[str]:
    """The report in one of the forms of the command line."""
    if form == "json":
        yield from lines(judgements)
    elif form == "text":
        yield from text(judgements)
    else:
        raise ValueError(f"unknown form {form!r}: text, json")


__all__ = ["json", "render", "text"]
