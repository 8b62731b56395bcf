"""The handler on a table and a topic in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from lambdas.adapters import aws
from lambdas.adapters.price_tape import PriceTape
from lambdas.domain.enrichment import Tails
from lambdas.price_enricher import handler
from tests.price_enricher.rows import records
from tests.price_enricher.table import Item, Table, client_error


@dataclass
class Topic:
    """SNS, as far as publishing goes."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[Mapping[str, Any]] = field(default_factory=list)
    down: bool = False

    def publish(self, **arguments: Any) -> Mapping[str, Any]:
        if self.down:
            raise client_error("InternalError", "Publish", 500)
        assert arguments["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:success"
        assert len(arguments["Message"].encode()) <= 256 * 1024
        self.messages.append(json.loads(arguments["Message"]))
        self.attributes.append(arguments["MessageAttributes"])
        return {"MessageId": "1"}


@dataclass
class Invocation:
    """Lambda's context: time goes by only when the function waits."""

    left_ms: int = 120_000
    aws_request_id: str = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@dataclass
class Enricher:
    """The handler with what is around it."""

    table: Table = field(default_factory=Table)
    topic: Topic = field(default_factory=Topic)
    context: Invocation = field(default_factory=Invocation)
    sequence: int = 0

    def handle(self, event: Mapping[str, Any]) -> dict[str, Any]:
        return handler.handle(event, self.context)

    def insert(self, items: list[Item]) -> dict[str, Any]:
        """Insert rows and hand the batch of their records over."""
        self.table.insert(items)
        return self.deliver(items)

    def deliver(self, items: list[Item], event: str = "INSERT") -> dict[str, Any]:
        batch = records(items, self.sequence + 1)
        self.sequence += len(items)
        return self.handle({"Records": [one | {"eventName": event} for one in batch]})


@pytest.fixture
def enricher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Enricher]:
    made = Enricher()

    def pause(seconds: float) -> None:
        made.context.left_ms -= round(seconds * 1000)

    defaults = PriceTape.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "pause", pause)
    monkeypatch.setitem(defaults, "jitter", lambda: 1.0)
    monkeypatch.setattr(aws, "client", {"dynamodb": made.table, "sns": made.topic}.__getitem__)
    monkeypatch.setattr(handler, "_TAILS", Tails())
    monkeypatch.setenv("TABLE_NAME", "prices")
    monkeypatch.setenv("SUCCESS_TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:success")
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "dev")
    monkeypatch.setenv("ROW_RETENTION_SECONDS", "0")
    monkeypatch.setenv("WINDOW_REACH_SECONDS", "0")
    handler._topic.cache_clear()
    yield made
    handler._topic.cache_clear()
