"""Rows as webhook-processor inserts them, and the stream records of their insertion."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from lambdas.adapters.price_tape import row_of
from lambdas.domain.windows import enriched
from tests.price_enricher.table import Item, Table

START_MS = 1_732_250_000_000


def row(moment: int, price: str = "84123.45", symbol: str = "BTC", **others: str) -> Item:
    """A trade `moment` milliseconds after the start."""
    key = f"{START_MS + moment:013d}.0000000210000000000{moment % 10**6:06d}"
    item = {
        "symbol": {"S": symbol},
        "timestamp": {"N": key},
        "base": {"S": symbol},
        "quote": {"S": "USD"},
        "price": {"N": price},
        "size": {"N": "0.5"},
        "exchange": {"S": "binance"},
        "event_id": {"S": str(moment)},
        "kind": {"S": "trade"},
        "received_at": {"N": str(START_MS + moment)},
        "time_source": {"S": "tick"},
        "window": {"S": ""},
    }
    return item | {name: {"S": value} for name, value in others.items()}


def walk(count: int, symbol: str = "BTC", start: int = 0, seed: int = 1) -> list[Item]:
    """A random walk, one trade every 7 ms."""
    chance = random.Random(seed)
    price = 8_412_345
    rows = []
    for i in range(count):
        price += chance.randint(-99, 99)
        rows.append(row(start + 7 * i, f"{Decimal(price).scaleb(-2)}", symbol))
    return rows


def record(item: Item, number: int, event: str = "INSERT") -> dict[str, Any]:
    """A stream record, as Lambda hands it over."""
    return {
        "eventID": f"{number:032x}",
        "eventName": event,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": START_MS // 1000,
            "Keys": {name: item[name] for name in ("symbol", "timestamp") if name in item},
            "NewImage": item,
            "SequenceNumber": f"{number:021d}",
            "SizeBytes": 200,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/prices/stream/x",
    }


def records(items: Iterable[Item], first: int = 1) -> list[dict[str, Any]]:
    return [record(item, number) for number, item in enumerate(items, first)]


def numbers(answer: dict[str, Any]) -> list[int]:
    """The sequence numbers of an answer."""
    return [int(one["itemIdentifier"]) for one in answer["batchItemFailures"]]


def wrong(table: Table, symbol: str = "BTC") -> list[str]:
    """Keys of the rows of a tape that do not hold what they should."""
    rows = [row_of(item) for item in table.tape(symbol)]
    truth = enriched([one.print for one in rows], 0)
    return [
        one.print.key
        for one, result in zip(rows, truth, strict=True)
        if (one.window, one.metrics) != result
    ]


def in_batches(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
