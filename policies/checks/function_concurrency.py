"""Each function has reserved concurrency."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, require_within


class FunctionConcurrency(Policy):
    """Unreserved (-1) a burst takes the account's quota; zero stops the function altogether."""

    id = "CKV_PRICE_13"
    name = "Each function has reserved concurrency of at least 1"
    severity = "MEDIUM"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
    fix = "Set reserved_concurrent_executions to a number from 1 to 100."
    applies_to = ("aws_lambda_function",)
    guards = ("reserved_concurrent_executions",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand a whole number that neither stops the function nor takes the account's quota."""
        yield from require_within(resource.body, "reserved_concurrent_executions", 1, 100)


offer(FunctionConcurrency, __name__)
