"""Functions run on arm64."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, require


class FunctionArchitecture(Policy):
    """arm64 costs a fifth less; the provider's default is x86_64, so absence is a violation."""

    id = "CKV_PRICE_1"
    name = "Functions run on arm64 and on nothing else"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html"
    fix = 'Set architectures to ["arm64"].'
    applies_to = ("aws_lambda_function",)
    guards = ("architectures",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand the list of exactly this one architecture."""
        yield from require(resource.body, "architectures", [requirement.ARCHITECTURE])


offer(FunctionArchitecture, __name__)
