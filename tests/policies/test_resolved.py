"""What the document leaves open, Terraform resolves; what it reads otherwise, is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies import resolved
from policies.gate import Judgement, judge, judge_plan
from policies.model.expressions import is_symbolic
from policies.model.stack import META, Resource, load
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


def by_file(document: Document) -> None:
    groups = document["resource"][GROUP]
    groups["error_notifier_log_group"]["retention_in_days"] = '${fileexists("/flag") ? 30 : 3}'
    groups["price_enricher_log_group"]["retention_in_days"] = "${length( timestamp ()) > 0 ? 3 : 1}"


def block_by_file(document: Document) -> None:
    only(document, "aws_dynamodb_table")["dynamic"] = {
        "replica": {
            "for_each": '${fileexists("/flag") ? [1] : []}',
            "content": {"region_name": "x"},
        }
    }


def by_secret(document: Document) -> None:
    first(document, GROUP)["retention_in_days"] = (
        "${[for x in [var /* . */ . webhook_secrets] : length(x) > 50 ? 30 : 3][0]}"
    )


@pytest.mark.terraform
@pytest.mark.parametrize("change", [by_file, block_by_file, by_secret])
def test_what_can_change_after_the_verdict_is_not_asked(
    change: Callable[[Document], None], pipeline: Pipeline
) -> None:
    # Terraform answers 3 today, whatever it will answer on the day of the deployment.
    judgement = judged(pipeline, change, "all")
    assert judgement.verdict is not Verdict.PASSED


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


def plan_of(stack: Any) -> dict[str, Any]:
    """A plan that does what the stack says, as far as it is known before AWS answers."""
    resources, noted = [], []
    for resource in stack.resources.values():
        noted.append(made_from(resource))
        values = {
            name: value
            for name in resource.body.names() - set(META)
            if not is_symbolic(value := resolved.with_suffix(resource.body.resolved(name), "dev"))
        }
        resources.append({"address": resource.address, "mode": resource.kind, "values": values})
    provider = {
        "name": "aws",
        "full_name": "registry.terraform.io/hashicorp/aws",
        "expressions": {"region": {"constant_value": "us-east-1"}},
    }
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": resources}},
        "configuration": {
            "provider_config": {"aws": provider},
            "root_module": {"resources": noted},
        },
    }


def made_from(resource: Resource) -> dict[str, Any]:
    """What a plan notes of the configuration of a resource; blocks are told by their lists."""

    def expressions(raw: dict[str, Any]) -> dict[str, Any]:
        return {name: noted(value) for name, value in raw.items() if name not in (*META, "//")}

    def noted(value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return [expressions(item) for item in value]
        return {"constant_value": value}

    return {
        "address": resource.address,
        "provider_config_key": "aws",
        "expressions": expressions(resource.body.raw),
        "depends_on": sorted(resource.depends_on()),
    }


def planned(pipeline: Pipeline, tmp_path: Path, plan: Any) -> list[str]:
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    return [f.message for f in judge_plan(pipeline.folder, tmp_path / "plan.json")]


def test_a_plan_that_does_what_was_judged_passes(pipeline: Pipeline, tmp_path: Path) -> None:
    (pipeline.folder / "cdk.tf.json").write_text(json.dumps(pipeline.document))
    plan = plan_of(load(pipeline.folder))
    resources = plan["planned_values"]["root_module"]["resources"]
    for resource in resources:
        # What hangs on AWS's answers is unknown in a plan, so it is not in its values.
        body = load(pipeline.folder).resources[resource["address"]].body
        for name in body.names() - set(META) - set(resource["values"]):
            assert is_symbolic(body.resolved(name))
    assert planned(pipeline, tmp_path, plan) == []
    table = next(r for r in resources if r["address"] == "aws_dynamodb_table.storage_table")
    table["values"]["billing_mode"] = "PROVISIONED"
    assert planned(pipeline, tmp_path, plan) == [
        "billing_mode is PAY_PER_REQUEST here, PROVISIONED to Terraform"
    ]
    resources.remove(table)
    assert planned(pipeline, tmp_path, plan) == ["Terraform sees no such resource"]
    del plan["configuration"]
    assert any("made from" in message for message in planned(pipeline, tmp_path, plan))


@pytest.mark.parametrize(
    "plan",
    [
        {},
        [],
        {"format_version": "1.2"},
        {"format_version": "1.2", "planned_values": {"root_module": {}}},
        {"format_version": "1.2", "errored": True, "planned_values": {"root_module": {}}},
        {"format_version": "1.2", "planned_values": {"root_module": {"child_modules": [1]}}},
    ],
)
def test_what_is_no_plan_is_refused(plan: Any, pipeline: Pipeline, tmp_path: Path) -> None:
    assert any("the plan" in message for message in planned(pipeline, tmp_path, plan))
