"""The control endpoint: health, faults, counters, time."""

import time

import pytest
from botocore.exceptions import ClientError

from local.emulator import MINISTACK_VERSION
from tests.emulator.embedded import Aws, Emulator, eventually, fetch


def test_health_tells_version_and_time_scale(emulator: Emulator) -> None:
    assert emulator.control("GET", "health") == {
        "status": "ready",
        "ministack": MINISTACK_VERSION,
        "time_scale": 600,
    }


def test_a_fault_strikes_the_chosen_call_as_often_as_asked(aws: Aws, emulator: Emulator) -> None:
    table = aws.table()
    fault = {
        "service": "dynamodb",
        "operation": "DescribeTable",
        "error": "ThrottlingException",
        "count": 2,
    }
    added = emulator.control("POST", "faults", fault)["id"]
    for _ in range(2):
        with pytest.raises(ClientError, match="ThrottlingException") as caught:
            aws.dynamodb.describe_table(TableName=table)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    aws.dynamodb.describe_table(TableName=table)
    aws.dynamodb.list_tables()
    (listed,) = emulator.control("GET", "faults")["faults"]
    assert (listed["id"], listed["struck"]) == (added, 2)
    emulator.control("DELETE", f"faults?id={added}")
    assert emulator.control("GET", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        ("sns", "ListTopics", lambda aws: aws.sns.list_topics()),
        ("sqs", "ListQueues", lambda aws: aws.sqs.list_queues()),
        ("lambda", "*", lambda aws: aws.lambda_.list_functions()),
        ("logs", "DescribeLogGroups", lambda aws: aws.logs.describe_log_groups()),
        ("kms", "ListKeys", lambda aws: aws.kms.list_keys()),
    ],
)
def test_every_protocol_gets_an_error_that_its_client_reads(
    aws: Aws, emulator: Emulator, service: str, operation: str, call: object
) -> None:
    fault = {
        "service": service,
        "operation": operation,
        "error": "InternalServerError",
        "status": 500,
    }
    emulator.control("POST", "faults", fault)
    with pytest.raises(ClientError) as caught:
        call(aws)  # type: ignore[operator]
    assert caught.value.response["Error"]["Code"] == "InternalServerError"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_a_delay_lets_the_call_through_late(aws: Aws, emulator: Emulator) -> None:
    emulator.control("POST", "faults", {"service": "sqs", "latency": 0.3})
    began = time.monotonic()
    aws.sqs.list_queues()
    assert time.monotonic() - began >= 0.3


def test_a_fault_strikes_single_statements_of_a_batch(aws: Aws, emulator: Emulator) -> None:
    table = aws.table()
    fault = {"service": "dynamodb", "operation": "PartiQLInsert", "error": "ThrottlingError"}
    emulator.control("POST", "faults", fault | {"count": 2})
    text = f"INSERT INTO \"{table}\" VALUE {{'symbol': ?, 'timestamp': 1}}"

    def insert(*symbols: str) -> list[str]:
        answer = aws.dynamodb.batch_execute_statement(
            Statements=[{"Statement": text, "Parameters": [{"S": each}]} for each in symbols]
        )
        return [each.get("Error", {}).get("Code", "") for each in answer["Responses"]]

    assert insert("A", "B", "C") == ["ThrottlingError", "ThrottlingError", ""]
    assert [row["symbol"]["S"] for row in aws.dynamodb.scan(TableName=table)["Items"]] == ["C"]
    assert insert("A", "C") == ["", "DuplicateItem"]
    emulator.control("DELETE", "faults")
    emulator.control("POST", "faults", fault)
    assert insert("D") == ["ThrottlingError"]
    update = f'UPDATE "{table}" SET a = 1 WHERE symbol = \'A\' AND "timestamp" = 1'
    (answer,) = aws.dynamodb.batch_execute_statement(Statements=[{"Statement": update}])[
        "Responses"
    ]
    assert "Error" not in answer


def test_a_fault_can_be_bounded_to_one_role(aws: Aws, emulator: Emulator) -> None:
    table = aws.table()
    function = aws.function(
        "try: return str(boto3.client('dynamodb').describe_table(TableName=event))\n"
        "except Exception as error: return str(error)",
        ("dynamodb:DescribeTable", "*"),
    )
    fault = {
        "service": "dynamodb",
        "operation": "DescribeTable",
        "error": "ValidationException",
        "principal": function.role,
    }
    emulator.control("POST", "faults", fault)
    assert b"ValidationException" in function.invoke(table)["Payload"]
    aws.dynamodb.describe_table(TableName=table)


def test_what_lambda_does_itself_can_fail_too(aws: Aws, emulator: Emulator) -> None:
    function = aws.function("raise ValueError", dead_letters=True, retries=0)
    fault = {
        "service": "sqs",
        "operation": "SendMessage",
        "error": "ServiceUnavailable",
        "principal": function.role,
        "count": 1,
    }
    emulator.control("POST", "faults", fault)
    function.invoke({"n": 1}, "Event")
    eventually(lambda: emulator.control("GET", "faults")["faults"][0]["struck"] == 1)
    function.invoke({"n": 2}, "Event")
    assert aws.message(function.dead_letters)["Body"] == '{"n": 2}'


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({"operation": "X", "error": "E"}, "service is missing"),
        ({"service": "sqs"}, "needs an error, a latency"),
        ({"service": "sqs", "eror": "E"}, "unknown eror"),
        ({"service": "sqs", "error": "E", "probability": 2}, "probability is 2"),
    ],
)
def test_a_wrong_fault_is_refused(emulator: Emulator, fault: dict[str, object], named: str) -> None:
    with pytest.raises(AssertionError, match=named):
        emulator.control("POST", "faults", fault)


def test_calls_are_counted_by_role_and_operation(aws: Aws, emulator: Emulator) -> None:
    emulator.control("DELETE", "calls")
    function = aws.function(
        "boto3.client('sqs').list_queues()", ("sqs:ListQueues", "*"), may_log=False
    )
    function.invoke({})
    function.grant(("sqs:GetQueueUrl", "*"))
    function.invoke({})
    calls = emulator.control("GET", "calls")["calls"]
    mine = calls[f"{function.role} sqs:ListQueues"]
    assert (mine["calls"], mine["errors"]) == (2, 1)
    assert calls["- lambda:Invoke"]["calls"] == 2


def test_the_time_scale_can_be_changed(emulator: Emulator) -> None:
    try:
        emulator.control("PUT", "time-scale", {"scale": 5})
        assert emulator.control("GET", "health")["time_scale"] == 5
        with pytest.raises(AssertionError, match="expected a number above 0"):
            emulator.control("PUT", "time-scale", {"scale": 0})
    finally:
        emulator.control("PUT", "time-scale", {"scale": 600})


def test_an_unknown_control_path_is_not_found(emulator: Emulator) -> None:
    assert fetch(f"{emulator.endpoint}/_local/nothing")[0] == 404
