"""Asynchronous invocations: attempts, ages, throttles, destinations, dead letters."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.embedded import Aws, Emulator, eventually


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: one["StringValue"] for name, one in message["MessageAttributes"].items()}


def test_a_failing_event_is_tried_three_times_with_one_request_id_then_dead_lettered(
    aws: Aws,
) -> None:
    function = aws.function(
        """
        log.info("attempt", extra={"seen": event["n"]})
        raise ValueError("broken " * 400)
        """,
        dead_letters=True,
    )
    answer = function.invoke({"n": 7, "text": "é€"}, "Event")
    assert answer["StatusCode"] == 202
    request_id = answer["ResponseMetadata"]["RequestId"]

    message = aws.message(function.dead_letters)

    # The event as it came, byte for byte, not a record about it.
    assert message["Body"] == json.dumps({"n": 7, "text": "é€"})
    found = attributes(message)
    assert found.keys() == {"RequestID", "ErrorCode", "ErrorMessage"}
    assert found["RequestID"] == request_id
    assert found["ErrorCode"] == "200"
    assert message["MessageAttributes"]["ErrorCode"]["DataType"] == "Number"
    assert found["ErrorMessage"] == ("broken " * 400)[:1024]
    attempts = function.said("attempt")
    assert [line["requestId"] for line in attempts] == [request_id] * 3
    assert [line["seen"] for line in attempts] == [7] * 3


def test_no_retries_means_one_attempt(aws: Aws) -> None:
    function = aws.function(
        "log.info('attempt')\nraise KeyError('x')", dead_letters=True, retries=0
    )
    function.invoke({}, "Event")
    aws.message(function.dead_letters)
    assert len(function.said("attempt")) == 1


def test_the_waits_between_attempts_are_one_and_two_minutes(aws: Aws) -> None:
    """At 600 times the speed: 0.1 s and 0.2 s."""
    function = aws.function(
        "log.info('attempt', extra={'at': time.time()})\nraise OSError('no')", dead_letters=True
    )
    function.invoke({}, "Event")
    aws.message(function.dead_letters)
    first, second, third = [line["at"] for line in function.said("attempt")]
    assert 0.1 <= second - first < 1
    assert 0.2 <= third - second < 1


def test_success_is_delivered_as_a_record_with_request_and_response(aws: Aws) -> None:
    topic = aws.topic()
    listener = aws.listen(topic)
    function = aws.function("return {'stored': 2, 'id': context.aws_request_id}", on_success=topic)
    event = {"exchange": "kraken", "price": 0.1}
    request_id = function.invoke(event, "Event")["ResponseMetadata"]["RequestId"]

    record = json.loads(aws.message(listener)["Body"])

    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"stored": 2, "id": request_id},
    }


def test_both_the_queue_and_the_destination_get_a_failure(aws: Aws) -> None:
    target = aws.queue()
    function = aws.function(
        "raise RuntimeError('no')",
        dead_letters=True,
        retries=1,
        on_failure=aws.queue_arn(target),
    )
    function.invoke({"a": 1}, "Event")
    assert aws.message(function.dead_letters)["Body"] == '{"a": 1}'
    record = json.loads(aws.message(target)["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["requestPayload"] == {"a": 1}
    assert record["responsePayload"]["errorType"] == "RuntimeError"


def test_a_burst_over_the_reserved_concurrency_waits_and_is_lost_by_none(aws: Aws) -> None:
    function = aws.function(
        "log.info('ran', extra={'n': event['n']})\ntime.sleep(0.02)",
        reserved=2,
        retries=0,
        dead_letters=True,
    )
    for number in range(30):
        function.invoke({"n": number}, "Event")
    eventually(lambda: len(function.said("ran")) >= 30)
    assert sorted(line["n"] for line in function.said("ran")) == list(range(30))
    assert not aws.messages(function.dead_letters)


def test_reserved_concurrency_of_zero_sends_events_straight_to_the_queue(aws: Aws) -> None:
    function = aws.function("log.info('ran')", reserved=0, dead_letters=True)
    function.invoke({"n": 1}, "Event")
    found = aws.message(function.dead_letters)
    assert found["Body"] == '{"n": 1}'
    assert function.said("ran") == []


def test_a_disabled_key_stops_the_function_but_uses_up_no_attempt(aws: Aws) -> None:
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    function = aws.function(
        "log.info('ran', extra={'secret': os.environ['SECRET']})",
        dead_letters=True,
        retries=0,
        variables={"SECRET": "s"},
        key=key,
    )
    aws.kms.disable_key(KeyId=key)
    with pytest.raises(aws.lambda_.exceptions.KMSDisabledException) as refused:
        function.invoke({})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 502
    function.invoke({"n": 1}, "Event")
    time.sleep(0.1)
    assert not aws.messages(function.dead_letters)
    aws.kms.enable_key(KeyId=key)
    eventually(lambda: function.said("ran"))


def test_an_event_older_than_the_maximum_age_is_dead_lettered(aws: Aws) -> None:
    """A minute of age passes in 0.1 s; the key stays disabled for longer."""
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    function = aws.function(
        "return 1", dead_letters=True, variables={"A": "b"}, key=key, event_age=60
    )
    aws.kms.disable_key(KeyId=key)
    function.invoke({"n": 1}, "Event")
    assert aws.message(function.dead_letters)["Body"] == '{"n": 1}'


def test_a_recreated_role_has_no_grant_on_the_key(aws: Aws) -> None:
    key = aws.kms.create_key()["KeyMetadata"]["Arn"]
    function = aws.function("return 1", variables={"A": "b"}, key=key)
    assert function.invoke({})["Payload"] == b"1"
    aws.iam.delete_role_policy(RoleName=function.role, PolicyName="own")
    document = aws.iam.get_role(RoleName=function.role)["Role"]["AssumeRolePolicyDocument"]
    aws.iam.delete_role(RoleName=function.role)
    aws.iam.create_role(RoleName=function.role, AssumeRolePolicyDocument=json.dumps(document))
    with pytest.raises(aws.lambda_.exceptions.KMSAccessDeniedException):
        function.invoke({})
    aws.lambda_.update_function_configuration(FunctionName=function.name, KMSKeyArn=key)
    assert function.invoke({})["Payload"] == b"1"


def test_without_the_right_to_send_the_dead_letter_is_lost_and_the_denial_noted(
    aws: Aws, emulator: Emulator
) -> None:
    function = aws.function("raise ValueError('x')", dead_letters=True, retries=0)
    function.grant(("logs:PutLogEvents", "*"))
    emulator.control("DELETE", "denials")
    function.invoke({}, "Event")

    def denied() -> list[dict[str, str]]:
        found = emulator.control("GET", "denials")["denials"]
        return [one for one in found if one["action"] == "sqs:SendMessage"]

    denial = eventually(denied)[0]
    assert denial["resource"] == aws.queue_arn(function.dead_letters)
    assert f"assumed-role/{function.role}/" in denial["principal"]
    assert not aws.messages(function.dead_letters)


def test_too_large_payloads_are_refused(aws: Aws) -> None:
    function = aws.function("return len(event['text'])")
    small, large = {"text": "x" * 900_000}, {"text": "x" * 1_100_000}
    assert function.invoke(small, "Event")["StatusCode"] == 202
    assert json.loads(function.invoke(large)["Payload"]) == 1_100_000
    with pytest.raises(ClientError) as refused:
        function.invoke(large, "Event")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
