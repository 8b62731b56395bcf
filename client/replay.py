"""`python -m client replay FILE|FOLDER`: recorded messages, posted at a chosen rate.

The lines are those of `make demo MESSAGES=…`: `{"exchange": "binance", "message": {…}}`. Each
message is sent and signed byte for byte; with `--batch N` up to N of one venue that follow each
other go together. What is sent twice is stored once. Ticks older than the pipeline's window
(`processing.past_window_seconds`) are taken and ignored, so the end says how many there were.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from client import environment, webhook
from client.environment import Environment, Unreachable
from client.normalise import limits_of_settings
from lambdas import exchanges
from lambdas.domain import payloads
from lambdas.domain.ticks import Limits, UnreadableMessage
from local import messages, replay
from local.errors import LocalError
from local.messages import Message
from stack.naming import SuffixError
from stack.settings import SettingsError

_TOO_OLD = "too-old"


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("replay", help="post recorded messages at a chosen rate")
    parser.add_argument("source", metavar="FILE|FOLDER", type=Path, help=".jsonl, or a folder")
    parser.add_argument(
        "--rate",
        type=rate,
        metavar="N[/s]",
        help="messages a second, such as 50 or 0.5/s (default: as fast as they are taken)",
    )
    parser.add_argument(
        "--batch", type=batch_size, default=1, metavar="N", help="messages a request (default: 1)"
    )
    webhook.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 when all was accepted, 1 when something was not, 2 when nothing could be sent."""
    try:
        read, malformed = messages.read(args.source)
        if not read and not malformed:
            raise LocalError(f"no message in {args.source}", "Give a file that holds some.")
        where = environment.chosen(args)
        limits = limits_of_settings(where.settings)
        door = webhook.chosen(args, where, {message.exchange for message in read})
    except (LocalError, Unreachable, SuffixError, SettingsError) as error:
        return _failed(str(error))
    except (ClientError, BotoCoreError) as error:
        return _failed(webhook.not_told(error))
    for line in malformed:
        print(f"{line.origin}: skipped, {line.why}", file=sys.stderr)
    sent, begun, held = replay.Sent(), time.monotonic(), Counter[str]()
    posts = batches(looked_at(read, limits, held), args.batch, limits)
    try:
        _post(door, posts, args.rate, len(read), sent)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    _show(sent, len(read), time.monotonic() - begun)
    if held[_TOO_OLD]:
        print(_advice(held[_TOO_OLD], where), file=sys.stderr)
    return 0 if sent.taken == len(read) and not malformed else 1


def rate(text: str) -> float:
    """Read `50`, `50/s` or `0.5/s`."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)(?:/s)?", text, re.ASCII)
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is no rate above zero such as 50/s")
    return float(found[1])


def batch_size(text: str) -> int:
    """Read how many messages go together at most."""
    if text.isascii() and text.isdigit() and 0 < int(text) <= 10_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of messages from 1 to 10000")


def batches(read: Iterable[Message], most: int, limits: Limits) -> Iterator[Message]:
    """Yield messages as they are posted: up to `most` of a venue that follow each other together.

    No body is larger than the pipeline takes, if a message alone is not. What the function could
    not read as JSON goes alone, so that it spoils no other.
    """
    held: list[Message] = []
    for message in read:
        alone = most == 1 or not _is_json(message.body, limits)
        sizes = [len(each.body) for each in (*held, message)]
        full = held and (
            alone
            or held[0].exchange != message.exchange
            or len(held) == most
            or messages.size_together(sizes) > limits.maximum_body_bytes
        )
        if full:
            yield messages.joined(held)
            held = []
        if alone:
            yield message
        else:
            held.append(message)
    if held:
        yield messages.joined(held)


def looked_at(read: Iterable[Message], limits: Limits, held: Counter[str]) -> Iterator[Message]:
    """Yield messages as they are; `held` counts the ticks in them, and why entries are none."""
    for message in read:
        try:
            now_ms = time.time_ns() // 1_000_000
            reading = exchanges.read(message.exchange, message.body, now_ms, limits)
        except UnreadableMessage as refusal:
            held[refusal.reason] += 1
        else:
            held["ticks"] += len(reading.ticks)
            held.update(reading.ignored)
            held.update(refused.reason for refused in reading.refused)
        yield message


def paced(
    posts: Iterable[Message],
    per_second: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Message]:
    """Yield each post when its first message is due: the first at once, no burst ever after.

    `per_second` counts the recorded messages in the posts; None is without waiting.
    """
    due = clock()
    for post in posts:
        if per_second is not None:
            now = clock()
            if due > now:
                sleep(due - now)
            # Who is late does not hurry afterwards: the rate is a limit.
            due = max(due, now) + post.count / per_second
        yield post


def _is_json(body: bytes, limits: Limits) -> bool:
    try:
        # Within a batch it lies two levels deeper.
        payloads.parse(messages.together([body]), limits)
    except UnreadableMessage:
        return False
    return True


def _post(
    door: replay.Webhook,
    posts: Iterable[Message],
    per_second: float | None,
    total: int,
    sent: replay.Sent,
) -> None:
    columns = (
        TextColumn("replay"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[away]}"),
    )
    console = Console(stderr=True)
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task("", total=total, away="")

        def told(_requests: int) -> None:
            away = f"{sent.refused} not accepted" if sent.refused else ""
            bar.update(task, completed=sent.taken + sent.refused, away=away)

        door.post_all(paced(posts, per_second), told, sent=sent)


def _show(sent: replay.Sent, total: int, seconds: float) -> None:
    table = Table(box=None, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    pace = f", {sent.taken / seconds:.1f} a second" if sent.taken else ""
    table.add_row(str(total), "messages read")
    table.add_row(str(sent.taken), f"accepted (202) in {len(sent.accepted)} requests{pace}")
    away = Counter[tuple[int, str]]()
    for each in sent.turned_away:
        away[each.status, each.text.strip()[:120]] += each.message.count
    for (status, text), count in away.most_common():
        table.add_row(str(count), f"not accepted: {status or 'no answer'} {text}")
    if rest := total - sent.taken - sent.refused:
        table.add_row(str(rest), "not sent")
    Console(markup=False, highlight=False, soft_wrap=True).print(table)
    for status in sorted({status for status, _ in away}):
        print(f"{status or 'no answer'}: {replay.next_step(status)}", file=sys.stderr)


def _advice(too_old: int, where: Environment) -> str:
    hours = where.settings.processing.past_window_seconds / 3600
    what = "set processing.past_window_seconds to 0 in stack/settings.toml, and deploy"
    if where.endpoint is not None:
        what = f"`python -m local up --any-age --suffix {where.suffix}`, and replay again"
    return (
        f"{too_old} ticks were older than the pipeline's window of {hours:g} hours: they are "
        f"ignored, not stored. To store ticks of any age: {what}."
    )


def _failed(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
