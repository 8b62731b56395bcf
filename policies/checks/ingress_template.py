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

# The 262,144 bytes of a dead letter without 20,000 for the headers, the reason and the gateway's.
MAXIMUM_BODY_CHARACTERS = 242_144
# Messages of exchanges are far smaller; below this the webhook would refuse batches of them.
MINIMUM_BODY_CHARACTERS = 60_000


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
        """Compare with the one template that passes exactly the listed headers."""
        templates = resource.body.literal("request_templates")
        if not isinstance(templates, dict) or set(templates) != {"application/json"}:
            yield Problem(f"request_templates is {shown(templates)}", expected="application/json")
            return
        template = templates["application/json"]
        listed = re.findall(r"""\$lower == ["']([^"']*)["']""", str(template))
        if set(listed) - HEADERS or not listed:
            yield Problem(
                f"the template forwards {shown(sorted(set(listed) - HEADERS))}",
                expected="signatures and what belongs to them",
            )
        # The headers are all that may differ; any other template is not one that was thought over.
        limit = re.search(r"\$body\.length\(\) > ([0-9]+)\)", str(template))
        least, most = MINIMUM_BODY_CHARACTERS, MAXIMUM_BODY_CHARACTERS
        if limit is None or not least <= int(limit[1]) <= most:
            yield Problem(
                "the template passes bodies that do not fit a dead letter, or refuses usual ones",
                limit[1] if limit else "no limit",
                f"{least} to {most} characters of base64",
            )
        wanted = _template(listed, limit[1] if limit else "")
        if _plain(str(template)) != _plain(wanted) or not isinstance(template, str):
            yield Problem(
                f"the template is {shown(template)}", shown(template), "the stack's own template"
            )


def _plain(template: str) -> list[str]:
    # VTL's quotes mean the same where nothing is interpolated between them; in the JSON around it
    # only the double one is a quote, and only four characters are white space.
    text = template.replace("get('exchange')", 'get("exchange")')
    lines = (line.strip(" \t\r") for line in text.split("\n"))
    return [line.replace("'", '"') if line.startswith("#") else line for line in lines if line]


def _template(headers: list[str], limit: str) -> str:
    condition = " || ".join(f'$lower == "{name}"' for name in headers)
    return f"""
#set($body = $util.base64Encode($input.body))
#if($body.length() > {limit})
too large
#else
#set($headers = $input.params().header)
#set($separator = "")
{{"version": 1,
"exchange": "$util.base64Encode($input.params().path.get("exchange"))",
"body": "$body",
"received_at": $context.requestTimeEpoch,
"request_id": "$context.requestId",
"headers": {{
#foreach($name in $headers.keySet())
#set($lower = $name.toLowerCase())
#if({condition})
$separator"$lower": "$util.base64Encode($headers.get($name))"
#set($separator = ",")
#end
#end
}}}}
#end
"""


offer(IngressTemplate, __name__)
