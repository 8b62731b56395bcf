"""Log groups keep their events for exactly three days."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_or_absent


class LogRetention(Policy):
    """A group without retention never expires; one of class DELIVERY keeps two days, always."""

    id = "CKV_PRICE_2"
    name = "Log groups keep events for exactly 3 days"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/"
        "API_PutRetentionPolicy.html"
    )
    fix = "Set retention_in_days to 3, and leave the log group class at STANDARD."
    applies_to = ("aws_cloudwatch_log_group",)
    guards = ("retention_in_days", "log_group_class")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the retention, and the one class that has subscription filters."""
        yield from require(resource.body, "retention_in_days", requirement.LOG_RETENTION_DAYS)
        yield from require_or_absent(resource.body, "log_group_class", "STANDARD")


offer(LogRetention, __name__)
