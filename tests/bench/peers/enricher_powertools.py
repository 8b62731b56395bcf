"""The enricher on Powertools' batch processor and logger, and boto3's resource."""

from __future__ import annotations

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from boto3.dynamodb.conditions import Key

LOGGER = Logger(service="price_enricher")
PROCESSOR = BatchProcessor(event_type=EventType.DynamoDBStreams)
TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def enrich(record: DynamoDBRecord) -> None:
    """Give a new row the average of the last 20 prices of its tape."""
    row = record.dynamodb.new_image if record.dynamodb else {}
    page = TABLE.query(
        KeyConditionExpression=Key("symbol").eq(row["symbol"])
        & Key("timestamp").lte(row["timestamp"]),
        ScanIndexForward=False,
        Limit=20,
    )
    prices = [each["price"] for each in page["Items"]]
    TABLE.update_item(
        Key={"symbol": row["symbol"], "timestamp": row["timestamp"]},
        UpdateExpression="SET sma_20 = :mean",
        ExpressionAttributeValues={":mean": round(sum(prices) / len(prices), 12)},
    )
    LOGGER.info("enriched", extra={"symbol": row["symbol"], "rows": len(prices)})


def handle(event: dict[str, Any], context: Any) -> Any:
    """Enrich the rows of a batch; answer those that failed."""
    return process_partial_response(event, enrich, PROCESSOR, context)
