"""The processor's success is announced on the right topic, with bounded retries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.model.wiring import function_name, function_of, named
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, require_within, shown


class SuccessDestination(Policy):
    """Asynchronous invocations: two retries at most, an hour at least, success to SNS."""

    id = "CKV_PRICE_20"
    name = "Asynchronous invocations are bounded, and success goes to price-updates-success"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"
    fix = (
        "Set maximum_retry_attempts (1 or 2), maximum_event_age_in_seconds (3600 to 21600) and "
        "destination_config.on_success to the topic price-updates-success; no on_failure."
    )
    applies_to = ("aws_lambda_function_event_invoke_config",)
    guards = (
        "function_name",
        "maximum_retry_attempts",
        "maximum_event_age_in_seconds",
        "destination_config",
    )

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Check the bounds and, for processor and enricher, the topic."""
        body = resource.body
        function = function_of(stack, body.value("function_name"))
        name = function_name(function) if function is not None else None
        if name not in requirement.FUNCTIONS:
            yield Problem(
                f"function_name is {shown(body.value('function_name'))}: no function of ours"
            )
        if body.value("qualifier") is not None:
            yield Problem(
                "qualifier is set: the unqualified function would be without", "set", "absent"
            )
        yield from require_within(body, "maximum_retry_attempts", 1, 2)
        yield from require_within(body, "maximum_event_age_in_seconds", 3600, 21600)
        configs = body.blocks("destination_config")
        if name == requirement.NOTIFIER:
            if configs:
                yield Problem("the notifier's success is announced: it is no price update")
            return
        config, problems = only_block(body, "destination_config")
        yield from problems
        if config is None:
            return
        if config.blocks("on_failure"):
            yield Problem("destination_config.on_failure is set: the dead-letter queue is the way")
        success, problems = only_block(config, "on_success")
        yield from problems
        if success is None:
            return
        value = success.value("destination")
        topic = named(stack, "aws_sns_topic", requirement.SUCCESS_TOPIC)
        if topic is None or stack.target(value) is not topic:
            yield Problem(f"on_success goes to {shown(value)}, not to price-updates-success")


offer(SuccessDestination, __name__)
