"""`python -m client status`: one screen that tells whether the pipeline is well.

The last tick of each symbol and venue and how old it is, what waits in the dead-letter queues, the
alarms, and what the functions and the table did in the last day, with its price. Ends with 1 when
a message waits in a queue or an alarm is raised or missing, so that a script can ask too.

Who calls needs :data:`READING` on the table, :data:`COUNTING` on the queues, and :data:`WATCHING`,
for which AWS knows no resource but `*`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from client.dead_letters import Queue
from client.environment import Environment, Unreachable, add_arguments, chosen
from client.prices import Prices, Row
from client.symbols import symbols
from stack import cost
from stack.naming import SuffixError, named

READING = ("dynamodb:Scan", "dynamodb:Query")
COUNTING = ("sqs:GetQueueUrl", "sqs:GetQueueAttributes")
WATCHING = ("cloudwatch:DescribeAlarms", "cloudwatch:GetMetricStatistics")

NEWEST_ROWS = 50
"""Rows of a symbol that are looked at: a venue without one among them is not shown."""

DAY = timedelta(days=1)
_HOUR_SECONDS = 3600
_CENT = 0.01


@dataclass(frozen=True, slots=True)
class Feed:
    """The last tick of a symbol from a venue; `lag_ms` from the event to its webhook."""

    symbol: str
    exchange: str
    time: datetime
    lag_ms: int
    enriched: bool


@dataclass(frozen=True, slots=True)
class Work:
    """What a function did in the last day; a figure is None where CloudWatch has no data."""

    function: str
    invocations: float | None
    errors: float | None
    throttles: float | None
    seconds: float | None
    logged_bytes: float | None


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the command and its arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "status", help="show feeds, queues, alarms, capacity and cost on one screen"
    )
    add_arguments(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the screen; 1 when something needs a look, 2 when the environment cannot be asked."""
    try:
        return show(chosen(args), Console(highlight=False, soft_wrap=True))
    except (Unreachable, SuffixError) as error:
        print(error, file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(
            f"the status was not read: {error}\nLook at --suffix, at your credentials (aws sso "
            "login, AWS_PROFILE) and at your rights (docs/operating.md), or use --local.",
            file=sys.stderr,
        )
    return 2


def show(where: Environment, output: Console) -> int:
    """Print what stands and return the exit status: 1 when something needs a look."""
    now = datetime.now(UTC)
    found = Prices(where)
    names = sorted(symbols(where.client("dynamodb"), where.table))
    output.print(_feeds((feed for name in names for feed in feeds(found, name)), now))
    if not names:
        output.print(f"no row in {where.table} yet")
    output.print()

    waiting = {key: _waiting(where, key) for key in where.settings.functions}
    raised = alarms(where)
    output.print(_functions(where, waiting, [work(where, key, now) for key in waiting]))
    age = statistic(where, "AWS/Lambda", "IteratorAge", _enricher(where), now, "Maximum")
    output.print(
        f"greatest iterator age of the day: {'no data' if age is None else f'{age / 1000:,.1f} s'}"
    )
    output.print()

    states = ", ".join(f"{name} {state}" for name, state in raised.items() if state != "OK")
    output.print(f"alarms: {states or f'all {len(raised)} OK'}")
    output.print(_day(where, now))
    bad = any(state in ("ALARM", "missing") for state in raised.values())
    return 1 if bad or any(waiting.values()) else 0


def feeds(found: Prices, symbol: str) -> list[Feed]:
    """Return the last tick of each venue among the newest rows of a symbol."""
    newest: dict[str, Row] = {row.exchange: row for row in found.last(symbol, NEWEST_ROWS)}
    return [
        Feed(
            symbol,
            exchange,
            row.time,
            row.received_at - int(row.timestamp),
            bool(row.window),
        )
        for exchange, row in sorted(newest.items())
    ]


def alarms(where: Environment) -> dict[str, str]:
    """Return the state of every alarm of the settings by its name; `missing` where there is none.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    settings = where.settings
    of = settings.alarms
    bases = [f"{one.name}-dlq-{of.dead_letters.name}" for one in settings.functions.values()]
    bases += [of.errors.name, of.throttles.name, of.iterator_age.name]
    bases += [of.dead_letter_errors.name, of.destination_failures.name]
    bases += [of.stale_feed.name] if of.stale_feed.minutes else []
    names = [named(base, where.suffix) for base in bases]
    answer = where.client("cloudwatch").describe_alarms(AlarmNames=names)
    states = {one["AlarmName"]: str(one["StateValue"]) for one in answer["MetricAlarms"]}
    return {name: states.get(name, "missing") for name in names}


def statistic(
    where: Environment,
    namespace: str,
    metric: str,
    dimensions: Mapping[str, str],
    now: datetime,
    kind: str = "Sum",
) -> float | None:
    """Return the sum, or the `Maximum`, of a metric over the last day; None without data."""
    points = where.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - DAY,
        EndTime=now + timedelta(minutes=1),
        Period=_HOUR_SECONDS,
        Statistics=[kind],
    )["Datapoints"]
    values = [float(point[kind]) for point in points]
    if not values:
        return None
    return max(values) if kind == "Maximum" else sum(values)


def work(where: Environment, key: str, now: datetime) -> Work:
    """Return what a function, by its key in the settings, did in the last day."""
    of = {"FunctionName": where.function(key)}
    milliseconds = statistic(where, "AWS/Lambda", "Duration", of, now)
    return Work(
        where.function(key),
        statistic(where, "AWS/Lambda", "Invocations", of, now),
        statistic(where, "AWS/Lambda", "Errors", of, now),
        statistic(where, "AWS/Lambda", "Throttles", of, now),
        None if milliseconds is None else milliseconds / 1000,
        statistic(
            where,
            "AWS/Logs",
            "IncomingBytes",
            {"LogGroupName": f"/aws/lambda/{where.function(key)}"},
            now,
        ),
    )


def consumed(where: Environment, now: datetime) -> cost.Consumption | None:
    """Return what the last day consumed as CloudWatch counted it; None when it counted no write."""
    table = {"TableName": where.table}
    writes = statistic(where, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", table, now)
    reads = statistic(where, "AWS/DynamoDB", "ConsumedReadCapacityUnits", table, now)
    if not writes:
        return None
    processor, enricher = (work(where, key, now) for key in ("webhook_processor", "price_enricher"))
    functions = where.settings.functions
    webhooks, batches = processor.invocations or 0.0, enricher.invocations or 0.0
    return cost.Consumption(
        ticks=writes / cost.WRITES_A_TICK,
        webhooks=webhooks,
        batches=batches,
        processor_gb_seconds=functions.webhook_processor.memory_mb
        / 1024
        * (processor.seconds or 0),
        enricher_gb_seconds=functions.price_enricher.memory_mb / 1024 * (enricher.seconds or 0),
        write_units=writes,
        read_units=reads or 0.0,
        notices=webhooks + batches,
        logged_bytes=(processor.logged_bytes or 0) + (enricher.logged_bytes or 0),
    )


def _waiting(where: Environment, key: str) -> int:
    return sum(Queue(where.client("sqs"), where.dead_letters(key)).counts())


def _enricher(where: Environment) -> dict[str, str]:
    return {"FunctionName": where.function("price_enricher")}


def _feeds(found: Iterable[Feed], now: datetime) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("symbol", "venue", "last tick (UTC)", "age", "lag", "metrics"):
        table.add_column(title, no_wrap=True)
    for feed in found:
        age = timedelta(seconds=round((now - feed.time).total_seconds()))
        table.add_row(
            feed.symbol,
            feed.exchange,
            f"{feed.time:%F %T}",
            str(age),
            f"{feed.lag_ms / 1000:,.3f} s",
            "enriched" if feed.enriched else "not yet",
        )
    return table


def _functions(where: Environment, waiting: Mapping[str, int], found: list[Work]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("the last day", "invocations", "errors", "throttles", "dead letters now"):
        table.add_column(title, justify="left" if title == "the last day" else "right")
    for key, one in zip(waiting, found, strict=True):
        counts = (one.invocations, one.errors, one.throttles)
        shown = ("no data" if count is None else f"{count:g}" for count in counts)
        table.add_row(where.function(key), *shown, str(waiting[key]))
    return table


def _day(where: Environment, now: datetime) -> str:
    used = consumed(where, now)
    if used is None:
        return "capacity of the last day: CloudWatch has no data of the table"
    dollars = cost.total(cost.components(used))
    about = f"about ${dollars:,.2f}" if dollars >= _CENT else "less than a cent"
    return (
        f"capacity of the last day: {used.write_units:,.0f} write units, {used.read_units:,.0f} "
        f"read units; {about} without what stands (python -m client cost)"
    )
