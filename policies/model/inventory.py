"""What each resource of the pipeline is, so that a missing or an extra one can be named."""

from __future__ import annotations

import tomllib
from functools import cache, reduce
from pathlib import Path
from typing import Any

from policies import requirement
from policies.model.expressions import Text
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.model.wiring import function_name, function_of, group_of, own_name
from stack import settings

_FILE = Path(__file__).resolve().parent.parent / "allowed.toml"


@cache
def allowed() -> dict[str, dict[str, Any]]:
    """The tables of ``allowed.toml``."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def wanted() -> set[tuple[str, str]]:
    """Type and identity of everything that there must be, as the settings choose.

    Raises `UnresolvedError` where the settings cannot be read.
    """
    tables = [allowed()["inventory"]]
    try:
        chosen: Any = settings.load()
    except settings.SettingsError as error:
        raise UnresolvedError(str(error)) from error
    for setting, table in allowed()["inventory_by_setting"].items():
        if reduce(getattr, setting.split("."), chosen):
            tables.append(table)
    return {(type_, name) for table in tables for type_, names in table.items() for name in names}


def path_of(stack: Stack, resource: Resource | None, depth: int = 4) -> str | None:
    """The URL path of an ``aws_api_gateway_resource``."""
    if resource is None or resource.type != "aws_api_gateway_resource" or depth == 0:
        return None
    part = resource.body.value("path_part")
    parent = resource.body.value("parent_id")
    root = stack.target(parent, ("root_resource_id",))
    if root is not None:
        return f"/{part}" if root.type == "aws_api_gateway_rest_api" else None
    above = path_of(stack, stack.target(parent, ("id",)), depth - 1)
    return None if above is None else f"{above}/{part}"


def api_of(stack: Stack, resource: Resource) -> str | None:
    """The name of the REST API a resource is part of."""
    api = stack.target(resource.body.value("rest_api_id"), ("id",))
    return requirement.base_name(own_name(api)) if api is not None else None


def _method(stack: Stack, resource: Resource) -> str | None:
    path = path_of(stack, stack.target(resource.body.value("resource_id"), ("id",)))
    return None if path is None else f"{resource.body.literal('http_method')} {path}"


def source_group(stack: Stack, value: Any) -> Resource | None:
    """The log group whose ARN, with ``:*`` behind it, the value is."""
    if isinstance(value, Text) and len(value.parts) == 2 and value.parts[1] == ":*":
        target = stack.target(value.parts[0])
        if target is not None and target.type == "aws_cloudwatch_log_group":
            return target
    return None


def _permission(stack: Stack, resource: Resource) -> str | None:
    body = resource.body
    function = function_of(stack, body.value("function_name"))
    if function is None:
        return None
    group = source_group(stack, body.value("source_arn"))
    of = f" of {requirement.base_name(own_name(group))}" if group is not None else ""
    return f"{body.literal('principal')}{of} to {function_name(function)}"


def identity(resource: Resource, stack: Stack) -> str | None:
    """What the resource is, in the words of the inventory; None where it is nothing known."""
    body, type_ = resource.body, resource.type
    if type_ == "aws_kms_key":
        return "the key"
    if type_ in ("aws_lambda_event_source_mapping", "aws_lambda_function_event_invoke_config"):
        function = function_of(stack, body.value("function_name"))
        return None if function is None else function_name(function)
    if type_ == "aws_cloudwatch_log_subscription_filter":
        group = group_of(stack, body.value("log_group_name"))
        return None if group is None else requirement.base_name(own_name(group))
    if type_ == "aws_lambda_permission":
        return _permission(stack, resource)
    if type_ == "aws_iam_role_policy":
        role = stack.target(body.value("role"), ("name", "id"))
        return None if role is None else requirement.base_name(own_name(role))
    if type_ == "aws_api_gateway_resource":
        return path_of(stack, resource)
    if type_ in ("aws_api_gateway_method", "aws_api_gateway_integration"):
        return _method(stack, resource)
    if type_ in ("aws_api_gateway_method_response", "aws_api_gateway_integration_response"):
        return f"{body.literal('status_code')} {_method(stack, resource)}"
    if type_ in (
        "aws_api_gateway_deployment",
        "aws_api_gateway_stage",
        "aws_api_gateway_method_settings",
    ):
        return api_of(stack, resource)
    if type_ == "aws_api_gateway_usage_plan_key":
        key = stack.target(body.value("key_id"), ("id",))
        plan = stack.target(body.value("usage_plan_id"), ("id",))
        names = [requirement.base_name(own_name(r)) for r in (key, plan) if r is not None]
        return " in ".join(str(name) for name in names)
    if type_ == "aws_sns_topic_subscription":
        topic = stack.target(body.value("topic_arn"), ("arn", "id"))
        of = requirement.base_name(own_name(topic)) if topic is not None else None
        return f"{body.literal('protocol')} of {of}"
    return requirement.base_name(own_name(resource))
