"""The function as Lambda runs it, with an in-memory table and queue in place of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lambdas.adapters import aws, price_inserts
from lambdas.webhook_processor import handler
from tests.adapters.price_table import PriceTable
from tests.adapters.queue import MemoryQueue
from tests.webhook_processor.webhooks import ENVIRONMENT


class Invocation:
    """Lambda's context object."""

    aws_request_id = "5f2b9a3e-0c57-4a0e-8c3f-2f0f1c1d9b11"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Function:
    """webhook-processor in one warm container."""

    def __init__(self) -> None:
        self.table = PriceTable()
        self.queue = MemoryQueue()
        self.made: list[str] = []

    def client(self, service: str) -> Any:
        self.made.append(service)
        return {"dynamodb": self.table, "sqs": self.queue}[service]

    def invoke(self, event: object) -> dict[str, Any]:
        return handler.handle(event, Invocation())


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    one = Function()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "client", one.client)
    monkeypatch.setattr(price_inserts, "FIRST_PAUSE_SECONDS", 0)
    handler._processor.cache_clear()
    yield one
    handler._processor.cache_clear()
