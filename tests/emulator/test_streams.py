"""Event source mappings: reports, retries, bisecting, ages, windows, dead letters."""

import json
import textwrap
import time
from typing import Any

import pytest

from local.emulator.streams import reported
from tests.emulator.embedded import Aws, Emulator, Function, eventually

# Logs the values of a batch; what it then does is appended.
_SHOW = """
values = [int(one["dynamodb"]["NewImage"]["n"]["N"]) for one in event["Records"]]
numbers = [one["dynamodb"]["SequenceNumber"] for one in event["Records"]]
log.info("batch", extra={"values": values})
"""


def batches(function: Function) -> list[list[int]]:
    return [line["values"] for line in function.said("batch")]


def flat(function: Function) -> list[int]:
    return [value for batch in batches(function) for value in batch]


def reader(
    aws: Aws, body: str, *, on_failure: str = "", reserved: int | None = None
) -> tuple[str, Function]:
    """A table with a stream and a function that may read it; not yet mapped."""
    table = aws.table()
    stream = aws.stream_arn(table)
    actions = ["dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"]
    extra = [("sqs:SendMessage", aws.queue_arn(on_failure))] if on_failure else []
    function = aws.function(_SHOW + body, (actions, stream), *extra, reserved=reserved)
    return table, function


def put(aws: Aws, table: str, *values: int) -> None:
    for value in values:
        aws.dynamodb.put_item(
            TableName=table,
            Item={"symbol": {"S": "BTC"}, "timestamp": {"N": str(value)}, "n": {"N": str(value)}},
        )


def map_to(aws: Aws, table: str, function: Function, **settings: Any) -> str:
    found = aws.lambda_.create_event_source_mapping(
        EventSourceArn=aws.stream_arn(table),
        FunctionName=function.name,
        StartingPosition="TRIM_HORIZON",
        **settings,
    )
    return str(found["UUID"])


def test_records_come_in_order_from_the_start_of_the_stream(aws: Aws) -> None:
    table, function = reader(aws, "")
    put(aws, table, *range(7))
    map_to(aws, table, function, BatchSize=3)
    eventually(lambda: len(batches(function)) == 3)
    put(aws, table, 7)
    eventually(lambda: len(batches(function)) == 4)
    assert batches(function) == [[0, 1, 2], [3, 4, 5], [6], [7]]


def test_a_reported_item_is_tried_again_with_everything_behind_it(aws: Aws) -> None:
    body = """
    again = os.environ.get("again")
    os.environ["again"] = "yes"
    if not again:
        return {"batchItemFailures": [{"itemIdentifier": numbers[4]},
                                      {"itemIdentifier": numbers[2]}]}
    """
    table, function = reader(aws, textwrap.dedent(body))
    put(aws, table, *range(6))
    map_to(
        aws,
        table,
        function,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
    )
    eventually(lambda: len(batches(function)) == 2)
    assert batches(function) == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5]]


def test_bisecting_isolates_a_poison_record_and_blocks_only_so_long(aws: Aws) -> None:
    queue = aws.queue()
    table, function = reader(aws, "if 5 in values: raise ValueError('poison')", on_failure=queue)
    put(aws, table, *range(8))
    map_to(
        aws,
        table,
        function,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": aws.queue_arn(queue)}},
    )
    record = json.loads(aws.message(queue)["Body"])
    eventually(lambda: [6, 7] in batches(function))

    # Splitting uses up no retry: the single record still gets all three attempts.
    assert batches(function) == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [4, 5],
        [4],
        [5],
        [5],
        [5],
        [6, 7],
    ]
    info = record.pop("DDBStreamBatchInfo")
    assert info["batchSize"] == 1
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["streamArn"] == aws.stream_arn(table)
    assert info.keys() >= {"shardId", "approximateArrivalOfFirstRecord"}
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["functionArn"] == function.arn
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert "NewImage" not in json.dumps(record)


def test_without_bisecting_the_whole_batch_is_tried_again_then_given_up(aws: Aws) -> None:
    queue = aws.queue()
    table, function = reader(aws, "if 0 in values: raise ValueError('no')", on_failure=queue)
    put(aws, table, 0, 1)
    map_to(
        aws,
        table,
        function,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": aws.queue_arn(queue)}},
    )
    info = json.loads(aws.message(queue)["Body"])["DDBStreamBatchInfo"]
    assert info["batchSize"] == 2
    put(aws, table, 2)
    eventually(lambda: [2] in batches(function))
    assert batches(function) == [[0, 1], [0, 1], [2]]


def test_records_too_old_are_given_up(aws: Aws) -> None:
    """60 s of age pass in 0.1 s, the back-off of a failing batch makes it older."""
    queue = aws.queue()
    table, function = reader(aws, "raise ValueError('no')", on_failure=queue)
    map_to(
        aws,
        table,
        function,
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": aws.queue_arn(queue)}},
    )
    put(aws, table, 0)
    record = json.loads(aws.message(queue)["Body"])
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"


def test_the_batching_window_gathers_records(aws: Aws) -> None:
    """300 s of window are 0.5 s here."""
    table, function = reader(aws, "")
    map_to(aws, table, function, BatchSize=100, MaximumBatchingWindowInSeconds=300)
    for value in range(4):
        put(aws, table, value)
        time.sleep(0.05)
    eventually(lambda: batches(function))
    assert batches(function) == [[0, 1, 2, 3]]


def test_only_records_that_pass_the_filter_arrive(aws: Aws) -> None:
    table, function = reader(aws, "")
    pattern = {"eventName": ["INSERT"]}
    map_to(aws, table, function, FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]})
    put(aws, table, 1)
    aws.dynamodb.update_item(
        TableName=table,
        Key={"symbol": {"S": "BTC"}, "timestamp": {"N": "1"}},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "9"}},
    )
    put(aws, table, 2)
    eventually(lambda: flat(function) == [1, 2])
    time.sleep(0.2)
    assert flat(function) == [1, 2]


def test_a_throttled_function_loses_no_record_and_uses_up_no_retry(aws: Aws) -> None:
    table, function = reader(aws, "", reserved=0)
    map_to(aws, table, function, MaximumRetryAttempts=0)
    put(aws, table, 1, 2)
    time.sleep(0.3)
    assert batches(function) == []
    aws.lambda_.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    eventually(lambda: flat(function) == [1, 2])


def test_partiql_writes_reach_the_stream(aws: Aws) -> None:
    table, function = reader(aws, "")
    map_to(aws, table, function)
    statement = f"INSERT INTO \"{table}\" VALUE {{'symbol': ?, 'timestamp': ?, 'n': ?}}"
    parameters = [{"S": "BTC"}, {"N": "1"}, {"N": "5"}]
    aws.dynamodb.batch_execute_statement(
        Statements=[{"Statement": statement, "Parameters": parameters}]
    )
    eventually(lambda: batches(function) == [[5]])


def test_a_mapping_whose_role_may_not_read_the_stream_is_refused(aws: Aws) -> None:
    table = aws.table()
    function = aws.function("return 1")
    with pytest.raises(aws.lambda_.exceptions.InvalidParameterValueException, match="GetRecords"):
        map_to(aws, table, function)


def test_reading_stops_when_the_right_to_read_is_taken_away(aws: Aws, emulator: Emulator) -> None:
    table, function = reader(aws, "")
    uuid = map_to(aws, table, function)
    put(aws, table, 1)
    eventually(lambda: batches(function) == [[1]])
    logs = f"arn:aws:logs:us-east-1:*:log-group:{function.group}:*"
    kept = ("dynamodb:DescribeStream", "dynamodb:GetShardIterator")
    function.grant(
        (["logs:CreateLogStream", "logs:PutLogEvents"], logs), (list(kept), aws.stream_arn(table))
    )
    put(aws, table, 2)

    def result() -> bool:
        found = aws.lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
        return "dynamodb:GetRecords" in found

    eventually(result)
    assert batches(function) == [[1]]
    function.grant(
        (["logs:CreateLogStream", "logs:PutLogEvents"], logs),
        ([*kept, "dynamodb:GetRecords"], aws.stream_arn(table)),
    )
    eventually(lambda: batches(function) == [[1], [2]])


def record(number: int) -> dict[str, Any]:
    return {"dynamodb": {"SequenceNumber": str(number)}}


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (None, None),
        ({}, None),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": None}, None),
        ({"other": 1}, None),
        ("text", None),
        ({"batchItemFailures": [{"itemIdentifier": "2"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": "3"}, {"itemIdentifier": "2"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"wrong": "2"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "9"}]}, 0),
        ({"batchItemFailures": ["2"]}, 0),
    ],
)
def test_how_an_answer_is_read(answer: Any, first: int | None) -> None:
    """As the table of success and failure conditions of the developer guide says."""
    assert reported(json.dumps(answer).encode(), [record(1), record(2), record(3)]) == first
