"""CloudWatch alarms: every field described, evaluated on their own dimensions, allowed to publish.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from local.emulator.authority import service_refusal
from local.emulator.keys import key_record
from local.emulator.upstream import module, needs, replaces

needs("services.cloudwatch:_alarms")
needs("services.cloudwatch:_metrics")
needs("services.cloudwatch:_evaluate_alarm", "alarm")
needs("services.sns:_topic_by_arn_any_scope", "topic_arn")

_ALARM = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html"
_MISSING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
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
    answer = original(params, cbor_data, is_cbor, is_json)
    if answer[0] != 200:
        return answer
    encoded = is_cbor or is_json
    name = cbor_data.get("AlarmName", "") if encoded else _first(params, "AlarmName")
    alarm = module("services.cloudwatch")._alarms.get(name)
    if alarm is None:
        return answer
    if not encoded:
        alarm["InsufficientDataActions"] = _members(params, "InsufficientDataActions")
        for field in ("EvaluateLowSampleCountPercentile", "ThresholdMetricId"):
            if _first(params, field):
                alarm[field] = _first(params, field)
    queries = cbor_data.get("Metrics") if encoded else _queries(params)
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


@replaces("services.cloudwatch:_evaluate_alarm", "alarm", _ALARM)
def evaluate(original: Callable[..., Any], alarm: dict[str, Any]) -> Any:
    """Show an alarm the metric of its own dimensions only."""
    watch = module("services.cloudwatch")
    wanted = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
    whole = watch._metrics
    own = {
        key: points
        for key, points in list(whole.items())
        if points and points[-1].get("Dimensions", {}) == wanted
    }
    watch._metrics = own
    try:
        return original(alarm)
    finally:
        watch._metrics = whole


@replaces(
    "services.cloudwatch:_dispatch_alarm_actions", "alarm old_state new_state reason", _MISSING
)
def dispatch(
    original: Callable[..., Any], alarm: dict[str, Any], old: str, new: str, reason: str
) -> Any:
    """Publish to those topics only whose policy and key let CloudWatch publish."""
    names = {"ALARM": "AlarmActions", "OK": "OKActions"}
    field = names.get(new, "InsufficientDataActions")
    allowed = [arn for arn in alarm.get(field) or [] if _may_publish(alarm["AlarmArn"], arn)]
    return original({**alarm, field: allowed}, old, new, reason)


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
    return record is not None and all(
        service_refusal(record.get("Policy"), principal, action, record["Arn"], alarm_arn) is None
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
