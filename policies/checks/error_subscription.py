"""Who is told by e-mail is told of errors, and is who the settings name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack, UnresolvedError
from policies.model.wiring import named
from policies.offer import offer
from policies.policy import Policy, Problem, require, shown
from stack import settings


class ErrorSubscription(Policy):
    """Success records hold whole messages; an address nobody agreed to would get them for ever."""

    id = "CKV_PRICE_53"
    name = "The one subscription sends errors by e-mail to the address of the settings"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html"
    fix = "Subscribe alarms.email of the settings to processing-errors, with protocol email."
    applies_to = ("aws_sns_topic_subscription",)
    guards = ("topic_arn", "protocol", "endpoint")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the topic, the protocol and the address."""
        body = resource.body
        topic = named(stack, "aws_sns_topic", requirement.ERROR_TOPIC)
        value = body.value("topic_arn")
        if topic is None or stack.target(value, ("arn", "id")) is not topic:
            yield Problem(f"topic_arn is {shown(value)}, not processing-errors", shown(value))
        yield from require(body, "protocol", "email")
        try:
            chosen = settings.load()
        except settings.SettingsError as error:
            raise UnresolvedError(str(error)) from error
        yield from require(body, "endpoint", chosen.alarms.email or None)


offer(ErrorSubscription, __name__)
