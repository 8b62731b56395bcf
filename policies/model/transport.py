"""Resource policies of queues and topics: who may come in, and that TLS is demanded."""

from __future__ import annotations

from collections.abc import Iterator

from policies import requirement
from policies.model.expressions import Reference, Text, Value, concatenate
from policies.model.iam import Document, Statement, parse
from policies.model.stack import Resource, Stack
from policies.model.wiring import own_name
from policies.policy import Problem, shown

# Type -> the type of its stand-alone policy, that policy's attribute naming the resource, and the
# attributes of the resource which that attribute may hold.
SEPARATE = {
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url", ("url", "id")),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn", ("arn", "id")),
}

# All that the resource policies may name: what moves or shows messages, and what could open the
# queue or topic to others.
# https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
ACTIONS = {
    "aws_sqs_queue": (
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:PurgeQueue",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sqs:SetQueueAttributes",
    ),
    "aws_sns_topic": (
        "sns:AddPermission",
        "sns:DeleteTopic",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:Publish",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
    ),
}


def policies_of(resource: Resource, stack: Stack) -> list[Document]:
    """The resource policies that hold for a queue or topic, inline and stand-alone."""
    found = []
    if resource.body.value("policy") is not None:
        found.append(parse(resource.body.value("policy"), stack, "resource"))
    type_, attribute, names = SEPARATE[resource.type]
    for other in stack.of(type_):
        if stack.target(other.body.value(attribute), names) is resource:
            found.append(parse(other.body.value("policy"), stack, "resource"))
    return found


def is_account(value: Value) -> bool:
    """Whether the value is the id of the account that is deployed to."""
    return (
        isinstance(value, Reference)
        and value.root.startswith("data.aws_caller_identity.")
        and value.path == ("account_id",)
    )


def is_own_arn(value: Value, resource: Resource, stack: Stack) -> bool:
    """Whether the value is the resource's ARN, by reference or spelled out in this account."""
    if stack.target(value) is resource:
        return True
    if not isinstance(value, Text):
        return False
    accounts = [part for part in value.parts if is_account(part)]
    service = {"aws_sqs_queue": "sqs", "aws_sns_topic": "sns"}[resource.type]
    head = f"arn:aws:{service}:{requirement.REGION}:"
    return bool(accounts) and value == concatenate([head, accounts[0], ":", own_name(resource)])


def _is_tls_denial(statement: Statement) -> bool:
    return (
        statement.denies
        and statement.principals in ([("*", "*")], [("AWS", "*")])
        and [(o, k.lower(), vs) for o, k, vs in statement.conditions]
        in [[("Bool", "aws:securetransport", [no])] for no in ("false", False)]
        and not statement.not_actions
        and not statement.not_resources
    )


def tls_only(resource: Resource, stack: Stack) -> Iterator[Problem]:
    """Demand one policy that denies everyone without TLS all `ACTIONS` on the resource."""
    documents = policies_of(resource, stack)
    if len(documents) != 1:
        yield Problem(
            f"has {len(documents)} resource policies instead of one that demands TLS",
            str(len(documents)),
            "1",
        )
    for document in documents:
        for statement in document.statements:
            if statement.denies and not _is_tls_denial(statement):
                yield Problem(
                    f"its policy denies {shown(statement.actions)} beyond requests without TLS"
                )
    denied = {
        str(action).lower()
        for document in documents
        for statement in document.statements
        if _is_tls_denial(statement)
        and any(is_own_arn(r, resource, stack) for r in statement.resources)
        for action in statement.actions
    }
    missing = [action for action in ACTIONS[resource.type] if action.lower() not in denied]
    if missing:
        yield Problem(
            f"its policy does not deny {shown(', '.join(missing))} without TLS",
            "allowed",
            "denied where aws:SecureTransport is false",
        )


def admits_alarms(statement: Statement) -> bool:
    """Whether a statement for CloudWatch lets this account's alarms through, and no one else's.

    The account alone would let in whatever else CloudWatch does in its name.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    keys = {key.lower() for _, key, _ in statement.conditions}
    return keys == {"aws:sourceaccount", "aws:sourcearn"} and all(
        _admits(*condition) for condition in statement.conditions
    )


def _admits(operator: str, key: str, values: list[Value]) -> bool:
    if not values:
        return False
    if key.lower() == "aws:sourceaccount":
        return operator == "StringEquals" and all(is_account(value) for value in values)
    if key.lower() == "aws:sourcearn" and operator in ("ArnLike", "StringLike"):
        head = f"arn:aws:cloudwatch:{requirement.REGION}:"
        return all(
            isinstance(value, Text)
            and len(value.parts) == 3
            and value.parts[0] == head
            and is_account(value.parts[1])
            and value.parts[2] == ":alarm:*"
            for value in values
        )
    return False
