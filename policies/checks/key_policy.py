"""The key can be used by whom it must, and administered and deleted by its owner."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

if "." not in __name__:  # run by plain Checkov, which may start in any folder
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.model.expressions import Text
from policies.model.iam import Statement, parse
from policies.model.stack import Resource, Stack
from policies.model.transport import admits_alarms, is_account
from policies.offer import offer
from policies.policy import Policy, Problem, shown

# Without these the key cannot be created, read back, handed to functions or destroyed.
# https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
OWNER = {
    "kms:createalias", "kms:creategrant", "kms:decrypt", "kms:deletealias", "kms:describekey",
    "kms:enablekeyrotation", "kms:encrypt", "kms:generatedatakey", "kms:getkeypolicy",
    "kms:getkeyrotationstatus", "kms:listresourcetags", "kms:putkeypolicy",
    "kms:schedulekeydeletion", "kms:tagresource",
}  # fmt: skip
# What its administration may need besides; anything more opens the key to other uses.
FURTHER = {
    "kms:cancelkeydeletion", "kms:disablekey", "kms:disablekeyrotation", "kms:enablekey",
    "kms:listgrants", "kms:listkeypolicies", "kms:revokegrant", "kms:untagresource",
    "kms:updatealias", "kms:updatekeydescription",
}  # fmt: skip
ALARM = ("Service", "cloudwatch.amazonaws.com")
ALARMS = {"kms:decrypt", "kms:generatedatakey"}


class KeyPolicy(Policy):
    """A key whose policy forgets its owner can neither be changed nor deleted, by anyone."""

    id = "CKV_PRICE_33"
    name = "The key's policy lets its owner administer and delete it, alarms publish, and no more"
    severity = "CRITICAL"
    page = "https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-overview.html"
    fix = (
        "Allow the account's root what policies/checks/key_policy.py lists, alarms Decrypt and "
        "GenerateDataKey."
    )
    applies_to = ("aws_kms_key",)
    guards = ("policy",)

    def judge(self, resource: Resource, stack: Stack) -> Iterator[Problem]:
        """Sum up what owner and alarms may do."""
        if resource.body.value("policy") is None:
            yield Problem("has no policy of its own: AWS's default allows kms:*", "none", "one")
            return
        for other in stack.of("aws_kms_key_policy"):
            yield Problem(f"is overruled by {other.address}", address=other.address)
        document = parse(resource.body.value("policy"), stack, "key")
        owner: set[str] = set()
        alarms: set[str] = set()
        beyond: dict[str, set[str]] = {"its owner": set(), "alarms": set()}
        for statement in document.statements:
            actions = {str(action).lower() for action in statement.actions}
            if statement.denies:
                yield Problem("has a Deny, which could lock its owner out", shown(statement.sid))
                continue
            if _is_owner(statement):
                beyond["its owner"] |= actions - OWNER - FURTHER
                owner |= actions if not statement.conditions else set()
            if ALARM in statement.principals:
                beyond["alarms"] |= actions - ALARMS
                alarms |= actions if admits_alarms(statement) else set()
        for who, missing in (("its owner", OWNER - owner), ("alarms", ALARMS - alarms)):
            if missing:
                yield Problem(
                    f"does not let {who} {', '.join(sorted(missing))}", "missing", "allowed"
                )
        for who, more in beyond.items():
            if more:
                found = ", ".join(sorted(more))
                yield Problem(f"lets {who} {found}", found, "what the fix lists")


def _is_owner(statement: Statement) -> bool:
    return any(
        kind == "AWS"
        and (
            is_account(value)
            or (isinstance(value, Text) and len(value.parts) == 3 and is_account(value.parts[1]))
        )
        for kind, value in statement.principals
    )


offer(KeyPolicy, __name__)
