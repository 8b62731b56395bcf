"""What the pipeline costs: consumption, counted in AWS's units, times the prices of `prices.toml`.

A :class:`Consumption` is either expected from the settings (:func:`expected`) or measured in a run;
:func:`components` prices both alike. The floor is what no arrangement of the pipeline avoids: two
write units a tick, one to insert its row and one to add the metrics.

Free tiers are left out, so a bill is never higher than the figure for the same consumption. Not in
it: requests that algorithms make, late ticks (docs/enrichment.md), failures and their queues.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from math import ceil
from pathlib import Path
from types import MappingProxyType

from stack.settings import Settings, SettingsError

PRICES_FILE = Path(__file__).with_name("prices.toml")

SECONDS_A_MONTH = 730 * 3600
"""AWS's month of 730 hours: https://aws.amazon.com/calculator/calculator-assumptions/"""

WRITES_A_TICK = 2
"""The row's insertion and its metrics, a write unit each as long as a row has at most 1 KB."""

ROW_BYTES = 430
"""An enriched row (docs/enrichment.md)."""

STORAGE_OVERHEAD_BYTES = 100
"""What a row is billed for beside its attributes.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

CUSTOM_METRICS = 5
"""What the functions' log lines are counted into, each priced while traffic runs."""

# A webhook: the calls to DynamoDB that it waits for, and each tick's share of work and writes.
WEBHOOK_SECONDS = 0.0113
WEBHOOK_TICK_SECONDS = 0.0007
WEBHOOK_LOGGED_BYTES = 780

# A batch of the enricher: simulated with CPU time as measured (docs/enrichment.md).
BATCH_SECONDS = 0.05
BATCH_TICK_SECONDS = 0.0012
BATCH_LOGGED_BYTES = 450

POLL_SECONDS = 0.25
"""How often Lambda looks for new records of a stream's shard.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

READ_UNIT_BYTES = 4096
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Consumption:
    """What so many ticks consumed, in the units that AWS bills.

    `webhooks` are requests with at least one tick and `batches` the enricher's invocations;
    `notices` are both functions'. `stored_gb` is the table's size and counts for a month.
    """

    ticks: float
    webhooks: float
    batches: float
    processor_gb_seconds: float
    enricher_gb_seconds: float
    write_units: float
    read_units: float
    notices: float
    logged_bytes: float
    stored_gb: float = 0.0


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the bill in dollars, and what it pays for."""

    name: str
    dollars: float
    what: str


@dataclass(frozen=True, slots=True)
class Lever:
    """A change of the settings or the feed, and the dollars a month that it saves."""

    change: str
    saves: float


@cache
def prices() -> Mapping[str, float]:
    """Read `prices.toml`: the dollars of one unit by the unit's name."""
    document = tomllib.loads(PRICES_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            name: float(Decimal(price["dollars"]) / price["per"])
            for name, price in document.items()
            if name != "dated"
        }
    )


def dated() -> str:
    """Return the month that the prices are of."""
    return str(tomllib.loads(PRICES_FILE.read_text(encoding="utf-8"))["dated"])


def expected(settings: Settings) -> Consumption:
    """Return what a month consumes if the table `[expected]` of the settings comes true.

    Ticks arrive independently, spread evenly over the symbols, in order, and find the functions
    warm.
    """
    load = settings.expected
    ticks = float(load.ticks_a_second * SECONDS_A_MONTH)
    webhooks = ticks / load.ticks_a_webhook
    batch = _ticks_a_batch(settings)
    batches = ticks / batch
    # Of a symbol one query a batch, from the last enriched row on.
    symbols = load.symbols * (1 - (1 - 1 / load.symbols) ** batch)
    units = ceil((1 + batch / symbols) * ROW_BYTES / READ_UNIT_BYTES)
    row_bytes = ROW_BYTES + STORAGE_OVERHEAD_BYTES
    return Consumption(
        ticks=ticks,
        webhooks=webhooks,
        batches=batches,
        processor_gb_seconds=processor_gb_seconds(settings, webhooks, ticks),
        enricher_gb_seconds=enricher_gb_seconds(settings, batches, ticks),
        write_units=WRITES_A_TICK * ticks,
        read_units=batches * symbols * units,
        notices=webhooks + batches,
        logged_bytes=webhooks * WEBHOOK_LOGGED_BYTES + batches * BATCH_LOGGED_BYTES,
        stored_gb=load.ticks_a_second * stored_days(settings) * 86_400 * row_bytes / GIB,
    )


def stored_days(settings: Settings) -> int:
    """Return the days of rows that the table holds: as old as it is, or as they get.

    That rows end costs nothing: DynamoDB's own deletions take no write units
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html), and the mapping's
    filter keeps them from price-enricher.
    """
    days = settings.expected.stored_days
    return min(days, settings.table.row_retention_days or days)


def processor_gb_seconds(settings: Settings, webhooks: float, ticks: float) -> float:
    """Return what webhook-processor is billed for so many webhooks with so many ticks."""
    seconds = webhooks * WEBHOOK_SECONDS + ticks * WEBHOOK_TICK_SECONDS
    return settings.functions.webhook_processor.memory_mb / 1024 * seconds


def enricher_gb_seconds(settings: Settings, batches: float, ticks: float) -> float:
    """Return what price-enricher is billed for so many batches of so many ticks."""
    seconds = batches * BATCH_SECONDS + ticks * BATCH_TICK_SECONDS
    return settings.functions.price_enricher.memory_mb / 1024 * seconds


def _ticks_a_batch(settings: Settings) -> float:
    """A batch closes when it is full, or its window after the poll that read its first record."""
    stream, rate = settings.stream, settings.expected.ticks_a_second
    # The first record has waited half a polling interval on average, and others came with it.
    seconds = stream.batching_window_seconds + POLL_SECONDS / 2
    return min(float(stream.batch_size), 1 + rate * seconds)


def components(consumed: Consumption) -> list[Component]:
    """Price what was consumed, without what a month costs whatever happens (:func:`standing`)."""
    price = prices()
    return [
        Component(
            "DynamoDB writes", consumed.write_units * price["write_unit"], "insertions and metrics"
        ),
        Component("API Gateway", consumed.webhooks * price["api_request"], "one request a webhook"),
        Component(
            "webhook-processor",
            consumed.webhooks * price["invocation"]
            + consumed.processor_gb_seconds * price["gb_second"],
            "invocations and GB-seconds",
        ),
        Component(
            "price-enricher",
            consumed.batches * price["invocation"]
            + consumed.enricher_gb_seconds * price["gb_second"],
            "invocations and GB-seconds",
        ),
        Component("DynamoDB reads", consumed.read_units * price["read_unit"], "the tapes' windows"),
        Component(
            "success notices", consumed.notices * price["notice"], "one a webhook and a batch"
        ),
        Component(
            "log lines", consumed.logged_bytes * price["logged_byte"], "one a webhook and a batch"
        ),
    ]


def alarm_metrics(settings: Settings) -> int:
    """Count the metrics that the alarms watch: one on a sum of several is billed for each of them.

    Three queues; errors, throttles and dead letters of three functions; destinations of two; the
    stream's lag; and the feed, if its alarm is wanted.
    """
    functions = len(settings.functions)
    return 4 * functions + 2 + 1 + bool(settings.alarms.stale_feed.minutes)


def standing(settings: Settings, consumed: Consumption) -> list[Component]:
    """Price what a month costs beside its ticks: what is stored, what watches, and the key."""
    price = prices()
    return [
        Component("storage", consumed.stored_gb * price["stored_gb"], "the table and its backup"),
        Component("metrics", CUSTOM_METRICS * price["metric"], "while traffic runs"),
        Component("dashboard", price["dashboard"], "three are free"),
        Component(
            "alarms", alarm_metrics(settings) * price["alarm_metric"], "each metric they watch"
        ),
        Component("key", price["key"], "customer-managed"),
    ]


def floor(ticks: float) -> float:
    """Return the dollars that so many ticks cost at least: two write units each."""
    return ticks * WRITES_A_TICK * prices()["write_unit"]


def total(parts: list[Component]) -> float:
    """Return the dollars of all parts together."""
    return sum(part.dollars for part in parts)


def monthly(settings: Settings) -> float:
    """Return the dollars of a month as expected."""
    consumed = expected(settings)
    return total(components(consumed)) + total(standing(settings, consumed))


def levers(settings: Settings) -> list[Lever]:
    """Return what lowers the expected cost, the largest saving first; nothing that raises it."""
    load, stream = settings.expected, settings.stream
    stored = stored_days(settings)
    fewer = max(settings.least_retention_days, stored // 2)
    changes = {
        "send 100 ticks a webhook": replace(
            settings, expected=replace(load, ticks_a_webhook=max(100, load.ticks_a_webhook))
        ),
        f"set table.row_retention_days to {fewer}, not {stored} days of rows": replace(
            settings, table=replace(settings.table, row_retention_days=min(fewer, stored))
        ),
        "set stream.batching_window_seconds to 5, so metrics come later": replace(
            settings,
            stream=replace(stream, batching_window_seconds=max(5, stream.batching_window_seconds)),
        ),
        "set stream.batch_size to 1000": replace(
            settings, stream=replace(stream, batch_size=max(1000, stream.batch_size))
        ),
    }
    now = monthly(settings)
    found = [Lever(change, now - monthly(changed)) for change, changed in changes.items()]
    return sorted(
        (one for one in found if one.saves >= 0.01), key=lambda one: one.saves, reverse=True
    )


def require_within_budget(settings: Settings) -> None:
    """Refuse settings whose expected cost exceeds their own budget; raises `SettingsError`."""
    budget, dollars = settings.expected.budget_dollars_a_month, monthly(settings)
    if dollars > budget:
        first = levers(settings)
        hint = f"; the first thing to change: {first[0].change}" if first else ""
        raise SettingsError(
            f"setting expected.budget_dollars_a_month is {budget}; what the table [expected] "
            f"describes costs ${dollars:,.2f} a month. Raise the budget or lower the cost{hint} "
            "(`python -m client cost` shows each part)."
        )
