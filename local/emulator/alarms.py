"""CloudWatch alarms: every field kept and described, changes of state published if allowed.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeGuard
from xml.sax.saxutils import escape

from local.emulator.alarm_states import SUM, named
from local.emulator.authority import service_refusal
from local.emulator.keys import key_record
from local.emulator.upstream import module, needs, replaces

needs("services.cloudwatch:_alarms")
needs("services.cloudwatch:_error", "code message status use_json use_cbor")
needs("services.sns:_topic_by_arn_any_scope", "topic_arn")
needs(
    "services.sns:_fanout",
    "topic_arn msg_id message subject message_structure message_attributes message_group_id "
    "message_dedup_id",
)
needs("core.responses:new_uuid", "")

_ALARM = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html"
_CHANGES = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html"
)
_REGIONS = {"us-east-1": "US East (N. Virginia)"}
_MEMBER = re.compile(r"<member><AlarmName>([^<]*)</AlarmName><AlarmArn>.*?</member>", re.DOTALL)


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")


def _written(value: Any) -> str:
    """A value as the query protocol writes it: members of a list, elements of a structure."""
    if isinstance(value, dict):
        return "".join(f"<{name}>{_written(item)}</{name}>" for name, item in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_written(item)}</member>" for item in value)
    return ("true" if value else "false") if isinstance(value, bool) else escape(str(value))


def describe(alarm: dict[str, Any]) -> str:
    """A metric alarm as DescribeAlarms writes it, with every field that is set."""
    plain = [
        "AlarmName",
        "AlarmArn",
        "AlarmDescription",
        "StateValue",
        "StateReason",
        "MetricName",
        "Namespace",
        "Statistic",
        "ExtendedStatistic",
        "Period",
        "Unit",
        "EvaluationPeriods",
        "DatapointsToAlarm",
        "Threshold",
        "ComparisonOperator",
        "TreatMissingData",
        "EvaluateLowSampleCountPercentile",
        "ThresholdMetricId",
    ]
    parts = []
    for name in plain:
        value = alarm.get(name)
        if value not in (None, "") and not (name == "Statistic" and alarm.get("ExtendedStatistic")):
            parts.append(f"<{name}>{escape(str(value))}</{name}>")
    whole: dict[str, Any] = {"ActionsEnabled": bool(alarm.get("ActionsEnabled", True))}
    for name in ("OKActions", "AlarmActions", "InsufficientDataActions", "Dimensions", "Metrics"):
        whole[name] = alarm.get(name) or []
    parts.append(_written(whole))
    for name in ("StateUpdatedTimestamp", "AlarmConfigurationUpdatedTimestamp"):
        parts.append(f"<{name}>{_moment(alarm.get(name) or time.time())}</{name}>")
    return f"<member>{''.join(parts)}</member>"


@replaces("services.cloudwatch:_describe_alarms", "params cbor_data is_cbor is_json", _ALARM)
def describe_alarms(original: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Complete each metric alarm of an XML answer."""
    status, headers, body = original(*arguments, **options)
    text = body.decode() if isinstance(body, bytes) else body
    if "<MetricAlarms>" not in text:
        return status, headers, body
    alarms = module("services.cloudwatch")._alarms
    head, middle, tail = re.split(
        r"(<MetricAlarms>.*?</MetricAlarms>)", text, maxsplit=1, flags=re.S
    )
    whole = _MEMBER.sub(lambda match: describe(alarms[match[1]]), middle)
    return status, headers, (head + whole + tail).encode()


@replaces("services.cloudwatch:_put_metric_alarm", "params cbor_data is_cbor is_json", _ALARM)
def put_metric_alarm(
    original: Callable[..., Any],
    params: dict[str, Any],
    cbor_data: Any,
    is_cbor: bool,
    is_json: bool = False,
) -> Any:
    """Keep the metric queries, which MiniStack drops, and what it drops from the XML protocol."""
    encoded = is_cbor or is_json
    queries = cbor_data.get("Metrics") if encoded else _queries(params)
    for expression in (query["Expression"] for query in queries or [] if "Expression" in query):
        if expression.replace(" ", "") != SUM:
            text = f"The embedded AWS evaluates {SUM} alone, not {expression}"
            return module("services.cloudwatch")._error(
                "ValidationError", text, 400, use_json=is_json, use_cbor=is_cbor
            )
    answer = original(params, cbor_data, is_cbor, is_json)
    if answer[0] != 200:
        return answer
    name = cbor_data.get("AlarmName", "") if encoded else _first(params, "AlarmName")
    alarm = module("services.cloudwatch")._alarms.get(name)
    if alarm is None:
        return answer
    if not encoded:
        alarm["InsufficientDataActions"] = _members(params, "InsufficientDataActions")
        for field in ("EvaluateLowSampleCountPercentile", "ThresholdMetricId"):
            if _first(params, field):
                alarm[field] = _first(params, field)
    if queries:
        alarm["Metrics"] = queries
        # An alarm on an expression has none of its own.
        for field in ("MetricName", "Namespace", "Statistic", "Period", "Dimensions"):
            alarm.pop(field, None)
    return answer


def _queries(params: dict[str, Any]) -> list[dict[str, Any]]:
    """The metric queries of a request in the query protocol."""
    found: list[dict[str, Any]] = []
    while _first(params, f"Metrics.member.{len(found) + 1}.Id"):
        head = f"Metrics.member.{len(found) + 1}."
        query: dict[str, Any] = {"Id": _first(params, head + "Id")}
        for field in ("Expression", "Label"):
            if _first(params, head + field):
                query[field] = _first(params, head + field)
        metric = head + "MetricStat.Metric."
        if _first(params, metric + "MetricName"):
            query["MetricStat"] = {
                "Metric": {
                    "Namespace": _first(params, metric + "Namespace"),
                    "MetricName": _first(params, metric + "MetricName"),
                    "Dimensions": _dimensions(params, metric + "Dimensions.member."),
                },
                "Period": int(_first(params, head + "MetricStat.Period")),
                "Stat": _first(params, head + "MetricStat.Stat"),
            }
        # Left out, a metric's own data is not returned; the one expression's is.
        query["ReturnData"] = _first(params, head + "ReturnData") == "true"
        found.append(query)
    return found


def _dimensions(params: dict[str, Any], head: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while _first(params, f"{head}{len(found) + 1}.Name"):
        place = f"{head}{len(found) + 1}."
        found.append({name: _first(params, place + name) for name in ("Name", "Value")})
    return found


def _first(params: dict[str, Any], key: str) -> str:
    value = params.get(key, "")
    return str(value[0] if isinstance(value, list) else value)


def _members(params: dict[str, Any], name: str) -> list[str]:
    found: list[str] = []
    while value := _first(params, f"{name}.member.{len(found) + 1}"):
        found.append(value)
    return found


@replaces(
    "services.cloudwatch:_dispatch_alarm_actions", "alarm old_state new_state reason", _CHANGES
)
def dispatch(
    _original: Callable[..., Any], alarm: dict[str, Any], old: str, new: str, reason: str
) -> None:
    """Publish to those topics only whose policy and key let CloudWatch publish."""
    if not alarm.get("ActionsEnabled", True):
        return
    names = {"ALARM": "AlarmActions", "OK": "OKActions"}
    field = names.get(new, "InsufficientDataActions")
    region = _REGIONS.get(alarm["AlarmArn"].split(":")[3], alarm["AlarmArn"].split(":")[3])
    subject = f'{new}: "{alarm["AlarmName"]}" in {region}'[:100]
    message = json.dumps(told(alarm, old, new, reason, region))
    for arn in alarm.get(field) or []:
        if ":sns:" in arn and _may_publish(alarm["AlarmArn"], arn):
            identity = module("core.responses").new_uuid()
            module("services.sns")._fanout(arn, identity, message, subject)


def told(alarm: dict[str, Any], old: str, new: str, reason: str, region: str) -> dict[str, Any]:
    """The message of a change of state, as CloudWatch writes it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    trigger: dict[str, Any] = {
        name: alarm.get(name)
        for name in ("Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator")
        if alarm.get(name) is not None
    }
    trigger["Threshold"] = alarm.get("Threshold")
    trigger["TreatMissingData"] = alarm.get("TreatMissingData") or "missing"
    trigger["EvaluateLowSampleCountPercentile"] = alarm.get("EvaluateLowSampleCountPercentile", "")
    if alarm.get("Metrics"):
        trigger["Metrics"] = [
            {**query, "MetricStat": _lower(query["MetricStat"])} if "MetricStat" in query else query
            for query in alarm["Metrics"]
        ]
    else:
        trigger |= {
            "MetricName": alarm.get("MetricName"),
            "Namespace": alarm.get("Namespace"),
            "StatisticType": "ExtendedStatistic" if alarm.get("ExtendedStatistic") else "Statistic",
            "Statistic": str(alarm.get("ExtendedStatistic") or alarm.get("Statistic")).upper(),
            "Unit": alarm.get("Unit"),
            "Dimensions": _dimensions_told(alarm.get("Dimensions") or []),
        }
    return {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": alarm["AlarmArn"].split(":")[4],
        "AlarmConfigurationUpdatedTimestamp": named(
            alarm.get("AlarmConfigurationUpdatedTimestamp") or time.time()
        ),
        "NewStateValue": new,
        "NewStateReason": reason,
        "StateChangeTime": named(time.time()),
        "Region": region,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
        "Trigger": trigger,
    }


def _lower(measured: dict[str, Any]) -> dict[str, Any]:
    metric = measured["Metric"]
    return {
        **measured,
        "Metric": {**metric, "Dimensions": _dimensions_told(metric.get("Dimensions") or [])},
    }


def _dimensions_told(dimensions: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"value": one["Value"], "name": one["Name"]} for one in dimensions]


def _may_publish(alarm_arn: str, topic_arn: str) -> bool:
    if ":sns:" not in topic_arn:
        return True
    topic = module("services.sns")._topic_by_arn_any_scope(topic_arn)
    if topic is None:
        return False
    principal = "cloudwatch.amazonaws.com"
    policy = topic["attributes"].get("Policy")
    if service_refusal(policy, principal, "sns:Publish", topic_arn, alarm_arn):
        return False
    key = topic["attributes"].get("KmsMasterKeyId")
    if not key:
        return True
    if key.startswith("alias/aws/"):
        # The AWS-managed key's policy does not let CloudWatch use it.
        return False
    _, _, _, region, account, *_ = topic_arn.split(":")
    record = key_record(key, account, region)
    return _is_usable(record) and all(
        service_refusal(record.get("Policy"), principal, action, record["Arn"], alarm_arn) is None
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def _is_usable(record: dict[str, Any] | None) -> TypeGuard[dict[str, Any]]:
    """Whether there is such a key, and it is neither disabled nor about to be deleted."""
    return record is not None and record["KeyState"] == "Enabled"
