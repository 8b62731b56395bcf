"""Functions have the memory and the time that the requirement gives them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.model.wiring import function_name
from policies.offer import offer
from policies.policy import Policy, Problem, require, require_within


class FunctionSize(Policy):
    """The processor has 1024 MB and 60 s, the enricher 512 MB and time for its batches."""

    id = "CKV_PRICE_15"
    name = "Functions have the required memory and time-out"
    severity = "MEDIUM"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"
    fix = "Processor: memory_size 1024, timeout 60. Enricher: memory_size 512, timeout 60 to 900."
    applies_to = ("aws_lambda_function",)
    guards = ("memory_size", "timeout")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the exact values where they are required and sane bounds elsewhere."""
        name = function_name(resource) or ""
        if name in requirement.MEMORY:
            yield from require(resource.body, "memory_size", requirement.MEMORY[name])
        else:
            yield from require_within(resource.body, "memory_size", 128, 1024)
        if name in requirement.TIMEOUT:
            yield from require(resource.body, "timeout", requirement.TIMEOUT[name])
        else:
            least = 60 if name == requirement.ENRICHER else 3
            yield from require_within(resource.body, "timeout", least, 900)


offer(FunctionSize, __name__)
