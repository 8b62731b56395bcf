"""A table in the embedded AWS with the rows that docs/data-model.md shows.

The rows are made as the pipeline makes them: the venue's message read by its parser, inserted by
webhook-processor's adapter, enriched by price-enricher's algorithm.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lambdas import exchanges
from lambdas.adapters.price_inserts import PriceInserts
from lambdas.adapters.price_tape import PriceTape
from lambdas.domain.ticks import Limits, Tick
from lambdas.price_enricher.repairs import repair_rows, requested

TABLE = "crypto-prices-dev"
BEGIN = datetime(2024, 11, 22, 4, 33, 20, 125456, tzinfo=UTC)
ROWS = 150

_SCHEMA: dict[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [
        {"AttributeName": "symbol", "AttributeType": "S"},
        {"AttributeName": "timestamp", "AttributeType": "N"},
    ],
    "KeySchema": [
        {"AttributeName": "symbol", "KeyType": "HASH"},
        {"AttributeName": "timestamp", "KeyType": "RANGE"},
    ],
}


def message(pair: str, number: int) -> dict[str, Any]:
    """The `number`th trade of a pair, as Coinbase Exchange sends it: one a second."""
    base = Decimal("97123.45") if pair == "BTC-USD" else Decimal("3350.18")
    step = Decimal((number * 7919) % 1009 - 504) / 100
    moment = BEGIN + timedelta(seconds=number)
    return {
        "type": "match",
        "trade_id": 740123400 + number,
        "product_id": pair,
        "size": f"0.{(number * 37) % 900 + 100}",
        "price": f"{base + step}",
        "side": "sell",
        "time": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def tick(sent: dict[str, Any]) -> Tick:
    received_at = int(datetime.fromisoformat(sent["time"]).timestamp() * 1000) + 57
    body = json.dumps(sent).encode()
    [read] = exchanges.read("coinbase_exchange", body, received_at, Limits()).ticks
    return read


def fill(client: Any, rows: int = ROWS) -> None:
    """Make the table, with so many rows of BTC, one a second."""
    client.create_table(TableName=TABLE, **_SCHEMA)
    insert(client, [tick(message("BTC-USD", number)) for number in range(rows)])


def insert(client: Any, ticks: list[Tick]) -> tuple[int, int]:
    """Insert and enrich; returns how many were stored and how many were known."""
    inserted = PriceInserts(client, TABLE).insert(ticks, lambda: 60_000)
    assert not inserted.refused
    for symbol in {each.symbol for each in ticks}:
        whole = requested({"symbol": symbol, "from": 0, "to": 9_999_999_999_999})
        repair_rows(whole, PriceTape(client, TABLE, lambda: 60_000), lambda: 60_000)
    return inserted.stored, inserted.duplicates
