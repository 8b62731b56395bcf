"""A plan that was made from another document than the judged one is found out by what it notes."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from policies import requirement
from policies.gate import judge_plan
from stack import providers
from tests.policies.documents import Document, Pipeline, named, only

ACCOUNT = "${data.aws_caller_identity.identity.account_id}"
# With these the provider plans without asking AWS anything.
OFFLINE = {
    "access_key": "x",
    "secret_key": "x",
    "skip_credentials_validation": True,
    "skip_metadata_api_check": True,
    "skip_requesting_account_id": True,
}
QUEUE, FUNCTION = "aws_sqs_queue", "aws_lambda_function"
SETTINGS = "aws_api_gateway_method_settings"


class Planner:
    """Makes plans of the stack with the real Terraform, the account's number written in."""

    def __init__(self, pipeline: Pipeline, place: Path) -> None:
        text = json.dumps(pipeline.document).replace(ACCOUNT, "111122223333")
        self.document: Document = json.loads(text)
        del self.document["data"]
        self.document["terraform"]["backend"] = {"local": {"path": str(place / "x.tfstate")}}
        self.judged, self.folder, self.plan = place / "judged", place / "stack", place / "plan.json"
        for folder in (self.judged, self.folder):
            shutil.copytree(pipeline.folder / "assets", folder / "assets")
        (place / "rc").write_text(
            providers.configuration(requirement.PROVIDER_VERSION, os.environ), encoding="utf-8"
        )
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "AWS_"))}
        self.environment = {
            **kept,
            "TF_CLI_CONFIG_FILE": str(place / "rc"),
            "TF_VAR_webhook_secrets": "{}",
        }
        (self.judged / "cdk.tf.json").write_text(json.dumps(self.document))
        self.write(lambda d: None)
        self.terraform("init", "-input=false")

    def write(self, change: Callable[[Document], object]) -> None:
        """Write the document that is planned: the judged one after a change."""
        document = copy.deepcopy(self.document)
        change(document)
        document["provider"]["aws"][0].update(OFFLINE)
        (self.folder / "cdk.tf.json").write_text(json.dumps(document))

    def terraform(self, *arguments: str) -> str:
        done = subprocess.run(
            ["terraform", *arguments, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def planned(self, *options: str) -> dict[str, Any]:
        """The plan of what was written, less what lets the provider plan offline."""
        self.terraform("plan", "-input=false", "-out=x.tfplan", *options)
        plan: dict[str, Any] = json.loads(self.terraform("show", "-json", "x.tfplan"))
        expressions = plan["configuration"]["provider_config"]["aws"]["expressions"]
        for name in OFFLINE:
            del expressions[name]
        return plan

    def found(self, plan: dict[str, Any]) -> list[str]:
        """What the gate says of a plan beside the judged document."""
        self.plan.write_text(json.dumps(plan))
        return [f"{f.resource}: {f.message}" for f in judge_plan(self.judged, self.plan)]


@pytest.fixture(scope="module")
def planner(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Planner:
    return Planner(pipeline, tmp_path_factory.mktemp("planned"))


def _elsewhere(document: Document) -> None:
    document["provider"]["aws"].append({**OFFLINE, "alias": "west", "region": "us-west-2"})
    named(document, QUEUE, "price-enricher")["provider"] = "aws.west"


# What was there while the plan was made, and what is said of it.
PLANNED: dict[str, tuple[str, Callable[[Document], object]]] = {
    "an attribute more": (
        "delay_seconds is set in the plan",
        lambda d: named(d, QUEUE, "error-notifier").update(delay_seconds=900),
    ),
    "a block more": (
        "tracing_config is given 1 times in the plan",
        lambda d: named(d, FUNCTION, "webhook").update(tracing_config={"mode": "Active"}),
    ),
    "a time-out more": (
        "timeouts is set in the plan",
        lambda d: only(d, "aws_dynamodb_table").update(timeouts={"create": "1m"}),
    ),
    "an attribute in a block": (
        "settings.data_trace_enabled is set in the plan",
        lambda d: only(d, SETTINGS)["settings"].update(data_trace_enabled=True),
    ),
    "an attribute of what AWS computes": (
        "dead_letter_config.target_arn has another value",
        lambda d: named(d, FUNCTION, "price-enricher")["dead_letter_config"].update(
            target_arn="${aws_sqs_queue.error_notifier_dead_letters_queue.arn}"
        ),
    ),
    "an attribute less": (
        "ok_actions is missing in the plan",
        lambda d: named(d, "aws_cloudwatch_metric_alarm", "function-errors").pop("ok_actions"),
    ),
    "another order": (
        "aws_lambda_function.error_notifier_function: waits for other",
        lambda d: named(d, FUNCTION, "error-notifier").update(depends_on=[]),
    ),
    "a count": (
        "aws_kms_alias.encryption_alias: the plan makes 1",
        lambda d: only(d, "aws_kms_alias").update(count=1),
    ),
    "a provisioner": (
        "webhook_processor_dead_letters_queue: another provider, or a provisioner",
        lambda d: named(d, QUEUE, "webhook").update(
            provisioner=[{"local-exec": {"command": "true"}}]
        ),
    ),
    "a second provider": (
        "price_enricher_dead_letters_queue: another provider, or a provisioner",
        _elsewhere,
    ),
    "tags of all": (
        "provider.aws: the plan is made with another provider",
        lambda d: d["provider"]["aws"][0].update(default_tags=[{"tags": {"x": "y"}}]),
    ),
    "a resource more": (
        "aws_sqs_queue.x: is not in the judged document",
        lambda d: d["resource"][QUEUE].update(x={"name": "x"}),
    ),
    "a resource less": (
        "aws_cloudwatch_dashboard.dashboard_page: is not in what the plan",
        lambda d: d["resource"].pop("aws_cloudwatch_dashboard"),
    ),
}


@pytest.mark.terraform
def test_a_plan_made_from_something_else_is_found_out(planner: Planner) -> None:
    """GIVEN what was beside the stack only while it was planned THEN the plan shows all of it."""

    def change_all(document: Document) -> None:
        for _, change in PLANNED.values():
            change(document)

    planner.write(change_all)
    found = planner.found(planner.planned())
    missing = [
        (what, about)
        for what, (about, _) in PLANNED.items()
        if not any(re.search(about, message) for message in found)
    ]
    assert missing == [], found


@pytest.mark.terraform
def test_a_plan_of_the_judged_document_agrees(planner: Planner) -> None:
    planner.write(lambda d: None)
    plan = planner.planned()
    assert planner.found(plan) == []
    for change, said in (
        ({"complete": False}, "leaves a part"),
        ({"deferred_changes": [{}]}, "leaves a part"),
        ({"action_invocations": [{}]}, "invokes actions"),
    ):
        assert any(said in message for message in planner.found({**plan, **change}))
    moved = copy.deepcopy(plan)
    moved["resource_changes"][0]["previous_address"] = "aws_x.y"
    assert any("takes over" in message for message in planner.found(moved))
    imported = copy.deepcopy(plan)
    imported["resource_changes"][0]["change"]["importing"] = {"id": "x"}
    assert any("takes over" in message for message in planner.found(imported))
