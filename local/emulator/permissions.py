"""IAM of requests that arrive over HTTP, where MiniStack asks for another action or resource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from local.emulator.authority import Denial, note_use
from local.emulator.authority import record as keep
from local.emulator.context import current
from local.emulator.upstream import module, needs, replaces

_PARTIQL_PAGE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html"
_PARTIQL_CALLS = {
    "dynamodb:ExecuteStatement",
    "dynamodb:BatchExecuteStatement",
    "dynamodb:ExecuteTransaction",
}
_STATEMENT = re.compile(
    r"""\s*(?P<verb>SELECT|INSERT|UPDATE|DELETE|EXISTS)\b
        (?:.*?\bFROM\b|\s+INTO\b)?\s*\(?\s*
        "?(?P<table>[A-Za-z0-9_.\-]+)"?(?:\."?(?P<index>[A-Za-z0-9_.\-]+)"?)?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_ACTIONS = {
    "SELECT": "dynamodb:PartiQLSelect",
    "EXISTS": "dynamodb:PartiQLSelect",
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
}
_LOG_GROUP = re.compile(r"arn:aws[^:]*:logs:[^:]*:\d{12}:log-group:[^:]+")


def statement_grant(statement: str) -> tuple[str, str]:
    """The IAM action and the table (or `table/index/name`) that a PartiQL statement needs."""
    match = _STATEMENT.match(statement)
    if match is None:
        return "dynamodb:PartiQLSelect", "*"
    table = match["table"] + (f"/index/{match['index']}" if match["index"] else "")
    return _ACTIONS[match["verb"].upper()], table


def _statements(body: dict[str, Any]) -> list[str]:
    if "Statement" in body:
        return [str(body["Statement"])]
    listed = body.get("Statements") or body.get("TransactStatements") or []
    return [str(one.get("Statement", "")) for one in listed]


needs("core.iam_actions:identity_denial_message", "action principal_arn resource explicit_deny")
needs("core.responses:get_account_id", "")
needs("services.sts:_sessions")
needs("services.dynamodb_streams:_decode_iterator", "token")
# The calls that hand a role to Lambda.
_PASSING = {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"}
_REFUSE_WITH_400 = {"dynamodb", "dynamodbstreams", "kms"}


@replaces(
    "core.iam_actions:extract_iam_action",
    "service method path headers body query_params",
    _PARTIQL_PAGE,
)
def request_action(
    original: Callable[..., Any],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
) -> Any:
    """Note what the permission check of this request needs to know of its body."""
    action = original(service, method, path, headers, body, query_params)
    if action in _PARTIQL_CALLS or action in _PASSING or service in ("logs", "dynamodbstreams"):
        current().body = body
    return action


needs("core.iam_actions:_match_rest_action", "service method path query_params")
needs("core.iam_actions:_BOTOCORE_SERVICE_MAP")
# Operations whose IAM action is named otherwise.
_LAMBDA_ACTIONS = {"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"}


@replaces(
    "core.iam_actions:_lambda_action",
    "method path",
    "https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html",
)
def lambda_action(original: Callable[..., Any], method: str, path: str) -> Any:
    """Ask for the action of the operation itself: MiniStack takes many for UpdateFunctionCode."""
    actions = module("core.iam_actions")
    actions._BOTOCORE_SERVICE_MAP.setdefault("lambda", ["lambda"])
    operation = actions._match_rest_action("lambda", method, path, {})
    return _LAMBDA_ACTIONS.get(operation, operation) or original(method, path)


@replaces(
    "core.iam_actions:extract_resource_arn",
    "service method path headers body query_params region account_id",
    "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_"
    "actions-resources-contextkeys.html",
)
def request_resource(
    original: Callable[..., Any],
    service: str,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, Any],
    region: str,
    account_id: str,
) -> Any:
    """Name the resource of a call that names it elsewhere than MiniStack looks."""
    found = original(service, method, path, headers, body, query_params, region, account_id)
    if found != "*":
        return found
    if service == "lambda" and method == "POST" and path.rstrip("/").endswith("/functions"):
        return f"arn:aws:lambda:{region}:{account_id}:function:{_field(body, 'FunctionName')}"
    if service == "dynamodb":
        return _field(body, "ResourceArn") or found
    if service == "kms" and (alias := _field(body, "AliasName")):
        return f"arn:aws:kms:{region}:{account_id}:{alias}"
    if service == "sns" and (topic := _parameter(query_params, "ResourceArn")):
        return topic
    if service == "iam" and (policy := _parameter(query_params, "PolicyName")):
        return f"arn:aws:iam::{account_id}:policy/{policy}"
    return found


def _field(body: bytes, name: str) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    return str(document.get(name, "")) if isinstance(document, dict) else ""


def _parameter(query_params: dict[str, Any], name: str) -> str:
    value = query_params.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


@replaces(
    "core.iam_evaluator:enforce",
    "access_key_id iam_action service region resource_arn service_context",
    _PARTIQL_PAGE,
)
def enforce(
    original: Callable[..., Any],
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    """Judge the actions and resources that AWS judges for this request."""
    session = module("services.sts")._sessions.get(access_key_id) or {}
    arn = session.get("Arn", "")
    principal = arn.split("/")[1] if ":assumed-role/" in arn else "root"

    def ask(action: str, resource: str, context: dict[str, Any] | None = service_context) -> Any:
        denied = original(
            access_key_id, action, service, region, resource_arn=resource, service_context=context
        )
        note_use(principal, action, resource, allowed=denied is None)
        return denied

    body = current().body
    if iam_action in _PARTIQL_CALLS and body is not None:
        account = module("core.responses").get_account_id()
        prefix = f"arn:aws:dynamodb:{region}:{account}:table/"
        grants = dict.fromkeys(map(statement_grant, _statements(json.loads(body))))
        for action, table in grants:
            denied = ask(action, table if table == "*" else prefix + table)
            if denied:
                # The answer names the action that AWS names.
                current().notes.update(action=action, resource=prefix + table)
                return denied
        return None if grants else ask(iam_action, resource_arn)
    if iam_action in _PASSING and body and (role := _field(body, "Role")):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
        passed = {**(service_context or {}), "iam:PassedToService": "lambda.amazonaws.com"}
        denied = ask(iam_action, resource_arn)
        if denied is None and (denied := ask("iam:PassRole", role, passed)):
            current().notes.update(action="iam:PassRole", resource=role)
        return denied
    if service == "dynamodbstreams" and resource_arn == "*" and body:
        found = json.loads(body)
        arn = found.get("StreamArn") or _stream_of_iterator(found.get("ShardIterator", ""))
        return ask(iam_action, arn or resource_arn)
    if service == "logs" and _LOG_GROUP.fullmatch(resource_arn):
        stream = json.loads(body or b"{}").get("logStreamName", "") if body else ""
        return ask(iam_action, f"{resource_arn}:log-stream:{stream}")
    return ask(iam_action, resource_arn)


def _stream_of_iterator(iterator: str) -> str | None:
    found = module("services.dynamodb_streams")._decode_iterator(iterator) or {}
    return found.get("arn")


@replaces(
    "core.iam_actions:access_denied_response",
    "service action principal_arn request_id error_code message headers resource_arn explicit_deny "
    "resource_policy_arn",
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
)
def denied_response(
    original: Callable[..., Any],
    service: str,
    action: str,
    principal_arn: str,
    request_id: str,
    **options: Any,
) -> Any:
    """Name the action and resource that were refused, and keep the refusal."""
    notes = current().notes
    action = notes.get("action", action)
    resource = str(notes.get("resource", options.get("resource_arn", "*")))
    options["resource_arn"] = resource
    if not options.get("error_code"):
        keep(Denial(principal_arn, action, resource, time.time(), service))
        explicit = bool(options.get("explicit_deny"))
        if not options.get("message") and not (explicit and options.get("resource_policy_arn")):
            options["message"] = module("core.iam_actions").identity_denial_message(
                action, principal_arn, resource, explicit
            )
    status, headers, body = original(service, action, principal_arn, request_id, **options)
    return 400 if status == 403 and service in _REFUSE_WITH_400 else status, headers, body
