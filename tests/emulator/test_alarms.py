"""CloudWatch alarms: complete descriptions, states by AWS's own tables, permission to publish."""

import itertools
import json
import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.emulator import ACCOUNT_ID
from local.emulator.alarm_states import state
from tests.emulator.embedded import Aws, eventually
from tests.emulator.test_topics import key_for

_names = itertools.count(1)


def alarm(aws: Aws, dimension: str, topic: str = "", **more: Any) -> str:
    name = f"alarm-{next(_names)}"
    given: dict[str, Any] = {
        "AlarmName": name,
        "AlarmDescription": "too <many> & more",
        "Namespace": "Test",
        "MetricName": "Failures",
        "Dimensions": [{"Name": "FunctionName", "Value": dimension}],
        "Statistic": "Sum",
        "Period": 60,
        # Long enough to be seen in: a minute of AWS's takes a tenth of a second here.
        "EvaluationPeriods": 50,
        "DatapointsToAlarm": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [topic] if topic else [],
    }
    aws.client("cloudwatch").put_metric_alarm(**{**given, **more})
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


def goes(aws: Aws, name: str, state: str) -> dict[str, Any]:
    """The alarm as described once it is in a state."""

    def there() -> dict[str, Any] | None:
        found = described(aws, name)
        return found if found["StateValue"] == state else None

    return eventually(there, what=f"{name} in {state}")


# A minute that is within the threshold (0), beyond it (X) or missing (-), the oldest first, and
# the state by how missing data are treated: as AWS's page shows it for alarms of 3 out of 3
# datapoints, and of 2 out of 3. `=` keeps the state.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
HOW = ("missing", "ignore", "breaching", "notBreaching")
TABLES = [
    (3, "0-X-X", ("OK", "OK", "OK", "OK")),
    (3, "----0", ("OK", "OK", "OK", "OK")),
    (3, "-----", ("INSUFFICIENT_DATA", "=", "ALARM", "OK")),
    (3, "0XX-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (3, "--X--", ("ALARM", "=", "ALARM", "OK")),
    (2, "0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (2, "00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
    (2, "0-X--", ("OK", "OK", "ALARM", "OK")),
    (2, "----0", ("OK", "OK", "ALARM", "OK")),
    (2, "---X-", ("ALARM", "=", "ALARM", "OK")),
]


@pytest.mark.parametrize("current", ["OK", "ALARM"])
@pytest.mark.parametrize(("datapoints", "seen", "expected"), TABLES)
def test_a_state_follows_from_the_minutes_as_aws_shows(
    datapoints: int, seen: str, expected: tuple[str, ...], current: str
) -> None:
    breaching = [{"0": False, "X": True, "-": None}[one] for one in seen]
    found = [state(breaching, 3, datapoints, missing, current) for missing in HOW]
    assert found == [current if one == "=" else one for one in expected]


def test_an_alarm_goes_and_comes_back_and_both_are_told(aws: Aws) -> None:
    topic = aws.topic()
    listener = aws.listen(topic)
    allow_cloudwatch(aws, topic)
    name = alarm(aws, f"both-{topic}", topic, OKActions=[topic])
    goes(aws, name, "OK")
    put(aws, f"both-{topic}", 2)
    goes(aws, name, "ALARM")
    goes(aws, name, "OK")
    told: list[dict[str, Any]] = []

    def all_told() -> bool:
        told.extend(json.loads(each["Body"]) for each in aws.messages(listener))
        return len(told) == 3

    eventually(all_told, what="three messages")
    changes = [(each["OldStateValue"], each["NewStateValue"]) for each in told]
    assert changes == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    (alarmed,) = (each for each in told if each["NewStateValue"] == "ALARM")
    assert alarmed["NewStateReason"].startswith(
        "Threshold Crossed: 1 out of the last 1 datapoints [2.0] was greater than or equal to the "
        "threshold (1.0)"
    )
    assert alarmed["AlarmArn"].endswith(f":alarm:{name}")
    assert alarmed["Region"] == "US East (N. Virginia)"
    trigger = alarmed["Trigger"]
    assert trigger["Dimensions"] == [{"value": f"both-{topic}", "name": "FunctionName"}]
    assert (trigger["Statistic"], trigger["Threshold"]) == ("SUM", 1.0)
    history = aws.client("cloudwatch").describe_alarm_history(
        AlarmName=name, HistoryItemType="StateUpdate"
    )["AlarmHistoryItems"]
    assert sum("from OK to ALARM" in item["HistorySummary"] for item in history) == 1


def test_silence_can_be_the_alarm(aws: Aws) -> None:
    name = alarm(
        aws,
        "silent",
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
        DatapointsToAlarm=50,
    )
    found = goes(aws, name, "ALARM")
    assert "missing datapoints were treated as [Breaching]" in found["StateReason"]
    put(aws, "silent", 1)
    goes(aws, name, "OK")
    goes(aws, name, "ALARM")


def test_metrics_are_added_up_and_missing_ones_count_as_zero(aws: Aws) -> None:
    """GIVEN three sources of which one never speaks THEN the sum of the others is judged."""
    name = summed(aws, "one", "two", "never", EvaluationPeriods=100, DatapointsToAlarm=1)
    goes(aws, name, "OK")
    low = aws.client("cloudwatch")
    for of, value in (("one", 2), ("two", 2)):
        low.put_metric_data(
            Namespace="Test",
            MetricData=[
                {
                    "MetricName": "Failures",
                    "Dimensions": [{"Name": "FunctionName", "Value": of}],
                    "Value": value,
                    # In one minute, whenever the two calls come.
                    "Timestamp": int(time.time()) - 2,
                }
            ],
        )
    goes(aws, name, "ALARM")


def test_another_expression_is_refused(aws: Aws) -> None:
    with pytest.raises(ClientError, match=r"evaluates SUM\(FILL\(METRICS\(\),0\)\) alone"):
        summed(aws, "f", Metrics=[{**SUM, "Expression": "f / 2"}, failures("f")])


def test_the_depth_of_a_queue_is_a_metric(aws: Aws) -> None:
    queue = aws.queue()
    name = f"alarm-{next(_names)}"
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": queue.rsplit("/", 1)[-1]}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    goes(aws, name, "OK")
    aws.sqs.send_message(QueueUrl=queue, MessageBody="x")
    goes(aws, name, "ALARM")
    aws.sqs.purge_queue(QueueUrl=queue)
    goes(aws, name, "OK")


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
    goes(aws, mine, "ALARM")
    assert described(aws, other)["StateValue"] == "OK"


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
    goes(aws, name, "ALARM")
    # A change is published before the next one: with this one described, it is there or never.
    found = [json.loads(each["Body"]) for each in aws.messages(listener)]
    assert [each["NewStateValue"] for each in found if each["AlarmName"] == name][:1] == (
        ["ALARM"] if topic_allows and key_allows else []
    )


def test_an_alarm_does_not_publish_under_a_disabled_key(aws: Aws) -> None:
    key = key_for(aws, USE)
    topic = aws.topic(KmsMasterKeyId=key)
    listener = aws.listen(topic)
    allow_cloudwatch(aws, topic)
    aws.kms.disable_key(KeyId=key)
    name = alarm(aws, f"d-{topic}", topic)
    put(aws, f"d-{topic}", 3)
    goes(aws, name, "ALARM")
    assert aws.messages(listener) == []


def test_the_description_is_well_formed_xml() -> None:
    from local.emulator.alarms import describe

    text = describe({"AlarmName": "a<b>&\"'", "AlarmArn": "x", "Dimensions": []})
    assert ET.fromstring(text).findtext("AlarmName") == "a<b>&\"'"
