"""Each alarm sounds when it has to, and treats silence as what it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack, number
from policies.model.wiring import own_name
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_within, shown


class AlarmCondition(Policy):
    """A threshold out of reach, or missing data taken for good, switches an alarm off unseen."""

    id = "CKV_PRICE_50"
    name = "Each alarm's threshold, comparison, minutes and missing data are those of its purpose"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
        "alarms-and-missing-data.html"
    )
    fix = (
        "Keep the alarm within what policies/requirement.py lists under its name; only a stale "
        "feed is told by missing data."
    )
    applies_to = ("aws_cloudwatch_metric_alarm",)
    guards = (
        "comparison_operator",
        "threshold",
        "evaluation_periods",
        "datapoints_to_alarm",
        "treat_missing_data",
    )

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand each value, or the bounds where the settings have a choice."""
        body = resource.body
        wanted = requirement.ALARMS.get(str(requirement.base_name(own_name(resource))))
        if wanted is None:
            yield Problem(f"alarm_name is {shown(own_name(resource))}: no alarm of ours")
            return
        comparison = "LessThanThreshold" if wanted.below else "GreaterThanOrEqualToThreshold"
        yield from require(body, "comparison_operator", comparison)
        yield from require(body, "treat_missing_data", wanted.missing)
        yield from require_within(body, "threshold", *wanted.threshold)
        yield from require_within(body, "evaluation_periods", *wanted.minutes)
        periods = number(body.literal("evaluation_periods"))
        if periods is not None:
            most = int(periods)
            yield from require_within(
                body, "datapoints_to_alarm", most if wanted.every else 1, most
            )


offer(AlarmCondition, __name__)
