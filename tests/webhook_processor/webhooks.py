"""Webhooks as API Gateway hands them over, signed by the venues of these tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

RECEIVED_AT = 1_732_250_000_000
SECRETS: dict[str, dict[str, Any]] = {
    "binance": {
        "scheme": "standard-webhooks",
        "secrets": ["whsec_dGVzdCBzZWNyZXQgb2YgYmluYW5jZQ=="],
    },
    "coinbase_exchange": {"scheme": "coinbase-commerce", "secrets": ["secret of coinbase"]},
    "kraken": {"scheme": "hmac-sha256", "secrets": ["old secret of kraken", "secret of kraken"]},
    "generic": {"scheme": "none", "secrets": []},
}
ENVIRONMENT = {
    "TABLE_NAME": "prices",
    "DEAD_LETTER_QUEUE_URL": "https://sqs/webhook-processor-dlq-test",
    "WEBHOOK_SECRETS": json.dumps(SECRETS),
    "HOME_QUOTE": "USD",
    "MAXIMUM_BODY_BYTES": "180000",
    "MAXIMUM_NESTING": "32",
    "PRICE_MINIMUM": "1e-12",
    "PRICE_MAXIMUM": "1e12",
    "SIGNIFICANT_DIGITS": "18",
    "PAST_WINDOW_SECONDS": "86400",
    "FUTURE_WINDOW_SECONDS": "60",
    "SIGNATURE_TOLERANCE_SECONDS": "300",
    "ROW_RETENTION_SECONDS": "0",
    "INSERT_WITHIN_SECONDS": "0",
    "ENVIRONMENT_SUFFIX": "test",
}


def event(
    exchange: str,
    body: bytes,
    *,
    headers: Mapping[str, bytes] | None = None,
    received_at: int = RECEIVED_AT,
    request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
) -> dict[str, Any]:
    """The event of a webhook; signed as the venue signs unless `headers` are given."""
    if headers is None:
        headers = signed(exchange, body, received_at // 1000)
    return {
        "version": 1,
        "exchange": _base64(exchange.encode()),
        "body": _base64(body),
        "received_at": received_at,
        "request_id": request_id,
        "headers": {name: _base64(value) for name, value in headers.items()},
    }


def signed(exchange: str, body: bytes, seconds: int) -> dict[str, bytes]:
    time = str(seconds).encode()
    if exchange == "binance":
        content = b"msg_1." + time + b"." + body
        mac = hmac.new(b"test secret of binance", content, hashlib.sha256).digest()
        return {
            "webhook-id": b"msg_1",
            "webhook-timestamp": time,
            "webhook-signature": b"v1," + base64.b64encode(mac),
        }
    if exchange == "coinbase_exchange":
        commerce = hmac.new(b"secret of coinbase", body, hashlib.sha256).hexdigest()
        return {"x-cc-webhook-signature": commerce.encode()}
    if exchange == "kraken":
        mac_hex = hmac.new(b"secret of kraken", time + b"." + body, hashlib.sha256).hexdigest()
        return {"x-timestamp": time, "x-signature": b"sha256=" + mac_hex.encode()}
    return {"content-type": b"application/json"}


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
