"""The demo: messages through the real webhook, and what came of them, counted and drawn."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.table import Table

from client import picture
from client.prices import Row
from lambdas.exchanges import VENUES
from local import feed, messages, pipeline, replay, report
from local.console import Step, Voice
from local.ear import Ear
from local.emulator.addresses import webhook_url
from local.messages import Malformed, Message
from local.pipeline import Deployment
from local.places import Places
from local.report import Counts, Evidence, Key

_PATIENCE_SECONDS = 240
"""How long nothing may move before the demo gives up: longer than both retries of an invocation."""

_QUIET_SECONDS = 10
"""How long to wait for the enricher's last summaries when all else is done."""

_POLL_SECONDS = 1.0
_SHOWN_SYMBOLS = 6
_DRAWN_ROWS = 1500


@dataclass(frozen=True, slots=True)
class Feed:
    """A generated feed's seed, number of ticks, and the seconds that they span."""

    seed: int
    ticks: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    counts: Counts
    evidence: Evidence
    turned_away: Sequence[replay.TurnedAway]
    malformed: Sequence[Malformed]


def run(
    voice: Voice,
    places: Places,
    suffix: str,
    port: int,
    source: Path | Feed,
    time_scale: float = 1.0,
) -> Outcome:
    """Bring the pipeline up, send messages through it, and account for all of them."""
    begun = time.monotonic()
    sent, malformed = messages.read(source) if isinstance(source, Path) else ([], [])
    overlay = pipeline.REPLAY if isinstance(source, Path) else None
    deployment = pipeline.up(voice, places, suffix, port, overlay, time_scale)
    if isinstance(source, Feed):
        sent = feed.messages(
            seed=source.seed,
            ticks=source.ticks,
            seconds=source.seconds,
            end_ms=int(time.time() * 1000),
            venues=VENUES,
        )
    for line in malformed:
        voice.warn(f"{line.origin}: skipped, {line.why}")
    evidence, turned_away, notices = send(voice, deployment, sent)
    outcome = Outcome(evidence.counts(time.monotonic() - begun), evidence, turned_away, malformed)
    _show(voice, outcome, notices)
    _show_rows(voice, places, deployment, evidence)
    return outcome


def send(
    voice: Voice, deployment: Deployment, sent: Sequence[Message]
) -> tuple[Evidence, list[replay.TurnedAway], list[str]]:
    """Post messages, wait until all is done, gather the evidence; with the error notices."""
    sns, sqs = deployment.client("sns"), deployment.client("sqs")
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]
    since_ms = int(time.time() * 1000)
    before = frozenset(report.rows(dynamodb, table))
    with ExitStack() as stack:
        success, errors = (
            stack.enter_context(Ear(sns, sqs, deployment.outputs[topic], deployment.suffix))
            for topic in ("success_topic_arn", "error_topic_arn")
        )
        with voice.step("messages") as step:
            posted = webhook(deployment).post_all(sent, lambda done: step.update(done, len(sent)))
            step.outcome = f"{len(posted.accepted)} of {len(sent)} accepted (202)"
        evidence = Evidence(posted.accepted, deployment.settings.processing, before)
        with voice.step("enrichment") as step:
            _wait(step, deployment, evidence, success, since_ms)
            step.outcome = f"{sum(evidence.rows[key] for key in evidence.new())} rows enriched"
        # Alarms go to the same topic, as JSON; `status` and the handbook are about them.
        notices = [each for each in errors.listen() if not each.startswith("{")]
    return evidence, posted.turned_away, notices


def webhook(deployment: Deployment) -> replay.Webhook:
    """The environment's webhook as the venues see it."""
    key = deployment.client("apigateway").get_api_key(
        apiKey=deployment.outputs["api_key_id"], includeValue=True
    )["value"]
    url = webhook_url(deployment.outputs["webhook_url"], deployment.emulator.endpoint)
    return replay.Webhook(url, key, deployment.secrets)


def gather(deployment: Deployment, evidence: Evidence, since_ms: int) -> None:
    """Take in the table and the dead-letter queues as they are now."""
    sqs, outputs = deployment.client("sqs"), deployment.outputs
    evidence.rows = report.rows(deployment.client("dynamodb"), outputs["table_name"])
    evidence.dead = report.dead_letters(sqs, outputs["webhook_dlq_url"], evidence.accepted)
    evidence.stranded_batches, evidence.stranded = report.stranded(
        sqs, deployment.client("dynamodbstreams"), outputs["enricher_dlq_url"], since_ms
    )


def _wait(step: Step, deployment: Deployment, evidence: Evidence, ear: Ear, since_ms: int) -> None:
    """Poll until every message has its outcome and every row its metrics, or nothing moves."""
    moved, last = time.monotonic(), (-1, -1, -1)
    while True:
        evidence.hear(ear.listen())
        gather(deployment, evidence, since_ms)
        told = len(evidence.accepted) - len(evidence.without_outcome())
        enriched = len(evidence.new()) - len(evidence.unenriched())
        step.update(
            told + enriched,
            len(evidence.accepted) + len(evidence.new()),
            f"{told} messages told of, {enriched} rows enriched",
        )
        if (told, enriched, evidence.notifications) != last:
            moved, last = time.monotonic(), (told, enriched, evidence.notifications)
        if evidence.complete():
            # A full read of a tape enriches rows whose own batch is still to come, and be told of.
            quiet = time.monotonic() - moved > _QUIET_SECONDS
            told_all = evidence.summarized >= len(evidence.new()) and not evidence.unheard()
            if quiet or told_all:
                return
        elif time.monotonic() - moved > _PATIENCE_SECONDS:
            return
        time.sleep(_POLL_SECONDS)


def _show(voice: Voice, outcome: Outcome, notices: Sequence[str]) -> None:
    counts, evidence = outcome.counts, outcome.evidence
    voice.say()
    for name, value in asdict(counts).items():
        color = "bold " + ("green" if value == 0 else "red") if name == "lost" else "bold"
        voice.say(f"  [{color}]{name}: {value}[/]{_explained(name, evidence)}")
    voice.say()
    if notices:
        voice.say(f"{len(notices)} error notices on the topic of errors, the first:")
        voice.say("  [dim]" + notices[0].replace("\n", "\n  ").replace("[", "\\["))
    away = Counter((each.status, each.text[:120]) for each in outcome.turned_away)
    for (status, text), times in away.most_common():
        voice.warn(f"{times} messages were not accepted: {status or 'no answer'} {text}")
    if counts.lost:
        _show_losses(voice, evidence)


def _explained(name: str, evidence: Evidence) -> str:
    if name == "dead_lettered":
        reasons = Counter(str(letter.reason) for letter in evidence.dead.values())
        listed = ", ".join(f"{reason} {times}" for reason, times in reasons.most_common(8))
        return f"  [dim]{listed}[/]" if listed else ""
    return ""


def _show_losses(voice: Voice, evidence: Evidence) -> None:
    for request_id in evidence.without_outcome()[:5]:
        origin = evidence.accepted[request_id].origin
        voice.warn(f"no outcome for {origin} (request {request_id})")
    for key in sorted(evidence.missing())[:5]:
        voice.warn(f"neither in the table nor in a dead-letter queue: {key.symbol} {key.timestamp}")
    for key in sorted(evidence.unenriched())[:5]:
        voice.warn(f"not enriched: {key.symbol} {key.timestamp}")


def _show_rows(voice: Voice, places: Places, deployment: Deployment, evidence: Evidence) -> None:
    touched = evidence.run()
    most = [symbol for symbol, _ in Counter(key.symbol for key in touched).most_common()]
    if not most:
        return
    dynamodb, table = deployment.client("dynamodb"), deployment.outputs["table_name"]
    latest = [last_rows(dynamodb, table, symbol, 1)[-1] for symbol in most[:_SHOWN_SYMBOLS]]
    voice.say(_latest(latest))
    tapes = [
        picture.session(
            [
                Row.from_item(row)
                for row in last_rows(dynamodb, table, symbol, _DRAWN_ROWS)
                if Key(symbol, Decimal(row["timestamp"]["N"])) in touched
            ]
        )
        for symbol in most[:3]
    ]
    path = places.picture(deployment.suffix)
    picture.draw(max(tapes, key=len), path)
    voice.say(f"\npicture: {path}")
    voice.say("It keeps running: `make status` shows it, `make down` removes everything.")


def last_rows(dynamodb: Any, table: str, symbol: str, most: int) -> list[dict[str, Any]]:
    """The last rows of a tape, at most `most`, oldest first."""
    rows: list[dict[str, Any]] = []
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={"#s": "symbol"},
        ExpressionAttributeValues={":s": {"S": symbol}},
        ScanIndexForward=False,
        PaginationConfig={"MaxItems": most, "PageSize": min(most, 200)},
    )
    for page in pages:
        rows += page["Items"]
    return rows[::-1]


_COLUMNS = ("price", "sma_20", "ema_60s", "band", "z_score", "volatility", "drawdown")


def _latest(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title="latest rows", title_justify="left", header_style="bold", box=None)
    table.add_column("symbol", style="bold", no_wrap=True)
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("venue", no_wrap=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        at = datetime.fromtimestamp(int(Decimal(row["timestamp"]["N"])) / 1000, UTC)
        table.add_row(
            row["symbol"]["S"],
            f"{at:%Y-%m-%d %H:%M:%S}",
            row["exchange"]["S"],
            *(_cell(row, name) for name in _COLUMNS),
        )
    return table


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name == "band":
        return f"{_cell(row, 'bollinger_lower')} – {_cell(row, 'bollinger_upper')}"
    if name not in row:
        return "–"
    value = Decimal(row[name]["N"])
    if name in ("volatility", "drawdown"):
        return f"{value:.2%}"
    if name == "z_score":
        return f"{value:+.2f}"
    return f"{value:,f}" if name == "price" else f"{value:,.7g}"


def as_json(counts: Counts) -> str:
    """The object that `--json` ends with."""
    return json.dumps(asdict(counts))
