"""No policy from elsewhere is attached to a role."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import Policy, Problem, shown


class IamAttachments(Policy):
    """AWS-managed policies hold wildcards and change without notice."""

    id = "CKV_PRICE_32"
    name = "Nothing but policies of this stack is attached to anything"
    severity = "CRITICAL"
    page = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html"
    fix = "Write the rights into the role's own policy; attach no managed policy."
    applies_to = (
        "aws_iam_role",
        "aws_iam_role_policy_attachment",
        "aws_iam_role_policy_attachments_exclusive",
        "aws_iam_policy_attachment",
        "aws_iam_user_policy_attachment",
        "aws_iam_group_policy_attachment",
    )
    guards = ("managed_policy_arns", "permissions_boundary")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Refuse every attached policy that the stack does not itself define."""
        body = resource.body
        if resource.type == "aws_iam_role":
            for name in ("managed_policy_arns", "inline_policy", "permissions_boundary"):
                if name in body.names():
                    yield Problem(f"{name} is set", shown(body.raw.get(name)), "absent")
            return
        for name in ("policy_arn", "policy_arns"):
            value = body.value(name)
            for one in value if isinstance(value, list) else [] if value is None else [value]:
                policy = stack.target(one)
                if policy is None or policy.type != "aws_iam_policy":
                    yield Problem(f"{name} is {shown(one)}", shown(one), "a policy of this stack")


offer(IamAttachments, __name__)
