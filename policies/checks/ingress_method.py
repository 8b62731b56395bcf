"""The webhook is asynchronous, needs a key, and takes JSON only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.inventory import path_of
from policies.model.stack import Resource, Stack
from policies.model.wiring import function_name
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_absent, require_or_absent, shown


class IngressMethod(Policy):
    """A synchronous call would leave dead letters and the success destination without effect."""

    id = "CKV_PRICE_37"
    name = "POST /webhooks/{exchange} needs an API key and invokes the processor asynchronously"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "set-up-lambda-integration-async.html"
    )
    fix = (
        "Method POST, api_key_required; integration AWS, POST, the header X-Amz-Invocation-Type "
        "'Event', passthrough NEVER, one template for application/json."
    )
    applies_to = ("aws_api_gateway_method", "aws_api_gateway_integration")
    guards = (
        "http_method", "authorization", "api_key_required", "type", "uri", "request_parameters",
        "passthrough_behavior", "integration_http_method", "resource_id",
    )  # fmt: skip

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check method or integration."""
        body = resource.body
        yield from require(body, "http_method", "POST")
        where = path_of(stack, stack.target(body.value("resource_id"), ("id",)))
        if where != "/webhooks/{exchange}":
            yield Problem(f"is on {shown(where)}", shown(where), "/webhooks/{exchange}")
        if resource.type == "aws_api_gateway_method":
            yield from require(body, "api_key_required", True)
            yield from require(body, "authorization", "NONE")
            return
        yield from require(body, "type", "AWS")
        yield from require(body, "integration_http_method", "POST")
        yield from require(body, "passthrough_behavior", "NEVER")
        yield from require_or_absent(body, "connection_type", "INTERNET")
        for name in ("content_handling", "credentials", "cache_key_parameters", "tls_config"):
            yield from require_absent(body, name, "the pipeline needs none")
        function = stack.target(body.value("uri"), ("invoke_arn",))
        if function is None or function_name(function) != requirement.PROCESSOR:
            yield Problem(f"uri is {shown(body.value('uri'))}, not the processor's invoke_arn")
        wanted = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
        found = body.literal("request_parameters")
        if found != wanted:
            yield Problem(f"request_parameters is {shown(found)}", shown(found), shown(wanted))


offer(IngressMethod, __name__)
