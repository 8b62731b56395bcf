"""Which resource of a stack is what: found by the names that the requirement gives them."""

from __future__ import annotations

from policies import requirement
from policies.model.expressions import Value
from policies.model.stack import Resource, Stack

# The attribute that carries a resource's own name, by type; scoped names are not listed.
NAMES = {
    "aws_lambda_function": "function_name",
    "aws_cloudwatch_dashboard": "dashboard_name",
    "aws_cloudwatch_metric_alarm": "alarm_name",
}


# A metric's dimension -> the attribute that names the resource it tells apart.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/aws-services-cloudwatch-metrics.html
DIMENSIONS = {
    "AWS/ApiGateway": {
        "ApiName": ("aws_api_gateway_rest_api", "name"),
        "Stage": ("aws_api_gateway_stage", "stage_name"),
    },
    "AWS/DynamoDB": {"TableName": ("aws_dynamodb_table", "name")},
    "AWS/Lambda": {"FunctionName": ("aws_lambda_function", "function_name")},
    "AWS/SNS": {"TopicName": ("aws_sns_topic", "name")},
    "AWS/SQS": {"QueueName": ("aws_sqs_queue", "name")},
}


def own_name(resource: Resource) -> Value:
    """The resource's name as a value, with references followed."""
    return resource.body.resolved(NAMES.get(resource.type, "name"))


def named(stack: Stack, type_: str, name: str) -> Resource | None:
    """The one resource of a type that is called ``{name}-${var.environmentSuffix}``."""
    wanted = requirement.suffixed(name)
    found = [r for r in stack.of(type_) if own_name(r) == wanted]
    return found[0] if len(found) == 1 else None


def function_name(function: Resource) -> str | None:
    """The function's name in front of the suffix."""
    return requirement.base_name(own_name(function))


def function_of(stack: Stack, value: Value) -> Resource | None:
    """The unqualified function that a value names by ARN or by name."""
    target = stack.target(value, ("arn", "function_name", "id"))
    if target is not None:
        return target if target.type == "aws_lambda_function" else None
    resolved = stack.resolve(value)
    for function in stack.of("aws_lambda_function"):
        if own_name(function) == resolved:
            return function
    return None


def group_of(stack: Stack, value: Value) -> Resource | None:
    """The log group that a value names."""
    target = stack.target(value, ("name", "id"))
    if target is not None:
        return target if target.type == "aws_cloudwatch_log_group" else None
    resolved = stack.resolve(value)
    for group in stack.of("aws_cloudwatch_log_group"):
        if own_name(group) == resolved:
            return group
    return None


def own_group(stack: Stack, function: Resource) -> Resource | None:
    """The log group ``/aws/lambda/{function}`` of a function."""
    name = function_name(function)
    if name is None:
        return None
    return named(stack, "aws_cloudwatch_log_group", requirement.log_group(name))


def own_queue(stack: Stack, function: Resource) -> Resource | None:
    """The queue called after the function."""
    name = function_name(function)
    return None if name is None else named(stack, "aws_sqs_queue", requirement.dead_letters(name))


def observed(stack: Stack, namespace: str, dimensions: Value) -> list[Resource] | None:
    """The resources of this stack whose metrics the dimensions choose, each by reference.

    None where a dimension is missing, unknown, or no reference to a resource that it may name.
    """
    known = DIMENSIONS.get(namespace)
    if known is None or not isinstance(dimensions, dict) or set(dimensions) != set(known):
        return None
    found = []
    for name, (type_, attribute) in known.items():
        resource = stack.target(dimensions[name], (attribute,))
        if resource is None or resource.type != type_:
            return None
        found.append(resource)
    return found


def pipeline_key(stack: Stack) -> Resource | None:
    """The stack's one customer-managed key."""
    keys = stack.of("aws_kms_key")
    return keys[0] if len(keys) == 1 else None


def role_of(stack: Stack, function: Resource) -> Resource | None:
    """The role a function runs under."""
    role = stack.target(function.body.value("role"))
    return role if role is not None and role.type == "aws_iam_role" else None
