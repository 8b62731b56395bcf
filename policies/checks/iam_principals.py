"""Resource policies let in no one from outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies import requirement
from policies.model.expressions import Text, Value
from policies.model.iam import Statement, held
from policies.model.stack import Resource, Stack
from policies.model.transport import ACTIONS, admits_alarms, is_account
from policies.model.wiring import own_name
from policies.offer import offer
from policies.policy import ANY, Policy, Problem, shown


class IamPrincipals(Policy):
    """Everyone, another account, or a service acting for another account could come in."""

    id = "CKV_PRICE_30"
    name = "Key, queue and topic policies admit only this account and its alarms"
    severity = "CRITICAL"
    page = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
    fix = (
        "Allow only the account's root, or cloudwatch.amazonaws.com with aws:SourceAccount and "
        "aws:SourceArn."
    )
    applies_to = (ANY,)
    guards = ("policy.json.Statement.*.Principal", "policy.json.Statement.*.Condition")

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Look at who each Allow lets in; identity policies must name no principal."""
        for policy in held(resource, stack):
            if policy.kind == "trust":
                continue  # IamTrust demands the one statement exactly
            for statement in policy.document.statements:
                if statement.not_principals:
                    yield Problem(f"{policy.attribute} uses NotPrincipal")
                if policy.kind == "identity":
                    if statement.principals:
                        yield Problem(f"{policy.attribute} names a principal")
                    continue
                if not statement.principals:
                    yield Problem(f"{policy.attribute} has a statement without Principal")
                if statement.denies:
                    continue
                for kind, value in statement.principals:
                    if _is_ours(kind, value):
                        yield from _beyond(statement, resource, policy.attribute)
                        continue
                    if not _is_alarm(kind, value, statement):
                        yield Problem(
                            f"{policy.attribute} lets in {kind} {shown(value)} "
                            f"under {shown(statement.conditions)}",
                            shown(value),
                            "this account or its alarms",
                        )
                    elif policy.kind == "resource" and not _is_publishing(statement, resource):
                        yield Problem(
                            f"{policy.attribute} lets alarms {shown(statement.actions)}",
                            shown(statement.actions),
                            "sns:Publish, to processing-errors",
                        )


def _beyond(statement: Statement, resource: Resource, attribute: str) -> Iterator[Problem]:
    """What a queue's or topic's policy allows the account beyond what it is for."""
    known = ACTIONS.get(resource.type.removesuffix("_policy"))
    if known is None:
        return  # what the key's owner may do is KeyPolicy's
    listed = {action.lower() for action in known}
    others = [str(a) for a in statement.actions if str(a).lower() not in listed]
    if others:
        yield Problem(
            f"{attribute} allows the account {', '.join(others)}",
            shown(others),
            f"some of {', '.join(known)}",
        )


def _is_ours(kind: str, value: Value) -> bool:
    if kind != "AWS":
        return False
    if is_account(value):
        return True
    return (
        isinstance(value, Text)
        and len(value.parts) == 3
        and value.parts[0] == "arn:aws:iam::"
        and is_account(value.parts[1])
        and value.parts[2] == ":root"
    )


def _is_alarm(kind: str, value: Value, statement: Statement) -> bool:
    return (kind, value) == ("Service", "cloudwatch.amazonaws.com") and admits_alarms(statement)


def _is_publishing(statement: Statement, resource: Resource) -> bool:
    """Whether all that a statement lets alarms do is to publish errors."""
    return (
        resource.type == "aws_sns_topic"
        and own_name(resource) == requirement.suffixed(requirement.ERROR_TOPIC)
        and {str(action).lower() for action in statement.actions} == {"sns:publish"}
    )


offer(IamPrincipals, __name__)
