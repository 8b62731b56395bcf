"""The deployer's policy: how it is derived, and that the document keeps to the stack's names."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local import deployer, deployer_policy, next_release
from local.deployer import ACCOUNT, POLICY, SUFFIX
from local.emulator import ACCOUNT_ID
from local.errors import LocalError
from stack import settings

DOCUMENT: dict[str, Any] = json.loads(POLICY.read_text(encoding="utf-8"))
STATEMENTS: list[dict[str, Any]] = DOCUMENT["Statement"]

# Where AWS, not the stack, chooses the name of what is made.
UNNAMED = re.compile(r"\*|arn:aws:(apigateway:.*|kms:.*:key/\*|lambda:.*:event-source-mapping:\*)")
OF_AWS = re.compile(r"arn:aws:iam::<account>:role/aws-service-role/.*")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", "*"),
        (
            f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/crypto-prices-a-b",
            f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/crypto-prices-{SUFFIX}",
        ),
        (
            f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:/aws/lambda/x-a-b:log-stream:",
            f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/x-{SUFFIX}:*",
        ),
        (
            f"arn:aws:logs:us-east-1:{ACCOUNT_ID}:log-group:/aws/lambda/x-a-b",
            f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/x-{SUFFIX}",
        ),
        (
            f"arn:aws:kms:us-east-1:{ACCOUNT_ID}:key/4e14e8e7-59d5",
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/*",
        ),
        (
            "arn:aws:apigateway:us-east-1::/restapis/0aa815af/resources/1abb/methods/POST",
            "arn:aws:apigateway:us-east-1::/restapis/*/resources/*/methods/POST",
        ),
        ("arn:aws:apigateway:us-east-1::/restapis", "arn:aws:apigateway:us-east-1::/restapis"),
        (
            "arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway",
            "arn:aws:apigateway:us-east-1::/tags/*",
        ),
    ],
)
def test_a_resource_becomes_a_pattern_for_any_account_and_suffix(
    resource: str, expected: str
) -> None:
    assert deployer_policy.pattern(resource, "a-b") == expected


patterns = st.text(alphabet="ab/*", min_size=1, max_size=6)


@given(st.sets(patterns, min_size=1))
def test_what_is_left_of_patterns_covers_all_and_none_covers_another(given_: set[str]) -> None:
    left = deployer_policy.least(given_)
    assert all(any(fnmatchcase(each, other) for other in left) for each in given_)
    assert not any(a != b and fnmatchcase(a, b) for a in left for b in left)


def test_only_the_deployers_own_questions_count_and_each_becomes_a_right() -> None:
    own, other = deployer.role("dev"), deployer.role("pr-1")
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/t-dev"
    uses = [
        {"principal": own, "action": "dynamodb:CreateTable", "resource": table},
        {"principal": own, "action": "sts:GetCallerIdentity", "resource": "*"},
        {"principal": other, "action": "dynamodb:DeleteTable", "resource": table},
        {"principal": "root", "action": "dynamodb:Scan", "resource": table},
    ]
    found = deployer_policy.derived(uses, "dev", settings.load())
    listed = {entry["action"] for entry in deployer_policy.aws_only()}
    actions = {action for statement in found["Statement"] for action in statement["Action"]}
    assert actions == {"dynamodb:CreateTable"} | listed


def test_no_action_holds_a_wildcard_and_each_is_granted_once() -> None:
    actions = [action for statement in STATEMENTS for action in statement["Action"]]
    assert not [action for action in actions if "*" in action]
    assert len(actions) == len(set(actions))
    sids = [statement["Sid"] for statement in STATEMENTS]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


def test_what_the_stack_names_is_granted_by_its_name_with_the_suffix() -> None:
    for statement in STATEMENTS:
        for resource in statement["Resource"]:
            named = f"-{SUFFIX}" in resource
            assert named or UNNAMED.fullmatch(resource) or OF_AWS.fullmatch(resource), resource


def test_a_role_is_passed_to_lambda_alone_and_the_key_used_by_lambda_alone() -> None:
    conditions = {
        action: statement.get("Condition")
        for statement in STATEMENTS
        for action in statement["Action"]
    }
    assert conditions["iam:PassRole"] == {
        "StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}
    }
    via = {"StringEquals": {"kms:ViaService": "lambda.us-east-1.amazonaws.com"}}
    for action in ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt"):
        assert conditions[action] == via


def test_the_deployer_may_not_change_its_own_role() -> None:
    """Or it could give itself any right; a name that ends with the suffix would not keep it."""
    own = f"arn:aws:iam::{ACCOUNT}:role/{deployer.role(SUFFIX)}"
    for statement in STATEMENTS:
        if any(action.startswith("iam:") for action in statement["Action"]):
            assert not any(fnmatchcase(own, resource) for resource in statement["Resource"])


def test_the_document_fits_the_inline_policies_of_a_role() -> None:
    for longest in ("x" * 16, "dev"):
        text = "".join(deployer.rights(longest).split())
        assert SUFFIX not in text
        assert ACCOUNT not in text
        assert len(text) <= deployer_policy.QUOTA_CHARACTERS


def test_what_only_aws_needs_is_in_the_document_with_its_page() -> None:
    for entry in deployer_policy.aws_only():
        assert entry["page"].startswith("https://docs.aws.amazon.com/")
        assert entry["reason"]
        (statement,) = (each for each in STATEMENTS if entry["action"] in each["Action"])
        assert set(entry["resources"]) <= set(statement["Resource"])


def test_a_kind_of_resource_that_nobody_thought_of_stops_the_recording(tmp_path: Path) -> None:
    stack: dict[str, Any] = {"resource": {"aws_lambda_layer_version": {"one": {}}}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps(stack))
    with pytest.raises(LocalError, match="aws_lambda_layer_version"):
        next_release.alter(tmp_path)
