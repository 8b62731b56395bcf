"""Whoever deploys here: a role with the rights of docs/deployer-policy.json, and no others.

The local run signs in as it for everything that Terraform does, so that a right which the
document lacks stops the deployment here, not on AWS. What an e-mail address takes besides stands in
docs/deployer-policy-email.json, what rows that end do in docs/deployer-policy-retention.json; each
is granted where the settings have it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local import emulator as embedded
from local.places import ROOT

POLICY = ROOT / "docs" / "deployer-policy.json"
EMAIL_POLICY = ROOT / "docs" / "deployer-policy-email.json"
RETENTION_POLICY = ROOT / "docs" / "deployer-policy-retention.json"
ACCOUNT, SUFFIX = "<account>", "<suffix>"
"""What the document says instead of an account and a suffix."""

_SESSION = "terraform"
_LONGEST_SECONDS = 12 * 3600
"""A role's sessions last no longer.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-settings.html
"""


def role(suffix: str) -> str:
    """The name of the role that deploys an environment."""
    return f"deployer-{suffix}"


def rights(suffix: str, *besides: Path) -> str:
    """The policy document of whoever deploys this environment to the embedded AWS.

    `besides` are the documents of what its settings have beyond the project's own.
    """
    document = json.loads(POLICY.read_text(encoding="utf-8"))
    for more in besides:
        document["Statement"] += json.loads(more.read_text(encoding="utf-8"))["Statement"]
    text = json.dumps(document)
    return text.replace(ACCOUNT, embedded.ACCOUNT_ID).replace(SUFFIX, suffix)


def signed_in(iam: Any, sts: Any, suffix: str, document: str) -> dict[str, str]:
    """Environment variables of a session of the role, which is made first, or set to `document`."""
    name = role(suffix)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{embedded.ACCOUNT_ID}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    if name not in _roles(iam):
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps(trust),
            MaxSessionDuration=_LONGEST_SECONDS,
        )
    iam.put_role_policy(RoleName=name, PolicyName=_SESSION, PolicyDocument=document)
    arn = f"arn:aws:iam::{embedded.ACCOUNT_ID}:role/{name}"
    session = sts.assume_role(
        RoleArn=arn, RoleSessionName=_SESSION, DurationSeconds=_LONGEST_SECONDS
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
        "AWS_SESSION_TOKEN": session["SessionToken"],
    }


def dismissed(iam: Any, suffix: str) -> None:
    """Remove the role, if there is one."""
    name = role(suffix)
    if name in _roles(iam):
        iam.delete_role_policy(RoleName=name, PolicyName=_SESSION)
        iam.delete_role(RoleName=name)


def _roles(iam: Any) -> Iterator[str]:
    for page in iam.get_paginator("list_roles").paginate():
        for each in page["Roles"]:
            yield each["RoleName"]
