"""The README's diagram is the synthesized stack's, and whatever moves messages changes it."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from local import diagram
from local.errors import LocalError
from tests.stack.fixtures import synthesized
from tests.stack.synthesis import Synthesized

__all__ = ["synthesized"]


@pytest.fixture
def document(synthesized: Synthesized) -> dict[str, Any]:
    """A copy of the synthesized document that a test may change."""
    return copy.deepcopy(synthesized.document)


def test_the_readme_shows_the_stack_as_it_is(synthesized: Synthesized) -> None:
    readme = diagram.README.read_text(encoding="utf-8")
    assert diagram.within(readme, diagram.draw(synthesized.document)) == readme, (
        f"the stack is another than the README's diagram shows: run `{diagram.COMMAND}`"
    )


def test_every_suffix_has_the_same_diagram(synthesized: Synthesized) -> None:
    other = copy.deepcopy(synthesized.document)
    other["variable"]["environmentSuffix"]["default"] = "pr-42"
    # As a document that was read and written elsewhere may have it.
    other["resource"] = {
        kind: dict(reversed(named.items())) for kind, named in reversed(other["resource"].items())
    }
    assert diagram.draw(other) == diagram.draw(synthesized.document)


def test_nothing_that_moves_messages_can_go_unseen(document: dict[str, Any]) -> None:
    """WHEN any one node or way is taken away THEN the drawing differs, or says what is missing."""
    drawn = diagram.draw(document)
    kinds = sorted((set(diagram._NODES) | diagram._EDGES) & set(document["resource"]))
    tried = 0
    for kind, name in [(one, name) for one in kinds for name in document["resource"][one]]:
        body = document["resource"][kind].pop(name)
        # How often is tried again is no way for messages, as long as it has no destination.
        if kind != "aws_lambda_function_event_invoke_config" or "destination_config" in body:
            try:
                unseen = diagram.draw(document) == drawn
            except LocalError as error:
                unseen = f"{kind}.{name}" not in str(error)
            assert not unseen, f"{kind}.{name} is not drawn"
            tried += 1
        document["resource"][kind][name] = body
    assert tried > 20


def test_every_edge_is_between_nodes_that_are_drawn(synthesized: Synthesized) -> None:
    lines = [line.strip() for line in diagram.draw(synthesized.document).splitlines()[1:]]
    edges = [re.fullmatch(r'(\w+) (?:-->|-\.->)(?:\|"[^"|]+"\|)? (\w+)', line) for line in lines]
    nodes = {re.split(r"[\[({]", line)[0] for line in lines if " -" not in line}
    met = {end for edge in edges if edge for end in edge.groups()}
    assert met <= nodes
    assert len(met) >= 12


def test_alarms_are_one_node_that_tells_the_error_topic(document: dict[str, Any]) -> None:
    topic = {"alarm_actions": ["${aws_sns_topic.error_topic_topic.arn}"]}
    document["resource"]["aws_cloudwatch_metric_alarm"] = {"one": topic, "two": topic}
    document["resource"]["aws_sns_topic_subscription"] = {
        "people": {"protocol": "email", "topic_arn": "${aws_sns_topic.error_topic_topic.arn}"}
    }
    drawn = diagram.draw(document)
    assert 'alarms{{"2 alarms"}}' in drawn
    assert drawn.count("alarms -.-> processing_errors") == 1
    assert "processing_errors --> email" in drawn


def test_an_unknown_type_is_refused(document: dict[str, Any]) -> None:
    document["resource"]["aws_kinesis_stream"] = {"ticks": {"name": "ticks"}}
    with pytest.raises(LocalError, match=r"aws_kinesis_stream.*\n.*local/diagram\.py"):
        diagram.draw(document)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("arn:aws:sqs:us-east-1:123456789012:elsewhere", "refers to no aws_sqs_queue"),
        ("${aws_sqs_queue.gone.arn}", "which the stack does not have"),
    ],
)
def test_a_way_that_leads_nowhere_is_named(
    document: dict[str, Any], target: str, said: str
) -> None:
    function = document["resource"]["aws_lambda_function"]["price_enricher_function"]
    function["dead_letter_config"]["target_arn"] = target
    with pytest.raises(LocalError, match=said):
        diagram.draw(document)


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(LocalError, match="where the diagram stands"):
        diagram.within("# Prices\n", "flowchart LR\n")
