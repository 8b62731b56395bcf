"""The processor on boto3's resource: a signed webhook's trades become rows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from decimal import Decimal
from typing import Any

import boto3

TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
SECRET = base64.b64decode(os.environ["SECRET"])


def handle(event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Store the trades of a webhook of Binance."""
    body = base64.b64decode(event["body"])
    headers = {name: base64.b64decode(value) for name, value in event["headers"].items()}
    content = b".".join((headers["webhook-id"], headers["webhook-timestamp"], body))
    wanted = b"v1," + base64.b64encode(hmac.new(SECRET, content, hashlib.sha256).digest())
    if not hmac.compare_digest(wanted, headers["webhook-signature"]):
        raise PermissionError("the signature is not the venue's")
    message = json.loads(body, parse_float=Decimal)
    trades = message if isinstance(message, list) else [message]
    for trade in trades:
        TABLE.put_item(
            Item={
                "symbol": trade["s"].removesuffix("USD"),
                "timestamp": trade["T"] + Decimal(trade["t"]).scaleb(-25),
                "price": Decimal(trade["p"]),
                "size": Decimal(trade["q"]),
                "window": "",
            },
            ConditionExpression="attribute_not_exists(symbol)",
        )
    return {"stored": len(trades)}
