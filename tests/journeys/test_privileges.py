"""Least privilege on the deployed pipeline: enough, and nothing to spare.

`HYPOTHESIS_PROFILE=long` takes every grant away in turn; otherwise one of each kind of holder.
"""

from __future__ import annotations

import json
import os

import pytest

from local.console import Voice
from local.errors import LocalError
from local.grants import KEY, READER, Grant
from local.prove_iam import run
from tests.journeys.stage import FIRST, Journey

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]

SAMPLE = {
    ("webhook-processor", "dynamodb:PartiQLInsert"),
    ("price-enricher", "dynamodb:PartiQLUpdate"),
    ("price-enricher", "dynamodb:ListStreams"),
    ("error-notifier", "sns:Publish"),
    (READER, "dynamodb:Query"),
    ("webhook-processor (function policy)", "lambda:InvokeFunction"),
    (KEY, "kms:Encrypt"),
}


def chosen(grant: Grant) -> bool:
    whole = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    return whole or (grant.holder, grant.action) in SAMPLE


def test_no_grant_is_missing_and_none_can_be_spared(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    verdicts = run(Voice(), deployment, chosen)
    assert {(each.holder, each.action) for each in verdicts} >= SAMPLE
    assert [each for each in verdicts if not each.ok] == []
    assert {each.action for each in verdicts if each.page} >= {"dynamodb:ListStreams"}
    # Every policy is as it was deployed.
    assert deployment.terraform.plan().none


def test_a_grant_that_nothing_shows_the_use_of_is_refused(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    iam, role = deployment.client("iam"), f"price-enricher-{FIRST}"
    statement = {"Sid": "Extra", "Effect": "Allow", "Action": "dynamodb:Scan", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="extra", PolicyDocument=document)
    try:
        with pytest.raises(LocalError, match=r"price-enricher dynamodb:Scan \(Extra\)"):
            run(Voice(), deployment)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="extra")
