"""The API's parts belong together, and what was not accepted is never answered as accepted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.inventory import path_of
from policies.model.stack import Resource, Stack, boolean
from policies.offer import offer
from policies.policy import Policy, Problem, require, shown

PATHS = ("/webhooks", "/webhooks/{exchange}")
# Everything but a status of success, over lines. API Gateway matches the whole error, by Java's
# rules. A pattern is not tried out on a few errors: it could have been made for just those.
ERRORS = (r"(?!2\d\d$)(\n|.)+", r"(?!2\d\d$)[\s\S]+")
REFUSAL = '{"accepted": false, "request_id": "$context.requestId"}'
# Status -> template. The default answer looks for an error that no pattern matched, so that it is
# not answered 202.
TEMPLATES = {
    "202": f"""
#if($input.body.toLowerCase().contains("message"))
#set($context.responseOverride.status = 502)
{REFUSAL}
#else
{REFUSAL.replace("false", "true")}
#end
""",
    "502": REFUSAL,
}


class IngressParts(Policy):
    """A response of another API, or one that answers 202 to an error, loses messages."""

    id = "CKV_PRICE_46"
    name = "All parts are of the one API; responses carry 202 only for what was accepted"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "handle-errors-in-lambda-integration.html"
    )
    fix = "Refer to the one aws_api_gateway_rest_api; 202 by default, 502 for every error."
    applies_to = (
        "aws_api_gateway_deployment",
        "aws_api_gateway_integration",
        "aws_api_gateway_integration_response",
        "aws_api_gateway_method",
        "aws_api_gateway_method_response",
        "aws_api_gateway_method_settings",
        "aws_api_gateway_request_validator",
        "aws_api_gateway_resource",
        "aws_api_gateway_stage",
    )
    guards = (
        "rest_api_id", "request_validator_id", "request_parameters", "response_templates",
        "selection_pattern", "validate_request_parameters", "validate_request_body",
        "response_models", "status_code", "http_method", "resource_id", "parent_id", "path_part",
        "aws_api_gateway_deployment.lifecycle",
    )  # fmt: skip

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check the API, then what the type has of its own."""
        body = resource.body
        api = stack.target(body.value("rest_api_id"), ("id",))
        if api is None or api.type != "aws_api_gateway_rest_api":
            yield Problem(f"rest_api_id is {shown(body.value('rest_api_id'))}, not the API's id")
        kind = resource.type.removeprefix("aws_api_gateway_")
        if kind == "method":
            validator = stack.target(body.value("request_validator_id"), ("id",))
            if validator is None or validator.type != "aws_api_gateway_request_validator":
                yield Problem(
                    f"request_validator_id is {shown(body.value('request_validator_id'))}"
                )
            name = "method.request.path.exchange"
            found = body.literal("request_parameters")
            if not isinstance(found, dict) or {k: boolean(v) for k, v in found.items()} != {
                name: True
            }:
                yield Problem(f"request_parameters is {shown(found)}", shown(found), name)
        elif kind == "request_validator":
            yield from require(body, "validate_request_parameters", True)
            yield from require(body, "validate_request_body", False)
        elif kind == "resource":
            if path_of(stack, resource) not in PATHS:
                yield Problem(
                    f"its path is {shown(path_of(stack, resource))}", expected=" or ".join(PATHS)
                )
        elif kind == "method_response":
            yield from self._of_the_method(resource, stack)
            models = body.literal("response_models")
            if models != {"application/json": "Empty"}:
                yield Problem(f"response_models is {shown(models)}", shown(models))
        elif kind == "integration_response":
            yield from self._of_the_method(resource, stack)
            yield from self._response(resource)
        elif kind == "deployment":
            lifecycle = body.blocks("lifecycle")
            if len(lifecycle) != 1:
                yield Problem("has no lifecycle: a deployment in use cannot be deleted first")
            for block in lifecycle:
                yield from require(block, "create_before_destroy", True)

    def _of_the_method(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        body = resource.body
        yield from require(body, "http_method", "POST")
        where = path_of(stack, stack.target(body.value("resource_id"), ("id",)))
        if where != PATHS[1]:
            yield Problem(f"is on {shown(where)}", shown(where), PATHS[1])
        status = str(body.literal("status_code"))
        if status not in TEMPLATES:
            yield Problem(f"status_code is {status}", status, " or ".join(TEMPLATES))

    def _response(self, resource: Resource) -> Iterator[Problem]:
        status = str(resource.body.literal("status_code"))
        pattern = resource.body.literal("selection_pattern")
        templates = resource.body.literal("response_templates")
        if not isinstance(templates, dict) or set(templates) != {"application/json"}:
            yield Problem(f"response_templates is {shown(templates)}", expected="application/json")
            return
        template = templates["application/json"]
        if not isinstance(template, str) or _lines(template) != _lines(TEMPLATES.get(status, "")):
            yield Problem(
                f"its template is {shown(template)}", shown(template), TEMPLATES.get(status)
            )
        if status == "202":
            if pattern not in (None, ""):
                yield Problem(f"selection_pattern is {shown(pattern)}", shown(pattern), "absent")
            return
        if pattern not in ERRORS:
            yield Problem(
                f"selection_pattern is {shown(pattern)}, which can let an error through",
                shown(pattern),
                ERRORS[0],
            )


def _lines(template: str) -> list[str]:
    # Only what JSON skips: other white space would reach the answer, or split a line elsewhere.
    lines = (line.strip(" \t\r") for line in template.split("\n"))
    return [line for line in lines if line]


offer(IngressParts, __name__)
