"""Error lines of the working functions reach the notifier, and never its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import json

from policies import requirement
from policies.model.inventory import source_group
from policies.model.log_patterns import PatternError, compile_pattern
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.model.wiring import group_of, named, own_name
from policies.offer import offer
from policies.policy import Policy, Problem, shown

# Lines as a Python function in JSON log mode writes them: our own errors, an unhandled exception
# (whose key is log_level), and the platform's records of a time-out, a crash and lost memory.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
ERRORS: dict[str, list[dict[str, object]]] = {
    # By itself, because a pattern that asks for anything besides was made for some lines alone.
    "an error line": [
        {"level": "ERROR"},
        {"level": "ERROR", "message": "cannot store", "logger": "handler"},
        {"level": "ERROR", "message": "", "logger": "x"},
    ],
    "a critical line": [
        {"level": "CRITICAL"},
        {"level": "CRITICAL", "message": "stopping", "logger": "handler"},
    ],
    "an unhandled exception": [
        {"log_level": "ERROR", "errorMessage": message, "errorType": kind, "stackTrace": []}
        for message, kind in (("boom", "ValueError"), ("", "Exception"), ("q", "x.Y"))
    ],
    "a time-out": [{"type": "platform.report", "record": {"status": "timeout"}}],
    "a fault of the runtime": [{"type": "platform.report", "record": {"status": "error"}}],
    "a failure of the platform": [
        {"type": "platform.runtimeDone", "record": {"status": "failure"}}
    ],
}
QUIET: dict[str, dict[str, object]] = {
    "an info line": {"level": "INFO", "message": "stored 3", "logger": "handler"},
    "an info line that speaks of errors": {
        "level": "INFO",
        "message": "no ERROR, no CRITICAL error, no timeout, no failure",
    },
    "a debug line": {"level": "DEBUG", "message": "read", "logger": "handler"},
    "a trace line": {"level": "TRACE", "message": "read", "logger": "handler"},
    "the start of the runtime": {"type": "platform.initStart", "record": {"phase": "init"}},
    "the start of a run": {"type": "platform.start", "record": {"requestId": "1"}},
    "the end of a run": {"type": "platform.runtimeDone", "record": {"status": "success"}},
    "a report of success": {"type": "platform.report", "record": {"status": "success"}},
}

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html
MAXIMUM_CHARACTERS = 1024


class SubscriptionFilter(Policy):
    """The pattern is evaluated on lines as Lambda writes them, not compared with a text."""

    id = "CKV_PRICE_35"
    name = "Error lines of processor and enricher go to the notifier, which is not subscribed"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"
        "Subscriptions-recursion-prevention.html"
    )
    fix = (
        "Subscribe the two working functions' groups with a pattern for levels ERROR and CRITICAL, "
        "log_level ERROR and record.status timeout, error, failure; destination the notifier."
    )
    applies_to = ("aws_cloudwatch_log_subscription_filter",)
    guards = ("filter_pattern", "log_group_name", "destination_arn", "depends_on")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check group, destination, permission before it, and what the pattern matches."""
        body = resource.body
        group = group_of(stack, body.value("log_group_name"))
        working = {
            r.address
            for f in (requirement.PROCESSOR, requirement.ENRICHER)
            if (r := named(stack, "aws_cloudwatch_log_group", requirement.log_group(f)))
        }
        if group is None or group.address not in working:
            what = shown(body.value("log_group_name"))
            if group is not None and own_name(group) == requirement.suffixed(
                requirement.log_group(requirement.NOTIFIER)
            ):
                what += ", the notifier's own group: its errors would call it for ever"
            yield Problem(f"log_group_name is {what}", what, "a working function's group")
        function = stack.target(body.value("destination_arn"))
        if function is None or function is not named(
            stack, "aws_lambda_function", requirement.NOTIFIER
        ):
            yield Problem(f"destination_arn is {shown(body.value('destination_arn'))}")
        yield from self._pattern(resource)
        if not any(
            permission.address in resource.depends_on()
            and source_group(stack, permission.body.value("source_arn")) is group
            for permission in stack.of("aws_lambda_permission")
        ):
            yield Problem("does not wait for the permission of its group to call the notifier")

    def _pattern(self, resource: Resource) -> Iterator[Problem]:
        pattern = resource.body.literal("filter_pattern")
        if not isinstance(pattern, str):
            yield Problem("filter_pattern is missing", "none", "a pattern for errors")
            return
        if len(pattern) > MAXIMUM_CHARACTERS:
            yield Problem(
                f"filter_pattern has {len(pattern)} characters, which CloudWatch Logs refuses",
                str(len(pattern)),
                f"at most {MAXIMUM_CHARACTERS}",
            )
            return
        try:
            matches = compile_pattern(pattern)
        except PatternError as error:
            raise UnresolvedError(f"filter_pattern: {error}") from error
        for what, lines in ERRORS.items():
            if not all(matches(text) for line in lines for text in _written(line)):
                yield Problem(f"filter_pattern misses {what}: {shown(pattern)}", shown(pattern))
        for what, line in QUIET.items():
            if any(matches(text) for text in _written(line)):
                yield Problem(
                    f"filter_pattern also matches {what}: {shown(pattern)}", shown(pattern)
                )


def _written(line: dict[str, object]) -> tuple[str, str]:
    """The line as a library writes it, and as the platform does: with and without blanks."""
    return json.dumps(line), json.dumps(line, separators=(",", ":"))


offer(SubscriptionFilter, __name__)
