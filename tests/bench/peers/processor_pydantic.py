"""The processor on pydantic and boto3's client: the message is a model, and so is the event."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from decimal import Decimal
from typing import Any

import boto3
from pydantic import Base64Bytes, BaseModel, Field, TypeAdapter

DYNAMODB = boto3.client("dynamodb")
SECRET = b64decode(os.environ["SECRET"])


class Webhook(BaseModel):  # type: ignore[misc]
    """The event."""

    body: Base64Bytes
    headers: dict[str, Base64Bytes]


class Trade(BaseModel):  # type: ignore[misc]
    """A trade of Binance."""

    symbol: str = Field(alias="s")
    number: int = Field(alias="t", ge=0)
    price: Decimal = Field(alias="p", gt=0)
    size: Decimal = Field(alias="q", ge=0)
    time: int = Field(alias="T", ge=0)


MESSAGE: TypeAdapter[list[Trade] | Trade] = TypeAdapter(list[Trade] | Trade)


def handle(event: dict[str, Any], _context: Any) -> dict[str, int]:
    """Store the trades of a webhook of Binance."""
    webhook = Webhook.model_validate(event)
    sent = webhook.headers
    content = b".".join((sent["webhook-id"], sent["webhook-timestamp"], webhook.body))
    wanted = b"v1," + b64encode(hmac.new(SECRET, content, hashlib.sha256).digest())
    if not hmac.compare_digest(wanted, sent["webhook-signature"]):
        raise PermissionError("the signature is not the venue's")
    message = MESSAGE.validate_json(webhook.body)
    trades = message if isinstance(message, list) else [message]
    for trade in trades:
        DYNAMODB.put_item(
            TableName=os.environ["TABLE_NAME"],
            Item={
                "symbol": {"S": trade.symbol.removesuffix("USD")},
                "timestamp": {"N": f"{trade.time}.{trade.number:025}"},
                "price": {"N": f"{trade.price:f}"},
                "size": {"N": f"{trade.size:f}"},
                "window": {"S": ""},
            },
            ConditionExpression="attribute_not_exists(symbol)",
        )
    return {"stored": len(trades)}
