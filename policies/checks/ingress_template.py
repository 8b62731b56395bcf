"""The event carries the body byte for byte, and no credential of the caller."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, shown

# Headers that may reach the function: signatures and what belongs to them.
HEADERS = {
    "webhook-id", "webhook-timestamp", "webhook-signature", "x-signature", "x-timestamp",
    "x-cc-webhook-signature", "x-hook0-signature", "x-hook0-id", "x-event-id", "x-event-type",
    "content-type",
}  # fmt: skip


class IngressTemplate(Policy):
    """The success record shows the event to every subscriber: no secret may travel in it."""

    id = "CKV_PRICE_38"
    name = "The template passes the raw body as base64, listed headers, and no API key"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
        "api-gateway-mapping-template-reference.html"
    )
    fix = "One template for application/json, made by the stack from ingress.forwarded_headers."
    applies_to = ("aws_api_gateway_integration",)
    guards = ("request_templates",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Take the template apart: what it reads, and under which condition headers go in."""
        templates = resource.body.literal("request_templates")
        if not isinstance(templates, dict) or set(templates) != {"application/json"}:
            yield Problem(f"request_templates is {shown(templates)}", expected="application/json")
            return
        template = str(templates["application/json"])
        for needed in (
            '"body": "$util.base64Encode($input.body)"',
            '"received_at": $context.requestTimeEpoch',
            '"request_id": "$context.requestId"',
            '"exchange": "$util.base64Encode(',
        ):
            if needed not in template:
                yield Problem(f"the template lacks {needed}", "missing", needed)
        read = set(re.findall(r"\$!?\{?((?:context|stageVariables|input|util)[\w.]*)", template))
        extra = read - {
            "context.requestTimeEpoch",
            "context.requestId",
            "input.params",
            "input.body",
            "util.base64Encode",
        }
        if extra:
            yield Problem(f"the template reads {', '.join(sorted(extra))}", shown(sorted(extra)))
        compared = set(re.findall(r'\$lower == "([^"]*)"', template))
        if compared - HEADERS or not compared:
            yield Problem(
                f"the template forwards {shown(sorted(compared - HEADERS))}", expected="signatures"
            )
        yield from self._headers_only_if_listed(template)

    def _headers_only_if_listed(self, template: str) -> Iterator[Problem]:
        body, depth = [], 0
        for line in template.splitlines():
            if re.search(r"#if\(\$lower == ", line):
                depth += 1
                if re.search(r"\btrue\b|!=|!\s*\(|&&", line):
                    yield Problem(f"the header condition is {shown(line)}")
            elif "#end" in line:
                depth = max(0, depth - 1)
            elif depth == 0:
                body.append(line)
        outside = "\n".join(body)
        if "$headers.get(" in outside or "$input.params('" in outside or 'params("' in outside:
            yield Problem("the template passes headers outside of the list of allowed ones")


offer(IngressTemplate, __name__)
