"""Only the webhook and the two log groups may call a function."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.expressions import Text, concatenate
from policies.model.inventory import source_group
from policies.model.stack import Resource, Stack
from policies.model.transport import is_account
from policies.model.wiring import function_name, function_of, own_name
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_absent, shown


class InvokePermission(Policy):
    """Without a source any API, or any log group of any account, could call the function."""

    id = "CKV_PRICE_36"
    name = "Permissions to invoke name one service and the exact source"
    severity = "CRITICAL"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html"
    fix = (
        "apigateway.amazonaws.com with {api}/v1/POST/webhooks/* to the processor; "
        "logs.amazonaws.com with {group}:* and source_account to the notifier."
    )
    applies_to = ("aws_lambda_permission",)
    guards = ("action", "principal", "source_arn", "source_account", "function_name")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check action, caller, callee and source together."""
        body = resource.body
        yield from require(body, "action", "lambda:InvokeFunction")
        for name in (
            "function_url_auth_type",
            "event_source_token",
            "principal_org_id",
            "qualifier",
        ):
            yield from require_absent(body, name, "the pipeline needs none")
        function = function_of(stack, body.value("function_name"))
        called = function_name(function) if function is not None else None
        principal = body.literal("principal")
        source = body.value("source_arn")
        if principal == "apigateway.amazonaws.com":
            if called != requirement.PROCESSOR:
                yield Problem(f"lets the API call {shown(called)}", shown(called), "the processor")
            if not self._is_webhook(source, stack):
                yield Problem(
                    f"source_arn is {shown(source)}", shown(source), "{api}/{stage}/POST/webhooks/*"
                )
        elif principal == "logs.amazonaws.com":
            if called != requirement.NOTIFIER:
                yield Problem(f"lets logs call {shown(called)}", shown(called), "the notifier")
            group = source_group(stack, source)
            watched = requirement.base_name(own_name(group)) if group is not None else None
            working = [
                requirement.log_group(f) for f in (requirement.PROCESSOR, requirement.ENRICHER)
            ]
            if watched not in working:
                yield Problem(f"source_arn is {shown(source)}", shown(source), "{group}:*")
            if not is_account(body.value("source_account")):
                yield Problem(
                    f"source_account is {shown(body.value('source_account'))}", expected="ours"
                )
        else:
            yield Problem(f"principal is {shown(principal)}", shown(principal), "a known service")
        statement = body.resolved("statement_id")
        for other in stack.of("aws_lambda_permission"):
            if (
                other is not resource
                and other.body.resolved("statement_id") == statement
                and function_of(stack, other.body.value("function_name")) is function
            ):
                # Lambda refuses the second of two statements with one id.
                yield Problem(f"statement_id is {shown(statement)}, as in {other.address}")

    def _is_webhook(self, source: object, stack: Stack) -> bool:
        if not isinstance(source, Text):
            return False
        api = stack.target(source.parts[0], ("execution_arn",))
        if api is None or api.type != "aws_api_gateway_rest_api":
            return False
        stages = [s.body.resolved("stage_name") for s in stack.of("aws_api_gateway_stage")]
        resolved = stack.resolve(source)
        return any(
            resolved == concatenate([source.parts[0], "/", stage, "/POST/webhooks/*"])
            for stage in stages
            if isinstance(stage, str)
        )


offer(InvokePermission, __name__)
