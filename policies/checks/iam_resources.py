"""Rights are given on named resources."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.expressions import Reference, Text, Value
from policies.model.iam import Statement, held
from policies.model.stack import Resource, Stack
from policies.model.transport import is_own_arn
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown

# Actions without a resource in IAM.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
WITHOUT_RESOURCE = {"dynamodb:liststreams"}


class IamResources(Policy):
    """``*`` as a resource is every resource of the account, next year's too."""

    id = "CKV_PRICE_28"
    name = "Every statement names resources of this stack"
    severity = "CRITICAL"
    page = (
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html"
    )
    fix = "Name the resource by reference; use * only for actions that have no resource in IAM."
    applies_to = (ANY,)
    guards = ("policy.json.Statement.*.Resource",)

    def subjects(self, stack: Stack) -> list[Resource]:
        """Data sources can hold policies too."""
        return list(stack.resources.values())

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Look at the resources of each statement, as its kind of policy demands."""
        for policy in held(resource, stack):
            for statement in policy.document.statements:
                if statement.not_resources:
                    yield Problem(f"{policy.attribute} uses NotResource", "NotResource", "Resource")
                if policy.kind == "trust":
                    if statement.resources:
                        yield Problem(f"{policy.attribute} names a resource in a trust policy")
                    continue
                if not statement.resources:
                    yield Problem(f"{policy.attribute} has a statement without Resource")
                for value in statement.resources:
                    if not self._fits(policy.kind, value, statement, resource, stack):
                        yield Problem(
                            f"{policy.attribute} has {shown(statement.actions)} on {shown(value)}",
                            shown(value),
                            "a resource of this stack",
                        )

    def _fits(
        self, kind: str, value: Value, statement: Statement, resource: Resource, stack: Stack
    ) -> bool:
        if kind == "key":  # there * means the key itself
            return bool(value == "*")
        if kind == "resource" and resource.type in ("aws_sqs_queue", "aws_sns_topic"):
            return is_own_arn(value, resource, stack)
        if value == "*":
            return bool(statement.actions) and all(
                str(action).lower() in WITHOUT_RESOURCE for action in statement.actions
            )
        if isinstance(value, Text) and len(value.parts) == 2 and value.parts[1] == ":*":
            # The streams of a log group: Terraform strips this ending from the group's ARN.
            group = stack.target(value.parts[0])
            return group is not None and group.type == "aws_cloudwatch_log_group"
        return (
            isinstance(value, Reference) and stack.target(value, ("arn", "stream_arn")) is not None
        )


offer(IamResources, __name__)
