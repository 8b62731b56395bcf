"""CloudWatch Logs: what Lambda writes into a function's group, and subscription filters.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

import base64
import gzip
import json
import logging
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.emulator import faults, metering
from local.emulator.authority import account_and_region, role_refusal, service_refusal
from local.emulator.authority import record as keep
from local.emulator.context import scoped
from local.emulator.environments import Outcome, log_group
from local.emulator.patterns import InvalidPattern, compile_pattern
from local.emulator.upstream import module, needs, replaces

needs("services.cloudwatch_logs:_log_groups")
needs("services.cloudwatch_logs:_create_log_group", "data")
needs("services.cloudwatch_logs:_create_log_stream", "data")
needs("services.cloudwatch_logs:_put_log_events", "data")
needs("services.lambda_svc:function_policy_for_arn", "resource_arn")
needs("services.lambda_svc:_get_func_record_for_ref_in_scope", "function_ref account_id region")

_log = logging.getLogger("local.emulator.logs")
_SUBSCRIPTIONS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"
_SYSTEM_LEVELS = {"DEBUG": 0, "INFO": 1, "WARN": 2}
_STATUS = {
    "ok": "success",
    "error": "success",
    "timeout": "timeout",
    "exit": "error",
    "init": "error",
}


def write_invocation(
    config: dict[str, Any], stream: str, request_id: str, outcome: Outcome, memory_mb: int
) -> None:
    """Write an invocation's lines, with the platform's own, as far as the role may."""
    now = int(time.time() * 1000)
    logging_config = config.get("LoggingConfig") or {}
    if logging_config.get("LogFormat", "Text").upper() == "JSON":
        level = logging_config.get("SystemLogLevel", "INFO")
        before, after = _platform_json(config, request_id, outcome, memory_mb, level)
    else:
        before, after = _platform_text(config, request_id, outcome, memory_mb)
    first = [(outcome.began_ms, line) for line in before]
    lines = first + outcome.lines + [(now, line) for line in after]
    if lines:
        _put(config, stream, [{"timestamp": moment, "message": line} for moment, line in lines])


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _platform_json(
    config: dict[str, Any], request_id: str, outcome: Outcome, memory_mb: int, level: str
) -> tuple[list[str], list[str]]:
    """The platform's records at or above the function's system log level.

    A raised exception is a success of the runtime, which reported it; the platform's status tells
    timeouts and dead processes.
    """
    status = _STATUS[outcome.status]
    good = status == "success"
    duration = round(outcome.duration_ms, 3)
    metrics: dict[str, Any] = {
        "durationMs": duration,
        "billedDurationMs": int(duration) + 1,
        "memorySizeMB": config.get("MemorySize", 128),
        "maxMemoryUsedMB": memory_mb,
    }
    if outcome.init_ms is not None:
        metrics["initDurationMs"] = round(outcome.init_ms, 3)
    failure = {} if good else {"errorType": json.loads(outcome.payload)["errorType"]}
    done = {
        "requestId": request_id,
        "status": status,
        **failure,
        "metrics": {"durationMs": duration, "producedBytes": len(outcome.payload)},
    }
    report = {"requestId": request_id, "metrics": metrics, "status": status, **failure}
    start = {"requestId": request_id, "version": config.get("Version", "$LATEST")}
    records = [
        ("INFO", "platform.start", start, 0),
        ("DEBUG" if good else "WARN", "platform.runtimeDone", done, 1),
        ("INFO" if good else "WARN", "platform.report", report, 1),
    ]
    sides: tuple[list[str], list[str]] = ([], [])
    for own_level, kind, record, side in records:
        if _SYSTEM_LEVELS[own_level] >= _SYSTEM_LEVELS[level]:
            line = {"time": _moment(), "type": kind, "record": record}
            sides[side].append(json.dumps(line, separators=(",", ":")))
    return sides


def _platform_text(
    config: dict[str, Any], request_id: str, outcome: Outcome, memory_mb: int
) -> tuple[list[str], list[str]]:
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {outcome.duration_ms:.2f} ms\t"
        f"Billed Duration: {int(outcome.duration_ms) + 1} ms\t"
        f"Memory Size: {config.get('MemorySize', 128)} MB\tMax Memory Used: {memory_mb} MB\t"
    )
    if outcome.init_ms is not None:
        report += f"Init Duration: {outcome.init_ms:.2f} ms\t"
    start = [f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}"]
    end = [f"END RequestId: {request_id}", report]
    if outcome.status == "timeout":
        seconds = float(config.get("Timeout", 3))
        return start, [*end, f"{_moment()} {request_id} Task timed out after {seconds:.2f} seconds"]
    if outcome.status in ("exit", "init"):
        return start, [json.loads(outcome.payload)["errorMessage"], *end]
    return start, end


def _put(config: dict[str, Any], stream: str, events: list[dict[str, Any]]) -> None:
    """Write events as the execution role; what it may not write is lost, as on AWS."""
    account, region = account_and_region(config["FunctionArn"])
    group = log_group(config)
    resource = f"arn:aws:logs:{region}:{account}:log-group:{group}:log-stream:"
    service = module("services.cloudwatch_logs")
    context = scoped(account, region)
    record = context.run(service._log_groups.get, group)
    if record is None:
        if role_refusal(config, "logs:CreateLogGroup", resource):
            return
        context.run(service._create_log_group, {"logGroupName": group})
        record = context.run(service._log_groups.get, group)
    if stream not in record["streams"]:
        if role_refusal(config, "logs:CreateLogStream", resource):
            return
        names = {"logGroupName": group, "logStreamName": stream}
        context.run(service._create_log_stream, names)
    role = config["Role"].rsplit("/", 1)[-1]
    if role_refusal(config, "logs:PutLogEvents", resource + stream):
        return
    if faults.strike_within("logs", "PutLogEvents", role):
        return
    context.run(metering.took_in, group, [event["message"] for event in events])
    batch = {"logGroupName": group, "logStreamName": stream, "logEvents": events}
    context.run(service._put_log_events, batch)


def _invoke_refusal(function_arn: str, group: str) -> Any:
    """Why CloudWatch Logs may not invoke the function for this group; None when it may."""
    account, region = account_and_region(function_arn)
    source = f"arn:aws:logs:{region}:{account}:log-group:{group}:*"
    find = module("services.lambda_svc").function_policy_for_arn
    found = scoped(account, region).run(find, function_arn)
    document = found[0] if found else None
    refusal = None
    # The regional form of the principal is older and still in use.
    for principal in (f"logs.{region}.amazonaws.com", "logs.amazonaws.com"):
        refusal = service_refusal(
            document, principal, "lambda:InvokeFunction", function_arn, source, quiet=True
        )
        if refusal is None:
            return None
    return refusal


@replaces(
    "services.cloudwatch_logs:_put_subscription_filter",
    "data",
    _SUBSCRIPTIONS,
)
def put_subscription_filter(original: Callable[..., Any], data: dict[str, Any]) -> Any:
    """Refuse a malformed pattern, a third filter, and a function that Logs may not invoke."""
    destination = data.get("destinationArn", "")
    group = data.get("logGroupName", "")
    refusal = ""
    try:
        compile_pattern(data.get("filterPattern", ""))
    except InvalidPattern as error:
        refusal = f"Invalid filter pattern: {error}"
    record = module("services.cloudwatch_logs")._log_groups.get(group) or {}
    others = set(record.get("subscriptionFilters") or {}) - {data.get("filterName")}
    if len(others) >= 2:
        return _answer("LimitExceededException", "Resource limit exceeded.")
    if not refusal and ":function:" in destination and _invoke_refusal(destination, group):
        refusal = (
            "Could not execute the lambda function. Make sure you have given CloudWatch Logs "
            "permission to execute your function."
        )
    return _answer("InvalidParameterException", refusal) if refusal else original(data)


def _answer(code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"Content-Type": "application/x-amz-json-1.1"}
    return 400, headers, json.dumps({"__type": code, "message": message}).encode()


@replaces(
    "services.cloudwatch_logs:_fanout_to_subscription_filters",
    "group_name stream_name events",
    _SUBSCRIPTIONS,
)
def forward(
    _original: Callable[..., Any], group_name: str, stream_name: str, events: list[dict[str, Any]]
) -> None:
    """Invoke each subscribed function asynchronously with the events that its pattern matches."""
    record = module("services.cloudwatch_logs")._log_groups.get(group_name) or {}
    for subscription in list((record.get("subscriptionFilters") or {}).values()):
        matches = compile_pattern(subscription.get("filterPattern", ""))
        chosen = [event for event in events if matches(event.get("message", ""))]
        if chosen:
            _deliver(subscription, group_name, stream_name, chosen)


def _deliver(
    subscription: dict[str, Any], group: str, stream: str, events: list[dict[str, Any]]
) -> None:
    from local.emulator import invocations

    destination = subscription["destinationArn"]
    account, region = account_and_region(destination)
    find = module("services.lambda_svc")._get_func_record_for_ref_in_scope
    record, config, _ = find(destination, account_id=account, region=region)
    refusal = None if record is None else _invoke_refusal(destination, group)
    if refusal is not None:
        keep(refusal)
    if record is None or refusal is not None:
        _log.warning("%s may not invoke %s: log events dropped", group, destination)
        return
    now = int(time.time() * 1000)
    message = {
        "messageType": "DATA_MESSAGE",
        "owner": account,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [subscription["filterName"]],
        "logEvents": [
            {
                "id": f"{event.get('timestamp', now):014d}{uuid.uuid4().int % 10**42:042d}",
                "timestamp": event.get("timestamp", now),
                "message": event.get("message", ""),
            }
            for event in events
        ],
    }
    packed = gzip.compress(json.dumps(message, ensure_ascii=False).encode())
    payload = {"awslogs": {"data": base64.b64encode(packed).decode()}}
    invocations.accept({**record, "config": config}, json.dumps(payload).encode())
