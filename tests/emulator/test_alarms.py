"""CloudWatch alarms: complete descriptions, their own dimensions, permission to publish."""

import itertools
import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from local.emulator import ACCOUNT_ID
from tests.emulator.embedded import Aws
from tests.emulator.test_topics import key_for

_names = itertools.count(1)


def alarm(aws: Aws, dimension: str, topic: str = "", **more: Any) -> str:
    name = f"alarm-{next(_names)}"
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmDescription="too <many> & more",
        Namespace="Test",
        MetricName="Failures",
        Dimensions=[{"Name": "FunctionName", "Value": dimension}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic] if topic else [],
        **more,
    )
    return name


def put(aws: Aws, dimension: str, value: float) -> None:
    aws.client("cloudwatch").put_metric_data(
        Namespace="Test",
        MetricData=[
            {
                "MetricName": "Failures",
                "Dimensions": [{"Name": "FunctionName", "Value": dimension}],
                "Value": value,
            }
        ],
    )


def described(aws: Aws, name: str) -> dict[str, Any]:
    (found,) = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def test_every_field_that_was_set_is_described(aws: Aws) -> None:
    topic = aws.topic()
    name = alarm(aws, "f", topic, OKActions=[topic], InsufficientDataActions=[topic])
    found = described(aws, name)
    assert found["AlarmDescription"] == "too <many> & more"
    assert found["Dimensions"] == [{"Name": "FunctionName", "Value": "f"}]
    assert found["AlarmActions"] == found["OKActions"] == [topic]
    assert found["InsufficientDataActions"] == [topic]
    assert (found["Statistic"], found["Period"]) == ("Sum", 60)
    assert found["TreatMissingData"] == "notBreaching"
    assert found["ActionsEnabled"] is True
    assert found["AlarmConfigurationUpdatedTimestamp"]
    assert "Unit" not in found


def failures(of: str) -> dict[str, Any]:
    dimensions = [{"Name": "FunctionName", "Value": of}]
    return {
        "Id": of,
        "MetricStat": {
            "Metric": {"Namespace": "Test", "MetricName": "Failures", "Dimensions": dimensions},
            "Period": 60,
            "Stat": "Sum",
        },
        "ReturnData": False,
    }


SUM = {"Id": "together", "Expression": "SUM(FILL(METRICS(), 0))", "ReturnData": True}


def summed(aws: Aws, *of: str, **more: Any) -> str:
    """An alarm on several metrics together."""
    name = f"alarm-{next(_names)}"
    aws.client("cloudwatch").put_metric_alarm(
        **{
            "AlarmName": name,
            "Metrics": [SUM, *map(failures, of)],
            "EvaluationPeriods": 1,
            "Threshold": 3.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **more,
        }
    )
    return name


def test_metric_queries_are_described_as_they_were_put(aws: Aws) -> None:
    found = described(aws, summed(aws, "f", "g"))
    assert found["Metrics"] == [SUM, failures("f"), failures("g")]
    assert not {"MetricName", "Namespace", "Statistic", "Period"} & set(found)


def test_an_alarm_sees_only_the_metric_of_its_dimensions(aws: Aws) -> None:
    mine, other = alarm(aws, "mine"), alarm(aws, "other")
    put(aws, "mine", 5)
    assert described(aws, mine)["StateValue"] == "ALARM"
    assert described(aws, other)["StateValue"] == "INSUFFICIENT_DATA"


def allow_cloudwatch(aws: Aws, topic: str) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


USE = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
    "Resource": "*",
}


@pytest.mark.parametrize("topic_allows", [True, False])
@pytest.mark.parametrize("key_allows", [True, False])
def test_an_alarm_publishes_only_where_topic_and_key_let_it(
    aws: Aws, topic_allows: bool, key_allows: bool
) -> None:
    key = key_for(aws, *([USE] if key_allows else []))
    topic = aws.topic(KmsMasterKeyId=key)
    listener = aws.listen(topic)
    if topic_allows:
        allow_cloudwatch(aws, topic)
    else:
        deny_all = json.dumps({"Version": "2012-10-17", "Statement": []})
        aws.sns.set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=deny_all
        )
    dimension = f"d-{topic}"
    name = alarm(aws, dimension, topic)
    put(aws, dimension, 3)
    assert described(aws, name)["StateValue"] == "ALARM"
    found = aws.messages(listener)
    assert len(found) == (topic_allows and key_allows)
    if found:
        assert json.loads(found[0]["Body"])["AlarmName"] == name


def test_the_description_is_well_formed_xml() -> None:
    from local.emulator.alarms import describe

    text = describe({"AlarmName": "a<b>&\"'", "AlarmArn": "x", "Dimensions": []})
    assert ET.fromstring(text).findtext("AlarmName") == "a<b>&\"'"
