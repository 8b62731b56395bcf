"""The webhook's way in: template, asynchronous invocation, refusals."""

import base64
import itertools
import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from local.emulator import ACCOUNT_ID, REGION
from local.emulator.addresses import webhook_url
from tests.emulator.embedded import Aws, Emulator, Function, eventually, fetch

TEMPLATE = """#set($headers = $input.params().header)
#set($separator = "")
{"version": 1,
"exchange": "$util.base64Encode($input.params().path.get("exchange"))",
"body": "$util.base64Encode($input.body)",
"received_at": $context.requestTimeEpoch,
"request_id": "$context.requestId",
"headers": {
#foreach($name in $headers.keySet())
#set($lower = $name.toLowerCase())
#if($lower == "webhook-id" || $lower == "webhook-signature")
$separator"$lower": "$util.base64Encode($headers.get($name))"
#set($separator = ",")
#end
#end
}}"""
ACCEPTED = """#if($input.body.toLowerCase().contains("message"))
#set($context.responseOverride.status = 502)
{"accepted": false, "request_id": "$context.requestId"}
#else
{"accepted": true, "request_id": "$context.requestId"}
#end"""
REFUSED = '{"accepted": false, "request_id": "$context.requestId"}'
_names = itertools.count(1)


@dataclass
class Api:
    """A REST API in front of a function, with an API key."""

    aws: Aws
    id: str
    key: str
    resource: str
    plan: str

    def post(
        self, body: bytes, exchange: str = "kraken", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        api = f"https://{self.id}.execute-api.{REGION}.amazonaws.com/v1/webhooks/{exchange}"
        sent = {"content-type": "application/json", "x-api-key": self.key}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        wanted = {name: value for name, value in sent.items() if value}
        return fetch(webhook_url(api, self.aws.endpoint), "POST", body, wanted)


def make_api(aws: Aws, function: Function, template: str = TEMPLATE, *, allow: bool = True) -> Api:
    gateway = aws.client("apigateway")
    name = f"api-{next(_names)}"
    api = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    parent = root
    for part in ("webhooks", "{exchange}"):
        parent = gateway.create_resource(restApiId=api, parentId=parent, pathPart=part)["id"]
    where = {"restApiId": api, "resourceId": parent, "httpMethod": "POST"}
    gateway.put_method(**where, authorizationType="NONE", apiKeyRequired=True)
    gateway.put_integration(
        **where,
        type="AWS",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function.arn}/invocations",
        requestParameters={"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
        requestTemplates={"application/json": template},
        passthroughBehavior="NEVER",
    )
    for status, answer, pattern in (
        ("202", ACCEPTED, {}),
        ("502", REFUSED, {"selectionPattern": r"(?!2\d\d$)(\n|.)+"}),
    ):
        gateway.put_method_response(**where, statusCode=status)
        gateway.put_integration_response(
            **where, statusCode=status, responseTemplates={"application/json": answer}, **pattern
        )
    deployment = gateway.create_deployment(restApiId=api)["id"]
    gateway.create_stage(restApiId=api, stageName="v1", deploymentId=deployment)
    key = gateway.create_api_key(name=name, enabled=True)
    plan = gateway.create_usage_plan(
        name=name,
        apiStages=[{"apiId": api, "stage": "v1"}],
        throttle={"rateLimit": 1000.0, "burstLimit": 1000},
    )["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    if allow:
        aws.lambda_.add_permission(
            FunctionName=function.name,
            StatementId=name,
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{api}/v1/POST/webhooks/*",
        )
    return Api(aws, api, key["value"], parent, plan)


@pytest.fixture(scope="module")
def seen(aws: Aws) -> Function:
    return aws.function("log.info('event', extra={'event': event})", dead_letters=True)


@pytest.fixture(scope="module")
def api(aws: Aws, seen: Function) -> Api:
    return make_api(aws, seen)


def event_of(function: Function, request_id: str) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        events = [line["event"] for line in function.said("event")]
        return next((one for one in events if one["request_id"] == request_id), None)

    return eventually(find)


def test_a_message_is_accepted_at_once_and_arrives_as_it_was_sent(api: Api, seen: Function) -> None:
    body = '{"price": 1.10, "note": "€ \\u20ac \U0001f4b0", \t"x" : "\'\\"" }\n'.encode()
    before = int(time.time() * 1000)

    status, headers, answer = api.post(body, webhook_id="msg_1", x_secret="no")

    assert status == 202
    request_id = headers["x-amzn-requestid"]
    assert json.loads(answer) == {"accepted": True, "request_id": request_id}
    event = event_of(seen, request_id)
    assert base64.b64decode(event["body"]) == body
    assert base64.b64decode(event["exchange"]) == b"kraken"
    assert event["headers"] == {"webhook-id": base64.b64encode(b"msg_1").decode()}
    assert before <= event["received_at"] <= int(time.time() * 1000)
    assert event["version"] == 1


def test_hostile_values_stay_inside_their_encoding(api: Api, seen: Function) -> None:
    status, headers, _ = api.post(b'"},{"version": 2', "x%22%2C%22y", webhook_signature='a","b')
    assert status == 202
    event = event_of(seen, headers["x-amzn-requestid"])
    assert base64.b64decode(event["exchange"]) == b'x","y'
    assert base64.b64decode(event["headers"]["webhook-signature"]) == b'a","b'


def test_the_answer_does_not_wait_for_the_function(aws: Aws) -> None:
    slow = aws.function("time.sleep(2)", retries=0)
    api = make_api(aws, slow)
    began = time.monotonic()
    assert api.post(b"{}")[0] == 202
    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("key", ["", "wrong-wrong-wrong-wrong"])
def test_without_a_valid_key_it_is_forbidden(api: Api, key: str) -> None:
    status, headers, answer = api.post(b"{}", x_api_key=key)
    assert (status, json.loads(answer)) == (403, {"message": "Forbidden"})
    assert headers["x-amzn-errortype"] == "ForbiddenException"


def test_another_content_type_is_not_supported(api: Api) -> None:
    status, _, answer = api.post(b"a=b", content_type="text/plain")
    assert (status, json.loads(answer)) == (415, {"message": "Unsupported Media Type"})


def test_a_content_type_with_parameters_is_json_all_the_same(api: Api) -> None:
    assert api.post(b"{}", content_type="application/json; charset=utf-8")[0] == 202


def test_above_ten_megabytes_it_is_too_large(api: Api) -> None:
    status, _, answer = api.post(b"x" * (10 * 1024 * 1024 + 1))
    assert (status, json.loads(answer)) == (413, {"message": "Request Too Long"})


def test_what_an_asynchronous_invocation_cannot_take_is_never_accepted(api: Api) -> None:
    """Base64 makes 800 kB more than 1 MB."""
    status, headers, answer = api.post(b"x" * 800_000)
    assert status == 502
    expected = {"accepted": False, "request_id": headers["x-amzn-requestid"]}
    assert json.loads(answer) == expected


def test_a_usage_plan_throttles(aws: Aws, seen: Function) -> None:
    api = make_api(aws, seen)
    aws.client("apigateway").update_usage_plan(
        usagePlanId=api.plan,
        patchOperations=[
            {"op": "replace", "path": "/throttle/rateLimit", "value": "0.1"},
            {"op": "replace", "path": "/throttle/burstLimit", "value": "2"},
        ],
    )
    answers = [api.post(b"{}") for _ in range(4)]
    assert [status for status, _, _ in answers] == [202, 202, 429, 429]
    assert json.loads(answers[-1][2]) == {"message": "Too Many Requests"}


def test_a_usage_plan_keeps_its_form_when_it_is_changed_in_place(aws: Aws, seen: Function) -> None:
    gateway = aws.client("apigateway")
    api, other = make_api(aws, seen), make_api(aws, seen)
    gateway.update_usage_plan(
        usagePlanId=api.plan,
        patchOperations=[
            {"op": "add", "path": "/apiStages", "value": f"{other.id}:v1"},
            {"op": "remove", "path": "/apiStages", "value": f"{api.id}:v1"},
            {"op": "replace", "path": "/throttle/burstLimit", "value": "7"},
            {"op": "replace", "path": "/description", "value": "changed"},
        ],
    )
    plan = gateway.get_usage_plan(usagePlanId=api.plan)
    assert plan["apiStages"] == [{"apiId": other.id, "stage": "v1"}]
    assert plan["throttle"] == {"burstLimit": 7, "rateLimit": 1000.0}
    assert plan["description"] == "changed"
    assert "quota" not in plan


def test_without_permission_to_invoke_nothing_is_accepted(
    aws: Aws, seen: Function, emulator: Emulator
) -> None:
    api = make_api(aws, seen, allow=False)
    emulator.control("DELETE", "denials")
    status, _, answer = api.post(b"{}")
    assert (status, json.loads(answer)["message"]) == (500, "Internal server error")
    denial = emulator.control("GET", "denials")["denials"][-1]
    assert denial["principal"] == "apigateway.amazonaws.com"
    assert denial["action"] == "lambda:InvokeFunction"


def test_a_construct_that_is_not_emulated_is_named(aws: Aws, seen: Function) -> None:
    api = make_api(aws, seen, '{"a": "$util.frobnicate($input.body)"}')
    status, _, answer = api.post(b"{}")
    assert status == 500
    assert "$util.frobnicate($input.body)" in json.loads(answer)["message"]


def test_an_api_key_without_a_value_gets_one(aws: Aws) -> None:
    key = aws.client("apigateway").create_api_key(name=f"key-{next(_names)}", value="")
    assert len(key["value"]) >= 20


def test_unset_settings_of_a_stage_are_left_out(aws: Aws, api: Api) -> None:
    stage = aws.client("apigateway").get_stage(restApiId=api.id, stageName="v1")
    assert "accessLogSettings" not in stage
