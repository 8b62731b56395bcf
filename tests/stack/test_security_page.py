"""docs/security.md says what the synthesized roles say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.stack.synthesis import ROOT, Synthesized

HEAD = "| role | statement | actions | on |\n|---|---|---|---|\n"

# The page's words for what a policy names by its place in the stack.
WORDS = {
    "${aws_cloudwatch_log_group.FUNCTION_log_group.arn}:*": "its own log group",
    "${aws_sqs_queue.FUNCTION_dead_letters_queue.arn}": "its own dead-letter queue",
    "${aws_sns_topic.success_topic_topic.arn}": "`price-updates-success`",
    "${aws_sns_topic.error_topic_topic.arn}": "`processing-errors`",
    "${aws_kms_key.encryption_key.arn}": "the key",
    "${aws_dynamodb_table.storage_table.arn}": "the table",
    "${aws_dynamodb_table.storage_table.stream_arn}": "the table's stream",
    "*": "`*`",
}


def rows(stack: Synthesized) -> str:
    """The table of every role's policy, in the stack's order."""
    lines = []
    for name, policy in stack.resources("aws_iam_role_policy").items():
        function = name.removesuffix("_policy")
        for statement in json.loads(policy["policy"])["Statement"]:
            assert statement["Effect"] == "Allow"
            (resource,) = statement["Resource"]
            actions = ", ".join(f"`{action}`" for action in statement["Action"])
            on = WORDS[resource.replace(f".{function}_", ".FUNCTION_")]
            role = function.replace("_", "-")
            lines.append(f"| `{role}` | {statement['Sid']} | {actions} | {on} |\n")
    return "".join(lines)


def test_the_page_lists_every_grant_of_every_role(synthesized: Synthesized) -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    listed = page.split(HEAD, 1)[1].split("\n\n", 1)[0] + "\n"
    assert listed == rows(synthesized), "docs/security.md: its table should be the asserted one"


def statements(stack: Synthesized) -> Iterator[dict[str, Any]]:
    """Every statement of every resource's own policy: who is let in."""
    for kind, attribute in (
        ("aws_sns_topic", "policy"),
        ("aws_sqs_queue", "policy"),
        ("aws_kms_key", "policy"),
        ("aws_iam_role", "assume_role_policy"),
    ):
        for body in stack.resources(kind).values():
            yield from json.loads(body[attribute])["Statement"]
    for body in stack.resources("aws_lambda_permission").values():
        yield {"Effect": "Allow", "Principal": {"Service": body["principal"]}}


SERVICES = {
    "apigateway.amazonaws.com": "API Gateway",
    "logs.amazonaws.com": "CloudWatch Logs",
    "cloudwatch.amazonaws.com": "CloudWatch alarms",
    "lambda.amazonaws.com": "Lambda",
}


def test_the_page_lists_every_service_that_is_let_in(synthesized: Synthesized) -> None:
    """Lambda, which assumes the roles, stands with the roles."""
    let_in = {
        statement["Principal"]["Service"]
        for statement in statements(synthesized)
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]
    }
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    table = page.split("| service | may | only for |\n|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    listed = [line.split("|")[1].strip() for line in table.splitlines()]
    assert sorted([*listed, "Lambda"]) == sorted(SERVICES[service] for service in let_in)
    assert "which only Lambda may assume" in page


def test_the_page_says_what_a_reader_may(synthesized: Synthesized) -> None:
    policy = synthesized.one("aws_iam_policy", "storage_reader")["policy"]
    [statement] = json.loads(policy)["Statement"]
    *others, last = [f"`{action}`" for action in statement["Action"]]
    page = " ".join((ROOT / "docs/security.md").read_text(encoding="utf-8").split())
    assert f"It grants {', '.join(others)} and {last} on the table." in page


def test_every_test_that_the_page_names_is_there() -> None:
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) >= 10
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"


def test_no_role_holds_a_wildcard_action(synthesized: Synthesized) -> None:
    assert "*" not in "".join(
        action
        for policy in synthesized.resources("aws_iam_role_policy").values()
        for statement in json.loads(policy["policy"])["Statement"]
        for action in statement["Action"]
    )
