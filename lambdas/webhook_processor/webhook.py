"""The event that API Gateway's mapping template renders from a webhook, decoded and checked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

from lambdas.domain.keys import MAXIMUM_EVENT_MS

VERSION = 1


class MalformedEvent(ValueError):
    """The event is not one that this function is made for."""


class Webhook(NamedTuple):
    """One webhook as it arrived.

    `exchange` is the path parameter, `body` the raw bytes, `received_at` API Gateway's receive
    time in milliseconds of the Unix epoch (a redrive keeps it), `request_id` API Gateway's id,
    `headers` the forwarded request headers.
    """

    exchange: str
    body: bytes
    received_at: int
    request_id: str
    headers: Mapping[str, bytes]


def decode(event: object) -> Webhook:
    """Return the webhook that `event` carries; raise `MalformedEvent` when it carries none."""
    if not isinstance(event, dict):
        raise MalformedEvent(f"expected an object, got {type(event).__name__}")
    if event.get("version") != VERSION:
        raise MalformedEvent(f"version is {_shown(event.get('version'))}, expected {VERSION}")
    received_at = event.get("received_at")
    # The exact type, because True is an int too.
    if type(received_at) is not int or not 0 < received_at <= MAXIMUM_EVENT_MS:
        raise MalformedEvent(
            f"received_at is {_shown(received_at)}, expected milliseconds of the Unix epoch"
        )
    request_id = event.get("request_id")
    if not isinstance(request_id, str) or not request_id.isascii() or len(request_id) > 128:
        raise MalformedEvent(f"request_id is {_shown(request_id)}, expected at most 128 characters")
    headers = event.get("headers")
    if not isinstance(headers, dict):
        raise MalformedEvent(f"headers is {_shown(headers)}, expected an object")
    try:
        exchange = _bytes(event, "exchange").decode()
    except UnicodeDecodeError:
        raise MalformedEvent("exchange is not UTF-8") from None
    return Webhook(
        exchange=exchange,
        body=_bytes(event, "body"),
        received_at=received_at,
        request_id=request_id,
        headers={name: _bytes(headers, name) for name in headers},
    )


def _bytes(holder: Mapping[str, Any], name: str) -> bytes:
    value = holder.get(name)
    try:
        if isinstance(value, str):
            return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        pass
    raise MalformedEvent(f"{name[:60]} is {_shown(value)}, expected base64")


def _shown(value: object) -> str:
    return "missing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
