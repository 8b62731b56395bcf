"""Alarms and subscriptions: there and right if, and only if, the settings say so."""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from policies.policy import Verdict
from stack import settings
from tests.policies.documents import Document, Pipeline, named, only, refused, told
from tests.stack.synthesis import variants

ALARM, SUBSCRIPTION = "aws_cloudwatch_metric_alarm", "aws_sns_topic_subscription"
SETTINGS = '[alarms]\nemail = "ops@example.com"\n[alarms.stale_feed]\nminutes = 0\n'


@pytest.fixture
def told_by_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A stack with a subscriber and without the alarm on a stale feed, and the settings of it."""
    overlay = tmp_path / "settings.toml"
    overlay.write_text(SETTINGS)
    monkeypatch.setenv(settings.OVERLAY_VARIABLE, str(overlay))
    chosen = variants()["told"]
    folder = tmp_path / "stack"
    folder.mkdir()
    shutil.copytree(chosen.folder / "assets", folder / "assets")
    return Pipeline(copy.deepcopy(chosen.document), folder)


def test_what_the_settings_choose_passes(told_by_mail: Pipeline) -> None:
    judgement = told_by_mail.judge(told_by_mail.document)
    assert judgement.verdict is Verdict.PASSED, told(judgement)


@pytest.mark.parametrize(
    "values",
    [
        {"endpoint": "someone@example.com"},
        {"endpoint": "${var.environmentSuffix}@example.com"},
        {"endpoint": None},
        {"protocol": "https"},
        {"protocol": "email-json"},
        {"topic_arn": "${aws_sns_topic.success_topic_topic.arn}"},
        {"topic_arn": "arn:aws:sns:us-east-1:111122223333:processing-errors-dev"},
        {"topic_arn": None},
    ],
    ids=str,
)
def test_another_subscriber_is_refused(told_by_mail: Pipeline, values: Document) -> None:
    judgement = told_by_mail.altered(lambda d: only(d, SUBSCRIPTION).update(values))
    assert refused(judgement, "CKV_PRICE_53", f"{SUBSCRIPTION}.alarms_email"), told(judgement)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["resource"].pop(SUBSCRIPTION),
        lambda d: d["resource"][SUBSCRIPTION].update(again=only(d, SUBSCRIPTION)),
        lambda d: only(d, SUBSCRIPTION).update(count=0),
    ],
    ids=["none", "two", "zero"],
)
def test_the_subscriber_of_the_settings_has_to_be_there_once(
    told_by_mail: Pipeline, change: Callable[[Document], object]
) -> None:
    assert refused(told_by_mail.altered(change), "CKV_PRICE_21")


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("filter_policy", "{}"),
        ("delivery_policy", "{}"),
        ("raw_message_delivery", True),
        ("redrive_policy", "{}"),
        ("endpoint_auto_confirms", True),
    ],
)
def test_a_subscription_has_no_more_than_it_needs(
    told_by_mail: Pipeline, attribute: str, value: object
) -> None:
    judgement = told_by_mail.altered(lambda d: only(d, SUBSCRIPTION).update({attribute: value}))
    assert refused(judgement, "CKV_PRICE_22", f"{SUBSCRIPTION}.alarms_email"), told(judgement)


def test_a_document_of_other_settings_is_refused(
    pipeline: Pipeline, told_by_mail: Pipeline
) -> None:
    """GIVEN settings without the alarm on a stale feed THEN a stack that has it is another one."""
    judgement = told_by_mail.judge(pipeline.document)
    assert refused(judgement, "CKV_PRICE_21", f"{ALARM}.alarms_stale_feed"), told(judgement)


def _encoded(page: object) -> str:
    """The page as an expression of Terraform's instead of a text."""
    expression = re.sub(r'"\$\{([^}"]+)\}"', r"\1", json.dumps(page))
    return f"${{jsonencode({expression})}}"


HARMLESS: dict[str, Callable[[Document], object]] = {
    "numbers as text": lambda d: named(d, ALARM, "function-errors").update(
        threshold="1", evaluation_periods="5", datapoints_to_alarm="1"
    ),
    "queries in another order": lambda d: named(d, ALARM, "function-errors")[
        "metric_query"
    ].reverse(),
    "other ids": lambda d: named(d, ALARM, "function-errors")["metric_query"][1].update(id="m1"),
    "the sum without spaces": lambda d: named(d, ALARM, "function-errors")["metric_query"][
        0
    ].update(expression="SUM(FILL(METRICS(),0))"),
    "data not returned, and said so": lambda d: named(d, ALARM, "function-errors")["metric_query"][
        1
    ].update(return_data=False),
    "a patient threshold": lambda d: named(d, ALARM, "function-throttles").update(
        threshold=10, evaluation_periods=15, datapoints_to_alarm=5
    ),
    "another description": lambda d: named(d, ALARM, "function-errors").update(
        alarm_description="Look into the logs"
    ),
    "the page by jsonencode": lambda d: only(d, "aws_cloudwatch_dashboard").update(
        dashboard_body=_encoded(json.loads(only(d, "aws_cloudwatch_dashboard")["dashboard_body"]))
    ),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_the_same_passes(what: str, pipeline: Pipeline) -> None:
    judgement = pipeline.altered(HARMLESS[what])
    assert judgement.verdict is Verdict.PASSED, told(judgement)
