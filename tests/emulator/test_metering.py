"""What services tell CloudWatch of themselves, counted as AWS counts it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from local.emulator.metering import EVENT_BYTES
from tests.emulator.embedded import Aws, eventually
from tests.emulator.test_streams import map_to, put, reader
from tests.emulator.test_tables import insert


def statistic(aws: Aws, namespace: str, metric: str, kind: str, **dimensions: str) -> float | None:
    now = datetime.now(UTC)
    points = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=[kind],
    )["Datapoints"]
    values = [float(point[kind]) for point in points]
    return None if not values else max(values) if kind == "Maximum" else sum(values)


def units(aws: Aws, table: str) -> tuple[float | None, float | None]:
    of = {"TableName": table}
    wrote = statistic(aws, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", **of)
    read = statistic(aws, "AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", **of)
    return wrote, read


def test_a_table_s_units_are_the_sum_of_what_its_requests_were_told(aws: Aws) -> None:
    """GIVEN writes by statement, item and batch, and reads THEN CloudWatch has their sum."""
    table = aws.table()
    assert units(aws, table) == (None, None)
    told_written = told_read = 0.0
    for number, size in [("1", 10), ("2", 1500), ("3", 10)]:
        answer = insert(aws, table, number, window="x" * size)
        told_written += answer["ConsumedCapacity"][0]["CapacityUnits"]
    row = {"symbol": {"S": "BTC"}, "timestamp": {"N": "4"}, "window": {"S": "y" * 3000}}
    put = aws.dynamodb.put_item(TableName=table, Item=row, ReturnConsumedCapacity="TOTAL")
    told_written += put["ConsumedCapacity"]["CapacityUnits"]
    batch = [{"PutRequest": {"Item": {**row, "timestamp": {"N": n}}}} for n in ("4", "5")]
    aws.dynamodb.batch_write_item(RequestItems={table: batch})
    told_written += 2 * 3
    for consistent in (False, True):
        found = aws.dynamodb.query(
            TableName=table,
            KeyConditionExpression="symbol = :s",
            ExpressionAttributeValues={":s": {"S": "BTC"}},
            ConsistentRead=consistent,
            ReturnConsumedCapacity="TOTAL",
        )
        told_read += found["ConsumedCapacity"]["CapacityUnits"]
    assert told_written == 1 + 2 + 1 + 3 + 6
    assert units(aws, table) == (told_written, told_read)


def test_units_are_counted_though_nobody_asks_for_them(aws: Aws) -> None:
    table = aws.table()
    statement = f"INSERT INTO \"{table}\" VALUE {{'symbol': ?, 'timestamp': ?}}"
    key: list[Any] = [{"S": "BTC"}, {"N": "1"}]
    aws.dynamodb.execute_statement(Statement=statement, Parameters=key)
    aws.dynamodb.get_item(TableName=table, Key={"symbol": key[0], "timestamp": key[1]})
    assert units(aws, table) == (1, 0.5)


def test_a_batch_of_the_stream_tells_how_old_its_last_record_is(aws: Aws) -> None:
    table, function = reader(aws, "")
    of = {"FunctionName": function.name}
    assert statistic(aws, "AWS/Lambda", "IteratorAge", "Maximum", **of) is None
    put(aws, table, 1)
    map_to(aws, table, function)
    age = eventually(lambda: statistic(aws, "AWS/Lambda", "IteratorAge", "Maximum", **of))
    assert 0 < age < 3_600_000


def test_a_log_group_s_bytes_are_those_of_its_events(aws: Aws) -> None:
    function = aws.function("log.info('ü' * 100)")
    function.invoke({})

    def messages() -> list[str]:
        found = aws.logs.filter_log_events(logGroupName=function.group)["events"]
        return [event["message"] for event in found]

    def taken() -> bool:
        size = sum(len(one.encode()) + EVENT_BYTES for one in messages())
        of = {"LogGroupName": function.group}
        return size > 200 and statistic(aws, "AWS/Logs", "IncomingBytes", "Sum", **of) == size

    assert eventually(taken)
