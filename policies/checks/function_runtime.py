"""Functions run on a Python that AWS still maintains."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, require_absent, require_or_absent, shown


class FunctionRuntime(Policy):
    """A deprecated runtime gets no security patches, and later cannot be deployed at all."""

    id = "CKV_PRICE_14"
    name = "Functions run on a maintained Python, from a zip of the project"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html"
    fix = "Set runtime to python3.13 and package_type to Zip; use no image and no layer."
    applies_to = ("aws_lambda_function",)
    guards = ("runtime",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand a runtime of the list, and code that is the project's alone."""
        runtime = resource.body.literal("runtime")
        if runtime not in requirement.RUNTIMES:
            yield Problem(
                f"runtime is {shown(runtime)}", shown(runtime), " or ".join(requirement.RUNTIMES)
            )
        yield from require_or_absent(resource.body, "package_type", "Zip")
        for name in ("image_uri", "image_config", "layers"):
            yield from require_absent(resource.body, name, "code that the gate does not see")


offer(FunctionRuntime, __name__)
