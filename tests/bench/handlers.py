"""The whole processor and the whole enricher: CPU a tick from the event to the last AWS call.

The network is replaced at the HTTP layer, so that signatures, botocore's serialisation and its
request signing are in. Beside ours the same processor with boto3's resource, as one would write
it: a conditional ``put_item`` a tick, or the ``batch_writer``, which cannot insert on a condition
and so overwrites a row that is enriched already. Not in it: Lambda's runtime around the handler.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

from lambdas import exchanges
from lambdas.domain.ticks import Tick
from lambdas.price_enricher import handler as enricher
from lambdas.webhook_processor import handler as processor
from lambdas.webhook_processor.webhook import decode
from tests.bench.figures import Figure, Spread, ratios
from tests.bench.services import CREDENTIALS, Cpu, Services, functions
from tests.bench.traffic import webhook
from tests.price_enricher.rows import records, walk

WEBHOOKS = {1: 20, 25: 4, 100: 2}
"""Ticks a webhook, and invocations a measurement."""

BATCHES = {(1, 1): 20, (1, 100): 2, (4, 100): 2}
"""Symbols and ticks of a batch, and invocations a measurement."""

SYMBOLS = 4
"""Symbols of a webhook with several ticks."""

OURS, PUTS, WRITER = "ours", "boto3 resource, put_item", "boto3 resource, batch_writer"

Invoke = Callable[[], object]


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure both functions in turns."""
    rounds = 5 if quick else 15
    with functions() as services:
        return processors(services, rounds, progress) + enrichers(services, rounds, progress)


def processors(
    services: Services, rounds: int, progress: Callable[[str], None] = lambda _: None
) -> list[Figure]:
    """Measure the processor with one to a hundred ticks a webhook, beside boto3's resource."""
    numbers = count(1)
    table = _resource(services)
    figures = []
    for ticks, turns in WEBHOOKS.items():
        progress(f"processor, {ticks}")
        group = f"processor, {ticks} a webhook"

        def new(ticks: int = ticks) -> dict[str, Any]:
            return webhook(next(numbers), ticks, min(SYMBOLS, ticks))

        subjects: dict[str, Callable[[], Invoke]] = {
            OURS: lambda new=new: partial(processor.handle, new(), services),  # type: ignore[misc]
            PUTS: lambda new=new: partial(_processed_by, table, _put_each, new()),  # type: ignore[misc]
            WRITER: lambda new=new: partial(_processed_by, table, _batch_write, new()),  # type: ignore[misc]
        }
        taken = measured(services, subjects, rounds, turns)
        figures += lines(group, taken, ticks)
    return figures


def enrichers(
    services: Services, rounds: int, progress: Callable[[str], None] = lambda _: None
) -> list[Figure]:
    """Measure the warm enricher with batches of one and a hundred ticks."""
    figures = []
    for (symbols, ticks), turns in BATCHES.items():
        progress(f"enricher, {ticks} of {symbols}")
        ours = partial(warm_enricher, services, symbols, ticks)
        taken = measured(services, {OURS: ours}, rounds, turns)
        group = f"enricher, {ticks} of {symbols} symbol{'s' * (symbols > 1)}"
        figures += lines(group, taken, ticks)
    return figures


def measured(
    services: Services, subjects: Mapping[str, Callable[[], Invoke]], rounds: int, turns: int
) -> dict[str, list[Cpu]]:
    """Return each subject's CPU seconds an invocation, one value a round, taken in turns.

    Every invocation gets new ticks; making them is not measured. The first round warms up.
    """
    chance = random.Random(8)
    taken: dict[str, list[Cpu]] = {name: [] for name in subjects}
    for _ in range(rounds + 1):
        for name in chance.sample(list(subjects), len(subjects)):
            several = [services.cpu(subjects[name]()) for _ in range(turns)]
            taken[name].append(Cpu(*(sum(part) / turns for part in zip(*several, strict=True))))
    return {name: values[1:] for name, values in taken.items()}


def lines(group: str, taken: Mapping[str, Sequence[Cpu]], ticks: int) -> list[Figure]:
    """Return CPU a tick, the AWS client's share of it, and how many times ours others take."""

    def figure(subject: str, seconds: Sequence[float]) -> Figure:
        spread = Spread.of([one / ticks * 1e6 for one in seconds])
        return Figure(group, subject, "µs a tick", spread)

    figures = []
    for name, values in taken.items():
        figures.append(figure(name, [one.whole for one in values]))
        if name == OURS:
            figures.append(figure("of that the AWS client", [one.clients for one in values]))
    ours = [one.whole for one in taken[OURS]]
    for name in taken.keys() - {OURS}:
        spread = Spread.of(ratios([one.whole for one in taken[name]], ours))
        figures.append(Figure(group, f"{name} / ours", "×", spread))
    return sorted(figures, key=lambda one: one.unit == "×")


def warm_enricher(services: Services, symbols: int, ticks: int) -> Invoke:
    """Return an invocation with new ticks that follow on tapes which the container knows."""
    history, new = [], []
    for number in range(symbols):
        rows = walk(100 + ticks // symbols, f"COIN{number}")
        history += rows[:100]
        new += rows[100:]
    services.table.rows.clear()
    services.table.insert(history)
    enricher.handle({"Records": records(history)}, services)
    services.table.insert(new)
    event = {"Records": records(new)}
    return lambda: _enriched(enricher.handle(event, services))


def _enriched(answer: Mapping[str, Any]) -> None:
    if answer["batchItemFailures"]:
        raise RuntimeError(f"the handler that is measured failed: {answer}")


def _resource(services: Services) -> Any:
    import boto3

    resource = boto3.resource("dynamodb", **CREDENTIALS)
    services.caught(resource.meta.client)
    return resource.Table("prices")


def _processed_by(
    table: Any, write: Callable[[Any, Sequence[Tick]], None], event: Mapping[str, Any]
) -> None:
    """Verify and read a webhook as ours does, and write its ticks through boto3's resource."""
    made = processor._processor()
    hook = decode(event)
    made._verify(hook)
    write(table, exchanges.read(hook.exchange, hook.body, hook.received_at, made.limits).ticks)


def _item(tick: Tick) -> dict[str, Any]:
    return {
        "symbol": tick.symbol,
        "timestamp": tick.timestamp,
        "base": tick.base,
        "quote": tick.quote,
        "price": tick.price,
        "size": tick.size,
        "exchange": tick.exchange,
        "event_id": tick.event_id,
        "kind": tick.kind,
        "received_at": Decimal(tick.received_at),
        "time_source": tick.time_source,
        "window": "",
    }


def _put_each(table: Any, ticks: Sequence[Tick]) -> None:
    for tick in ticks:
        table.put_item(Item=_item(tick), ConditionExpression="attribute_not_exists(symbol)")


def _batch_write(table: Any, ticks: Sequence[Tick]) -> None:
    with table.batch_writer() as writer:
        for tick in ticks:
            writer.put_item(Item=_item(tick))
