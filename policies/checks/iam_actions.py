"""No policy of any kind has a wildcard in an action."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import re

from policies.model.expressions import is_symbolic
from policies.model.iam import held
from policies.model.stack import Resource, Stack
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown

ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+", re.ASCII)
# A resource's own policy can name its own service's actions only; AWS refuses others.
SERVICES = {"aws_kms_key": "kms:", "aws_sns_topic": "sns:", "aws_sqs_queue": "sqs:"}


class IamActions(Policy):
    """Actions are spelled out: in Allow and Deny, identity, trust, key and resource policies."""

    id = "CKV_PRICE_12"
    name = "No wildcard in any action of any policy"
    severity = "CRITICAL"
    page = (
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html"
    )
    fix = "List every action by its full name; use no *, no ?, no NotAction and no interpolation."
    applies_to = (ANY,)
    guards = ("policy", "assume_role_policy")

    def subjects(self, stack: Stack) -> list[Resource]:
        """Every resource, and the data sources, which can hold policies too."""
        return list(stack.resources.values())

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Look at every action of every policy that the resource holds, and at the form."""
        for policy in held(resource, stack):
            for fault in policy.document.faults:
                yield Problem(f"{policy.attribute} {fault}")
            for statement in policy.document.statements:
                if statement.not_actions:
                    yield Problem(
                        f"{policy.attribute} uses NotAction {shown(statement.not_actions)}: "
                        "it means every action but these",
                        "NotAction",
                        "Action",
                    )
                for action in statement.actions:
                    if is_symbolic(action):
                        yield Problem(
                            f"{policy.attribute} has the interpolated action {shown(action)}",
                            shown(action),
                            "the action's name",
                        )
                    elif not isinstance(action, str) or not ACTION.fullmatch(action):
                        wild = isinstance(action, str) and ("*" in action or "?" in action)
                        yield Problem(
                            f"{policy.attribute} has the action {shown(action)}"
                            + (", a wildcard" if wild else ", which is no action's name"),
                            shown(action),
                            "the action's name",
                        )
                    elif not action.startswith(SERVICES.get(resource.type, "")):
                        yield Problem(
                            f"{policy.attribute} has {shown(action)}, of another service",
                            shown(action),
                            f"{SERVICES[resource.type]}…",
                        )


offer(IamActions, __name__)
