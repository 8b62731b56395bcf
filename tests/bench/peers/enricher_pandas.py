"""The enricher on pandas and boto3's resource: a tape is a frame, its metrics are columns."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any

import boto3
import pandas as pd
from boto3.dynamodb.conditions import Key

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def handle(event: dict[str, Any], _context: Any) -> dict[str, list[dict[str, str]]]:
    """Give each tape's new rows their averages and deviations; answer those that failed."""
    images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
    for symbol in {image["symbol"]["S"] for image in images}:
        new = {Decimal(one["timestamp"]["N"]) for one in images if one["symbol"]["S"] == symbol}
        page = TABLE.query(KeyConditionExpression=Key("symbol").eq(symbol), ScanIndexForward=False)
        frame = pd.DataFrame(page["Items"][: 100 + len(new)]).sort_values("timestamp")
        prices = frame["price"].astype(float)
        for size in (5, 20, 50):
            frame[f"sma_{size}"] = prices.rolling(size, min_periods=1).mean()
        frame["ema_12"] = prices.ewm(span=12).mean()
        frame["std_20"] = prices.rolling(20, min_periods=1).std(ddof=0)
        names = ["sma_5", "sma_20", "sma_50", "ema_12", "std_20"]
        for _, row in frame[frame["timestamp"].isin(new)].iterrows():
            TABLE.update_item(
                Key={"symbol": symbol, "timestamp": row["timestamp"]},
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in names),
                ExpressionAttributeValues={
                    f":{name}": Decimal(f"{row[name]:.15g}") for name in names
                },
            )
    return {"batchItemFailures": []}
