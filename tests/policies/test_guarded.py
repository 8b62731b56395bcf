"""Every attribute of the synthesized stack is some policy's business, or needs to be nobody's."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from policies.gate import judge_stack, policies
from policies.model.document import DocumentError, blocks
from policies.model.stack import Given, Stack
from tests.policies.documents import Document, Pipeline
from tests.stack.synthesis import variants

# (type or *, attribute) -> why no policy has to notice every change of it.
UNGUARDED = {
    ("*", "description"): "people read it; CKV_PRICE_45 judges what it shows",
    ("*", "alarm_description"): "people read it; CKV_PRICE_45 judges what it shows",
    ("aws_lambda_event_source_mapping", "batch_size"): (
        "any size that CKV_PRICE_19 admits does the same, and AWS's default is one"
    ),
    ("aws_lambda_event_source_mapping", "maximum_batching_window_in_seconds"): (
        "any wait that CKV_PRICE_19 admits does the same, and AWS's default is one"
    ),
}
# Block outside of resources -> the policy that has to refuse each wrong value in it.
JUDGES = {
    ("output",): "CKV_PRICE_47",
    ("variable",): "CKV_PRICE_27",
    ("terraform", "backend"): "CKV_PRICE_26",
    ("terraform", "required_providers"): "CKV_PRICE_25",
    ("provider",): "CKV_PRICE_18",
}
Way = tuple[str | int, ...]


def _attributes(document: Document) -> set[tuple[str, str]]:
    return {
        (type_, attribute)
        for type_, labelled in document["resource"].items()
        for body in labelled.values()
        for attribute in set(body) - {"//"}
    }


def _guarded(document: Document) -> set[tuple[str, str]]:
    """(type, attribute) of every guard, whatever way within the attribute it names."""
    return {
        (type_, guard.partition(".")[0])
        for type_ in document["resource"]
        for policy in policies()
        for guard in policy.guards_of(type_)
    }


@pytest.mark.parametrize("variant", variants())
def test_every_attribute_is_guarded_or_has_a_reason_not_to_be(variant: str) -> None:
    document = variants()[variant].document
    known = _guarded(document) | set(UNGUARDED)
    stray = {
        (type_, attribute)
        for type_, attribute in _attributes(document)
        if not {(type_, attribute), ("*", attribute)} & known
    }
    assert stray == set()


def test_every_reason_is_needed() -> None:
    documents = [one.document for one in variants().values()]
    there = {pair for document in documents for pair in _attributes(document)}
    there -= {pair for document in documents for pair in _guarded(document)}
    assert set(UNGUARDED) <= there | {("*", attribute) for _, attribute in there}


def _leaves(node: Any, way: Way = ()) -> Iterator[Way]:
    if isinstance(node, dict | list):
        for step, item in node.items() if isinstance(node, dict) else enumerate(node):
            if step not in ("//", "description", "error_message"):
                yield from _leaves(item, (*way, step))
    else:
        yield way


WAYS = [way for way in _leaves(variants()["dev"].document) if way[0] != "resource"]


def _judge(way: Way) -> str:
    return next(policy for block, policy in JUDGES.items() if way[: len(block)] == block)


def _altered(document: Document, way: Way, value: Any) -> Document:
    """A copy with another value at the way's end, or with none for an ellipsis."""
    changed = {**document, str(way[0]): copy.deepcopy(document[str(way[0])])}
    node: Any = changed
    for step in way[:-1]:
        node = node[step]
    if value is ...:
        del node[way[-1]]
    else:
        node[way[-1]] = value
    return changed


@pytest.mark.parametrize("way", WAYS, ids=lambda way: ".".join(map(str, way)))
def test_every_value_outside_of_resources_is_guarded(way: Way, pipeline: Pipeline) -> None:
    wrong: tuple[Any, ...] = (..., None, "rogue", "${var.rogue}", 7, False, [], {"rogue": "x"})
    for value in wrong:
        document = _altered(pipeline.document, way, value)
        if document[str(way[0])] == pipeline.document[str(way[0])]:
            continue
        try:
            content = blocks(document, "cdk.tf.json")
        except DocumentError:
            continue
        judgement = judge_stack(Stack(content, pipeline.folder, [], Given.FOLDER), "altered")
        named = {finding.policy for finding in judgement.findings}
        assert _judge(way) in named, f"{value!r} passes for {'.'.join(map(str, way))}: {named}"


def test_every_judge_has_something_to_judge() -> None:
    assert {_judge(way) for way in WAYS} == set(JUDGES.values())
