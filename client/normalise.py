"""Reads venue messages, one a line, and prints what the pipeline would make of each.

``python -m client normalise EXCHANGE [--received-at MS] < messages.jsonl`` prints one JSON object
a line: ``{"ticks": [...], "ignored": reason or null, "rejected": [{"reason", ...}]}``. Prices,
sizes and keys are strings, exact, without exponent. ``event_ms`` and ``timestamp`` are null when
the message has no time and no ``--received-at`` is given; the time windows apply only with it.
"""

from __future__ import annotations

import argparse
import json
import sys
from decimal import Decimal
from typing import Any, BinaryIO, TextIO

from lambdas import exchanges
from lambdas.domain.keys import MAXIMUM_EVENT_MS, padded
from lambdas.domain.numbers import plain
from lambdas.domain.prints import UndatedTick
from lambdas.domain.ticks import Limits, Refused, Tick, UnreadableMessage
from stack import settings


def add_parser(subparsers: Any) -> None:
    """Add the ``normalise`` command to the client's command line."""
    parser = subparsers.add_parser("normalise", help="try venue messages: one a line in, ticks out")
    parser.add_argument("exchange", metavar="EXCHANGE", choices=sorted(exchanges.VENUES))
    parser.add_argument(
        "--received-at",
        type=_milliseconds,
        metavar="MS",
        help="the receive time in epoch milliseconds; applies the time windows",
    )


def run(args: argparse.Namespace) -> int:
    """Answer each line of standard input with one line; returns the exit status."""
    limits = limits_of_settings()
    answer_lines(args.exchange, args.received_at, limits, sys.stdin.buffer, sys.stdout)
    return 0


def limits_of_settings(of: settings.Settings | None = None) -> Limits:
    """Return the limits that settings, by default this clone's, give to webhook-processor."""
    processing = (of or settings.load()).processing
    return Limits(
        home_quote=processing.home_quote,
        price_minimum=Decimal(processing.price_minimum),
        price_maximum=Decimal(processing.price_maximum),
        significant_digits=processing.significant_digits,
        past_window_ms=processing.past_window_seconds * 1000 or None,
        future_window_ms=processing.future_window_seconds * 1000,
        maximum_nesting=processing.maximum_nesting,
        maximum_body_bytes=processing.maximum_body_bytes,
    )


def answer_lines(
    exchange: str, received_at: int | None, limits: Limits, lines: BinaryIO, output: TextIO
) -> None:
    """Answer each line at once, so that a message can be tried by hand or through a pipe."""
    for line in lines:
        answered = answer(exchange, line.rstrip(b"\r\n"), received_at, limits)
        output.write(json.dumps(answered) + "\n")
        output.flush()


def answer(exchange: str, body: bytes, received_at: int | None, limits: Limits) -> dict[str, Any]:
    """Return what the pipeline makes of one message, ready for JSON."""
    ticks: list[dict[str, Any]] = []
    ignored: list[str] = []
    rejected: list[dict[str, Any]] = []
    try:
        for outcome in exchanges.outcomes(exchange, body, received_at, limits):
            if isinstance(outcome, str):
                ignored.append(outcome)
            elif isinstance(outcome, Refused):
                rejected.append(
                    {"reason": outcome.reason, "detail": outcome.detail, **outcome.found}
                )
            else:
                ticks.append(_fields(outcome))
    except UnreadableMessage as refusal:
        rejected.append({"reason": refusal.reason, "detail": refusal.detail})
    return {"ticks": ticks, "ignored": ignored[0] if ignored else None, "rejected": rejected}


def _fields(tick: Tick | UndatedTick) -> dict[str, Any]:
    dated = tick if isinstance(tick, Tick) else None
    return {
        "symbol": tick.symbol,
        "base": tick.base,
        "quote": tick.quote,
        "price": plain(tick.price),
        "timestamp": padded(dated.timestamp) if dated else None,
        "event_ms": dated.event_ms if dated else None,
        "exchange": tick.exchange,
        "event_id": tick.event_id,
        "kind": tick.kind,
        "size": None if tick.size is None else plain(tick.size),
    }


def _milliseconds(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= MAXIMUM_EVENT_MS:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no time in epoch milliseconds")
