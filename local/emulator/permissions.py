"""IAM of requests that arrive over HTTP, where MiniStack asks for another action or resource.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
"""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from local.emulator.authority import Denial, note_use
from local.emulator.authority import record as keep
from local.emulator.context import current
from local.emulator.keys import key_record
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
needs("services.lambda_svc:_esms")
# The calls that hand a role and a key to Lambda, and those that show the environment again.
_CONFIGURING = {"lambda:CreateFunction", "lambda:UpdateFunctionConfiguration"}
_SHOWING = {"lambda:GetFunction", "lambda:GetFunctionConfiguration"}
_LOG_TAGS = {"logs:ListTagsForResource", "logs:TagResource", "logs:UntagResource"}
_ALIAS_CALLS = {"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"}
# What is asked beside a call that gives what it makes its tags, each as the service's page on
# tagging says.
_TAGGED_WHEN_MADE = {
    "cloudwatch:PutMetricAlarm": "cloudwatch:TagResource",
    "dynamodb:CreateTable": "dynamodb:TagResource",
    "iam:CreatePolicy": "iam:TagPolicy",
    "iam:CreateRole": "iam:TagRole",
    "kms:CreateKey": "kms:TagResource",
    "lambda:CreateEventSourceMapping": "lambda:TagResource",
    "lambda:CreateFunction": "lambda:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
    "sns:CreateTopic": "sns:TagResource",
    "sqs:CreateQueue": "sqs:TagQueue",
}
# Resources whose name is known only once they are made: their tags are granted on any.
_NAMED_LATER = {
    "kms:CreateKey": "arn:aws:kms:{region}:{account}:key/*",
    "lambda:CreateEventSourceMapping": "arn:aws:lambda:{region}:{account}:event-source-mapping:*",
}
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
    current().body = body
    return original(service, method, path, headers, body, query_params)


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


def _document(body: bytes) -> dict[str, Any]:
    """The JSON object of a request's body; empty when it is anything else."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _field(body: bytes, name: str) -> str:
    return str(_document(body).get(name, ""))


def _parameter(query_params: dict[str, Any], name: str) -> str:
    value = query_params.get(name, "")
    return str(value[0] if isinstance(value, list) else value)


class Question(NamedTuple):
    """One thing that a request needs: an action on a resource, under which conditions' keys."""

    action: str
    resource: str
    context: dict[str, Any]


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

    def ask(question: Question) -> Any:
        denied = original(
            access_key_id,
            question.action,
            # Only the service that a call goes to knows resources by another name than IAM's.
            service if question.action == iam_action else question.action.partition(":")[0],
            region,
            resource_arn=question.resource,
            service_context=question.context,
        )
        note_use(principal, question.action, question.resource, allowed=denied is None)
        return denied

    account = module("core.responses").get_account_id()
    asked = Question(iam_action, resource_arn, service_context or {})
    body = current().body or b""
    for question in _questions(asked, service, body, region, account):
        denied = ask(question)
        if denied:
            # The answer names the action and the resource that AWS names.
            current().notes.update(action=question.action, resource=question.resource)
            return denied
    if iam_action in _SHOWING:
        name = resource_arn.split(":function:")[-1].split(":")[0]
        shown = module("services.lambda_svc")._functions.get(name) or {}
        for question in _of_the_key(shown.get("config", {}), region, account, "kms:Decrypt"):
            if ask(question):
                current().notes["hidden"] = question.resource
    return None


def _questions(
    asked: Question, service: str, body: bytes, region: str, account: str
) -> Iterator[Question]:
    """What AWS asks for a request of which MiniStack asks one action on one resource."""
    action, resource, context = asked
    if action in _PARTIQL_CALLS and body:
        prefix = f"arn:aws:dynamodb:{region}:{account}:table/"
        grants = dict.fromkeys(map(statement_grant, _statements(json.loads(body))))
        for granted, table in grants:
            yield Question(granted, table if table == "*" else prefix + table, context)
        if grants:
            return
    elif service == "dynamodbstreams" and resource == "*" and body:
        found = json.loads(body)
        arn = found.get("StreamArn") or _stream_of_iterator(found.get("ShardIterator", ""))
        resource = arn or resource
    elif service == "logs" and _LOG_GROUP.fullmatch(resource) and action not in _LOG_TAGS:
        stream = _field(body, "logStreamName")
        resource = f"{resource}:log-stream:{stream}"
    elif action.endswith("EventSourceMapping") and (
        function := _mapped(_field(body, "FunctionName"), resource, region, account)
    ):
        # https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
        context = {**context, "lambda:FunctionArn": function}
    yield Question(action, resource, context)
    if action in _CONFIGURING:
        yield from _of_configuring(asked, body, region, account)
    if action in _ALIAS_CALLS:
        yield from _of_the_aliased(asked, body, region, account)
    if context.get("aws:TagKeys") and (tagging := _TAGGED_WHEN_MADE.get(action)):
        made = _NAMED_LATER.get(action, asked.resource).format(region=region, account=account)
        yield Question(tagging, made, context)
    if service == "apigateway":
        yield from _of_gateway_tags(asked, body)


def _mapped(name: str, mapping: str, region: str, account: str) -> str:
    """The function that a mapping is made for, or stands for."""
    if name:
        return (
            name
            if name.startswith("arn:")
            else f"arn:aws:lambda:{region}:{account}:function:{name}"
        )
    stands = module("services.lambda_svc")._esms.get(mapping.rsplit(":", 1)[-1]) or {}
    return str(stands.get("FunctionArn", ""))


def _of_configuring(asked: Question, body: bytes, region: str, account: str) -> Iterator[Question]:
    """Whoever hands Lambda a role passes it; Lambda uses the key of an environment in its name.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars-encryption.html
    """
    given = _document(body)
    if role := given.get("Role"):
        passed = {**asked.context, "iam:PassedToService": "lambda.amazonaws.com"}
        yield Question("iam:PassRole", str(role), passed)
    stands = module("services.lambda_svc")._functions.get(asked.resource.rsplit(":", 1)[-1]) or {}
    config = {**stands.get("config", {}), **given}
    if {"Environment", "KMSKeyArn", "Role"} & given.keys():
        yield from _of_the_key(config, region, account, "kms:CreateGrant", "kms:Encrypt")


def _of_the_key(
    config: dict[str, Any], region: str, account: str, *actions: str
) -> Iterator[Question]:
    """What Lambda does with the key of a function's environment in the name of who asks it to.

    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
    """
    key, environment = config.get("KMSKeyArn"), config.get("Environment") or {}
    record = key_record(key, account, region) if key and environment.get("Variables") else None
    if record is not None:
        via = {"kms:ViaService": f"lambda.{region}.amazonaws.com"}
        for action in actions:
            yield Question(action, record["Arn"], via)


def _of_the_aliased(asked: Question, body: bytes, region: str, account: str) -> Iterator[Question]:
    """An alias is made, moved and removed with a right on each key that it names, too.

    https://docs.aws.amazon.com/kms/latest/developerguide/alias-access.html
    """
    # The key that it shall name, and the one that it names so far.
    for key in filter(None, (_field(body, "TargetKeyId"), _field(body, "AliasName"))):
        record = key_record(key, account, region)
        if record is not None:
            yield Question(asked.action, record["Arn"], asked.context)


def _of_gateway_tags(asked: Question, body: bytes) -> Iterator[Question]:
    """Tags are a resource of API Gateway of their own: `/tags/{ARN of what is tagged}`.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-tagging.html
    """
    if asked.action in ("apigateway:POST", "apigateway:PUT") and _document(body).get("tags"):
        prefix, _, path = asked.resource.partition("::")
        if not path.startswith("/tags/"):
            later = quote(f"{asked.resource}/*", safe="*")
            yield Question("apigateway:PUT", f"{prefix}::/tags/{later}", asked.context)


def _hidden(config: dict[str, Any]) -> dict[str, Any]:
    """A function's configuration as one sees it who may not decrypt its environment."""
    key = current().notes.get("hidden")
    if not key:
        return config
    message = (
        "Lambda was unable to decrypt your environment variables because the KMS access was "
        f"denied. Please check your KMS permissions. KMS Exception: AccessDeniedException: {key}"
    )
    error = {"ErrorCode": "AccessDeniedException", "Message": message}
    return {**config, "Environment": {"Error": error}}


@replaces(
    "services.lambda_svc:_get_function",
    "name qualifier",
    "https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html",
)
def get_function(original: Callable[..., Any], name: str, qualifier: str | None = None) -> Any:
    """Show the environment only to who may decrypt it; the call itself succeeds."""
    status, headers, body = original(name, qualifier)
    if status == 200 and current().notes.get("hidden"):
        shown = json.loads(body)
        shown["Configuration"] = _hidden(shown["Configuration"])
        body = json.dumps(shown).encode()
    return status, headers, body


@replaces(
    "services.lambda_svc:_get_function_config",
    "name qualifier",
    "https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html",
)
def get_configuration(original: Callable[..., Any], name: str, qualifier: str | None = None) -> Any:
    """Show the environment only to who may decrypt it; the call itself succeeds."""
    status, headers, body = original(name, qualifier)
    if status == 200 and current().notes.get("hidden"):
        body = json.dumps(_hidden(json.loads(body))).encode()
    return status, headers, body


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
