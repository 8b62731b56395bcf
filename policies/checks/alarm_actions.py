"""Each alarm is heard: it publishes to the topic of errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.model.wiring import named
from policies.offer import offer
from policies.policy import Policy, Problem, require, shown


class AlarmActions(Policy):
    """An alarm whose action goes nowhere is a red dot that nobody looks at."""

    id = "CKV_PRICE_51"
    name = "Each alarm, and its end, is published to processing-errors"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
        "Notify_Users_Alarm_Changes.html"
    )
    fix = (
        "Set actions_enabled to true, alarm_actions and ok_actions to the topic processing-errors."
    )
    applies_to = ("aws_cloudwatch_metric_alarm",)
    guards = ("actions_enabled", "alarm_actions", "ok_actions")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the one topic for both."""
        yield from require(resource.body, "actions_enabled", True)
        topic = named(stack, "aws_sns_topic", requirement.ERROR_TOPIC)
        for attribute in ("alarm_actions", "ok_actions"):
            value = resource.body.value(attribute)
            heard = value if isinstance(value, list) else []
            if topic is None or [stack.target(one) for one in heard] != [topic]:
                yield Problem(
                    f"{attribute} is {shown(value)}, not processing-errors",
                    shown(value),
                    topic.address if topic else None,
                )


offer(AlarmActions, __name__)
