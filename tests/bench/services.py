"""AWS replaced at the HTTP layer: botocore's own clients, whose requests end in this process.

Serialisation, signing and parsing are botocore's and are measured; what answers instead of the
network is a table in memory that counts units, and its time is taken off.
"""

from __future__ import annotations

import io
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import process_time, thread_time
from typing import Any, NamedTuple

from lambdas.adapters import aws
from lambdas.price_enricher import handler as enricher
from lambdas.webhook_processor import handler as processor
from tests.adapters.price_table import PriceTable
from tests.price_enricher.table import Item, Table, size_of
from tests.webhook_processor.webhooks import ENVIRONMENT as PROCESSOR

ENVIRONMENT = {
    **PROCESSOR,
    "ENVIRONMENT_SUFFIX": "bench",
    "SUCCESS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:success",
    "WINDOW_REACH_SECONDS": "0",
}

CREDENTIALS: Mapping[str, str] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
}


class Cpu(NamedTuple):
    """CPU seconds of an invocation, and which part of them the AWS clients took."""

    whole: float
    clients: float


@dataclass
class Services:
    """DynamoDB and SNS behind botocore's clients, and Lambda's context object.

    ``inserted`` takes the processor's inserts, ``table`` holds what the enricher reads and
    updates; :meth:`new_rows` is what the stream would carry over. ``calls`` counts requests by what
    they do: ``insert``, ``update``, ``query``, ``publish``, ``put``.
    """

    inserted: PriceTable = field(default_factory=PriceTable)
    table: Table = field(default_factory=Table)
    calls: Counter[str] = field(default_factory=Counter)
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    _theirs: float = 0
    _clients: float = 0
    _lock: Lock = field(default_factory=Lock)

    def get_remaining_time_in_millis(self) -> int:
        """Time that never gets less: a service that answers at once takes none."""
        return 120_000

    def client(self, service: str) -> Any:
        """Return a client as the functions make it, whose requests end here."""
        import botocore.session

        session = botocore.session.get_session()
        return self.caught(session.create_client(service, config=aws._CONFIG, **CREDENTIALS))

    def caught(self, client: Any) -> Any:
        """Return any botocore client, its requests answered here and its CPU time counted."""
        client.meta.events.register("before-send", self._answer)
        call = client._make_api_call

        def counted(*arguments: Any) -> Any:
            started = thread_time()
            try:
                return call(*arguments)
            finally:
                with self._lock:
                    self._clients += thread_time() - started

        client._make_api_call = counted
        return client

    def cpu(self, invoke: Callable[[], object]) -> Cpu:
        """Return the CPU seconds of a call, less what answering its requests took."""
        self._theirs = self._clients = 0
        started = process_time()
        invoke()
        whole = process_time() - started
        return Cpu(whole - self._theirs, self._clients - self._theirs)

    def new_rows(self) -> list[Item]:
        """Return the rows inserted since the last call, oldest key first, and forget them."""
        rows = [row for _, row in sorted(self.inserted.rows.items(), key=lambda one: one[0][1])]
        self.inserted.rows.clear()
        return rows

    def _answer(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        started = thread_time()
        with self._lock:
            kind, body = self._answered(request)
            self.calls[kind] += 1
            answer = AWSResponse(request.url, 200, {}, _Raw(body))
            self._theirs += thread_time() - started
        return answer

    def _answered(self, request: Any) -> tuple[str, bytes]:
        operation = request.headers.get("X-Amz-Target", b"").decode().rpartition(".")[2]
        if not operation:
            return "publish", b"<PublishResponse><PublishResult/></PublishResponse>"
        if operation in ("PutItem", "BatchWriteItem"):
            return "put", b'{"UnprocessedItems":{}}'
        arguments = json.loads(request.body)
        if operation == "Query":
            return "query", json.dumps(self.table.query(**arguments)).encode()
        assert operation == "BatchExecuteStatement", f"nobody answers {operation}"
        inserts = arguments["Statements"][0]["Statement"].startswith("INSERT")
        answer = (self.inserted if inserts else self.table).batch_execute_statement(**arguments)
        return "insert" if inserts else "update", json.dumps(answer).encode()


def write_units(rows: list[Item]) -> int:
    """Return the write units of inserting rows: one for each started KB."""
    return sum(-(-size_of(row) // 1024) for row in rows)


@contextmanager
def functions() -> Iterator[Services]:
    """Give both handlers these services and an environment, and take everything back."""
    services = Services()
    clients = {name: services.client(name) for name in ("dynamodb", "sns")}
    before, variables, tails = aws.client, dict(os.environ), enricher._TAILS
    os.environ |= ENVIRONMENT
    aws.client = clients.__getitem__  # type: ignore[assignment]
    enricher._TAILS = type(tails)()
    enricher._topic.cache_clear()
    processor._processor.cache_clear()
    try:
        yield services
    finally:
        aws.client, enricher._TAILS = before, tails
        os.environ.clear()
        os.environ |= variables
        enricher._topic.cache_clear()
        processor._processor.cache_clear()


class _Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any) -> Any:
        """Yield the body once."""
        while chunk := self.read():
            yield chunk
