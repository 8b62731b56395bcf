"""Every name ends in the environment's suffix."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.model.wiring import NAMES
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown

# Types whose name is unique only inside something that bears the suffix, or that have none.
SCOPED = {
    "aws_api_gateway_deployment",
    "aws_api_gateway_gateway_response",
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method",
    "aws_api_gateway_method_response",
    "aws_api_gateway_method_settings",
    "aws_api_gateway_model",
    "aws_api_gateway_request_validator",
    "aws_api_gateway_resource",
    "aws_api_gateway_stage",
    "aws_api_gateway_usage_plan_key",
    "aws_iam_role_policy_attachment",
    "aws_kms_key",
    "aws_kms_key_policy",
    "aws_lambda_event_source_mapping",
    "aws_lambda_function_event_invoke_config",
    "aws_lambda_permission",
    "aws_sns_topic_policy",
    "aws_sns_topic_subscription",
    "aws_sqs_queue_policy",
}


class ResourceNames(Policy):
    """Without it two environments share a resource, and one's destruction takes the other's."""

    id = "CKV_PRICE_16"
    name = "Every name is {name}-${var.environmentSuffix}"
    severity = "HIGH"
    page = "https://developer.hashicorp.com/terraform/language/values/variables"
    fix = "End the name in -${var.environmentSuffix}, with nothing after it; use no name_prefix."
    applies_to = (ANY,)
    guards = ("name", "function_name", "alarm_name", "dashboard_name", "statement_id")

    def guards_of(self, type_: str) -> tuple[str, ...]:
        """The one attribute that names a resource of the type, where that is unique at all."""
        if type_ in SCOPED and type_ != "aws_lambda_permission":
            return ()
        named = "statement_id" if type_ == "aws_lambda_permission" else NAMES.get(type_, "name")
        return (named,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the suffix wherever a name is unique in the account or region."""
        for name in sorted(resource.body.names()):
            if name.endswith("name_prefix"):
                yield Problem(f"{name} lets AWS make up a name", "set", "absent")
        attribute = NAMES.get(resource.type, "name")
        value = resource.body.resolved(attribute)
        if resource.type in SCOPED:
            # A permission's id is unique in its function, but two environments' logs tell it apart.
            if resource.type != "aws_lambda_permission":
                return
            attribute, value = "statement_id", resource.body.resolved("statement_id")
        if requirement.base_name(value) is None:
            yield Problem(
                f"{attribute} is {shown(value)}",
                shown(value),
                f"{{name}}-{requirement.SUFFIX}",
            )


offer(ResourceNames, __name__)
