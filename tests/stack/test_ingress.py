"""The webhook: what the API lets in, what it hands on, what it answers."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.emulator.templates import Scope, render
from stack import settings
from tests.stack.synthesis import Synthesized, variants

FORWARDED = settings.load().ingress.forwarded_headers


def part(synthesized: Synthesized, kind: str, name: str) -> dict[str, Any]:
    return synthesized.one(f"aws_api_gateway_{kind}", f"ingress_{name}")


def rendered(headers: dict[str, str], body: str, exchange: str) -> dict[str, Any]:
    """The event that the synthesized template makes of a request."""
    integration = part(variants()["dev"], "integration", "integration")
    scope = Scope(
        body=body,
        parameters={"path": {"exchange": exchange}, "querystring": {}, "header": headers},
        context={"requestId": "id-1", "requestTimeEpoch": 1732250000000},
    )
    event: dict[str, Any] = json.loads(
        render(integration["request_templates"]["application/json"], scope)
    )
    return event


def plain(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("utf-8")


def test_the_function_is_invoked_asynchronously(synthesized: Synthesized) -> None:
    integration = part(synthesized, "integration", "integration")
    assert integration["type"] == "AWS"
    assert integration["integration_http_method"] == "POST"
    assert integration["request_parameters"] == {
        "integration.request.header.X-Amz-Invocation-Type": "'Event'"
    }
    assert integration["uri"] == "${aws_lambda_function.webhook_processor_function.invoke_arn}"


def test_other_content_types_are_refused(synthesized: Synthesized) -> None:
    integration = part(synthesized, "integration", "integration")
    assert integration["passthrough_behavior"] == "NEVER"
    assert list(integration["request_templates"]) == ["application/json"]


def test_method_path_and_key(synthesized: Synthesized) -> None:
    method = part(synthesized, "method", "method")
    assert method["http_method"] == "POST"
    assert method["api_key_required"] is True
    assert method["resource_id"] == "${aws_api_gateway_resource.ingress_exchange.id}"
    assert method["request_parameters"] == {"method.request.path.exchange": True}
    exchange = part(synthesized, "resource", "exchange")
    assert exchange["path_part"] == "{exchange}"
    assert exchange["parent_id"] == "${aws_api_gateway_resource.ingress_webhooks.id}"
    webhooks = part(synthesized, "resource", "webhooks")
    assert webhooks["path_part"] == "webhooks"
    assert webhooks["parent_id"] == "${aws_api_gateway_rest_api.ingress_api.root_resource_id}"
    api = part(synthesized, "rest_api", "api")
    assert api["endpoint_configuration"] == {"types": ["REGIONAL"]}


def test_throttles(synthesized: Synthesized) -> None:
    plan = part(synthesized, "usage_plan", "usage_plan")
    assert plan["throttle_settings"] == {"rate_limit": 200, "burst_limit": 400}
    assert plan["api_stages"] == [
        {
            "api_id": "${aws_api_gateway_rest_api.ingress_api.id}",
            "stage": "${aws_api_gateway_stage.ingress_stage.stage_name}",
        }
    ]
    key = part(synthesized, "usage_plan_key", "usage_plan_key")
    assert key["key_id"] == "${aws_api_gateway_api_key.ingress_key.id}"
    assert key["usage_plan_id"] == "${aws_api_gateway_usage_plan.ingress_usage_plan.id}"
    method = part(synthesized, "method_settings", "method_settings")
    assert method["method_path"] == "*/*"
    assert method["settings"]["throttling_rate_limit"] == 200
    assert method["settings"]["throttling_burst_limit"] == 400
    # Execution logs would make a log group that never expires.
    assert method["settings"]["logging_level"] == "OFF"


def test_the_api_may_invoke_for_this_method_only(synthesized: Synthesized) -> None:
    permission = synthesized.one("aws_lambda_permission", "ingress_permission")
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["source_arn"] == (
        "${aws_api_gateway_rest_api.ingress_api.execution_arn}/v1/POST/webhooks/*"
    )


FROZEN = (
    "aws_api_gateway_method",
    "aws_api_gateway_request_validator",
    "aws_api_gateway_integration",
    "aws_api_gateway_method_response",
    "aws_api_gateway_integration_response",
    "aws_api_gateway_resource",
)


def test_it_is_redeployed_when_and_only_when_its_definition_changes(
    synthesized: Synthesized,
) -> None:
    """The trigger hashes all that the parts are given: no attribute is left out, none is other.

    Terraform evaluates it, so it cannot be stale; the references also make the deployment wait.
    """
    deployment = part(synthesized, "deployment", "deployment")
    assert deployment["lifecycle"] == {"create_before_destroy": True}
    given = {
        f"{kind}.{name}.{attribute}"
        for kind, name, body in synthesized.every()
        if kind in FROZEN
        for attribute in set(body) - {"//", "depends_on", "rest_api_id"}
    }
    (trigger,) = deployment["triggers"].values()
    hashed = re.fullmatch(r"\$\{sha256\(jsonencode\(\[(.*)\]\)\)\}", trigger)
    assert hashed
    assert sorted(hashed[1].split(", ")) == sorted(given)
    stage = part(synthesized, "stage", "stage")
    assert stage["deployment_id"] == "${aws_api_gateway_deployment.ingress_deployment.id}"
    assert stage["depends_on"] == ["aws_lambda_permission.ingress_permission"]


@given(
    body=st.text(),
    exchange=st.text(min_size=1),
    chosen=st.dictionaries(st.sampled_from(FORWARDED), st.text()),
)
def test_whatever_is_sent_arrives_byte_for_byte(
    body: str, exchange: str, chosen: dict[str, str]
) -> None:
    event = rendered({**chosen, "x-api-key": "k" * 20, "host": "example.org"}, body, exchange)
    assert plain(event["body"]) == body
    assert plain(event["exchange"]) == exchange
    assert {name: plain(value) for name, value in event["headers"].items()} == chosen
    assert (event["version"], event["received_at"], event["request_id"]) == (
        1,
        1732250000000,
        "id-1",
    )
    assert set(event) == {"version", "exchange", "body", "received_at", "request_id", "headers"}


def test_a_body_that_does_not_fit_a_dead_letter_is_refused() -> None:
    largest = settings.load().processing.maximum_body_bytes
    # Two bytes each: it is bytes that count.
    assert plain(rendered({}, "\u00e9" * (largest // 2), "binance")["body"])
    with pytest.raises(json.JSONDecodeError):
        rendered({}, "\u00e9" * (largest // 2 + 1), "binance")
    # What Lambda says to that: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    said = '{"Type":"User","message":"Could not parse request body into json"}'
    assert answered("202", said)[0] == "502"


@given(
    name=st.sampled_from(FORWARDED).flatmap(
        lambda name: st.tuples(*(st.sampled_from((c, c.upper())) for c in name)).map("".join)
    )
)
def test_header_names_arrive_in_lower_case(name: str) -> None:
    assert rendered({name: "value"}, "{}", "binance")["headers"] == {
        name.lower(): base64.b64encode(b"value").decode()
    }


@given(
    name=st.text(st.characters(codec="ascii", categories=("L", "N", "Pd")), min_size=1).filter(
        lambda name: name.lower() not in FORWARDED
    )
)
def test_no_other_header_arrives(name: str) -> None:
    assert rendered({name: "value"}, "{}", "binance")["headers"] == {}


def answered(status: str, payload: str) -> tuple[str, dict[str, Any]]:
    """The status and body that an integration response gives for the service's payload."""
    response = part(variants()["dev"], "integration_response", f"integration_response_{status}")
    context: dict[str, Any] = {"requestId": "id-1"}
    scope = Scope(body=payload, parameters={}, context=context)
    text = render(response["response_templates"]["application/json"], scope)
    return str(context.get("responseOverride", {}).get("status", status)), json.loads(text)


def test_an_accepted_message_is_answered_202() -> None:
    assert answered("202", "") == ("202", {"accepted": True, "request_id": "id-1"})


@pytest.mark.parametrize(
    "payload",
    [
        '{"Type":"User","message":"Request must be smaller than 1048576 bytes"}',
        '{"Message":"Rate Exceeded."}',
        '{"errorMessage":"refused"}',
    ],
)
def test_a_refused_invocation_is_never_answered_202(payload: str) -> None:
    status, body = answered("202", payload)
    assert (status, body) == ("502", {"accepted": False, "request_id": "id-1"})


def test_any_error_that_lambda_reports_selects_the_refusal(synthesized: Synthesized) -> None:
    refusal = part(synthesized, "integration_response", "integration_response_502")
    default = part(synthesized, "integration_response", "integration_response_202")
    assert "selection_pattern" not in default
    pattern = refusal["selection_pattern"]
    for error in ("Rate Exceeded.", "first line\nsecond line", "413", "500", "2024 is an error"):
        assert re.fullmatch(pattern, error), error
    for success in ("", "200", "202"):
        assert not re.fullmatch(pattern, success), success
    assert answered("502", '{"message": "x"}') == (
        "502",
        {"accepted": False, "request_id": "id-1"},
    )


def test_an_exchange_may_have_a_key_of_its_own(synthesized: Synthesized) -> None:
    """GIVEN own keys in the settings THEN they join the plan, and no other resource changes."""
    own = variants()["own-keys"]
    added = {
        (kind, body.get("name"), body.get("key_id"))
        for kind, name, body in own.every()
        if name not in synthesized.resources(kind)
    }
    key = "aws_api_gateway_api_key"
    assert added == {
        (key, "exchanges-kraken-${var.environmentSuffix}", None),
        (key, "exchanges-kraken-next-${var.environmentSuffix}", None),
        ("aws_api_gateway_usage_plan_key", None, f"${{{key}.ingress_key_kraken.id}}"),
        ("aws_api_gateway_usage_plan_key", None, f"${{{key}.ingress_key_kraken_next.id}}"),
    }
    assert all(own.one(kind, name) == body for kind, name, body in synthesized.every())
