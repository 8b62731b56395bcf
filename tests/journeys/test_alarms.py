"""A failure that waits in a queue is told of by CloudWatch, and its end too."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.ear import Ear
from tests.journeys import law
from tests.journeys.stage import FIRST, Journey, send, until

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(300)]

DEPTH = f"webhook-processor-dlq-depth-{FIRST}"


def changes(ear: Ear) -> list[dict[str, Any]]:
    """What was published of the alarm on the webhook's queue since the last time."""
    notices = [json.loads(text) for text in ear.listen() if text.startswith("{")]
    return [each for each in notices if each.get("AlarmName") == DEPTH]


def test_a_refused_message_raises_an_alarm_that_ends_with_it(journey: Journey) -> None:
    deployment = journey.deployment(FIRST)
    watch = deployment.client("cloudwatch")

    def state() -> str:
        (alarm,) = watch.describe_alarms(AlarmNames=[DEPTH])["MetricAlarms"]
        return str(alarm["StateValue"])

    law.settle(journey)
    law.emptied(journey)
    until(lambda: state() == "OK")
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    with Ear(sns, sqs, deployment.outputs["error_topic_arn"], FIRST) as errors:
        evidence = send(journey, FIRST, [law.refused(1)])
        assert evidence.counts(0).dead_lettered == 1
        (raised,) = until(lambda: changes(errors))
        assert (raised["OldStateValue"], raised["NewStateValue"]) == ("OK", "ALARM")
        assert "docs/operating.md" in raised["AlarmDescription"]
        assert raised["Trigger"]["Dimensions"] == [
            {"name": "QueueName", "value": f"webhook-processor-dlq-{FIRST}"}
        ]
        assert state() == "ALARM"
        law.emptied(journey)
        (ended,) = until(lambda: changes(errors))
        assert (ended["OldStateValue"], ended["NewStateValue"]) == ("ALARM", "OK")


def test_every_alarm_of_the_stack_is_looked_at(journey: Journey) -> None:
    """WHEN a minute of AWS's has passed THEN no alarm is without a state: all find their data."""
    pages = journey.deployment(FIRST).client("cloudwatch").get_paginator("describe_alarms")

    def unseen() -> list[str]:
        alarms = [alarm for page in pages.paginate() for alarm in page["MetricAlarms"]]
        ours = [each for each in alarms if each["AlarmName"].endswith(f"-{FIRST}")]
        assert len(ours) == 9
        return [e["AlarmName"] for e in ours if e["StateValue"] == "INSUFFICIENT_DATA"]

    until(lambda: not unseen())
