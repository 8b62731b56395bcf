"""IAM policy documents as JSON strings, each statement with its exact actions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Statement = Mapping[str, Any]


def document(*statements: Statement) -> str:
    """Write a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(sid: str, actions: Sequence[str], resources: Sequence[str], **more: Any) -> Statement:
    """Allow `actions` on `resources`; `more` adds Principal or Condition."""
    return _statement("Allow", sid, actions, resources, more)


def deny_without_tls(sid: str, actions: Sequence[str], resource: str) -> Statement:
    """Refuse `actions` on `resource` to whoever comes without TLS.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
    """
    without_tls = {
        "Principal": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return _statement("Deny", sid, actions, [resource], without_tls)


def from_alarms(account: str, region: str) -> Statement:
    """The principal and condition that let in CloudWatch alarms of this account alone."""
    return {
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account},
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:{account}:alarm:*"},
        },
    }


def _statement(
    effect: str, sid: str, actions: Sequence[str], resources: Sequence[str], more: Statement
) -> Statement:
    return {
        "Sid": sid,
        "Effect": effect,
        "Action": list(actions),
        "Resource": list(resources),
        **more,
    }
