"""The webhook answered, logged, throttled or keyed otherwise; secrets shown on the way."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.policies.documents import Alteration, Document, first, named, only
from tests.policies.evasions.rights import tagged

METHOD, INTEGRATION = "aws_api_gateway_method", "aws_api_gateway_integration"
RESPONSE, API = "aws_api_gateway_integration_response", "aws_api_gateway_rest_api"
PLAN, SETTINGS = "aws_api_gateway_usage_plan", "aws_api_gateway_method_settings"
STAGE, DEPLOYMENT = "aws_api_gateway_stage", "aws_api_gateway_deployment"
KEY, ADMISSION = "aws_api_gateway_api_key", "aws_api_gateway_usage_plan_key"
PERMISSION, PATH = "aws_lambda_permission", "aws_api_gateway_resource"
JSON = "application/json"


def put(type_: str, **values: object) -> Alteration:
    """Change the first resource of a type."""
    return lambda d: first(d, type_).update(values)


def inside(type_: str, name: str, **values: object) -> Alteration:
    return lambda d: first(d, type_)[name].update(values)


def request(change: Callable[[str], str]) -> Alteration:
    """Change the template that makes the event."""
    return lambda d: only(d, INTEGRATION)["request_templates"].update(
        {JSON: change(only(d, INTEGRATION)["request_templates"][JSON])}
    )


def answer(status: str, change: Callable[[str], str]) -> Alteration:
    """Change the template of an answer."""

    def alter(d: Document) -> None:
        templates = d["resource"][RESPONSE][f"ingress_integration_response_{status}"][
            "response_templates"
        ]
        templates[JSON] = change(templates[JSON])

    return alter


def pattern(expression: object) -> Alteration:
    """Choose the errors that are answered 502."""
    return lambda d: d["resource"][RESPONSE]["ingress_integration_response_502"].update(
        selection_pattern=expression
    )


# Patterns that let an error through as a success, or never come to an end.
PATTERNS: dict[str, object] = {
    "what was looked for": "Task timed out.*|413.*|Rate\nExceeded|400",
    "what was looked for, in full": (
        "Task timed out after 60.00 seconds|413 Request must be smaller|Rate\nExceeded|400"
    ),
    "errors of some length": "(?!2\\d\\d$)(\\n|.){3,40}",
    "time-outs": ".*Task timed out.*",
    "the fives": "5\\d\\d",
    "the fours and fives": "[45]\\d\\d.*|T.*|R[\\s\\S]*",
    "what has no x": "(?!2\\d\\d$)[^x]+",
    "what begins so": "(?!2)[4TR][\\s\\S]*",
    "one line": "(?!2\\d\\d$).+",
    "no error": "(?!)",
    "what is no error": "2\\d\\d",
    "everything": "[\\s\\S]*",
    "everything but empty": "(\\n|.)+",
    "everything but 202": "(?!202$)(\\n|.)*",
    "nothing": "",
    "null": None,
    "a text": "-",
    "a number": 500,
    "a list": ["5\\d\\d"],
    "no expression": "(",
    "an expression of Python": "(?P<a>(?!2\\d\\d$)(\\n|.)+)",
    "a mode of Python": "(?s)(?!2\\d\\d$).+",
    "a set of another kind in Java": "(?!2\\d\\d$)[\\s\\S&&[4TR]]+",
    "without end": "(([\\s\\S]+)+)+!|(?!2\\d\\d$)(\\n|.)+",
    "without end, by choice": "(?!2\\d\\d$)((\\n|.)|[\\s\\S]|.)+$!|x",
    "an end of lines": "(?!2\\d\\d\\Z)(\\n|.)+",
    "by expression": '${"5.."}',
}

TEMPLATES: dict[str, Alteration] = {
    "a limit in digits of another script": request(lambda t: t.replace("240000", "\u0662" * 6)),
    "a limit with a blank": request(lambda t: t.replace("240000", "2 40000")),
    "a limit above": request(lambda t: t.replace("240000", "262145")),
    "a limit below": request(lambda t: t.replace("240000", "100")),
    "no limit": request(lambda t: t.replace("#if($body.length() > 240000)", "#if(false)")),
    "a limit the other way": request(lambda t: t.replace("() > 2", "() < 2")),
    "the key": request(lambda t: t.replace("webhook-id", "x-api-key")),
    "the key in capitals": request(lambda t: t.replace("webhook-id", "X-API-KEY")),
    "the authorisation": request(lambda t: t.replace("webhook-id", "authorization")),
    "cookies": request(lambda t: t.replace("webhook-id", "cookie")),
    "one header less than none": request(
        lambda t: t.replace('$lower == "webhook-id" || ', "").replace("$lower ==", "$name ==")
    ),
    "every header": request(lambda t: t.replace('#if($lower == "webhook-id"', "#if(true")),
    "every header but one": request(
        lambda t: t.replace('$lower == "webhook-id"', '$lower != "webhook-id"')
    ),
    "the key by context": request(
        lambda t: t.replace('"version": 1', '"version": 1, "key": "$context.identity.apiKey"')
    ),
    "the caller's address": request(
        lambda t: t.replace('"version": 1', '"version": 1, "ip": "$context.identity.sourceIp"')
    ),
    "all of the parameters": request(lambda t: t.replace('$body"', '$input.params()"')),
    "a body as it is": request(lambda t: t.replace('"body": "$body"', '"body": $input.body')),
    "a body through JSON": request(
        lambda t: t.replace(
            "$util.base64Encode($input.body)", "$util.base64Encode($input.json('$'))"
        )
    ),
    "a comment": request(lambda t: t.replace("#end\n}}", "#end ## x\n}}")),
    "a comment of many lines": request(lambda t: "#*" + t + "*#"),
    "nothing": request(lambda t: ""),
    "a passing through": request(lambda t: "$input.json('$')"),
    "another version": request(lambda t: t.replace('"version": 1', '"version": 2')),
    "a line within": request(lambda t: t.replace('"version": 1', '"ver\u2028sion": 1')),
    "a blank that JSON does not skip": request(
        lambda t: t.replace('{"version"', '\u00a0{"version"')
    ),
    "a received time of the caller": request(
        lambda t: t.replace("$context.requestTimeEpoch", "$input.params('t')")
    ),
    "the exchange unescaped": request(
        lambda t: t.replace(
            "$util.base64Encode($input.params().path.get('exchange'))",
            "$input.params().path.get('exchange')",
        )
    ),
    "a status of one's own": request(
        lambda t: t.replace(
            "#set($body", "#set($context.responseOverride.status = 202)\n#set($body", 1
        )
    ),
    "the method overridden": request(
        lambda t: t.replace(
            "#set($body",
            "#set($context.requestOverride.header.X-Amz-Invocation-Type = "
            '"RequestResponse")\n#set($body',
            1,
        )
    ),
    "a template besides": lambda d: only(d, INTEGRATION)["request_templates"].update(
        {"text/plain": "$input.body"}
    ),
    "a template for any": lambda d: only(d, INTEGRATION)["request_templates"].update(
        {"*/*": "$input.body"}
    ),
    "a template of another type": lambda d: only(d, INTEGRATION).update(
        request_templates={
            "application/x-www-form-urlencoded": only(d, INTEGRATION)["request_templates"][JSON]
        }
    ),
    "a template by charset": lambda d: only(d, INTEGRATION)["request_templates"].update(
        {"application/json; charset=utf-8": "$input.body"}
    ),
    "an answer that accepts": answer("502", lambda t: t.replace("false", "true")),
    "an answer that always accepts": answer("202", lambda t: t.replace("false", "true")),
    "an answer that looks for nothing": answer("202", lambda t: t.replace('"message"', '"x-y"')),
    "an answer that shows all": answer("202", lambda t: t.replace("true", "$input.body")),
    "an answer that shows the key": answer(
        "502", lambda t: t.replace("$context.requestId", "$context.identity.apiKey")
    ),
    "an answer without override": answer(
        "202", lambda t: t.replace("#set($context.responseOverride.status = 502)\n", "")
    ),
    "an override of 200": answer("202", lambda t: t.replace("= 502", "= 200")),
    "an override of 200 digits": answer(
        "202", lambda t: t.replace("= 502", "= \uff15\uff10\uff12")
    ),
    "an answer in a type besides": lambda d: d["resource"][RESPONSE][
        "ingress_integration_response_202"
    ]["response_templates"].update({"text/html": "x"}),
}

PARTS: dict[str, Alteration] = {
    "synchronous": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"integration.request.header.X-Amz-Invocation-Type": "'RequestResponse'"}
    ),
    "as the caller says": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"integration.request.header.X-Amz-Invocation-Type": "method.request.header.x"}
    ),
    "as the caller says, besides": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"integration.request.header.x-amz-invocation-type": "method.request.header.x"}
    ),
    "a context for the function": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"integration.request.header.X-Amz-Client-Context": "method.request.header.x"}
    ),
    "a comment among the parameters": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"//": "x"}
    ),
    "a dry run": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"integration.request.header.X-Amz-Invocation-Type": "'DryRun'"}
    ),
    "without quotes": lambda d: only(d, INTEGRATION)["request_parameters"].update(
        {"integration.request.header.X-Amz-Invocation-Type": "Event"}
    ),
    "another function": put(
        INTEGRATION, uri=("${aws_lambda_function.price_enricher_function.invoke_arn}")
    ),
    "another function's ARN": put(
        INTEGRATION, uri=("${aws_lambda_function.webhook_processor_function.arn}")
    ),
    "a version of it": put(
        INTEGRATION, uri=("${aws_lambda_function.webhook_processor_function.qualified_invoke_arn}")
    ),
    "a stream's reply": put(
        INTEGRATION,
        uri=("${aws_lambda_function.webhook_processor_function.response_streaming_invoke_arn}"),
    ),
    "an address": put(INTEGRATION, type="HTTP", uri="https://example.com/"),
    "a mock": put(INTEGRATION, type="MOCK"),
    "a proxy": put(INTEGRATION, type="AWS_PROXY"),
    "in lower case": put(INTEGRATION, type="aws"),
    "credentials": put(INTEGRATION, credentials="arn:aws:iam::*:user/*"),
    "binary": put(INTEGRATION, content_handling="CONVERT_TO_BINARY"),
    "a time-out": put(INTEGRATION, timeout_milliseconds=50),
    "a private link": put(INTEGRATION, connection_type="VPC_LINK", connection_id="x"),
    "a cache": put(INTEGRATION, cache_key_parameters=["method.request.path.exchange"]),
    "no templates pass": put(INTEGRATION, passthrough_behavior="WHEN_NO_TEMPLATES"),
    "passing in lower case": put(INTEGRATION, passthrough_behavior="never"),
    "no passing said": lambda d: only(d, INTEGRATION).pop("passthrough_behavior"),
    "by GET": put(INTEGRATION, integration_http_method="GET"),
    "no key": put(METHOD, api_key_required="false"),
    "no key, by expression": put(METHOD, api_key_required="${!true}"),
    "no key, by null": put(METHOD, api_key_required=None),
    "IAM": put(METHOD, authorization="AWS_IAM"),
    "a pool": put(METHOD, authorization="COGNITO_USER_POOLS", authorizer_id="x"),
    "an authoriser": put(METHOD, authorization="CUSTOM", authorizer_id="x"),
    "any verb": put(METHOD, http_method="ANY"),
    "a verb in lower case": put(METHOD, http_method="post"),
    "on the path above": put(METHOD, resource_id="${aws_api_gateway_resource.ingress_webhooks.id}"),
    "on the root": put(
        METHOD, resource_id=("${aws_api_gateway_rest_api.ingress_api.root_resource_id}")
    ),
    "a model": put(METHOD, request_models={JSON: "Empty"}),
    "a parameter besides": inside(
        METHOD, "request_parameters", **{"method.request.querystring.x": True}
    ),
    "a parameter that need not be": inside(
        METHOD, "request_parameters", **{"method.request.path.exchange": "0"}
    ),
    "a key from the authoriser": put(API, api_key_source="AUTHORIZER"),
    "an edge": put(API, endpoint_configuration=[{"types": ["EDGE"]}]),
    "an edge besides": put(API, endpoint_configuration=[{"types": ["REGIONAL", "EDGE"]}]),
    "a private one": put(
        API, endpoint_configuration=[{"types": ["PRIVATE"], "vpc_endpoint_ids": ["x"]}]
    ),
    "binary media": put(API, binary_media_types=["*/*"]),
    "compression": put(API, minimum_compression_size=0),
    "a body of its own": put(API, body='{"openapi": "3.0.1"}'),
    "merging": put(API, put_rest_api_mode="merge"),
    "no address of its own": put(API, disable_execute_api_endpoint=True),
    "a policy of its own": put(API, policy=json.dumps({"Version": "2012-10-17", "Statement": []})),
    "a path with a star": put(PATH, path_part="{exchange+}"),
    "a path in capitals": lambda d: d["resource"][PATH]["ingress_webhooks"].update(
        path_part="Webhooks"
    ),
    "a path by another letter": lambda d: d["resource"][PATH]["ingress_webhooks"].update(
        path_part="webh\u043eoks"
    ),
    "a path more": lambda d: d["resource"][PATH].update(
        x={**d["resource"][PATH]["ingress_webhooks"], "path_part": "debug"}
    ),
    "another stage": put(STAGE, stage_name="v2"),
    "a stage with variables": put(STAGE, variables={"a": "b"}),
    "a stage with a cache": put(STAGE, cache_cluster_enabled=True),
    "a stage with traces": put(STAGE, xray_tracing_enabled=True),
    "a stage with a canary": put(
        STAGE, canary_settings={"percent_traffic": 100, "deployment_id": "x"}
    ),
    "a stage of another deployment": put(STAGE, deployment_id="abc123"),
    "a stage in the deployment": put(DEPLOYMENT, stage_name="prod"),
    "a deployment with variables": put(DEPLOYMENT, variables={"a": "b"}),
    "a deployment destroyed first": put(DEPLOYMENT, lifecycle={"create_before_destroy": "false"}),
    "a deployment by time": put(DEPLOYMENT, triggers={"definition": "${timestamp()}"}),
    "logs": inside(SETTINGS, "settings", logging_level="ERROR"),
    "logs of all": inside(SETTINGS, "settings", data_trace_enabled="1"),
    "logs in lower case": inside(SETTINGS, "settings", logging_level="off"),
    "one path": put(SETTINGS, method_path="webhooks/{exchange}/POST"),
    "no throttle": inside(SETTINGS, "settings", throttling_rate_limit=-1),
    "no burst": inside(SETTINGS, "settings", throttling_burst_limit=-1),
    "a throttle of a flood": inside(SETTINGS, "settings", throttling_rate_limit="1e9"),
    "a throttle of zero": inside(SETTINGS, "settings", throttling_rate_limit=0),
    "a cache in the settings": inside(SETTINGS, "settings", caching_enabled=True),
    "settings of another stage": put(SETTINGS, stage_name="v0"),
    "settings twice": lambda d: d["resource"][SETTINGS].update(x=only(d, SETTINGS)),
    "a plan without throttle": put(PLAN, throttle_settings=[]),
    "a plan of a flood": put(PLAN, throttle_settings={"rate_limit": 100_000, "burst_limit": 1}),
    "a plan with a quota": put(PLAN, quota_settings={"limit": 1, "period": "DAY"}),
    "a plan of no stage": put(PLAN, api_stages=[]),
    "a plan of another API": inside(PLAN, "throttle_settings", rate_limit="${0 - 1}"),
    "a plan twice": lambda d: d["resource"][PLAN].update(x=only(d, PLAN)),
    "a key turned off": put(KEY, enabled="0"),
    "a key of one's own": put(KEY, value="0123456789012345678901234567890"),
    "a key of a customer": put(KEY, customer_id="x"),
    "a key besides": lambda d: d["resource"][KEY].update(
        x={**first(d, KEY), "name": "partner-${var.environmentSuffix}"}
    ),
    "a key of no plan": lambda d: d["resource"].pop(ADMISSION),
    "a key by its value": put(ADMISSION, key_id="0123456789"),
    "a key of another kind": put(ADMISSION, key_type="TOKEN"),
    "a permission for any stage": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        source_arn="${aws_api_gateway_rest_api.ingress_api.execution_arn}/*/POST/webhooks/*"
    ),
    "a permission for any verb": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        source_arn="${aws_api_gateway_rest_api.ingress_api.execution_arn}/v1/*/webhooks/*"
    ),
    "a permission for anything": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        source_arn="${aws_api_gateway_rest_api.ingress_api.execution_arn}/*"
    ),
    "a permission for a test": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        source_arn="${aws_api_gateway_rest_api.ingress_api.execution_arn}/test-invoke-stage/*/*"
    ),
    "a permission by the API's ARN": lambda d: d["resource"][PERMISSION][
        "ingress_permission"
    ].update(source_arn="${aws_api_gateway_rest_api.ingress_api.arn}"),
    "a permission without source": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        source_arn=None
    ),
    "a permission of a source by account": lambda d: d["resource"][PERMISSION][
        "ingress_permission"
    ].update(source_arn=None, source_account="${data.aws_caller_identity.identity.account_id}"),
    "a permission for everything": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        action="lambda:*"
    ),
    "a permission to change": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        action="lambda:UpdateFunctionCode"
    ),
    "a permission to a URL": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        action="lambda:InvokeFunctionUrl", function_url_auth_type="NONE"
    ),
    "a permission for everyone": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        principal="*"
    ),
    "a permission for an account": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        principal="111122223333"
    ),
    "a permission for an organisation": lambda d: d["resource"][PERMISSION][
        "ingress_permission"
    ].update(principal_org_id="o-1234567890"),
    "a permission for S3": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        principal="s3.amazonaws.com"
    ),
    "a permission with a blank": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        principal="apigateway.amazonaws.com "
    ),
    "a permission to the enricher": lambda d: d["resource"][PERMISSION][
        "ingress_permission"
    ].update(function_name="${aws_lambda_function.price_enricher_function.function_name}"),
    "a permission to an alias": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        qualifier="live"
    ),
    "a permission with a token": lambda d: d["resource"][PERMISSION]["ingress_permission"].update(
        event_source_token="x"
    ),
    "a permission more": lambda d: d["resource"][PERMISSION].update(
        x={
            **d["resource"][PERMISSION]["ingress_permission"],
            "statement_id": "more-${var.environmentSuffix}",
        }
    ),
}

# Places that are shown to others, and ways to a secret.
SECRETS = {
    "the webhooks' secrets": "${var.webhook_secrets}",
    "the webhooks' secrets, by index": '${var["webhook_secrets"]}',
    "the webhooks' secrets, spaced": "${var . webhook_secrets}",
    "the webhooks' secrets, commented": "${var /* x */ . webhook_secrets}",
    "the webhooks' secrets, in brackets": "${(var).webhook_secrets}",
    "a part of the secrets": "${substr(var.webhook_secrets, 0, 9)}",
    "a digest of the secrets": "${sha256(var.webhook_secrets)}",
    "the secrets without their mark": "${nonsensitive(var.webhook_secrets)}",
    "the secrets in a list": '${join(",", [var.webhook_secrets])}',
    "the secrets for each": "${[for s in [var.webhook_secrets] : s][0]}",
    "the secrets by a directive": "%{ if true }${var.webhook_secrets}%{ endif }",
    "all variables": "${jsonencode(var)}",
    "the key's value": "${aws_api_gateway_api_key.ingress_key.value}",
    "the key's value, by index": '${aws_api_gateway_api_key.ingress_key["value"]}',
    "the key's value, by splat": "${aws_api_gateway_api_key.ingress_key[*].value}",
    "the key's value, by the old splat": "${aws_api_gateway_api_key.ingress_key.*.value}",
    "the key's value, by an instance": "${aws_api_gateway_api_key.ingress_key[0].value}",
    "the key's value, by choice": '${true ? aws_api_gateway_api_key.ingress_key.value : ""}',
    "the key's value, looked up": '${lookup(aws_api_gateway_api_key.ingress_key, "value", "")}',
    "the whole key": "${jsonencode(aws_api_gateway_api_key.ingress_key)}",
    "all keys": "${jsonencode(aws_api_gateway_api_key)}",
    "what admits the key": "${aws_api_gateway_usage_plan_key.ingress_usage_plan_key.value}",
    "what admits the key, by index": (
        '${aws_api_gateway_usage_plan_key.ingress_usage_plan_key["value"]}'
    ),
    "all that admits the key": (
        "${jsonencode(aws_api_gateway_usage_plan_key.ingress_usage_plan_key)}"
    ),
    "a function's environment": (
        "${jsonencode(aws_lambda_function.webhook_processor_function.environment)}"
    ),
    "a function's variable": (
        "${aws_lambda_function.webhook_processor_function.environment[0].variables.WEBHOOK_SECRETS}"
    ),
    "a whole function": "${jsonencode(aws_lambda_function.webhook_processor_function)}",
    "the machine's": '${file("~/.aws/credentials")}',
    "the machine's, encoded": '${filebase64("/proc/self/environ")}',
    "the machine's, by a template": '${templatefile("/etc/passwd", {})}',
}


def shown_in_output(secret: str) -> Alteration:
    return lambda d: d["output"]["table_name"].update(value=secret)


def shown_in_dashboard(secret: str) -> Alteration:
    def alter(d: Document) -> None:
        page = json.loads(only(d, "aws_cloudwatch_dashboard")["dashboard_body"])
        page["widgets"][1]["properties"]["title"] = secret
        only(d, "aws_cloudwatch_dashboard")["dashboard_body"] = json.dumps(page)

    return alter


def shown_in_variable(secret: str) -> Alteration:
    return lambda d: named(d, "aws_lambda_function", "error-notifier")["environment"][
        "variables"
    ].update(ERROR_TOPIC_ARN=secret)


SHOWN: dict[str, Callable[[str], Alteration]] = {
    "a description": lambda s: put("aws_kms_key", description=f"of {s}"),
    "an alarm's description": lambda s: put(
        "aws_cloudwatch_metric_alarm", alarm_description=f"of {s}"
    ),
    "a tag of all": lambda s: tagged("Note", f"of {s}"),
    "an output": shown_in_output,
    "the dashboard": shown_in_dashboard,
    "another function": shown_in_variable,
    "a name": lambda s: (
        lambda d: named(d, "aws_iam_role_policy", "price-enricher").update(
            name=f"{s}-${{var.environmentSuffix}}"
        )
    ),
    "a filter's name": lambda s: (
        lambda d: first(d, "aws_cloudwatch_log_subscription_filter").update(
            name=f"x{s}-${{var.environmentSuffix}}"
        )
    ),
}

EVASIONS: dict[str, Alteration] = {
    **{f"errors: {what}": pattern(value) for what, value in PATTERNS.items()},
    **{f"a template: {what}": change for what, change in TEMPLATES.items()},
    **{f"a part: {what}": change for what, change in PARTS.items()},
    **{
        f"in {place}: {what}": show(secret)
        for place, show in SHOWN.items()
        for what, secret in SECRETS.items()
    },
}
