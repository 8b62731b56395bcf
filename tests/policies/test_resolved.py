"""What the document leaves open, Terraform resolves; what it reads otherwise, is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from policies import resolved
from policies.gate import Judgement, judge
from policies.model.stack import load
from policies.policy import Verdict
from tests.policies.documents import Document, Pipeline, first, only, refused, told

GROUP = "aws_cloudwatch_log_group"


def judged(pipeline: Pipeline, change: Callable[[Document], object], views: str) -> Judgement:
    document = copy.deepcopy(pipeline.document)
    change(document)
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(document))
    return judge([pipeline.folder], views=views)[0]


def right(document: Document) -> None:
    first(document, GROUP)["retention_in_days"] = '${parseint("3", 10)}'
    first(document, "aws_lambda_function")["architectures"] = '${[for a in ["arm64"] : a]}'
    table = only(document, "aws_dynamodb_table")
    del table["point_in_time_recovery"]
    table["dynamic"] = {
        "point_in_time_recovery": {"for_each": "${toset(range(1))}", "content": {"enabled": True}}
    }


def wrong(document: Document) -> None:
    right(document)
    first(document, GROUP)["retention_in_days"] = '${parseint("30", 10)}'


@pytest.mark.terraform
def test_expressions_that_resolve_to_the_right_value_pass(pipeline: Pipeline) -> None:
    assert judged(pipeline, right, "raw").verdict is Verdict.UNJUDGED
    judgement = judged(pipeline, right, "all")
    assert judgement.verdict is Verdict.PASSED, told(judgement)


@pytest.mark.terraform
def test_expressions_that_resolve_to_a_wrong_value_are_named(pipeline: Pipeline) -> None:
    judgement = judged(pipeline, wrong, "auto")
    assert refused(judgement, "CKV_PRICE_2", f"{GROUP}.error_notifier_log_group"), told(judgement)


@pytest.mark.terraform
def test_made_up_values_are_not_believed(pipeline: Pipeline) -> None:
    # A mocked boolean is false, which is what the policy wants to see.
    change = "${length(aws_kms_key.encryption_key.key_id) > 1000}"
    judgement = judged(
        pipeline,
        lambda d: only(d, "aws_dynamodb_table").update(deletion_protection_enabled=change),
        "auto",
    )
    assert judgement.verdict is Verdict.UNJUDGED, told(judgement)


@pytest.mark.terraform
def test_what_terraform_refuses_is_not_passed(pipeline: Pipeline) -> None:
    judgement = judged(
        pipeline, lambda d: only(d, "aws_kms_alias").update(depends_on=["aws_kms_key.x y"]), "all"
    )
    assert judgement.verdict is not Verdict.PASSED
    assert "the resolved view" in told(judgement)


def test_a_view_that_differs_is_refused(pipeline: Pipeline) -> None:
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    stack = load(pipeline.folder)
    seen: dict[str, dict[str, Any]] = {a: {} for a in stack.resources}
    seen["aws_iam_user.hidden"] = {}
    del seen["aws_kms_key.encryption_key"]
    seen["aws_dynamodb_table.storage_table"] = {"billing_mode": "PROVISIONED"}
    found = {(f.resource, f.message) for f in resolved.disagreements(stack, seen)}
    assert ("aws_iam_user.hidden", "the model sees no such resource") in found
    assert ("aws_kms_key.encryption_key", "Terraform sees no such resource") in found
    assert (
        "aws_dynamodb_table.storage_table",
        "billing_mode is PAY_PER_REQUEST here, PROVISIONED to Terraform",
    ) in found


def test_without_terraform_the_raw_view_decides(pipeline: Pipeline, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", "")
    assert judged(pipeline, right, "auto").verdict is Verdict.UNJUDGED
    assert judged(pipeline, lambda d: None, "auto").verdict is Verdict.PASSED
    assert judged(pipeline, lambda d: None, "all").verdict is Verdict.UNJUDGED
