"""Values that nearly do, and values that do the same: attributes and what they lead to."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable

import pytest

from policies.policy import Verdict
from tests.policies.documents import SUFFIX, Document, Pipeline, address, named, only, refused, told

PERMISSION = "aws_lambda_permission"
FILTER = "aws_cloudwatch_log_subscription_filter"
INVOKE = "aws_lambda_function_event_invoke_config"
MAPPING = "aws_lambda_event_source_mapping"
INTEGRATION = "aws_api_gateway_integration"
RESPONSE = "aws_api_gateway_integration_response"
NOTIFIER = "aws_lambda_function.error_notifier_function"

Alteration = Callable[[Document], object]


def _template(old: str, new: str) -> Alteration:
    def change(body: Document) -> None:
        name = "request_templates" if "request_templates" in body else "response_templates"
        template = body[name]["application/json"]
        assert old in template
        body[name]["application/json"] = template.replace(old, new)

    return change


def _or(condition: str) -> Alteration:
    """A filter pattern that matches something more."""
    return lambda b: b.update(filter_pattern=b["filter_pattern"][:-1] + f"|| ({condition}) }}")


def _put(**values: object) -> Alteration:
    return lambda body: body.update(values)


def _stream_filter(pattern: object) -> Alteration:
    return _put(filter_criteria={"filter": [{"pattern": pattern}]})


def _hasty(body: Document) -> None:
    """A status as a number, and no dependency on the response of that status."""
    body.update(status_code=202, depends_on=[d for d in body["depends_on"] if "method" not in d])


def _tiny_limit(body: Document) -> None:
    template = body["request_templates"]["application/json"]
    body["request_templates"]["application/json"] = re.sub(r"> \d+\)", "> 1)", template)


def _at(document: Document, type_: str, label: str) -> Document:
    found: Document = document["resource"][type_][label]
    return found


# Policy, type and label of the resource, what is tried, the change.
HOSTILE: list[tuple[int, str, str, str, Alteration]] = [
    *(
        (policy, type_, label, f"{attribute} of the function",
         _put(function_name=f"${{aws_lambda_function.{name}_function.{attribute}}}"))
        for attribute in ("qualified_arn", "invoke_arn")
        for policy, type_, label, name in (
            (20, INVOKE, "webhook_processor_event_invoke", "webhook_processor"),
            (19, MAPPING, "stream_mapping", "price_enricher"),
            (36, PERMISSION, "ingress_permission", "webhook_processor"),
        )
    ),
    *(
        (42, type_, label, "a name spelled out waits for no function",
         _put(function_name=f"{name}-{SUFFIX}"))
        for type_, label, name in (
            (INVOKE, "webhook_processor_event_invoke", "webhook-processor"),
            (MAPPING, "stream_mapping", "price-enricher"),
            (PERMISSION, "ingress_permission", "webhook-processor"),
        )
    ),
    (42, RESPONSE, "ingress_integration_response_202", "status as a number", _hasty),
    *(
        (35, FILTER, "error_subscriptions_price_enricher_filter", f"destination {what}",
         _put(destination_arn=what))
        for what in (
            f"error-notifier-{SUFFIX}", f"${{{NOTIFIER}.function_name}}",
            f"${{{NOTIFIER}.invoke_arn}}", f"${{{NOTIFIER}.qualified_arn}}",
        )
    ),
    *(
        (35, FILTER, "error_subscriptions_price_enricher_filter", f"also {what}", _or(what))
        for what in (
            '$.level = "TRACE"', '$.type = "platform.start"', '$.type = "platform.init*"',
            '$.type = "platform.runtimeDone"', '$.level != "INFO" && $.level != "DEBUG"',
            " || ".join(f'$.x{n} = "{"x" * 30}"' for n in range(30)),
        )
    ),
    (19, MAPPING, "stream_mapping", "a key given twice",
     _stream_filter('{"eventName": ["MODIFY"], "eventName": ["INSERT"]}')),
    (19, MAPPING, "stream_mapping", "a pattern that is no text",
     _stream_filter({"eventName": ["INSERT"]})),
    *(
        (36, PERMISSION, f"error_subscriptions_{name}_permission", "one id for two statements",
         _put(statement_id=f"{other}-errors-{SUFFIX}"))
        for name, other in (
            ("price_enricher", "webhook-processor"), ("webhook_processor", "price-enricher"),
        )
    ),
    *(
        (38, INTEGRATION, "ingress_integration", f"{old!r} for {new!r}", _template(old, new))
        for old, new in (
            ('"version": 1', "'version': 1"), ('"headers": {', "'headers': {"),
            ('"$lower":', "'$lower':"), ('"version": 1,\n', '"version": 1,\u2028'),
            ("#end\n}}", "#end\n\u00a0}}"), ("#end\n}}", "#end\n\x0b\n}}"), ("\n", "\r"),
        )
    ),
    (38, INTEGRATION, "ingress_integration", "a limit that refuses everything",
     _tiny_limit),
    *(
        (46, RESPONSE, "ingress_integration_response_202", f"{old!r} for {new!r}",
         _template(old, new))
        for old, new in (("\n#else", "\u2028#else"), ("#end", "#end\n\u00a0"))
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "type_", "label", "change"),
    [(p, t, n, c) for p, t, n, _, c in HOSTILE],
    ids=[f"{p}-{n}-{what[:40]}" for p, _, n, what, _ in HOSTILE],
)
def test_what_nearly_does_is_refused_by_name(
    policy: int, type_: str, label: str, change: Alteration, pipeline: Pipeline
) -> None:
    document = copy.deepcopy(pipeline.document)
    body = _at(document, type_, label)
    before = json.dumps(body)
    change(body)
    assert json.dumps(body) != before
    judgement = pipeline.judge(document)
    assert refused(judgement, f"CKV_PRICE_{policy}", address(document, type_, body)), told(
        judgement
    )


def _key(**values: object) -> Alteration:
    return lambda d: only(d, "aws_kms_key").update(values)


def _spelled_out_and_waited_for(document: Document) -> None:
    permission = _at(document, PERMISSION, "ingress_permission")
    permission["function_name"] = f"webhook-processor-{SUFFIX}"
    permission["depends_on"] = ["aws_lambda_function.webhook_processor_function"]


def _rate(document: Document) -> None:
    only(document, "aws_api_gateway_usage_plan")["throttle_settings"]["rate_limit"] = 2.5


def _parameter(document: Document) -> None:
    method = only(document, "aws_api_gateway_method")
    method["request_parameters"] = {"method.request.path.exchange": "true"}


def _more_dependencies(document: Document) -> None:
    for body in document["resource"]["aws_lambda_function"].values():
        body["depends_on"] = [f"${{{d}}}" for d in reversed(body["depends_on"])]
        body["depends_on"].append("aws_kms_key.encryption_key")


def _filter_pattern(change: Callable[[str], str]) -> Alteration:
    def alter(document: Document) -> None:
        for body in document["resource"][FILTER].values():
            body["filter_pattern"] = change(body["filter_pattern"])

    return alter


def _integration(old: str, new: str) -> Alteration:
    return lambda d: _template(old, new)(only(d, INTEGRATION))


HARMLESS: dict[str, Alteration] = {
    "key rotates more often": _key(rotation_period_in_days=90),
    "a name spelled out, and waited for": _spelled_out_and_waited_for,
    "a fraction of requests a second": _rate,
    "a truth as text in a map": _parameter,
    "more dependencies, in another order and form": _more_dependencies,
    "a filter pattern without spaces": _filter_pattern(lambda p: p.replace(" ", "")),
    "a filter pattern without quotes": _filter_pattern(lambda p: p.replace('"', "")),
    "a stream filter without spaces": lambda d: _stream_filter('{"eventName":["INSERT"]}')(
        only(d, MAPPING)
    ),
    "other quotes in a directive": _integration('== "webhook-id"', "== 'webhook-id'"),
    "other quotes in a call": _integration("get('exchange')", 'get("exchange")'),
    "Windows line ends": _integration("\n", "\r\n"),
    "one header fewer": _integration(' || $lower == "content-type"', ""),
    "more memory for the notifier": lambda d: named(
        d, "aws_lambda_function", "error-notifier"
    ).update(memory_size="256", timeout=60),
    "smaller batches": lambda d: only(d, MAPPING).update(
        batch_size=50, maximum_batching_window_in_seconds=5
    ),
}


def _everywhere(value: object) -> Alteration:
    """The value for every description, and in one more tag of everything that has tags."""

    def alter(document: Document) -> None:
        for labelled in document["resource"].values():
            for body in labelled.values():
                for attribute in {"description", "alarm_description"} & set(body):
                    body[attribute] = value
                if "tags" in body and value:
                    body["tags"]["Note"] = value

    return alter


def _comments(document: Document) -> None:
    for kind in ("resource", "variable", "output"):
        for labelled in document[kind].values():
            for body in [labelled] if kind != "resource" else labelled.values():
                body["//"] = {"note": ["${var.rogue}", 1, None]}


DESCRIPTIONS = {
    "the suffix": SUFFIX,
    "the suffix in text": f"of {SUFFIX}",
    "the suffix, spaced": "${ var.environmentSuffix }",
    "a computed text": "${data.aws_caller_identity.identity.account_id}",
    "escaped": "costs $${x}",
    "a number": 7,
    "a truth": True,
    "nothing": None,
    "empty": "",
}
HARMLESS |= {f"described: {what}": _everywhere(value) for what, value in DESCRIPTIONS.items()}
HARMLESS["comments"] = _comments


@pytest.mark.parametrize("value", [["rogue"], {"rogue": "x"}, "${var.rogue}", "${rogue(1)}"])
def test_a_description_that_terraform_refuses_is_refused(value: object, pipeline: Pipeline) -> None:
    judgement = pipeline.altered(_everywhere(value))
    assert judgement.verdict is not Verdict.PASSED


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_the_same_passes(what: str, pipeline: Pipeline) -> None:
    document = copy.deepcopy(pipeline.document)
    HARMLESS[what](document)
    assert document != pipeline.document
    judgement = pipeline.judge(document)
    assert judgement.verdict is Verdict.PASSED, told(judgement)


def test_a_variables_description_is_plain(pipeline: Pipeline) -> None:
    judgement = pipeline.altered(
        lambda d: d["variable"]["webhook_secrets"].update(description="${var.webhook_secrets}")
    )
    assert refused(judgement, "CKV_PRICE_27", "variable.webhook_secrets"), told(judgement)
