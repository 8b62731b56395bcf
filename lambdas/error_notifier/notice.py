"""Turn a delivery of log lines into one notice that a person can read.

CloudWatch Logs hands a subscriber its matching lines as `{"awslogs": {"data": base64(gzip(JSON))}}`
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html). With Lambda's
JSON log format four kinds of line arrive here: a line of `logging` (`level`), an unhandled
exception (`log_level`, no `level`), a record of the platform (`record.status`: a time-out, a crash)
and, from native code or a runtime that died early, plain text.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

SUBJECT_CHARACTERS = 100  # SNS: at most 100 ASCII characters, no line breaks or control characters
HEADLINE_CHARACTERS = 200
DETAIL_CHARACTERS = 3_000
EXTRAS = 20
REQUESTS = 3
STACK_FRAMES = 5  # the innermost ones: where it happened, not how Lambda got there
LINES = 500  # that are read: the function is small, and a flood says the same over and over
TROUBLES = 20  # that one notice spells out; equal lines are one trouble

# A character counts for at most four bytes; SNS takes 256 KiB with the attributes.
TEXT_CHARACTERS = 60_000


class UnreadableDelivery(ValueError):
    """What was sent to the function is not a delivery of CloudWatch Logs."""


class Notice(NamedTuple):
    """What is published: `subject` (ASCII, at most 100 characters), `text`, and the `function`."""

    subject: str
    text: str
    function: str


class _Line(NamedTuple):
    """One log line as it is told; lines of equal `kind` are one trouble, told by the first."""

    kind: tuple[str, ...]
    headline: str
    detail: str = ""
    request: str = ""


class _Trouble:
    """Lines that say the same: how many, when first and last, in which requests."""

    def __init__(self, line: _Line) -> None:
        self.line = line
        self.times: list[int] = []
        self.requests: dict[str, None] = {}
        self.count = 0


def decode(event: object) -> dict[str, Any]:
    """Return the decoded delivery of a subscription event.

    Raises `UnreadableDelivery` when `event` is not one.
    """
    try:
        data = event["awslogs"]["data"]  # type: ignore[index]
        delivery = json.loads(gzip.decompress(base64.b64decode(data, validate=True)))
    except (
        KeyError,
        IndexError,
        TypeError,
        ValueError,
        RecursionError,
        binascii.Error,
        EOFError,
        OSError,
        zlib.error,
    ) as error:
        raise UnreadableDelivery(
            f"expected a CloudWatch Logs event {{'awslogs': {{'data': base64 of gzip of JSON}}}}, "
            f"got {type(event).__name__} that fails with {type(error).__name__}; subscribe this "
            "function to log groups only"
        ) from error
    if not isinstance(delivery, dict):
        raise UnreadableDelivery(f"expected a JSON object, got {type(delivery).__name__}")
    return delivery


def compose(delivery: Mapping[str, Any], suffix: str) -> Notice | None:
    """Return the notice of a decoded delivery, or None when there is nothing to tell.

    A `CONTROL_MESSAGE` is CloudWatch Logs trying whether the subscriber answers: nothing to tell.
    Lines that say the same are told once, with their number and the first few request ids.
    """
    events = delivery.get("logEvents")
    if delivery.get("messageType") != "DATA_MESSAGE" or not isinstance(events, list) or not events:
        return None
    group = _plain(delivery.get("logGroup"), 512) or "(unknown log group)"
    function = group.rsplit("/", 1)[-1]
    troubles = _troubles(events[:LINES])
    times = [time for trouble in troubles for time in trouble.times]
    lines = [
        f"Function:   {function}",
        f"Log group:  {group}",
        f"Log stream: {_plain(delivery.get('logStream'), 512) or '(unknown)'}",
        f"Suffix:     {suffix}",
        f"Lines:      {len(events)}, from {_moment(times, min)} to {_moment(times, max)}",
    ]
    if len(events) > LINES:
        lines.append(f"            of which the first {LINES} are told here")
    for number, trouble in enumerate(troubles[:TROUBLES], 1):
        repeated = "" if trouble.count == 1 else f" ({trouble.count} times)"
        lines += ["", f"{number}. {_moment(trouble.times, min)} {trouble.line.headline}{repeated}"]
        if trouble.requests:
            lines.append(f"   request {', '.join(list(trouble.requests)[:REQUESTS])}")
        lines += [f"   {line}" for line in trouble.line.detail.splitlines() if line.strip()]
    if len(troubles) > TROUBLES:
        lines += ["", f"... and {len(troubles) - TROUBLES} more kinds of error; see the log group."]
    first = troubles[0].line.headline
    told = (
        f"{len(events)} errors, first {first}" if len(troubles) > 1 else f"{len(events)} x {first}"
    )
    return Notice(
        subject=_ascii(f"{function}: {told}", SUBJECT_CHARACTERS),
        text=_shortened("\n".join(lines), TEXT_CHARACTERS),
        function=_ascii(function, 256),
    )


def _troubles(events: list[Any]) -> list[_Trouble]:
    found: dict[tuple[str, ...], _Trouble] = {}
    for event in events:
        entry = event if isinstance(event, dict) else {"message": event}
        line = _read(entry.get("message"))
        trouble = found.setdefault(line.kind, _Trouble(line))
        trouble.count += 1
        if isinstance(entry.get("timestamp"), int):
            trouble.times.append(entry["timestamp"])
        if line.request:
            trouble.requests[line.request] = None
    return list(found.values())


def _read(message: object) -> _Line:
    try:
        line = json.loads(message) if isinstance(message, str) else message
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        headline, _, rest = _plain(message, DETAIL_CHARACTERS).strip().partition("\n")
        return _Line(("text", headline), _shortened(headline, HEADLINE_CHARACTERS), rest)
    if isinstance(line.get("record"), dict):
        return _platform(line, line["record"])
    told, error_type, error = (
        _plain(line.get(name), 1_000) for name in ("message", "errorType", "errorMessage")
    )
    cause = ": ".join(part for part in (error_type, error) if part)
    # The runtime writes `log_level`, since client 4.0.4 `level`, and no logger's name.
    if line.get("errorType") and not line.get("logger"):
        headline = f"unhandled {cause or 'exception'}"
    else:
        headline = f"{_plain(line.get('level'), 20) or 'ERROR'} {told or cause or '(no message)'}"
    stack = line.get("stackTrace")
    frames = [_plain(f, 300) for f in stack[-STACK_FRAMES:]] if isinstance(stack, list) else []
    extras = {name: line[name] for name in line.keys() - _SHOWN}
    return _Line(
        # An exception's message names a request and counts; its type and place are what repeats.
        (error_type or headline, *frames),
        _shortened(" ".join(headline.split()), HEADLINE_CHARACTERS),
        _shortened("\n".join([cause, *frames, *_named(extras)]), DETAIL_CHARACTERS),
        _plain(line.get("requestId"), 64),
    )


def _platform(line: Mapping[str, Any], record: Mapping[str, Any]) -> _Line:
    """Read a record of the platform: a time-out, a crash, a failed start.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    """
    headline = " ".join(
        part
        for part in (
            _plain(line.get("type"), 50) or "platform",
            _plain(record.get("status"), 50) or "failed",
            _plain(record.get("errorType"), 100),
        )
        if part
    )
    metrics = record.get("metrics")
    detail = "\n".join(_named(metrics)) if isinstance(metrics, dict) else ""
    return _Line((headline,), headline, detail, _plain(record.get("requestId"), 64))


_SHOWN = {
    *("_aws", "errorMessage", "errorType", "level", "location", "log_level", "logger", "message"),
    *("requestId", "stackTrace", "tenantId", "timestamp"),
}


def _named(values: Mapping[str, Any]) -> list[str]:
    return [f"{_plain(name, 50)}: {_plain(values[name], 100)}" for name in sorted(values)[:EXTRAS]]


def _moment(times: list[int], pick: Callable[[list[int]], int]) -> str:
    if not times:
        return "(unknown time)"
    try:
        return datetime.fromtimestamp(pick(times) / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return f"{_plain(pick(times), 40)} ms"


def _plain(value: object, limit: int) -> str:
    """Return `value` as text without what would not travel through SNS: control characters and
    lone surrogates.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    # One character more than fits, so that cutting it off shows.
    kept = (
        c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for c in text[: limit + 1]
    )
    return _shortened("".join(kept), limit)


def _ascii(text: str, limit: int) -> str:
    return _shortened("".join(c if " " <= c <= "~" else "?" for c in text).strip(), limit) or "?"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
