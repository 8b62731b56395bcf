"""What has to exist first is waited for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.model.wiring import function_of, role_of
from policies.offer import offer
from policies.policy import Policy, Problem, shown

# API Gateway refuses what is not there yet; a deployment's triggers refer to all of it.
AFTER = {
    "aws_api_gateway_integration": ("aws_api_gateway_method",),
    "aws_api_gateway_method_response": ("aws_api_gateway_method",),
    "aws_api_gateway_integration_response": (
        "aws_api_gateway_integration",
        "aws_api_gateway_method_response",
    ),
}


class CreationOrder(Policy):
    """Lambda checks rights when it is told of a queue, topic or stream, not when it uses them."""

    id = "CKV_PRICE_42"
    name = "Functions and their settings wait for the role's policy, the API's parts for each other"
    severity = "MEDIUM"
    page = "https://registry.terraform.io/providers/hashicorp/aws/5.100.0/docs/resources/lambda_function_event_invoke_config"
    fix = "Name what has to come first in depends_on."
    applies_to = (
        "aws_lambda_function",
        "aws_lambda_function_event_invoke_config",
        "aws_lambda_event_source_mapping",
        "aws_lambda_permission",
        *AFTER,
    )
    guards = ("depends_on", "role")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Find what has to come first and demand the dependency."""
        if resource.type in AFTER:
            for first in stack.of(*AFTER[resource.type]):
                if _same_status(first, resource) and first.address not in resource.depends_on():
                    yield Problem(
                        f"does not wait for {first.address}", "no dependency", "depends_on"
                    )
            return
        function: Resource | None = resource
        if resource.type != "aws_lambda_function":
            value = resource.body.value("function_name")
            function = function_of(stack, value)
            # A name that is spelled out waits for nothing.
            if (
                function is not None
                and stack.target(value, ("arn", "function_name", "id")) is None
                and function.address not in resource.depends_on()
            ):
                yield Problem(f"does not wait for {function.address}", shown(value), "a reference")
            if resource.type == "aws_lambda_permission":
                return
        role = role_of(stack, function) if function is not None else None
        if role is None:
            yield Problem("its role is none of this stack's")
            return
        policies = [
            p
            for p in stack.of("aws_iam_role_policy")
            if stack.target(p.body.value("role"), ("name", "id")) is role
        ]
        if not policies:
            yield Problem(f"{role.address} has no policy")
        for policy in policies:
            if policy.address not in resource.depends_on():
                yield Problem(f"does not wait for {policy.address}", "no dependency", "depends_on")


def _same_status(first: Resource, second: Resource) -> bool:
    """Whether a response has to wait for another: only for that of its own status."""
    if not first.type.endswith("_response") or not second.type.endswith("_response"):
        return True
    return str(first.body.literal("status_code")) == str(second.body.literal("status_code"))


offer(CreationOrder, __name__)
