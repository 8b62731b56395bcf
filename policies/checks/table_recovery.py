"""The table has point-in-time recovery."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, only_block, require


class TableRecovery(Policy):
    """Prices that a mistake overwrote can be brought back to any second of 35 days."""

    id = "CKV_PRICE_9"
    name = "Tables have point-in-time recovery"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
        "PointInTimeRecovery_Howitworks.html"
    )
    fix = "Add the block point_in_time_recovery with enabled = true."
    applies_to = ("aws_dynamodb_table",)
    guards = ("point_in_time_recovery",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the block, enabled, with the whole period."""
        recovery, problems = only_block(resource.body, "point_in_time_recovery")
        yield from problems
        if recovery is not None:
            yield from require(recovery, "enabled", True)
            if recovery.value("recovery_period_in_days") is not None:
                yield from require(recovery, "recovery_period_in_days", 35)


offer(TableRecovery, __name__)
