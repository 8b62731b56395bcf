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
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SUBJECT_CHARACTERS = 100  # SNS: at most 100 ASCII characters, no line breaks or control characters
TROUBLES = 20  # different troubles that one notice spells out
TROUBLE_CHARACTERS = 2_000
STACK_FRAMES = 5  # the innermost ones: where it happened, not how Lambda got there
REQUESTS = 3

# Every character counts for at most four bytes: 20 x 2,000 x 4 is well below the 256 KiB of SNS.
BODY_CHARACTERS = 60_000


class UnreadableDelivery(ValueError):
    """What was sent to the function is not a delivery of CloudWatch Logs."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is published: `subject` (ASCII, at most 100 characters), `text`, and the `function`."""

    subject: str
    text: str
    function: str


@dataclass(slots=True)
class _Trouble:
    """Lines that say the same: how many, when first and last, in which requests."""

    headline: str
    detail: str
    count: int = 0
    first: int | None = None
    last: int | None = None
    requests: list[str] = field(default_factory=list)


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
    troubles = _troubles(events)
    first = min((t.first for t in troubles if t.first is not None), default=None)
    last = max((t.last for t in troubles if t.last is not None), default=None)
    lines = [
        f"Function:   {function}",
        f"Log group:  {group}",
        f"Log stream: {_plain(delivery.get('logStream'), 512) or '(unknown)'}",
        f"Suffix:     {suffix}",
        f"Lines:      {len(events)}, from {_moment(first)} to {_moment(last)}",
    ]
    for number, trouble in enumerate(troubles[:TROUBLES], 1):
        times = "" if trouble.count == 1 else f" ({trouble.count} times)"
        lines += ["", f"{number}. {_moment(trouble.first)} {trouble.headline}{times}"]
        if trouble.requests:
            lines.append(f"   request {', '.join(trouble.requests[:REQUESTS])}")
        lines += [f"   {line}" for line in trouble.detail.splitlines()]
    if len(troubles) > TROUBLES:
        lines += ["", f"... and {len(troubles) - TROUBLES} more kinds of error; see the log group."]
    subject = f"{function}: {len(events)} x {troubles[0].headline}"
    if len(troubles) > 1:
        subject = f"{function}: {len(events)} errors, first {troubles[0].headline}"
    return Notice(
        subject=_ascii(subject, SUBJECT_CHARACTERS),
        text=_shortened("\n".join(lines), BODY_CHARACTERS),
        function=_ascii(function, 256),
    )


def _troubles(events: list[Any]) -> list[_Trouble]:
    found: dict[tuple[str, str], _Trouble] = {}
    for event in events:
        entry = event if isinstance(event, dict) else {"message": event}
        headline, detail, request = _read(entry.get("message"))
        trouble = found.setdefault((headline, detail), _Trouble(headline, detail))
        trouble.count += 1
        when = entry.get("timestamp")
        if isinstance(when, int):
            trouble.first = when if trouble.first is None else min(trouble.first, when)
            trouble.last = when if trouble.last is None else max(trouble.last, when)
        if request and request not in trouble.requests:
            trouble.requests.append(request)
    return list(found.values())


def _read(message: object) -> tuple[str, str, str]:
    """Return the headline, the detail and the request id of one log line."""
    try:
        line = json.loads(message) if isinstance(message, str) else message
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        text = _plain(message, TROUBLE_CHARACTERS)
        headline, _, rest = text.strip().partition("\n")
        return _shortened(headline, 200) or "(empty line)", rest, ""
    record = line.get("record")
    if isinstance(record, dict):
        return _platform(line, record)
    request = _plain(line.get("requestId"), 100)
    cause = ": ".join(
        part for name in ("errorType", "errorMessage") if (part := _plain(line.get(name), 1_000))
    )
    if line.get("log_level") and not line.get("level"):
        headline = f"unhandled {_shortened(cause, 200)}" if cause else "unhandled exception"
    else:
        message = _shortened(_plain(line.get("message"), 200) or cause, 200)
        headline = f"{_plain(line.get('level'), 20) or 'ERROR'} {message or '(no message)'}"
    details = [cause] if cause else []
    details += [f"{name}: {_plain(line[name], 300)}" for name in _extras(line)]
    stack = line.get("stackTrace")
    if isinstance(stack, list):
        details += [_plain(frame, 300).strip("\n") for frame in stack[-STACK_FRAMES:]]
    return headline, _shortened("\n".join(details), TROUBLE_CHARACTERS), request


def _platform(line: Mapping[str, Any], record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Read a record of the platform.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    """
    status = _plain(record.get("status"), 50) or "failed"
    error = _plain(record.get("errorType"), 100)
    headline = f"{_plain(line.get('type'), 50) or 'platform'} {status}"
    details = [error] if error else []
    metrics = record.get("metrics")
    if isinstance(metrics, dict):
        details.append(", ".join(f"{name} {_plain(metrics[name], 50)}" for name in sorted(metrics)))
    # The metrics differ from one record to the next; they must not keep equal troubles apart, so
    # only the error is told when there is one.
    return headline, details[0] if details else "", _plain(record.get("requestId"), 100)


_TOLD = frozenset(
    [
        "timestamp",
        "level",
        "log_level",
        "message",
        "logger",
        "requestId",
        "errorType",
        "errorMessage",
        "stackTrace",
        "location",
        "tenantId",
        "_aws",
    ]
)


def _extras(line: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in line if name not in _TOLD)[:20]


def _moment(ms: int | None) -> str:
    try:
        return datetime.fromtimestamp((ms or 0) / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return f"{ms} ms"


def _plain(value: object, limit: int) -> str:
    """Return `value` as text without what would not travel through SNS: control characters and
    lone surrogates.
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    kept = "".join(
        c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return _shortened(kept, limit)


def _ascii(text: str, limit: int) -> str:
    return _shortened("".join(c if " " <= c <= "~" else "?" for c in text).strip(), limit) or "?"


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
