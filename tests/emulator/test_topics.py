"""SNS: delivery to queues, topics under a key; Lambda's records to such topics."""

import json
from typing import Any

import pytest

from local.emulator import ACCOUNT_ID
from tests.emulator.embedded import Aws, Emulator, eventually


def key_for(aws: Aws, *statements: dict[str, Any]) -> str:
    """A key that its account administers, with further statements."""
    owner = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt", "kms:PutKeyPolicy", "kms:DescribeKey"],
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [owner, *statements]}
    return str(aws.kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"])


@pytest.mark.parametrize("raw", [True, False])
def test_a_queue_gets_what_is_published(aws: Aws, raw: bool) -> None:
    topic = aws.topic()
    listener = aws.listen(topic, raw=raw)
    attributes = {"suffix": {"DataType": "String", "StringValue": "dev"}}
    aws.sns.publish(TopicArn=topic, Subject="s", Message="hello", MessageAttributes=attributes)
    message = aws.message(listener)
    if raw:
        assert message["Body"] == "hello"
        assert message["MessageAttributes"]["suffix"]["StringValue"] == "dev"
    else:
        body = json.loads(message["Body"])
        assert (body["Type"], body["Message"], body["Subject"]) == ("Notification", "hello", "s")
        assert body["TopicArn"] == topic
        assert body["MessageAttributes"]["suffix"] == {"Type": "String", "Value": "dev"}


def test_a_queue_whose_policy_does_not_name_the_topic_gets_nothing(aws: Aws) -> None:
    topic = aws.topic()
    url = aws.queue()
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=aws.queue_arn(url))
    aws.sns.publish(TopicArn=topic, Message="hello")
    assert aws.messages(url) == []


PUBLISH = """
try: return boto3.client("sns").publish(TopicArn=event, Message="x")["MessageId"] and "sent"
except Exception as error: return str(error)
"""


def test_who_publishes_under_a_key_must_be_able_to_use_it(aws: Aws, emulator: Emulator) -> None:
    key = key_for(aws)
    topic = aws.topic(KmsMasterKeyId=key)
    function = aws.function(PUBLISH, ("sns:Publish", topic))
    emulator.control("DELETE", "denials")
    assert "KMSAccessDenied" in json.loads(function.invoke(topic)["Payload"])
    denial = emulator.control("GET", "denials")["denials"][-1]
    assert (denial["action"], denial["resource"]) == ("kms:GenerateDataKey", key)

    function.grant(("sns:Publish", topic), ("kms:GenerateDataKey", key))
    assert "kms:Decrypt" in json.loads(function.invoke(topic)["Payload"])
    function.grant(("sns:Publish", topic), (["kms:GenerateDataKey", "kms:Decrypt"], key))
    assert json.loads(function.invoke(topic)["Payload"]) == "sent"
    grants = emulator.control("GET", "grants")["grants"]
    used = {g["action"] for g in grants if g["principal"] == function.role and g["allowed"]}
    assert {"sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"} <= used


def test_a_disabled_key_refuses_publication(aws: Aws) -> None:
    key = key_for(aws)
    topic = aws.topic(KmsMasterKeyId=key)
    aws.kms.disable_key(KeyId=key)
    with pytest.raises(aws.sns.exceptions.KMSDisabledException):
        aws.sns.publish(TopicArn=topic, Message="x")


def test_lambdas_own_record_needs_the_roles_right_to_the_key(aws: Aws, emulator: Emulator) -> None:
    key = key_for(aws)
    topic = aws.topic(KmsMasterKeyId=key)
    listener = aws.listen(topic)
    function = aws.function("return 1", on_success=topic)
    emulator.control("DELETE", "denials")
    function.invoke({}, "Event")

    def denied() -> bool:
        found = emulator.control("GET", "denials")["denials"]
        return any(one["action"] == "kms:GenerateDataKey" for one in found)

    eventually(denied)
    assert aws.messages(listener) == []
    function.grant(("sns:Publish", topic), (["kms:GenerateDataKey", "kms:Decrypt"], key))
    function.invoke({}, "Event")
    assert json.loads(aws.message(listener)["Body"])["requestContext"]["condition"] == "Success"
