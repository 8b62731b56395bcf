"""The webhook is throttled, keyed and deployed as judged."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.expressions import Digest, Encoded, Reference, Unknown, Value, leaves
from policies.model.inventory import api_of
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import (
    Policy,
    Problem,
    only_block,
    require,
    require_or_absent,
    require_within,
    shown,
)

# What a deployment freezes, and the attributes of it that change nothing of the webhook.
PARTS = (
    "aws_api_gateway_integration",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_method",
    "aws_api_gateway_method_response",
    "aws_api_gateway_request_validator",
    "aws_api_gateway_resource",
)
INERT = {"count", "depends_on", "for_each", "lifecycle", "name", "provider", "rest_api_id"}


class IngressThrottle(Policy):
    """The function's queue takes everything: without a throttle a flood becomes a bill."""

    id = "CKV_PRICE_39"
    name = "Throttled, regional, without execution logs, redeployed when its definition changes"
    severity = "MEDIUM"
    page = (
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "api-gateway-request-throttling.html"
    )
    fix = (
        "Throttle */* and the usage plan (rate and burst 1 to 5000), logging_level OFF (API "
        "Gateway's own log group never expires), endpoint REGIONAL, key enabled; triggers "
        "${sha256(jsonencode([…]))} of every attribute of method, integration and responses."
    )
    applies_to = (
        "aws_api_gateway_api_key",
        "aws_api_gateway_deployment",
        "aws_api_gateway_method_settings",
        "aws_api_gateway_rest_api",
        "aws_api_gateway_stage",
        "aws_api_gateway_usage_plan",
        "aws_api_gateway_usage_plan_key",
    )
    guards = (
        "triggers",
        "settings",
        "throttle_settings",
        "api_stages",
        "endpoint_configuration",
        "key_type",
        "key_id",
        "usage_plan_id",
        "method_path",
        "stage_name",
        "deployment_id",
    )

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check each kind of resource for its own part."""
        kind = resource.type.removeprefix("aws_api_gateway_")
        yield from getattr(self, f"_{kind}")(resource, stack)

    def _api_key(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        yield from require_or_absent(resource.body, "enabled", True)

    def _deployment(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        triggers = resource.body.value("triggers")
        if api_of(stack, resource) is None:
            yield Problem("is of no API of this stack")
        if not isinstance(triggers, dict) or not triggers:
            yield Problem(
                "has no triggers: a changed definition would not be deployed", shown(triggers)
            )
            return
        wanted = {
            Reference(part.address, (name,))
            for part in stack.of(*PARTS)
            for name in part.body.names() - INERT
        }
        hashed: set[Value] = set()
        for name, value in triggers.items():
            yield from _hashed(f"triggers.{name}", value, stack, hashed)
        for reference in sorted(wanted - hashed, key=str):
            yield Problem(
                f"triggers leave out {reference}: its change would not be deployed",
                "left out",
                str(reference),
            )

    def _method_settings(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        yield from require(resource.body, "method_path", "*/*")
        stage = stack.target(resource.body.value("stage_name"), ("stage_name",))
        if stage is None or stage.type != "aws_api_gateway_stage":
            yield Problem(f"stage_name is {shown(resource.body.value('stage_name'))}")
        settings, problems = only_block(resource.body, "settings")
        yield from problems
        if settings is not None:
            yield from require(settings, "logging_level", "OFF")
            yield from require_within(settings, "throttling_rate_limit", 1, 5000, whole=False)
            yield from require_within(settings, "throttling_burst_limit", 1, 5000)

    def _rest_api(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        yield from require_or_absent(resource.body, "api_key_source", "HEADER")
        endpoint, problems = only_block(resource.body, "endpoint_configuration")
        yield from problems
        if endpoint is not None:
            yield from require(endpoint, "types", ["REGIONAL"])

    def _stage(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        yield from require(resource.body, "stage_name", "v1")
        deployment = stack.target(resource.body.value("deployment_id"), ("id",))
        if deployment is None or deployment.type != "aws_api_gateway_deployment":
            yield Problem(f"deployment_id is {shown(resource.body.value('deployment_id'))}")

    def _usage_plan(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        throttle, problems = only_block(resource.body, "throttle_settings")
        yield from problems
        if throttle is not None:
            yield from require_within(throttle, "rate_limit", 1, 5000, whole=False)
            yield from require_within(throttle, "burst_limit", 1, 5000)
        stages, problems = only_block(resource.body, "api_stages")
        yield from problems
        if stages is not None:
            api = stack.target(stages.value("api_id"), ("id",))
            stage = stack.target(stages.value("stage"), ("stage_name",))
            if api is None or api.type != "aws_api_gateway_rest_api":
                yield Problem(f"api_stages.api_id is {shown(stages.value('api_id'))}")
            if stage is None or stage.type != "aws_api_gateway_stage":
                yield Problem(f"api_stages.stage is {shown(stages.value('stage'))}")

    def _usage_plan_key(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        yield from require(resource.body, "key_type", "API_KEY")
        key = stack.target(resource.body.value("key_id"), ("id",))
        plan = stack.target(resource.body.value("usage_plan_id"), ("id",))
        if key is None or key.type != "aws_api_gateway_api_key":
            yield Problem(f"key_id is {shown(resource.body.value('key_id'))}")
        if plan is None or plan.type != "aws_api_gateway_usage_plan":
            yield Problem(f"usage_plan_id is {shown(resource.body.value('usage_plan_id'))}")


def _hashed(where: str, value: Value, stack: Stack, found: set[Value]) -> Iterator[Problem]:
    """Demand a digest over references to the API's parts; adds the references to `found`."""
    if not isinstance(value, Digest) or not isinstance(value.value, Encoded):
        how = "${sha256(jsonencode([…]))} of what is deployed"
        yield Problem(f"{where} is {shown(value)}, which can be stale", shown(value), how)
        return
    for leaf in leaves(value):
        if isinstance(leaf, Unknown):
            yield Problem(f"{where} hangs on {shown(leaf)}", shown(leaf), "plain references")
        elif isinstance(leaf, Reference):
            part = stack.resources.get(leaf.root)
            if part is None or part.type not in PARTS or len(leaf.path) != 1:
                yield Problem(
                    f"{where} hangs on {leaf}", str(leaf), "attributes of the API's parts"
                )
            found.add(leaf)


offer(IngressThrottle, __name__)
