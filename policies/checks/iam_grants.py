"""Each function may do what it needs and nothing more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from collections.abc import Mapping

from policies import requirement
from policies.model.expressions import Text, Value
from policies.model.iam import parse
from policies.model.stack import Resource, Stack
from policies.model.wiring import named, own_group, own_name, own_queue, pipeline_key
from policies.offer import offer
from policies.policy import Policy, Problem, shown

LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
PUBLISH_ENCRYPTED = ("kms:Decrypt", "kms:GenerateDataKey")
EVERY = {"group": LOGS, "queue": ("sqs:SendMessage",), "key": PUBLISH_ENCRYPTED}

# Function -> resource -> actions. Each is needed, and none beyond is.
GRANTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    requirement.PROCESSOR: {
        **EVERY,
        "success": ("sns:Publish",),
        "table": ("dynamodb:PartiQLInsert", "dynamodb:PartiQLSelect"),
    },
    requirement.ENRICHER: {
        **EVERY,
        "success": ("sns:Publish",),
        "table": ("dynamodb:PartiQLUpdate", "dynamodb:Query"),
        "stream": ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"),
        "*": ("dynamodb:ListStreams",),
    },
    requirement.NOTIFIER: {**EVERY, "errors": ("sns:Publish",)},
}
READER = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")


class IamGrants(Policy):
    """A right nobody uses is an attacker's; a right that is missing breaks the failure path."""

    id = "CKV_PRICE_31"
    name = "Each function's role, and the price reader, have exactly the rights they need"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege"
    )
    fix = "Give the missing right on that resource, or remove the one beyond."
    applies_to = ("aws_iam_role_policy", "aws_iam_policy")
    guards = ("policy", "role")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Compare (action, resource) pairs with the table."""
        role = None
        if resource.type == "aws_iam_role_policy":
            role = stack.target(resource.body.value("role"), ("name", "id"))
            if role is None or role.type != "aws_iam_role":
                yield Problem(
                    f"role is {shown(resource.body.value('role'))}, no role of this stack"
                )
                return
        name = requirement.base_name(own_name(role or resource)) or ""
        if role is not None and name in GRANTS:
            function = named(stack, "aws_lambda_function", name)
            places = _places(stack, function)
            wanted = {(a.lower(), place) for place, acts in GRANTS[name].items() for a in acts}
        elif role is None and name == "price-reader":
            places = _places(stack, None)
            wanted = {(action.lower(), "table") for action in READER}
        else:
            yield Problem(f"{shown(name)} is no role or policy of the pipeline")
            return
        document = parse(resource.body.value("policy"), stack, "identity")
        given = set()
        for statement in document.statements:
            if statement.denies:
                yield Problem("has a Deny, which could take away a right the function needs")
                continue
            if statement.conditions:
                yield Problem(f"has a condition: {shown(statement.conditions)}")
            for value in statement.resources:
                place = next((p for p, v in places.items() if v == value), None)
                for action in statement.actions:
                    if (str(action).lower(), place) in wanted:
                        given.add((str(action).lower(), place))
                    else:
                        yield Problem(f"gives {shown(action)} on {shown(value)}", shown(action))
        for action, place in sorted(wanted - given, key=str):
            yield Problem(f"does not give {action} on the {place}", "missing", action)


def _places(stack: Stack, function: Resource | None) -> dict[str, Value]:
    """The values by which a policy names each resource."""
    from policies.model.expressions import Reference

    found = {
        "table": named(stack, "aws_dynamodb_table", requirement.TABLE),
        "success": named(stack, "aws_sns_topic", requirement.SUCCESS_TOPIC),
        "errors": named(stack, "aws_sns_topic", requirement.ERROR_TOPIC),
        "key": pipeline_key(stack),
        "queue": own_queue(stack, function) if function else None,
        "group": own_group(stack, function) if function else None,
    }
    places: dict[str, Value] = {"*": "*"}
    for place, resource in found.items():
        if resource is None:
            continue
        arn = Reference(resource.address, ("arn",))
        places[place] = Text((arn, ":*")) if place == "group" else arn
        if place == "table":
            places["stream"] = Reference(resource.address, ("stream_arn",))
    return places


offer(IamGrants, __name__)
