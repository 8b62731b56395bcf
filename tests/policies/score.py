"""``python -m tests.policies.score`` counts, for each policy, the mutants of what it guards.

Writes ``policies/mutation-score.json``, which the catalogue shows: mutants tried, those the policy
itself named, those that only another guardian of the same value named, those that mean the same,
and survivors: mutants that no policy named which guards the value.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path

from policies.catalogue import SCORE
from policies.gate import judge_stack, policies
from policies.model.document import DocumentError, blocks, override
from policies.model.stack import Given, Stack
from policies.policy import Verdict
from tests.policies.documents import Document
from tests.policies.mutations import Mutant, equivalent, mutants, owners
from tests.stack.synthesis import variants


def count(document: Document, folder: Path) -> dict[str, dict[str, int]]:
    """Try every mutant of the first resource of each type."""
    kinds = ("tried", "named", "named by another guardian", "equivalent", "survived")
    scores = {policy.id: dict.fromkeys(kinds, 0) for policy in policies() if policy.guards}
    first = {type_: next(iter(named)) for type_, named in document["resource"].items()}
    for mutant in mutants(document):
        if mutant.name not in (first[mutant.type], "rogue"):
            continue
        named, passed = names(mutant, folder)
        responsible = owners(mutant)
        for policy in responsible & scores.keys():
            score = scores[policy]
            score["tried"] += 1
            if policy in named:
                score["named"] += 1
            elif named & responsible:
                score["named by another guardian"] += 1
            else:
                score["equivalent" if passed and equivalent(mutant) else "survived"] += 1
    return {policy: score for policy, score in scores.items() if score["tried"]}


def names(mutant: Mutant, folder: Path) -> tuple[set[str], bool]:
    """The policies that refuse the mutant's resource, and whether the stack passed."""
    try:
        document = copy.deepcopy(mutant.document) if mutant.override else mutant.document
        content = blocks(document, "cdk.tf.json")
        for over in blocks(mutant.override or {}, "cdk_override.tf.json"):
            for base in content:
                if (base.kind, base.labels) == (over.kind, over.labels):
                    override(base, over)
        judgement = judge_stack(Stack(content, folder, [], Given.FOLDER), "mutant")
    except DocumentError:
        # What cannot be read passes no policy.
        return {policy.id for policy in policies()}, False
    named = {f.policy for f in judgement.findings if f.resource == mutant.address}
    return named, judgement.verdict is Verdict.PASSED


if __name__ == "__main__":
    stack = variants()["dev"]
    SCORE.write_text(json.dumps(count(stack.document, stack.folder), indent=1) + "\n")
