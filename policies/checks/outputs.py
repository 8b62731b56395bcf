"""The outputs are those that other rooms read, and show no secret."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies import requirement
from policies.model.expressions import Reference, Text, Value, lower
from policies.model.stack import Resource, Stack
from policies.model.wiring import own_name
from policies.offer import offer
from policies.policy import DOCUMENT, Policy, Problem, shown

# Output -> type, name without suffix and attribute of what it shows.
SHOWS = {
    "webhook_processor_arn": ("aws_lambda_function", requirement.PROCESSOR, "arn"),
    "price_enricher_arn": ("aws_lambda_function", requirement.ENRICHER, "arn"),
    "error_notifier_arn": ("aws_lambda_function", requirement.NOTIFIER, "arn"),
    "table_name": ("aws_dynamodb_table", requirement.TABLE, "name"),
    "success_topic_arn": ("aws_sns_topic", requirement.SUCCESS_TOPIC, "arn"),
    "error_topic_arn": ("aws_sns_topic", requirement.ERROR_TOPIC, "arn"),
    "webhook_dlq_url": ("aws_sqs_queue", requirement.dead_letters(requirement.PROCESSOR), "url"),
    "enricher_dlq_url": ("aws_sqs_queue", requirement.dead_letters(requirement.ENRICHER), "url"),
    "api_key_id": ("aws_api_gateway_api_key", None, "id"),
    "webhook_url": ("aws_api_gateway_stage", None, "invoke_url"),
}


class Outputs(Policy):
    """An output is printed, stored in the state and read by the next program."""

    id = "CKV_PRICE_47"
    name = "Outputs are the known ones, each of the right resource, none a secret"
    severity = "MEDIUM"
    page = "https://developer.hashicorp.com/terraform/language/values/outputs"
    fix = "Keep the outputs of the design, by reference; never the key's value or the secrets."
    applies_to = (DOCUMENT,)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Compare each output with what it has to show."""
        found = {block.labels[0]: block for block in stack.blocks_of("output")}
        if len(found) != len(stack.blocks_of("output")):
            yield Problem("an output is declared twice", address="output")
        for name in sorted(set(found) | set(SHOWS)):
            address = f"output.{name}"
            if name not in found:
                yield Problem("is missing", address=address)
                continue
            raw = found[name].raw
            extra = set(raw) - {"value", "description", "//"}
            if extra:
                yield Problem(f"has {', '.join(sorted(extra))}", address=address)
            description = raw.get("description", "")
            if not isinstance(description, str) or re.search(r"[$%]\{", description):
                yield Problem("has a description that is no plain text", address=address)
            value = stack.without_index(lower(raw.get("value")))
            for leaf in stack.misindexed(raw.get("value")):
                message = f"refers to {leaf}: only what has a count has [0]"
                yield Problem(message, str(leaf), address=address)
            if name not in SHOWS or not _shows(value, *SHOWS[name], stack):
                yield Problem(f"shows {shown(value)}", shown(value), address=address)


def _shows(value: Value, type_: str, name: str | None, attribute: str, stack: Stack) -> bool:
    if attribute == "invoke_url":
        if not isinstance(value, Text) or value.parts[1:] != ("/webhooks",):
            return False
        value = value.parts[0]
    target = stack.target(value, (attribute,)) if isinstance(value, Reference) else None
    if target is None or target.type != type_:
        return False
    return name is None or own_name(target) == requirement.suffixed(name)


offer(Outputs, __name__)
