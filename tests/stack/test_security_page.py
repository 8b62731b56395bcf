"""docs/security.md says what the synthesized roles say."""

from __future__ import annotations

import json

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


def test_no_role_holds_a_wildcard_action(synthesized: Synthesized) -> None:
    assert "*" not in "".join(
        action
        for policy in synthesized.resources("aws_iam_role_policy").values()
        for statement in json.loads(policy["policy"])["Statement"]
        for action in statement["Action"]
    )
