"""The alarms and the dashboard of the synthesized stack, and what the settings change of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from stack import settings
from tests.stack.synthesis import ROOT, SUFFIX, Synthesized, variants

ALARM = "aws_cloudwatch_metric_alarm"
ERRORS = "${aws_sns_topic.error_topic_topic.arn}"
EVERYWHERE = ("webhook_processor", "price_enricher", "error_notifier")


def function(id_: str) -> dict[str, str]:
    return {"FunctionName": f"${{aws_lambda_function.{id_}_function.function_name}}"}


@pytest.mark.parametrize(
    ("id_", "name"),
    [(id_, id_.replace("_", "-")) for id_ in EVERYWHERE],
)
def test_a_dead_letter_raises_an_alarm(synthesized: Synthesized, id_: str, name: str) -> None:
    alarm = synthesized.one(ALARM, f"alarms_dead_letters_{id_}")
    assert alarm["alarm_name"] == f"{name}-dlq-depth-{SUFFIX}"
    assert (alarm["namespace"], alarm["metric_name"], alarm["statistic"]) == (
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum",
    )  # fmt: skip
    assert alarm["dimensions"] == {"QueueName": f"${{aws_sqs_queue.{id_}_dead_letters_queue.name}}"}
    assert (alarm["threshold"], alarm["datapoints_to_alarm"]) == (1, 1)


@pytest.mark.parametrize(
    ("id_", "name", "metric", "functions"),
    [
        ("errors", "function-errors", "Errors", EVERYWHERE),
        ("throttles", "function-throttles", "Throttles", EVERYWHERE),
        ("dead_letter_errors", "dead-letter-errors", "DeadLetterErrors", EVERYWHERE),
        (
            "destination_failures",
            "destination-failures",
            "DestinationDeliveryFailures",
            EVERYWHERE[:2],
        ),
    ],
)
def test_one_alarm_serves_several_functions(
    synthesized: Synthesized, id_: str, name: str, metric: str, functions: tuple[str, ...]
) -> None:
    alarm = synthesized.one(ALARM, f"alarms_{id_}")
    assert alarm["alarm_name"] == f"{name}-{SUFFIX}"
    total, *single = alarm["metric_query"]
    assert total == {
        "id": "together",
        "expression": "SUM(FILL(METRICS(), 0))",
        "return_data": True,
    }
    assert {query["id"]: query["metric"] for query in single} == {
        each: {
            "namespace": "AWS/Lambda",
            "metric_name": metric,
            "dimensions": function(each),
            "stat": "Sum",
            "period": 60,
        }
        for each in functions
    }
    # What is filled in may stand before a late datapoint: one minute alone would miss it.
    assert alarm["evaluation_periods"] >= 3


def test_a_lagging_enricher_and_a_stale_feed_raise_an_alarm(synthesized: Synthesized) -> None:
    lag = synthesized.one(ALARM, "alarms_iterator_age")
    assert (lag["metric_name"], lag["statistic"]) == ("IteratorAge", "Maximum")
    assert lag["dimensions"] == function("price_enricher")
    stale = synthesized.one(ALARM, "alarms_stale_feed")
    assert (stale["metric_name"], stale["dimensions"]) == (
        "Invocations", function("webhook_processor"),
    )  # fmt: skip
    assert (stale["comparison_operator"], stale["threshold"]) == ("LessThanThreshold", 1)
    minutes = settings.load().alarms.stale_feed.minutes
    assert stale["evaluation_periods"] == stale["datapoints_to_alarm"] == minutes > 0


def test_every_alarm_and_its_end_is_published(synthesized: Synthesized) -> None:
    alarms = synthesized.resources(ALARM)
    assert 0 < len(alarms) <= 10
    for name, alarm in alarms.items():
        assert alarm["alarm_actions"] == alarm["ok_actions"] == [ERRORS], name
        assert alarm["actions_enabled"] is True
        expected = "breaching" if "stale" in name else "notBreaching"
        assert alarm["treat_missing_data"] == expected, name
        assert "docs/operating.md" in alarm["alarm_description"]


def test_the_dashboard_shows_alarms_and_metrics_by_reference(synthesized: Synthesized) -> None:
    page = synthesized.one("aws_cloudwatch_dashboard")
    assert page["dashboard_name"] == f"price-pipeline-{SUFFIX}"
    states, *graphs = json.loads(page["dashboard_body"])["widgets"]
    alarms = {f"${{{ALARM}.{name}.arn}}" for name in synthesized.resources(ALARM)}
    assert set(states["properties"]["alarms"]) == alarms
    rows = [row for graph in graphs for row in graph["properties"]["metrics"]]
    assert {row[0] for row in rows} == {
        "AWS/ApiGateway", "AWS/DynamoDB", "AWS/Lambda", "AWS/SNS", "AWS/SQS",
    }  # fmt: skip
    assert all(value.startswith("${aws_") for row in rows for value in row[3::2])
    assert {graph["properties"]["region"] for graph in graphs} == {"us-east-1"}
    places = [(graph["x"], graph["y"]) for graph in graphs]
    assert len(set(places)) == len(places)


def test_the_settings_add_a_subscriber_and_take_the_stale_feed_away() -> None:
    dev, told = variants()["dev"], variants()["told"]
    kind = "aws_sns_topic_subscription"
    assert dev.resources(kind) == {}
    subscription: dict[str, Any] = told.one(kind)
    assert {key: subscription[key] for key in ("endpoint", "protocol", "topic_arn")} == {
        "endpoint": "ops@example.com",
        "protocol": "email",
        "topic_arn": ERRORS,
    }
    assert set(dev.resources(ALARM)) - set(told.resources(ALARM)) == {"alarms_stale_feed"}
    assert "stale_feed" not in told.one("aws_cloudwatch_dashboard")["dashboard_body"]


def test_the_handbook_says_what_to_do_about_each_alarm() -> None:
    handbook = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    section = handbook.split("\n## Alarms\n")[1].split("\n## ")[0]
    headings = re.findall(r"^### (.+)$", section, re.MULTILINE)
    names = {
        alarm["alarm_name"].removesuffix(f"-{SUFFIX}")
        for alarm in variants()["dev"].resources(ALARM).values()
    }
    assert sorted(headings) == sorted(names)
