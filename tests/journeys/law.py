"""The law of the faults: whatever fails, no accepted message and no stored row is without a place.

Every accepted message is in the table exactly once, was ignored, or lies in a dead-letter queue
with its reason. Every stored row is enriched correctly, or it or a row of its window lies in a
batch in the enricher's dead-letter queue. Redriving heals both.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from client.dead_letters import Queue
from client.dlq import target_of
from client.environment import Environment
from client.redrive import redrive
from local import demo, report
from local.messages import Message
from local.report import Key
from tests.journeys import oracle
from tests.journeys.stage import FIRST, Journey, tapes

PROCESSOR, ENRICHER = f"webhook-processor-{FIRST}", f"price-enricher-{FIRST}"
NOTIFIER = f"error-notifier-{FIRST}"

_QUIET_SECONDS = 0.75
_PATIENCE_SECONDS = 240


@dataclass
class Sent:
    """Messages that the webhook took, by request id, and since when (epoch milliseconds)."""

    journey: Journey
    accepted: Mapping[str, Message]
    since_ms: int


@dataclass(frozen=True)
class Standing:
    """Where everything is: keys stored and stranded, request ids dead-lettered, and what is wrong.

    `lost` messages are neither stored, nor refused and kept, nor given up and kept.
    """

    stored: frozenset[Key]
    enriched: frozenset[Key]
    stranded: frozenset[Key]
    dead: Mapping[str, str | None]
    lost: tuple[str, ...]
    wrong: tuple[str, ...]


def post(journey: Journey, messages: Sequence[Message]) -> Sent:
    """Post messages and do not wait; every one must be taken."""
    since_ms = int(time.time() * 1000)
    deployment = journey.deployment(FIRST)
    posted = demo.webhook(deployment).post_all(messages)
    assert not posted.turned_away
    journey.tally.sent += len(posted.accepted)
    return Sent(journey, posted.accepted, since_ms)


def settle(journey: Journey) -> None:
    """Wait until nothing is on its way: no event, no invocation, no record of a stream."""
    deadline, quiet = time.monotonic() + _PATIENCE_SECONDS, time.monotonic()
    while time.monotonic() - quiet < _QUIET_SECONDS:
        state = journey.control("GET", "state")
        if any(state[name] for name in ("running", "waiting", "stream_backlog")):
            quiet = time.monotonic()
        assert time.monotonic() < deadline, f"it does not come to rest: {state}"
        time.sleep(0.1)


def standing(sent: Sent, *, announced: bool = False) -> Standing:
    """Look where everything is, once it has come to rest.

    With `announced` the failure path itself was refused: what has no place then is counted apart.
    """
    journey = sent.journey
    settle(journey)
    deployment = journey.deployment(FIRST)
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    bounds = report.limits(deployment.settings.processing)
    rows = report.rows(deployment.client("dynamodb"), outputs["table_name"])
    stand = tapes(deployment)
    dead = report.dead_letters(sqs, outputs["webhook_dlq_url"], sent.accepted)
    _, stranded = report.stranded(
        sqs, deployment.client("dynamodbstreams"), outputs["enricher_dlq_url"], sent.since_ms
    )
    wanted = {
        request_id: report.keys(message, int(time.time() * 1000), bounds)
        for request_id, message in sent.accepted.items()
    }
    mine = frozenset().union(*wanted.values())
    stored = mine & rows.keys()
    lost = tuple(
        sent.accepted[request_id].origin
        for request_id, keys in wanted.items()
        # A message of which nothing can be stored has to be kept.
        if not (keys and keys <= stored) and request_id not in dead
    )
    (journey.tally.announced if announced else journey.tally.lost).update(lost)
    wrong = tuple(_wrong(stand, mine, frozenset(stranded)))
    _keep(journey, {name: stand.get(name, []) for name in {each.split()[0] for each in wrong}})
    return Standing(
        stored,
        frozenset(key for key in stored if rows[key]),
        frozenset(stranded) & mine,
        {request_id: letter.reason for request_id, letter in dead.items()},
        lost,
        wrong,
    )


def _keep(journey: Journey, broken: Mapping[str, Sequence[oracle.Row]]) -> None:
    for symbol, tape in broken.items():
        journey.broken.mkdir(exist_ok=True)
        text = json.dumps(tape, indent=1)
        (journey.broken / f"{symbol}.json").write_text(text, encoding="utf-8")


def raised(journey: Journey, since_ms: int) -> str:
    """What the functions logged as errors since then, one line each, with where it was raised."""
    logs, found = journey.deployment(FIRST).client("logs"), []
    for function in (PROCESSOR, ENRICHER, NOTIFIER):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}", startTime=since_ms
        )
        lines = (event["message"] for page in pages for event in page["events"])
        found += [f"{function}: {line.strip()}" for line in lines if _is_error(line)]
    return "\n".join(found)


def _is_error(line: str) -> bool:
    return any(f'"{level}"' in line for level in ("ERROR", "CRITICAL")) or "errorType" in line


def _wrong(
    tapes: Mapping[str, Sequence[oracle.Row]], mine: frozenset[Key], stranded: frozenset[Key]
) -> list[str]:
    """What is wrong with rows that no batch in the dead-letter queue accounts for."""
    found = []
    for symbol in sorted({key.symbol for key in mine}):
        tape = tapes.get(symbol, ())
        keys = [Key(symbol, Decimal(row["timestamp"]["N"])) for row in tape]
        if len(tape) != len(set(keys) & mine):
            sent = len(set(keys) & mine)
            found.append(f"{symbol} has {len(tape)} rows, of which {sent} were sent")
        for at, row in enumerate(tape):
            if stranded & set(keys[max(0, at + 1 - oracle.WINDOW) : at + 1]):
                continue
            for difference in oracle.differences(row, oracle.expected(tape, at)):
                found.append(f"{symbol} row {at}: {difference}")
    return found


def redriven(journey: Journey) -> None:
    """Send both queues to their functions again, as `python -m client dlq redrive --apply` does."""
    deployment = journey.deployment(FIRST)
    where = Environment(FIRST, deployment.emulator.endpoint)
    for name in ("webhook_processor", "price_enricher"):
        queue = Queue(where.client("sqs"), where.dead_letters(name))
        done = redrive(queue, target_of(where, name), None, int(time.time() * 1000))
        assert not done.kept
        settle(journey)


def emptied(journey: Journey) -> None:
    """Forget what earlier tests left in the dead-letter queues."""
    sqs = journey.deployment(FIRST).client("sqs")
    for name in ("webhook-processor", "price-enricher", "error-notifier"):
        url = sqs.get_queue_url(QueueName=f"{name}-dlq-{FIRST}")["QueueUrl"]
        sqs.purge_queue(QueueUrl=url)


def counted(journey: Journey, metric: str, function: str) -> float:
    """The sum of a metric of Lambda's for a function, over the last hour."""
    now = time.time()
    points = (
        journey.deployment(FIRST)
        .client("cloudwatch")
        .get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": function}],
            StartTime=now - 3600,
            EndTime=now + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
    )
    return sum(float(point["Sum"]) for point in points)


def refused(number: int) -> Message:
    """A message of which nothing can be stored: it has to be kept, with its reason."""
    mark = secrets.token_hex(4)
    body = b'{"symbol": "BTC/USD", "price": "-1", "id": "%s"}' % mark.encode()
    return Message("generic", body, f"refused {number} {mark}")
