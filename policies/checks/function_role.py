"""Each function has a role of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.stack import Resource, Stack
from policies.model.wiring import function_name, own_name, role_of
from policies.offer import offer
from policies.policy import Policy, Problem, shown


class FunctionRole(Policy):
    """A shared role gives each function what the other needs."""

    id = "CKV_PRICE_43"
    name = "Each function runs under the role that is called after it"
    severity = "HIGH"
    page = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"
    fix = "Set role to the ARN of the function's own aws_iam_role."
    applies_to = ("aws_lambda_function",)
    guards = ("role",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand a reference to the role of the same name."""
        role = role_of(stack, resource)
        name = function_name(resource)
        if role is None or name is None or own_name(role) != requirement.suffixed(name):
            yield Problem(f"role is {shown(resource.body.value('role'))}, not its own")


offer(FunctionRole, __name__)
