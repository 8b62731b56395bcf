"""What a next release may change in place: something of every kind of resource of the stack.

Whoever deploys must be able to change what stands, and which calls that takes shows only when
something changes. So the synthesized stack is taken and each resource of it altered, as little as
makes Terraform update it. Nothing of it is judged by the gate or left standing: it is deployed
where the deployer's rights are recorded and tested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from local.errors import LocalError

Change = Callable[[dict[str, Any]], None]


def alter(stack: Path) -> None:
    """Alter a synthesized stack folder; raises `LocalError` when a kind of resource is unknown."""
    path = stack / "cdk.tf.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(document["resource"].keys() - CHANGES.keys())
    if unknown:
        raise LocalError(
            f"nothing says what a next release changes of {', '.join(unknown)}",
            "Add it to CHANGES in local/next_release.py, then run "
            "`python -m local deployer-policy`.",
        )
    for kind, resources in document["resource"].items():
        for resource in resources.values():
            CHANGES[kind](resource)
            if "tags" in resource:
                # One tag goes and one comes.
                kept = {name: value for name, value in resource["tags"].items() if name != "Owner"}
                resource["tags"] = {**kept, "Release": "next"}
    path.write_text(json.dumps(document), encoding="utf-8")


def _set(**values: Any) -> Change:
    return lambda resource: resource.update(values)


def _nothing(_resource: dict[str, Any]) -> None:
    """It has nothing that changes in place, or changes with what it refers to."""


def _longer(name: str) -> Change:
    """A text gets one character more."""
    return lambda resource: resource.update({name: f"{resource[name]}."})


def _renamed_statements(name: str) -> Change:
    """A policy document says the same under other statement ids."""

    def change(resource: dict[str, Any]) -> None:
        document = json.loads(resource[name])
        for statement in document["Statement"]:
            statement["Sid"] = f"{statement['Sid']}Next"
        resource[name] = json.dumps(document)

    return change


def _templates(name: str) -> Change:
    def change(resource: dict[str, Any]) -> None:
        resource[name] = {kind: f"{text}\n" for kind, text in resource[name].items()}

    return change


def _both(*changes: Change) -> Change:
    def change(resource: dict[str, Any]) -> None:
        for each in changes:
            each(resource)

    return change


def _function(resource: dict[str, Any]) -> None:
    resource["memory_size"] += 64
    resource["source_code_hash"] = "next"
    resource["environment"]["variables"]["RELEASE"] = "next"
    resource["reserved_concurrent_executions"] += 1


def _settings(resource: dict[str, Any]) -> None:
    resource["settings"]["throttling_burst_limit"] += 1


def _widgets(resource: dict[str, Any]) -> None:
    resource["dashboard_body"] = f"{resource['dashboard_body']} "


CHANGES: Mapping[str, Change] = {
    "aws_api_gateway_api_key": _longer("description"),
    "aws_api_gateway_deployment": _nothing,
    "aws_api_gateway_integration": _templates("request_templates"),
    "aws_api_gateway_integration_response": _templates("response_templates"),
    "aws_api_gateway_method": _set(operation_name="next"),
    # MiniStack has no UpdateMethodResponse; the right to it is that of the API's other parts.
    "aws_api_gateway_method_response": _nothing,
    "aws_api_gateway_method_settings": _settings,
    "aws_api_gateway_request_validator": _set(validate_request_body=True),
    "aws_api_gateway_resource": _nothing,
    "aws_api_gateway_rest_api": _longer("description"),
    "aws_api_gateway_stage": _set(description="next"),
    "aws_api_gateway_usage_plan": _longer("description"),
    "aws_api_gateway_usage_plan_key": _nothing,
    "aws_cloudwatch_dashboard": _widgets,
    "aws_cloudwatch_log_group": _set(retention_in_days=5),
    "aws_cloudwatch_log_subscription_filter": _set(filter_pattern='{ $.level = "ERROR" }'),
    "aws_cloudwatch_metric_alarm": _set(alarm_description="next"),
    "aws_dynamodb_table": _set(table_class="STANDARD_INFREQUENT_ACCESS"),
    "aws_iam_policy": _renamed_statements("policy"),
    "aws_iam_role": _both(_longer("description"), _renamed_statements("assume_role_policy")),
    "aws_iam_role_policy": _renamed_statements("policy"),
    "aws_kms_alias": _nothing,
    "aws_kms_key": _both(_longer("description"), _renamed_statements("policy")),
    "aws_lambda_event_source_mapping": _set(batch_size=50),
    "aws_lambda_function": _function,
    "aws_lambda_function_event_invoke_config": _set(maximum_retry_attempts=1),
    "aws_lambda_permission": _nothing,
    "aws_sns_topic": _set(display_name="next"),
    "aws_sns_topic_subscription": _nothing,
    "aws_sqs_queue": _set(visibility_timeout_seconds=31),
}
"""What changes of a resource of each type beside its tags."""
