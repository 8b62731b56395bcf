"""DynamoDB: exact numbers, PartiQL as the pipeline uses it, capacity, queries."""

import random
from decimal import Decimal
from typing import Any

import pytest

from local.emulator.tables import read_units
from tests.emulator.embedded import Aws

KEY = "1732250000000.0000000210000000071384517"


def insert(aws: Aws, table: str, number: str, **more: Any) -> dict[str, Any]:
    statement = f"INSERT INTO \"{table}\" VALUE {{'symbol': ?, 'timestamp': ?, 'window': ?}}"
    parameters = [{"S": "BTC"}, {"N": number}, {"S": more.pop("window", "")}]
    found: dict[str, Any] = aws.dynamodb.batch_execute_statement(
        Statements=[{"Statement": statement, "Parameters": parameters, **more}],
        ReturnConsumedCapacity="TOTAL",
    )
    return found


def rows(aws: Aws, table: str) -> list[dict[str, Any]]:
    return list(aws.dynamodb.scan(TableName=table)["Items"])


def test_thirty_eight_digits_are_exact_and_trailing_zeros_go(aws: Aws) -> None:
    table = aws.table()
    insert(aws, table, KEY)
    insert(aws, table, "1.500")
    assert sorted(row["timestamp"]["N"] for row in rows(aws, table)) == sorted([KEY, "1.5"])


def test_an_insert_on_an_existing_key_is_a_duplicate_however_the_number_is_written(
    aws: Aws,
) -> None:
    table = aws.table()
    insert(aws, table, "2.50", window="kept")
    (answer,) = insert(aws, table, "2.5", window="new")["Responses"]
    assert answer["Error"]["Code"] == "DuplicateItem"
    assert [row["window"]["S"] for row in rows(aws, table)] == ["kept"]


def test_the_guarded_update_sets_removes_and_compares_strings(aws: Aws) -> None:
    table = aws.table()
    insert(aws, table, KEY)
    statement = (
        f'UPDATE "{table}" SET "window" = ? SET sma_20 = ? REMOVE ema_12 '
        'WHERE symbol = ? AND "timestamp" = ? AND "window" <= ?'
    )

    def update(mark: str) -> dict[str, Any]:
        answer = aws.dynamodb.batch_execute_statement(
            Statements=[
                {
                    "Statement": statement,
                    "Parameters": [
                        {"S": mark}, {"N": "1.5"}, {"S": "BTC"}, {"N": KEY}, {"S": mark},
                    ],
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }
            ]
        )  # fmt: skip
        found: dict[str, Any] = answer["Responses"][0]
        return found

    assert "Error" not in update("01:002")
    (row,) = rows(aws, table)
    assert (row["window"], row["sma_20"]) == ({"S": "01:002"}, {"N": "1.5"})
    error = update("01:001")["Error"]
    assert error["Code"] == "ConditionalCheckFailed"
    assert error["Item"] == row
    assert "Error" not in update("01:002")


def test_an_update_of_a_missing_row_fails_its_condition(aws: Aws) -> None:
    table = aws.table()
    statement = f'UPDATE "{table}" SET a = 1 WHERE symbol = \'X\' AND "timestamp" = 1'
    answer = aws.dynamodb.batch_execute_statement(Statements=[{"Statement": statement}])
    assert answer["Responses"][0]["Error"]["Code"] == "ConditionalCheckFailed"
    assert rows(aws, table) == []


def test_reads_and_writes_do_not_mix_in_a_batch(aws: Aws) -> None:
    table = aws.table()
    texts = [
        f"INSERT INTO \"{table}\" VALUE {{'symbol': 'A', 'timestamp': 1}}",
        f'SELECT * FROM "{table}" WHERE symbol = \'A\' AND "timestamp" = 1',
    ]
    with pytest.raises(aws.dynamodb.exceptions.ClientError, match="ValidationException"):
        aws.dynamodb.batch_execute_statement(Statements=[{"Statement": text} for text in texts])
    assert rows(aws, table) == []


def units(answer: dict[str, Any]) -> float:
    found = answer["ConsumedCapacity"]
    return float((found[0] if isinstance(found, list) else found)["CapacityUnits"])


@pytest.mark.parametrize(("size", "expected"), [(10, 1), (900, 1), (1100, 2), (5000, 5)])
def test_a_write_costs_its_items_started_kilobytes_even_when_refused(
    aws: Aws, size: int, expected: float
) -> None:
    table = aws.table()
    assert units(insert(aws, table, "1", window="x" * size)) == expected
    assert units(insert(aws, table, "1", window="x" * size)) == expected


def test_a_read_costs_the_started_four_kilobytes_it_read(aws: Aws) -> None:
    table = aws.table()
    for number in range(100):
        insert(aws, table, str(number), window="x" * 400)
    ask = {
        "TableName": table,
        "KeyConditionExpression": "symbol = :s",
        "ExpressionAttributeValues": {":s": {"S": "BTC"}},
        "ReturnConsumedCapacity": "TOTAL",
    }
    # symbol 6+3, timestamp 9+2, window 6+400: 426 bytes a row, 42,590 together.
    strong = aws.dynamodb.query(**ask, ConsistentRead=True)
    assert strong["Count"] == 100
    assert units(strong) == 11
    assert units(aws.dynamodb.query(**ask)) == 5.5
    assert units(aws.dynamodb.query(**ask, Limit=9)) == 0.5
    assert units(aws.dynamodb.query(**ask, ProjectionExpression="symbol")) == 5.5
    item = {"symbol": {"S": "BTC"}, "timestamp": {"N": "1"}}
    one = aws.dynamodb.get_item(TableName=table, Key=item, ReturnConsumedCapacity="TOTAL")
    assert units(one) == 0.5


def test_nothing_read_costs_the_smallest_unit() -> None:
    assert read_units(0, consistent=True) == 1
    assert read_units(4097, consistent=False) == 1


def test_queries_agree_with_a_plain_look_at_all_rows(aws: Aws) -> None:
    """Every comparison, both directions, limits and pages, against sorting in the test."""
    table = aws.table()
    randoms = random.Random(5)
    numbers = sorted({Decimal(randoms.randrange(10**6)).scaleb(-3) for _ in range(60)})
    for number in randoms.sample(numbers, len(numbers)):
        insert(aws, table, str(number))
    insert(aws, table, "7777777", window="w")
    aws.dynamodb.delete_item(
        TableName=table, Key={"symbol": {"S": "BTC"}, "timestamp": {"N": "7777777"}}
    )
    operators = {
        "=": Decimal.__eq__, "<": Decimal.__lt__, "<=": Decimal.__le__,
        ">": Decimal.__gt__, ">=": Decimal.__ge__,
    }  # fmt: skip
    for _ in range(40):
        low, high = sorted(randoms.choices([*numbers, Decimal(-1), Decimal(10**7)], k=2))
        sign = randoms.choice([*operators, "BETWEEN"])
        forward = randoms.random() < 0.5
        size = randoms.choice([3, 17, 100])
        if sign == "BETWEEN":
            expected = [one for one in numbers if low <= one <= high]
            condition = "symbol = :s AND #t BETWEEN :low AND :high"
            values = {":low": {"N": str(low)}, ":high": {"N": str(high)}}
        else:
            expected = [one for one in numbers if operators[sign](one, low)]
            condition = f"symbol = :s AND #t {sign} :low"
            values = {":low": {"N": str(low)}}
        ask: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#t": "timestamp"},
            "ExpressionAttributeValues": {":s": {"S": "BTC"}, **values},
            "ScanIndexForward": forward,
            "Limit": size,
        }
        found: list[Decimal] = []
        while True:
            page = aws.dynamodb.query(**ask)
            found += [Decimal(row["timestamp"]["N"]) for row in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            ask["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        assert found == (expected if forward else expected[::-1]), (condition, forward, size)


def test_a_query_with_a_wrong_condition_is_refused_as_before(aws: Aws) -> None:
    table = aws.table()
    insert(aws, table, "1")
    for condition in ("price = :s", "symbol = :s AND price > :s", "symbol > :s"):
        with pytest.raises(aws.dynamodb.exceptions.ClientError, match="ValidationException"):
            aws.dynamodb.query(
                TableName=table,
                KeyConditionExpression=condition,
                ExpressionAttributeValues={":s": {"S": "BTC"}},
            )
