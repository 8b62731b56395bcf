"""Every mutant of the stack is refused, and its resource named.

By default one in twelve of the mutants of one resource a type is tried, by their names' checksums;
with HYPOTHESIS_PROFILE=long all mutants of all resources are.
"""

from __future__ import annotations

import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from policies import catalogue
from policies.gate import policies
from tests.policies import score
from tests.policies.documents import Document, Pipeline
from tests.policies.mutations import (
    EQUIVALENT,
    VALUES,
    Mutant,
    equivalent,
    guarded,
    mutants,
    owners,
)
from tests.stack.synthesis import variants

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def chosen(document: Document) -> Iterator[Mutant]:
    first = {type_: next(iter(named)) for type_, named in document["resource"].items()}
    for mutant in mutants(document):
        some = zlib.crc32(str(mutant).encode()) % 12 == 0
        if LONG or (some and mutant.name in (first[mutant.type], "rogue")):
            yield mutant


@pytest.mark.timeout(7200 if LONG else 400)
def test_every_mutant_is_refused_by_a_policy_that_guards_the_value(pipeline: Pipeline) -> None:
    survivors, foreign, tried = [], [], 0
    for mutant in chosen(pipeline.document):
        tried += 1
        named, passed = score.names(mutant, pipeline.folder)
        if passed and equivalent(mutant) is None:
            survivors.append(str(mutant))
        elif not passed and not named & owners(mutant):
            foreign.append(f"{mutant}: named by {sorted(named)}")
    assert tried > 500
    assert (survivors, foreign) == ([], [])


def test_every_guarded_attribute_of_a_policy_exists(pipeline: Pipeline) -> None:
    # A misspelt guard would guard nothing; some are optional and absent from the stack.
    optional = {"managed_policy_arns", "permissions_boundary", "log_group_class", "enabled"}
    optional |= {"topic_arn", "protocol", "endpoint", "ttl"}  # of what a setting makes
    there = {(type_, name) for type_, _, name in guarded(pipeline.document)}
    there_at_all = {name for _, name in there} | {"region", "provider", "depends_on", "lifecycle"}
    for policy in policies():
        for guard in policy.guards:
            first, _, rest = guard.partition(".")
            if first.startswith("aws_"):
                assert (first, rest) in there, guard
            else:
                assert first in there_at_all | optional, guard


def test_the_operators_all_apply(pipeline: Pipeline) -> None:
    counted = Counter(mutant.operator for mutant in mutants(pipeline.document))
    of_resources = {"second provider", "rogue resource"}
    of_values = {"deleted", "ignored changes", "override file"}
    assert set(VALUES) | of_values | of_resources == set(counted)


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
