"""Each role is for Lambda alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.iam import parse
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, shown


class IamTrust(Policy):
    """A second principal, or another account, could take the role and all its rights."""

    id = "CKV_PRICE_29"
    name = "Roles trust lambda.amazonaws.com and no one else"
    severity = "CRITICAL"
    page = (
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
        "reference_policies_elements_principal.html"
    )
    fix = "One statement: Allow sts:AssumeRole to Service lambda.amazonaws.com."
    applies_to = ("aws_iam_role",)
    guards = ("assume_role_policy",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Demand exactly the one statement."""
        document = parse(resource.body.value("assume_role_policy"), stack, "trust")
        found = [
            (s.effect, s.actions, s.principals, s.not_principals, s.not_actions, s.conditions)
            for s in document.statements
        ]
        service = [("Service", "lambda.amazonaws.com")]
        if found != [("Allow", ["sts:AssumeRole"], service, False, [], [])] or document.faults:
            yield Problem(
                f"assume_role_policy is {shown(found)}",
                shown(found),
                "Allow sts:AssumeRole to lambda.amazonaws.com",
            )


offer(IamTrust, __name__)
