"""Calls, units and dollars a tick, counted while webhooks go through both handlers.

Signed webhooks are processed, the rows that they insert are handed to the warm enricher as the
stream would, in batches of the stack's size and with an enricher that keeps up, and everything
that leaves either function is counted: requests, write and read units by DynamoDB's arithmetic.
Nothing is timed, so the figures are the same on every machine; test_counts.py holds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lambdas.price_enricher import handler as enricher
from lambdas.webhook_processor import handler as processor
from stack import cost, settings
from tests.bench.figures import Aim, Figure, counted
from tests.bench.services import functions, write_units
from tests.bench.traffic import webhook
from tests.price_enricher.rows import in_batches, records

TICKS = 3_000
SHAPES = {(1, 1): TICKS, (25, 4): TICKS, (100, 4): TICKS, (100, 10): TICKS}
"""Ticks a webhook and symbols, and the ticks that are sent."""

FLOOR_AIM = Aim("<=", 1.1)
"""Dollars against the floor: 100 ticks a webhook of at most ten symbols, warm."""


@dataclass
class Counted:
    """What so many ticks took: webhooks, stream batches, requests by kind, and units."""

    ticks: int
    webhooks: int
    batches: int = 0
    tapes: int = 0
    """Symbols of each batch, added up: a query each is what there must be."""
    calls: Counter[str] = field(default_factory=Counter)
    write_units: int = 0
    read_units: int = 0

    def consumption(self, chosen: settings.Settings) -> cost.Consumption:
        """Return it in the units that AWS bills, billed seconds by the cost model."""
        return cost.Consumption(
            ticks=self.ticks,
            webhooks=self.webhooks,
            batches=self.batches,
            processor_gb_seconds=cost.processor_gb_seconds(chosen, self.webhooks, self.ticks),
            enricher_gb_seconds=cost.enricher_gb_seconds(chosen, self.batches, self.ticks),
            write_units=self.write_units,
            read_units=self.read_units,
            notices=self.webhooks + self.batches,
            logged_bytes=self.webhooks * cost.WEBHOOK_LOGGED_BYTES
            + self.batches * cost.BATCH_LOGGED_BYTES,
        )


def counted_run(ticks_a_webhook: int, symbols: int, ticks: int = TICKS) -> Counted:
    """Send webhooks through both handlers and count; the first 100 ticks of a symbol warm up."""
    batch_size = settings.load().stream.batch_size
    with functions() as services:

        def sent(numbers: range, each: int) -> None:
            for number in numbers:
                answer = processor.handle(webhook(number, each, symbols), services)
                if answer["stored"] != each:
                    raise RuntimeError(f"{each} new ticks were answered with {answer}")
            rows = services.new_rows()
            result.write_units += write_units(rows)
            for batch in in_batches(rows, batch_size):
                services.table.insert(batch)
                answer = enricher.handle({"Records": records(batch)}, services)
                if answer["batchItemFailures"]:
                    raise RuntimeError(f"a batch failed: {answer}")
                result.batches += 1
                result.tapes += len({row["symbol"]["S"] for row in batch})

        result = Counted(0, 0)
        sent(range(symbols), 100)
        services.calls.clear()
        services.table.read_units = services.table.write_units = 0
        webhooks = ticks // ticks_a_webhook
        result = Counted(webhooks * ticks_a_webhook, webhooks)
        sent(range(symbols, symbols + webhooks), ticks_a_webhook)
        result.calls = Counter(services.calls)
        result.write_units += services.table.write_units
        result.read_units = services.table.read_units
    return result


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Count for each shape of traffic."""
    chosen = settings.load()
    figures = []
    for (ticks_a_webhook, symbols), ticks in SHAPES.items():
        shape = f"{ticks_a_webhook} a webhook, {symbols} symbol{'s' * (symbols > 1)}"
        progress(shape)
        found = counted_run(ticks_a_webhook, symbols, ticks)
        figures += lines(f"counted, {shape}", found, chosen, ticks_a_webhook == 100)
    return figures


def lines(group: str, found: Counted, chosen: settings.Settings, full: bool) -> list[Figure]:
    """Return calls, units and dollars a tick; the aims are for webhooks of a hundred."""
    aim_calls = Aim("<=", 1 / 25) if full else None
    calls = [
        counted(group, f"{kind} calls", "a tick", found.calls[kind] / found.ticks, aim_calls)
        for kind in ("insert", "update")
    ]
    dollars = cost.total(cost.components(found.consumption(chosen))) / found.ticks * 1e6
    floor = cost.prices()["write_unit"] * cost.WRITES_A_TICK * 1e6
    return [
        *calls,
        counted(
            group, "queries", "a tape and batch", found.calls["query"] / found.tapes, Aim("<=", 1)
        ),
        counted(group, "write units", "a tick", found.write_units / found.ticks, Aim("<=", 2)),
        counted(group, "read units", "a tick", found.read_units / found.ticks),
        counted(group, "dollars", "$/million", dollars),
        counted(group, "dollars / the floor", "×", dollars / floor, FLOOR_AIM if full else None),
    ]
