"""The dead-letter queues: what lies in them, why, and sending it to its function again.

`python -m client dlq list` counts the messages of all three queues; `show` prints each message;
`redrive` says what it would send, and with `--apply` sends it. Looking hides a message from others
for a moment and puts it back; nothing is deleted but what the function took.

Who calls needs :data:`LOOKING` on the queues `{function}-dlq-{suffix}`; for `redrive --apply`
:data:`REDRIVING` on the queue and its function; for `redrive --queue price_enricher`, dry runs
too, :data:`READING_BATCHES` on the table's stream and, when that has forgotten a batch,
:data:`FINDING_SYMBOLS` on the table.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from client import environment
from client.dead_letters import (
    DeadLetter,
    Queue,
    Unreadable,
    event_of,
    webhook_of,
    without_headers,
)
from client.environment import Environment, Unreachable
from client.forgotten import repairs
from client.redrive import Redriven, StreamBatches, Target, Webhooks, looked_at, redrive
from stack import settings as pipeline_settings
from stack.naming import SuffixError

LOOKING = (
    "sqs:GetQueueUrl",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
)
REDRIVING = ("sqs:DeleteMessage", "lambda:InvokeFunction")
READING_BATCHES = ("dynamodb:GetShardIterator", "dynamodb:GetRecords")
FINDING_SYMBOLS = ("dynamodb:Scan",)

WEBHOOKS, ENRICHER = "webhook_processor", "price_enricher"
SHOWN_CHARACTERS = 2_000  # of a body; --json prints all


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the command, what it can do and their arguments."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "dlq", help="look into the dead-letter queues, and send messages to their function again"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|redrive")
    environment.add_arguments(verbs.add_parser("list", help="count messages and their reasons"))
    show = verbs.add_parser("show", help="print each message")
    environment.add_arguments(show)
    show.add_argument(
        "--queue", choices=sorted(pipeline_settings.load().functions), help="(default: all)"
    )
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    again = verbs.add_parser("redrive", help="send messages to their function again")
    environment.add_arguments(again)
    again.add_argument("--queue", choices=(WEBHOOKS, ENRICHER), default=WEBHOOKS)
    again.add_argument("--reason", help="only messages of this reason, as `list` prints it")
    again.add_argument("--apply", action="store_true", help="do it; without, it is only told")
    return parser


def run(args: argparse.Namespace) -> int:
    """0 when all went well, 1 when messages stayed that were to go, 2 when AWS did not answer."""
    output = Console(width=None if sys.stdout.isatty() else 140, markup=False, highlight=False)
    try:
        where = environment.chosen(args)
        if args.verb == "list":
            return _list(where, output)
        if args.verb == "show":
            return _show(where, args.queue, args.json, output)
        return _redrive(where, args.queue, args.reason, args.apply, output)
    except (Unreachable, SuffixError) as error:
        print(error, file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"the queues were not read: {error}\n{_next_step(error)}", file=sys.stderr)
    return 2


def summary(letters: Iterable[DeadLetter], now_ms: int) -> tuple[int, timedelta | None, str]:
    """Return how many letters there are, the oldest one's age, and their reasons counted."""
    found = list(letters)
    if not found:
        return 0, None, ""
    age = timedelta(seconds=max(0, now_ms - min(letter.sent_ms for letter in found)) // 1000)
    reasons = Counter(letter.reason for letter in found).most_common()
    return len(found), age, "\n".join(f"{count} {_safe(reason)}" for reason, count in reasons)


def told(queue: str, letter: DeadLetter) -> dict[str, Any]:
    """Return what `show` prints of a message; never the values of headers, which sign it."""
    found: dict[str, Any] = {
        "queue": queue,
        "id": letter.id,
        "sent_at": _moment(letter.sent_ms),
        "reason": letter.reason,
        "error": letter.attributes.get("ErrorMessage"),
    }
    try:
        event = event_of(letter.body)
        if queue == WEBHOOKS:
            webhook = webhook_of(event)
            found |= {
                "exchange": webhook.exchange,
                "request_id": webhook.request_id,
                "received_at": webhook.received_at,
                **_content(webhook.body),
            }
        else:
            found["event"] = json.loads(without_headers(letter.body))
    except Unreadable as error:
        found |= {"unreadable": str(error), "raw": without_headers(letter.body)}
    if letter.refused:
        found["refused"] = letter.refused
    return {name: value for name, value in found.items() if value is not None}


def _list(where: Environment, output: Console) -> int:
    table = Table(box=None, header_style="bold")
    for title in ("queue", "messages", "in hand", "oldest", "reasons"):
        table.add_column(title, justify="right" if title in {"messages", "in hand"} else "left")
    for name, queue in _queues(where):
        _, hidden = queue.counts()
        count, age, reasons = summary(queue.peek(), _now_ms())
        oldest = "" if age is None else str(age)
        table.add_row(where.dead_letters(name), str(count), str(hidden), oldest, Text(reasons))
    output.print(table)
    return 0


def _show(where: Environment, only: str | None, as_json: bool, output: Console) -> int:
    found = 0
    for name, queue in _queues(where, only):
        for letter in queue.peek():
            found += 1
            fields = told(name, letter)
            if as_json:
                print(json.dumps(fields))
            else:
                _print(fields, output)
    if not found:
        print("no message", file=sys.stderr)
    return 0


def _redrive(
    where: Environment, name: str, reason: str | None, apply: bool, output: Console
) -> int:
    queue = Queue(where.client("sqs"), where.dead_letters(name))
    target = target_of(where, name)
    if not apply:
        would = looked_at(queue, target, reason)
        _tell_kept(would, output)
        output.print(
            f"{len(would.delivered)} messages of {queue.name} would be sent to "
            f"{where.function(name)}, {len(would.kept)} cannot be, {would.passed} have another "
            "reason. Nothing was changed; --apply sends them."
        )
        return 0
    began_ms = _now_ms()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(queue.name, total=queue.counts()[0])
        done = redrive(queue, target, reason, began_ms, lambda: progress.advance(task))
    _tell_kept(done, output)
    output.print(
        f"{len(done.delivered)} messages of {queue.name} were taken by {where.function(name)} and "
        f"deleted, {len(done.kept)} stayed, {done.passed} have another reason, {done.later} came "
        "meanwhile."
    )
    return 1 if done.kept else 0


def target_of(where: Environment, name: str) -> Target:
    """Return what takes the messages of a function's queue."""
    functions = where.client("lambda")
    if name == WEBHOOKS:
        return Webhooks(functions, where.function(name))
    forgotten = partial(repairs, where.client("dynamodb"), where.table, where.settings)
    streams = where.client("dynamodbstreams")
    return StreamBatches(functions, streams, where.function(name), forgotten)


def _tell_kept(done: Redriven, output: Console) -> None:
    for id_, why in done.kept.items():
        output.print(f"stays  {id_}: {_safe(why)}")


def _queues(where: Environment, only: str | None = None) -> Iterator[tuple[str, Queue]]:
    for name in [only] if only else where.settings.functions:
        yield name, Queue(where.client("sqs"), where.dead_letters(name))


def _print(fields: Mapping[str, Any], output: Console) -> None:
    for name, value in fields.items():
        if name == "received_at":
            text = f"{value} ({_moment(value)})"
        else:
            text = value if isinstance(value, str) else json.dumps(value)
        cut = (
            f" … {len(text)} characters, --json prints all" if len(text) > SHOWN_CHARACTERS else ""
        )
        output.print(f"{name:>12}  {_safe(text[:SHOWN_CHARACTERS])}{cut}", soft_wrap=True)
    output.print()


def _content(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _safe(text: str) -> str:
    """Return text that cannot steer a terminal: it came from outside."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _moment(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return "no time"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _next_step(error: Exception) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if "NonExistentQueue" in code or "QueueDoesNotExist" in code:
        return "Deploy this environment, or name another: --suffix, or --local for this machine's."
    if "AccessDenied" in code:
        return "docs/operating.md lists the actions that this command needs."
    return "Look at your credentials (aws sso login, AWS_PROFILE), or use --local."
