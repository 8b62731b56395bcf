"""docs/scaling.md tells what the settings and the cost model say; its example merges."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from client.environment import Environment
from client.prices import Prices
from stack import cost
from stack import settings as pipeline_settings
from tests.docs import pages, tape
from tests.emulator.embedded import Emulator

PAGE = "scaling.md"
SETTINGS = pipeline_settings.load()

# What AWS allows, with the pages that the page under test names.
PARTITION_WRITES = 1_000
NEW_TABLE_WRITES = 4_000
TABLE_WRITES = 40_000
ACCOUNT_REQUESTS = 10_000


def costs() -> list[list[str]]:
    """The table of costs: each size with its symbols, none of them beyond a tape's limit."""
    rows = []
    for rate, symbols in ((10, 10), (100, 10), (1_000, 10), (10_000, 100)):
        expecting = pipeline_settings.with_expected(
            SETTINGS,
            {
                "ticks_a_second": rate,
                "symbols": symbols,
                "ticks_a_webhook": 100,
                "stored_days": 30,
            },
        )
        consumed = cost.expected(expecting)
        month = cost.total(cost.components(consumed))
        stored = cost.standing(expecting, consumed)[0]
        assert stored.name == "storage"
        rows.append(
            [
                f"{rate:,}",
                str(symbols),
                f"{month / consumed.ticks * 1e6:.2f}",
                f"{month:,.0f}",
                f"{stored.dollars:,.0f}",
            ]
        )
    return rows


def limits() -> list[list[str]]:
    """The table of limits, in ticks a second, the smallest first."""
    functions, ingress = SETTINGS.functions, SETTINGS.ingress
    batch = SETTINGS.stream.batch_size
    shard = batch / (cost.BATCH_SECONDS + batch * cost.BATCH_TICK_SECONDS)
    shards = functions.price_enricher.reserved_concurrency

    def processor(ticks: int) -> float:
        seconds = cost.WEBHOOK_SECONDS + ticks * cost.WEBHOOK_TICK_SECONDS
        return functions.webhook_processor.reserved_concurrency * ticks / seconds

    sizes: list[tuple[str, float, str, str]] = [
        (
            "the key's rate, one tick a webhook",
            ingress.throttle_rate,
            "`ingress.throttle_rate`",
            "fuller webhooks; raise it",
        ),
        ("one tape", PARTITION_WRITES / 2, "DynamoDB's partition", "see below"),
        (
            "one shard of the stream",
            shard,
            "a batch at a time, as measured",
            "`stream.batch_size`",
        ),
        (
            "webhook-processor, one tick a webhook",
            processor(1),
            "`reserved_concurrency`",
            "fuller webhooks; raise it",
        ),
        (
            "a new table",
            NEW_TABLE_WRITES / 2,
            "DynamoDB; twice the last peak within half an hour",
            "grow slowly, or warm it beforehand",
        ),
        (
            "price-enricher",
            shard * shards,
            f"`reserved_concurrency` {shards}: so many shards at once",
            "raise it",
        ),
        (
            "the account's API requests, one tick a webhook",
            ACCOUNT_REQUESTS,
            "API Gateway's quota",
            "fuller webhooks; ask for more",
        ),
        (
            "webhook-processor, 100 ticks a webhook",
            processor(100),
            "`reserved_concurrency`",
            "raise it",
        ),
        (
            "any table",
            TABLE_WRITES / 2,
            "DynamoDB's quota",
            "ask for more",
        ),
        (
            "the key's rate, 100 ticks a webhook",
            ingress.throttle_rate * 100,
            "`ingress.throttle_rate`",
            "raise it",
        ),
    ]
    return [
        [what, f"{rounded(ticks):,}", where, lift]
        for what, ticks, where, lift in sorted(sizes, key=lambda row: row[1])
    ]


def rounded(number: float) -> int:
    """To two digits: the model is not better."""
    return int(Decimal(number).quantize(Decimal(1)).__round__(2 - len(str(int(number)))))


def as_table(rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_the_costs_are_the_models() -> None:
    told = pages.table(PAGE, "ticks a second")
    assert told == costs(), f"docs/scaling.md should say:\n{as_table(costs())}"


def test_the_limits_are_the_settings() -> None:
    told = pages.table(PAGE, "limit")
    assert told == limits(), f"docs/scaling.md should say:\n{as_table(limits())}"


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prices]:
    started = Emulator(tmp_path_factory.mktemp("scaling"))
    try:
        yield Prices(Environment("dev", started.endpoint))
    finally:
        started.stop()


def test_parts_of_a_tape_merge_to_the_whole(prices: Prices) -> None:
    client = prices.environment.client("dynamodb")
    tape.fill(client, rows=0)
    sent = [tape.tick(tape.message("BTC-USD", number)) for number in range(150)]
    tape.insert(
        client, [one._replace(symbol=f"BTC#{int(one.event_id) * 7 // 3 % 4}") for one in sent]
    )
    [example] = pages.fences(PAGE, "python")
    start, end = sent[0].event_ms, sent[-1].event_ms
    found: dict[str, Any] = {"prices": prices, "start": start, "end": end}
    prices.read_units = 0
    exec(example, found)
    events = [one.event_id for one in sent]
    assert [row.event_id for row in found["whole"]] == events[:-1]
    assert [row.event_id for row in found["last"]] == events[-100:]
    prices.read_units = 0
    prices.latest(found["parts"])
    assert prices.read_units == 2.0
