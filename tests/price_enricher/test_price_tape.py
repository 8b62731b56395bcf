"""The adapter's contract with DynamoDB, on the table in memory and on the embedded one alike."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lambdas.adapters import aws
from lambdas.adapters.price_tape import BrokenRow, PriceTape, key_of, row_of
from lambdas.domain.enrichment import Answer, Page, Read, Tails, Write
from lambdas.domain.windows import Enriched
from lambdas.price_enricher.batch import batch_of, enrich_all
from local.emulator import HEALTH_PATH, root_environment
from tests.price_enricher.rows import records, row, walk
from tests.price_enricher.table import Item, Table, size_of

ROOT = Path(__file__).resolve().parents[2]


class Embedded:
    """The embedded AWS's table, with the face of the one in memory."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.write_units = 0.0

    def insert(self, items: list[Item]) -> None:
        for item in items:
            self.client.put_item(TableName="prices", Item=item)

    def query(self, **arguments: Any) -> Mapping[str, Any]:
        return self.client.query(**arguments)  # type: ignore[no-any-return]

    def batch_execute_statement(self, **arguments: Any) -> Mapping[str, Any]:
        answer = self.client.batch_execute_statement(**arguments, ReturnConsumedCapacity="TOTAL")
        self.write_units += sum(one["CapacityUnits"] for one in answer["ConsumedCapacity"])
        return answer  # type: ignore[no-any-return]

    def tape(self, symbol: str) -> list[Item]:
        answer = self.client.query(
            TableName="prices",
            KeyConditionExpression="symbol = :symbol",
            ExpressionAttributeValues={":symbol": {"S": symbol}},
        )
        return answer["Items"]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [
            str(ROOT / ".venv-local/bin/python"),
            *("-m", "local.emulator", "--port", str(port)),
            *("--state", str(tmp_path_factory.mktemp("state"))),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(endpoint + HEALTH_PATH, process)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in root_environment(endpoint).items():
                patch.setenv(name, value)
            aws._session.cache_clear()
            client = aws.client.__wrapped__("dynamodb")
            client.create_table(
                TableName="prices",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[
                    {"AttributeName": "symbol", "KeyType": "HASH"},
                    {"AttributeName": "timestamp", "KeyType": "RANGE"},
                ],
                AttributeDefinitions=[
                    {"AttributeName": "symbol", "AttributeType": "S"},
                    {"AttributeName": "timestamp", "AttributeType": "N"},
                ],
            )
            yield Embedded(client)
    finally:
        aws._session.cache_clear()
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(150):
        assert process.poll() is None, "the embedded AWS ended while it was starting"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the embedded AWS did not answer at {url} within 30 s")


@pytest.fixture(params=["in memory", pytest.param("embedded", marks=pytest.mark.journey)])
def table(request: pytest.FixtureRequest) -> Table | Embedded:
    if request.param == "embedded":
        return request.getfixturevalue("embedded")  # type: ignore[no-any-return]
    return Table()


def tape_of(table: Any) -> PriceTape:
    return PriceTape(table, "prices", lambda: 120_000, pause=lambda _: None)


def keys(page: object) -> list[str]:
    assert isinstance(page, Page)
    return [one.print.key for one in page.rows]


def test_reads_go_both_ways_from_a_key_and_stop_at_their_limit(table: Table | Embedded) -> None:
    rows = walk(20, "READS")
    table.insert(rows)
    stored = [key_of(item) for item in rows]
    tape = tape_of(table)
    before, onward, behind = tape.read(
        [
            Read("READS", "<", stored[10], 4, False),
            Read("READS", ">=", stored[10], 4, True),
            Read("READS", ">", stored[10], 100, True),
        ]
    )
    assert keys(before) == stored[9:5:-1]
    assert keys(onward) == stored[10:14]
    assert keys(behind) == stored[11:]
    assert isinstance(onward, Page)
    assert isinstance(behind, Page)
    assert onward.more == stored[13]
    assert behind.more is None


def test_a_write_sets_and_removes_and_does_not_go_back(table: Table | Embedded) -> None:
    table.insert([row(10, symbol="WRITES")])  # a key that ends in zeros
    [stored] = table.tape("WRITES")
    key = key_of(stored)
    tape = tape_of(table)

    def write(window: str, metrics: dict[str, str], *obsolete: str, at: str = key) -> Answer:
        [answer] = tape.write([Write("WRITES", at, Enriched(window, metrics), obsolete)])
        return answer

    assert write("01:002", {"sma_5": "1.5", "vwap": "2"}) is Answer.WRITTEN
    assert write("01:002", {"sma_5": "0.000000123456789012345"}, "vwap") is Answer.WRITTEN
    assert write("01:001", {"sma_5": "9"}) is Answer.REFUSED
    assert write("01:003", {"sma_5": "9"}, at=key[:-1] + "1") is Answer.REFUSED
    [after] = table.tape("WRITES")
    assert row_of(after).metrics == {"sma_5": "0.000000123456789012345"}
    assert after["window"] == {"S": "01:002"}
    assert {name: after[name] for name in stored if name != "window"} == {
        name: stored[name] for name in stored if name != "window"
    }


def test_a_batch_is_enriched_for_one_write_unit_a_row(table: Table | Embedded) -> None:
    rows = walk(130, "BATCHES", seed=6)
    late = rows.pop(40)
    tails = Tails()
    table.insert(rows)
    before = table.write_units
    [outcome] = enrich_all(batch_of(records(rows)), tape_of(table), tails)
    assert (outcome.written, outcome.failed) == (129, {})
    assert table.write_units - before == 129
    table.insert([late])
    [outcome] = enrich_all(batch_of(records([late])), tape_of(table), tails)
    assert (outcome.written, outcome.failed) == (90, {})
    twin = Table()
    twin.insert([*rows, late])
    enrich_all(batch_of(records([*rows, late])), tape_of(twin), Tails())
    assert [
        (row_of(one), row_of(other))
        for one, other in zip(table.tape("BATCHES"), twin.tape("BATCHES"), strict=True)
        if row_of(one) != row_of(other)
    ] == []


def test_pages_end_where_a_megabyte_ends() -> None:
    table = Table(page_bytes=5 * size_of(row(1)))
    rows = walk(250)
    table.insert(rows)
    [outcome] = enrich_all(batch_of(records(rows)), tape_of(table), Tails())
    assert (outcome.written, outcome.failed) == (250, {})
    assert len(table.queries) > 40


def test_statements_of_a_shape_have_one_text_and_no_values() -> None:
    table = Table()
    texts: set[str] = set()

    def faults(name: str, arguments: dict[str, Any]) -> None:
        if name == "BatchExecuteStatement":
            texts.update(one["Statement"] for one in arguments["Statements"])

    table.faults = faults
    rows = walk(150)
    table.insert(rows)
    enrich_all(batch_of(records(rows)), tape_of(table), Tails())
    # rows 1 and 2, 3 and 4, 5 to 19, 20, 21 to 49, and the rest
    assert len(texts) <= 6
    assert not any("1732" in text or "BTC" in text for text in texts)
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementRequest.html
    assert max(map(len, texts)) <= 8192


def test_what_a_read_asks_for_is_what_metrics_need() -> None:
    table = Table()
    rows = walk(3)
    table.insert(rows)
    enrich_all(batch_of(records(rows)), tape_of(table), Tails())
    context, forward = table.queries
    assert "sma_5" not in context["ExpressionAttributeNames"].values()
    assert "sma_5" in forward["ExpressionAttributeNames"].values()
    assert "event_id" not in forward["ExpressionAttributeNames"].values()


@pytest.mark.parametrize("name", ["timestamp", "price", "exchange", "kind", "window"])
def test_a_broken_row_says_what_it_lacks(name: str) -> None:
    image = row(1)
    del image[name]
    with pytest.raises(BrokenRow, match=f"{name} is None"):
        row_of(image)
