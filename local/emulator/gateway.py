"""API Gateway's non-proxy Lambda integration: templates, asynchronous invocation, answers.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-integration-async.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/models-mappings.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
"""

import base64
import contextvars
import json
import logging
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.emulator import invocations
from local.emulator.authority import service_refusal
from local.emulator.functions import (
    ASYNCHRONOUS_PAYLOAD_BYTES,
    ServiceError,
    Throttled,
    run,
)
from local.emulator.templates import Scope, TemplateError, render
from local.emulator.upstream import module, needs, replaces

needs("services.apigateway_v1:_gw_error", "response_type message")
needs("services.apigateway_v1:_extract_lambda_ref_from_integration_uri", "uri")
needs("services.apigateway_v1:_usage_plans")
needs("services.lambda_svc:_get_func_record_for_ref_in_scope", "function_ref account_id region")
needs("services.lambda_svc:function_policy_for_arn", "resource_arn")
needs("core.concurrency:run_reentrant")

_log = logging.getLogger("local.emulator.gateway")
_GUIDE = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
_ASYNC_PAGE = _GUIDE + "set-up-lambda-integration-async.html"
_LIMITS_PAGE = _GUIDE + "limits.html"
_PATCH_PAGE = "https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html"
_ERROR_TYPES = {"INVALID_API_KEY": "ForbiddenException", "THROTTLED": "TooManyRequestsException"}
MAXIMUM_BODY_BYTES = 10 * 1024 * 1024

_request: contextvars.ContextVar[dict[str, Any] | None] = contextvars.ContextVar(
    "gateway_request", default=None
)

Answer = tuple[int, dict[str, str], bytes]


@replaces(
    "services.apigateway_v1:_execute_in_scope",
    "request api_id stage_name method path headers body query_params owner_account_id owner_region",
    _LIMITS_PAGE,
)
async def execute(original: Callable[..., Any], request: dict[str, Any], *rest: Any) -> Any:
    """Refuse bodies above 10 MB, give every answer the id that `$context.requestId` has."""
    body = rest[5]
    if len(body or b"") > MAXIMUM_BODY_BYTES:
        request["stage"] = {}
        return module("services.apigateway_v1")._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
    _request.set(request)
    answer = await original(request, *rest)
    if not isinstance(answer, tuple):
        answer.error_type = answer.error_type or _ERROR_TYPES.get(answer.response_type)
    else:
        answer[1].setdefault("x-amzn-requestid", request["request_id"])
        answer[1].setdefault("x-amz-apigw-id", base64.b64encode(os.urandom(11)).decode())
    return answer


@replaces(
    "services.apigateway_v1:_invoke_lambda_custom_v1",
    "integration api_id stage_name stage resource request_path method headers body query_params "
    "path_params owner_account_id owner_region binary_media_types authorizer_context "
    "caller_identity",
    _ASYNC_PAGE,
)
async def invoke_lambda(
    _original: Callable[..., Any],
    integration: dict[str, Any],
    api_id: str,
    stage_name: str,
    stage: dict[str, Any],
    resource: dict[str, Any],
    request_path: str,
    method: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    path_params: dict[str, str],
    **options: Any,
) -> Any:
    """Render the request template, invoke as the integration says, map the answer."""
    account, region = options["owner_account_id"], options["owner_region"]
    request = _request.get() or {"request_id": ""}
    received = time.time()
    context: dict[str, Any] = {
        "requestId": request["request_id"],
        "extendedRequestId": request["request_id"],
        "requestTimeEpoch": int(received * 1000),
        "requestTime": datetime.fromtimestamp(received, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "accountId": account,
        "apiId": api_id,
        "stage": stage_name,
        "httpMethod": method,
        "resourcePath": resource["path"],
        "resourceId": resource["id"],
        "path": f"/{stage_name}{request_path}",
        "protocol": "HTTP/1.1",
        "identity": {"sourceIp": "127.0.0.1", "userAgent": headers.get("user-agent", "")},
    }
    parameters = {
        "path": dict(path_params or {}),
        "querystring": {name: values[-1] for name, values in (query_params or {}).items()},
        # API Gateway keeps the sender's spelling, which the HTTP server has lost. HTTP/1 clients
        # mostly send Title-Case; a template that compares without lower-casing fails here.
        "header": {name.title(): value for name, value in headers.items()},
    }
    variables = stage.get("variables") or {}
    try:
        payload = _request_payload(integration, headers, body, parameters, context, variables)
        outcome = await _invoke(
            integration, api_id, stage_name, resource, method, payload, account, region
        )
        return _response(integration, outcome, parameters, context, variables)
    except TemplateError as error:
        _log.error("mapping template of %s %s: %s", method, resource["path"], error)
        message = f"Mapping template: {error}"
        return 500, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()
    except _Misconfigured as error:
        _log.error("integration of %s %s: %s", method, resource["path"], error)
        return module("services.apigateway_v1")._gw_error(
            "API_CONFIGURATION_ERROR", "Internal server error"
        )


class _Misconfigured(Exception):
    """The integration cannot be invoked: no such function, or no permission."""


def _request_payload(
    integration: dict[str, Any],
    headers: dict[str, str],
    body: bytes,
    parameters: dict[str, dict[str, str]],
    context: dict[str, Any],
    variables: dict[str, str],
) -> bytes:
    content_type = headers.get("content-type") or "application/json"
    wanted = content_type.split(";", 1)[0].strip().lower()
    templates = integration.get("requestTemplates") or {}
    template = next((text for kind, text in templates.items() if kind.lower() == wanted), None)
    text = (body or b"").decode("utf-8", "replace")
    if template is None:
        return text.encode() or b"{}"
    return render(template, Scope(text, parameters, context, variables)).encode()


def _invocation_type(integration: dict[str, Any]) -> str:
    """The invocation type that the integration's constant header asks for."""
    found = {
        name.lower(): value for name, value in (integration.get("requestParameters") or {}).items()
    }
    value = found.get("integration.request.header.x-amz-invocation-type", "'RequestResponse'")
    if len(value) < 2 or value[0] != "'" or value[-1] != "'":
        raise _Misconfigured(f"X-Amz-Invocation-Type is {value}: a constant needs single quotes")
    return str(value[1:-1])


async def _invoke(
    integration: dict[str, Any],
    api_id: str,
    stage_name: str,
    resource: dict[str, Any],
    method: str,
    payload: bytes,
    account: str,
    region: str,
) -> tuple[str | None, str]:
    """Invoke the function: the error text that selection patterns see, or None; the payload."""
    lambdas = module("services.lambda_svc")
    reference = module("services.apigateway_v1")._extract_lambda_ref_from_integration_uri(
        integration.get("uri", "")
    )
    record, config, _ = lambdas._get_func_record_for_ref_in_scope(
        reference, account_id=account, region=region
    )
    if record is None or config is None:
        raise _Misconfigured(f"{reference} does not exist")
    arn = config["FunctionArn"]
    source = (
        f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage_name}/{method}{resource['path']}"
    )
    policy = lambdas.function_policy_for_arn(arn)
    document = policy[0] if policy else None
    if service_refusal(document, "apigateway.amazonaws.com", "lambda:InvokeFunction", arn, source):
        raise _Misconfigured(f"API Gateway may not invoke {arn} for {source}")
    called = {**record, "config": config}
    try:
        json.loads(payload)
    except ValueError as error:
        text = f"Could not parse request body into json: {error}"
        return json.dumps({"Type": "User", "message": text}), ""
    if _invocation_type(integration) == "Event":
        if len(payload) > ASYNCHRONOUS_PAYLOAD_BYTES:
            text = f"{len(payload)} byte payload is too large for the Event invocation type"
            return json.dumps({"Type": "User", "message": text}), ""
        invocations.accept(called, payload)
        return None, ""
    request_id = (_request.get() or {}).get("request_id", "")
    try:
        outcome = await module("core.concurrency").run_reentrant(run, called, payload, request_id)
    except (Throttled, ServiceError) as error:
        return json.dumps({"message": str(error)}), json.dumps({"message": str(error)})
    text = outcome.payload.decode()
    if outcome.status == "ok":
        return None, text
    return str(json.loads(text).get("errorMessage", "")), text


def _response(
    integration: dict[str, Any],
    outcome: tuple[str | None, str],
    parameters: dict[str, dict[str, str]],
    context: dict[str, Any],
    variables: dict[str, str],
) -> Answer:
    """The integration response whose pattern fits the whole error, else the default one."""
    error, text = outcome
    responses = integration.get("integrationResponses") or {}
    default = chosen = None
    for entry in responses.values():
        pattern = entry.get("selectionPattern")
        if not pattern:
            default = entry
        elif error is not None and re.fullmatch(pattern, error):
            chosen = entry
    response = chosen or default
    if response is None:
        raise _Misconfigured("no integration response fits and there is no default one")
    body = text or (error or "")
    templates = response.get("responseTemplates") or {}
    template = templates.get("application/json")
    if template:
        body = render(template, Scope(body, parameters, context, variables))
    override = context.get("responseOverride") or {}
    headers = {"Content-Type": "application/json"}
    for name, value in (response.get("responseParameters") or {}).items():
        if name.startswith("method.response.header.") and value[:1] == value[-1:] == "'":
            headers[name.removeprefix("method.response.header.")] = value[1:-1]
    headers |= {name: str(value) for name, value in (override.get("header") or {}).items()}
    status = int(override.get("status") or response.get("statusCode") or 200)
    return status, headers, body.encode()


@replaces("services.apigateway_v1:_apply_patch", "obj patch_ops", _PATCH_PAGE)
def apply_patch(
    original: Callable[..., Any], obj: dict[str, Any], patch_ops: list[dict[str, Any]]
) -> Any:
    """Take `~1` in a path for a slash within a key: `/requestTemplates/application~1json`."""
    for step in patch_ops:
        if "~" not in step["path"]:
            original(obj, [step])
            continue
        *above, last = _keys(step)
        target = obj
        for key in above:
            target = target.setdefault(key, {})
        if step.get("op") == "remove":
            target.pop(last, None)
        else:
            target[last] = step.get("value")
    return obj


def _keys(step: dict[str, Any]) -> list[str]:
    """The keys that a patch operation's path, a JSON Pointer, leads along."""
    path = step["path"].strip("/").split("/")
    return [key.replace("~1", "/").replace("~0", "~") for key in path]


@replaces("services.apigateway_v1:_update_usage_plan", "plan_id data", _PATCH_PAGE)
def update_usage_plan(original: Callable[..., Any], plan_id: str, data: dict[str, Any]) -> Any:
    """Apply patch operations to a usage plan's stages and limits as the API documents them."""
    plan = module("services.apigateway_v1")._usage_plans.get(plan_id)
    if plan is None:
        return original(plan_id, data)
    rest = [step for step in data.get("patchOperations", []) if not _patch_plan(plan, step)]
    return original(plan_id, {**data, "patchOperations": rest})


def _patch_plan(plan: dict[str, Any], step: dict[str, Any]) -> bool:
    """Apply one operation that MiniStack misreads; False when it is left to MiniStack."""
    operation, value = step.get("op"), step.get("value")
    keys = _keys(step)
    if keys[0] == "apiStages":
        stages = [entry for entry in plan.get("apiStages") or [] if isinstance(entry, dict)]
        if len(keys) == 1:
            api, _, stage = str(value).partition(":")
            if operation in ("remove", "add"):
                stages = [e for e in stages if (e["apiId"], e["stage"]) != (api, stage)]
            if operation == "add":
                stages.append({"apiId": api, "stage": stage})
            plan["apiStages"] = stages
            return True
        api, _, stage = keys[1].partition(":")
        entry = next((e for e in stages if (e["apiId"], e["stage"]) == (api, stage)), None)
        if entry is None:
            return True
        throttle = entry.setdefault("throttle", {})
        if operation == "remove":
            entry.pop("throttle") if len(keys) == 3 else throttle.pop("".join(keys[3:-1]), None)
            return True
        limits = throttle.setdefault("/".join(keys[3:-1]), {})
        limits[keys[-1]] = _limit(keys[-1], value)
        return True
    if keys[0] in ("throttle", "quota"):
        if operation == "remove" and len(keys) == 1:
            plan[keys[0]] = {}
        elif operation == "remove":
            (plan.get(keys[0]) or {}).pop(keys[1], None)
        else:
            holder = plan[keys[0]] = plan.get(keys[0]) or {}
            holder[keys[1]] = _limit(keys[1], value)
        return True
    return False


def _limit(name: str, value: Any) -> Any:
    """Patch values are strings; limits are numbers, a period is a word."""
    if name == "rateLimit":
        return float(value)
    return int(value) if name in ("burstLimit", "limit", "offset") else value


_LEFT_OUT_WHEN_EMPTY = ("accessLogSettings", "canarySettings", "throttle", "quota")


@replaces("services.apigateway_v1:_v1_response", "data status", _PATCH_PAGE)
def answer_without_empty(
    original: Callable[..., Any], data: dict[str, Any], status: int = 200
) -> Any:
    """Leave out settings that are not set, as API Gateway does, instead of showing them empty."""

    def clean(one: Any) -> Any:
        if not isinstance(one, dict):
            return one
        return {k: v for k, v in one.items() if v or k not in _LEFT_OUT_WHEN_EMPTY}

    if isinstance(data.get("item"), list):
        return original({**data, "item": [clean(one) for one in data["item"]]}, status)
    return original(clean(data), status)


@replaces(
    "services.apigateway_v1:_create_api_key",
    "data",
    "https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html",
)
def create_api_key(original: Callable[..., Any], data: dict[str, Any]) -> Any:
    """Take an empty value as none given: a value is generated."""
    if not data.get("value"):
        data = {name: value for name, value in data.items() if name != "value"}
    return original(data)
