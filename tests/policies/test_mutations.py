"""Every mutant of the stack is refused, and its resource named.

By default one in eight of the mutants of one resource a type is tried, by their names' checksums;
with HYPOTHESIS_PROFILE=long all mutants of all resources are.
"""

from __future__ import annotations

import copy
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from policies import catalogue
from policies.gate import Judgement, judge_stack, policies
from policies.model.document import DocumentError, blocks, override
from policies.model.stack import Given, Stack
from policies.policy import Verdict
from tests.policies import score
from tests.policies.documents import Document, Pipeline
from tests.policies.mutations import EQUIVALENT, VALUES, Mutant, equivalent, guarded, mutants
from tests.stack.synthesis import variants

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def chosen(document: Document) -> Iterator[Mutant]:
    first = {type_: next(iter(named)) for type_, named in document["resource"].items()}
    for mutant in mutants(document):
        one_in_eight = zlib.crc32(str(mutant).encode()) % 8 == 0
        if LONG or (one_in_eight and mutant.name == first[mutant.type]):
            yield mutant


def judged(mutant: Mutant, pipeline: Pipeline) -> Judgement | None:
    """The judgement, or None where the document as a whole is refused."""
    try:
        content = blocks(
            copy.deepcopy(mutant.document) if mutant.override else mutant.document, "cdk.tf.json"
        )
        for over in blocks(mutant.override or {}, "cdk_override.tf.json"):
            for base in content:
                if (base.kind, base.labels) == (over.kind, over.labels):
                    override(base, over)
        return judge_stack(Stack(content, pipeline.folder, [], Given.FOLDER), "mutant")
    except DocumentError:
        return None


@pytest.mark.timeout(3600 if LONG else 240)
def test_every_mutant_is_refused_by_name(pipeline: Pipeline) -> None:
    survivors, unnamed, tried = [], [], 0
    for mutant in chosen(pipeline.document):
        tried += 1
        judgement = judged(mutant, pipeline)
        if judgement is None:
            continue
        if judgement.verdict is Verdict.PASSED:
            if equivalent(mutant) is None:
                survivors.append(str(mutant))
        elif not any(f.resource == mutant.address for f in judgement.findings):
            unnamed.append(str(mutant))
    assert tried > 300
    assert (survivors, unnamed) == ([], [])


def test_every_guarded_attribute_of_a_policy_exists(pipeline: Pipeline) -> None:
    # A misspelt guard would guard nothing; some are optional and absent from the stack.
    optional = {"managed_policy_arns", "permissions_boundary", "log_group_class", "enabled"}
    optional |= {"topic_arn", "protocol", "endpoint"}  # of the subscription that a setting makes
    there = {a for _, _, a in guarded(pipeline.document)} | {"region", "depends_on", "lifecycle"}
    named = {guard for policy in policies() for guard in policy.guards}
    assert named - there - optional == set()


def test_the_operators_all_apply(pipeline: Pipeline) -> None:
    counted = Counter(mutant.operator for mutant in mutants(pipeline.document))
    assert set(VALUES) | {"deleted", "ignored changes", "override file"} == set(counted)


def test_every_equivalence_is_used_and_reasoned(pipeline: Pipeline) -> None:
    used = {equivalent(mutant) for mutant in mutants(pipeline.document)} - {None}
    assert used == {reason for *_, reason in EQUIVALENT}


@pytest.mark.long
def test_the_published_score_is_of_this_stack_and_these_policies() -> None:
    stack = variants()["dev"]
    published = json.loads(catalogue.SCORE.read_text())
    assert score.count(stack.document, stack.folder) == published, (
        "run python -m tests.policies.score and python -m policies.catalogue"
    )
