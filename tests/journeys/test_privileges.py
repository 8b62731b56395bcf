"""Least privilege on the deployed pipeline: enough, and nothing to spare.

`HYPOTHESIS_PROFILE=long` takes every grant away in turn; otherwise one of each kind of holder.
"""

from __future__ import annotations

import json
import os

import pytest

from local import pipeline
from local.console import Voice
from local.deployer import EMAIL_POLICY, role
from local.deployer_policy import pattern
from local.errors import LocalError
from local.grants import KEY, READER, Grant
from local.prove_iam import run
from local.terraform import Changes, TerraformFailed
from tests.journeys.stage import FIRST, SECOND, Journey

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


ADDRESS = {"sns:Subscribe", "sns:Unsubscribe", "sns:GetSubscriptionAttributes"}


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


@pytest.mark.long
def test_an_address_for_the_alarms_takes_the_rights_of_its_own_document(journey: Journey) -> None:
    """GIVEN settings that name an address THEN its three rights are asked for, and suffice."""
    plain = journey.deployment(SECOND).terraform
    with plain.place.overlay.open("a", encoding="utf-8") as overlay:
        overlay.write('\n[alarms]\nemail = "on-call@example.com"\n')
    # Not judged: the policies hold an address against the project's own settings, which name none.
    plain.prepare(pipeline.synthesize(plain.place, SECOND))
    with pytest.raises(TerraformFailed, match="sns:Subscribe"):
        plain.apply(lambda _: None)

    # The settings have an address now, and so does whoever deploys.
    named = journey.deployment(SECOND)
    assert named.terraform.apply(lambda _: None) == Changes(add=1)
    sns, topic = named.client("sns"), named.outputs["error_topic_arn"]

    def addresses() -> list[str]:
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return [each["Endpoint"] for each in found if each["Protocol"] == "email"]

    assert addresses() == ["on-call@example.com"]
    assert named.terraform.plan().none
    assert "1 removed" in journey.up(SECOND)
    assert addresses() == []

    uses = journey.control("GET", "grants")["grants"]
    mine = [use for use in uses if use["action"] in ADDRESS and use["principal"] == role(SECOND)]
    granted = {
        (action, resource)
        for statement in json.loads(EMAIL_POLICY.read_text(encoding="utf-8"))["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    assert {(use["action"], pattern(use["resource"], SECOND)) for use in mine} == granted
