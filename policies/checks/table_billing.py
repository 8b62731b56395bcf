"""The table is billed on demand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_absent


class TableBilling(Policy):
    """The provider's default is PROVISIONED, so absence is a violation."""

    id = "CKV_PRICE_10"
    name = "Tables are billed on demand, without capacity set or scaled"
    severity = "HIGH"
    page = (
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
        "on-demand-capacity-mode.html"
    )
    fix = "Set billing_mode to PAY_PER_REQUEST; remove capacities, replicas and autoscaling."
    applies_to = ("aws_dynamodb_table",)
    guards = ("billing_mode",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the mode, and nothing that belongs to the other one."""
        body = resource.body
        yield from require(body, "billing_mode", "PAY_PER_REQUEST")
        for name in ("read_capacity", "write_capacity"):
            yield from require_absent(body, name, "it belongs to provisioned billing")
        for name in ("global_secondary_index", "replica", "on_demand_throughput"):
            yield from require_absent(body, name, "the pipeline needs none, and it is billed")
        for other in stack.of("aws_appautoscaling_target", "aws_appautoscaling_policy"):
            yield Problem("capacity is scaled", other.address, "nothing", other.address)


offer(TableBilling, __name__)
