"""`python -m client forward EXCHANGE SYMBOL…`: a venue's public WebSocket, relayed to the webhook.

Symbols are the table's: `BTC` is BTC against the home quote, `ETH-BTC` (or `ETH/BTC`) a pair. The
venue's frames are posted as they came, batched and signed with the exchange's secret. It runs until
it is interrupted (SIGINT or SIGTERM), then delivers what waits; a second interrupt gives that up.
On a terminal a line shows how it goes, elsewhere one is printed every minute.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from client import environment, webhook
from client.environment import Unreachable
from client.feeds import FEEDS, NoSuchMarket
from client.normalise import limits_of_settings
from client.relay import Hopeless, Pace, Relay, Tally
from local.replay import next_step
from stack.naming import SuffixError
from stack.settings import SettingsError

_PRINTED_EVERY_SECONDS = 60
_QUIET_SECONDS = 30


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    usual = Pace()
    parser = subparsers.add_parser("forward", help="relay a venue's WebSocket to the webhook")
    parser.add_argument("exchange", metavar="EXCHANGE", choices=sorted(FEEDS), help=_NAMES)
    parser.add_argument("symbols", metavar="SYMBOL", nargs="+", help="such as BTC or ETH-BTC")
    parser.add_argument(
        "--batch",
        type=_count,
        default=usual.batch,
        metavar="N",
        help="frames a request at most (default: %(default)s)",
    )
    parser.add_argument(
        "--linger",
        type=_seconds,
        default=usual.linger_seconds,
        metavar="SECONDS",
        help="how long a frame may wait for others (default: %(default)g)",
    )
    parser.add_argument(
        "--buffer",
        type=_count,
        default=usual.buffer,
        metavar="N",
        help="frames that may wait for the webhook; then the oldest is dropped "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--seconds", type=_seconds, metavar="SECONDS", help="stop after so long (default: never)"
    )
    parser.add_argument(
        "--socket", type=_socket, metavar="URL", help="another address of the venue's WebSocket"
    )
    webhook.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """0 when all was delivered, 2 when it could not go on or begin.

    1 when something was lost, or when no connection came at all.
    """
    try:
        where = environment.chosen(args)
        limits = limits_of_settings(where.settings)
        markets = markets_of(args.exchange, args.symbols, limits.home_quote)
        door = webhook.chosen(args, where, {args.exchange})
    except NoSuchMarket as error:
        print(f"{error}\nName a pair that {args.exchange} trades ({_PAIRS}).", file=sys.stderr)
        return 2
    except (Unreachable, SuffixError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ClientError, BotoCoreError) as error:
        print(webhook.not_told(error), file=sys.stderr)
        return 2
    pace = Pace(batch=args.batch, linger_seconds=args.linger, buffer=args.buffer)
    # The system's proxy is for what leaves this machine.
    proxied = where.endpoint is None and args.socket is None
    begun = time.monotonic()

    async def relayed() -> tuple[Tally, Hopeless | None]:
        relay = Relay(args.exchange, markets, door, limits, pace, args.socket, proxied)
        try:
            await _until_interrupted(relay, args.exchange, args.seconds)
        except Hopeless as error:
            return relay.tally, error
        return relay.tally, None

    tally, hopeless = asyncio.run(relayed())
    _show(tally, time.monotonic() - begun)
    if hopeless is not None:
        print(hopeless, file=sys.stderr)
        return 2
    for step in next_steps(tally, args.exchange):
        print(step, file=sys.stderr)
    return 0 if tally.connections and not tally.lost else 1


async def _until_interrupted(relay: Relay, venue: str, seconds: float | None) -> None:
    stop, abandon = asyncio.Event(), asyncio.Event()

    def interrupted() -> None:
        if stop.is_set():
            abandon.set()
        elif relay.tally.waiting:
            print(f"delivering {relay.tally.waiting} frames that wait…", file=sys.stderr)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    if seconds is not None:
        loop.call_later(seconds, stop.set)
    telling = asyncio.create_task(_tell(relay.tally, venue))
    try:
        with _live(relay.tally, venue):
            await relay.run(stop, abandon)
    finally:
        telling.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _live(tally: Tally, venue: str) -> Iterator[None]:
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield
        return
    with Live(
        get_renderable=lambda: Text(line(tally, venue)),
        console=console,
        refresh_per_second=2,
        transient=True,
        redirect_stdout=False,
    ):
        yield


async def _tell(tally: Tally, venue: str) -> None:
    """Say once that nothing comes; and where no line is shown all the time, print one now and then.

    Venues accept subscriptions of what they do not trade, and stay silent.
    """
    await asyncio.sleep(_QUIET_SECONDS)
    if silence := _silence(tally, venue):
        print(silence, file=sys.stderr)
    while not sys.stderr.isatty():
        await asyncio.sleep(_PRINTED_EVERY_SECONDS)
        print(line(tally, venue), file=sys.stderr, flush=True)


def next_steps(tally: Tally, venue: str) -> Iterator[str]:
    """Yield what to do about all that did not go well, in the order of a frame's way."""
    if silence := _silence(tally, venue):
        yield silence
    elif tally.remedy:
        yield f"{venue} was left: {tally.last_break}\n{tally.remedy}"
    if tally.dropped:
        yield f"{tally.dropped} frames were dropped: raise --batch, --buffer or the throttle."
    if tally.refused or tally.undelivered:
        yield f"Not all was delivered. {next_step(tally.last_status)}"


def _silence(tally: Tally, venue: str) -> str:
    """Why no price has come, and what to do; empty when one has."""
    if tally.passed:
        return ""
    if tally.remedy:
        return (
            f"no price from {venue}, which could not be reached ({tally.attempts} attempts): "
            f"{tally.last_break}\n{tally.remedy}"
        )
    if not tally.connections:
        return f"no connection to {venue} yet: give it more time (--seconds)."
    why = f": {tally.last_break}" if tally.last_break else ""
    return f"no price from {venue} yet{why}. Is it traded there, against that quote ({_PAIRS})?"


def line(tally: Tally, venue: str) -> str:
    """Return how a relay goes, in one line."""
    parts = [
        venue,
        f"{tally.ticks} ticks",
        f"{tally.accepted} of {tally.passed} frames delivered",
        f"{tally.waiting} waiting",
        f"{tally.dropped} dropped",
    ]
    if tally.breaks:
        parts.append(f"reconnections: {tally.breaks} ({tally.last_break})")
    if tally.waiting and tally.last_answer:
        parts.append(f"last answer {tally.last_answer}")
    return "  ".join(parts)


def _show(tally: Tally, seconds: float) -> None:
    table = Table(box=None, show_header=False)
    table.add_column(justify="right")
    table.add_column()

    def row(count: int, text: str, reasons: Counter[str] | None = None) -> None:
        told = ", ".join(f"{why} {times}" for why, times in (reasons or Counter()).most_common(8))
        table.add_row(str(count), f"{text}: {told}" if told else text)

    connected = f"connections: {tally.connections} of {tally.attempts}, {seconds:.0f} s"
    row(tally.frames, f"frames from the venue ({connected})")
    row(tally.ignored.total(), "ignored", tally.ignored)
    row(tally.unusable.total(), "unusable", tally.unusable)
    unrecognised = f", {tally.unrecognised} of a form not known" if tally.unrecognised else ""
    row(tally.passed, f"to be delivered, {tally.ticks} ticks in them{unrecognised}")
    row(tally.accepted, f"accepted (202) in {tally.requests} requests, {tally.retries} repeated")
    row(tally.dropped, "dropped, the buffer was full")
    if tally.refused:
        row(tally.refused.total(), "refused", tally.refused)
    if tally.undelivered:
        row(tally.undelivered, f"not delivered at the end; last answer: {tally.last_answer}")
    Console(markup=False, highlight=False, soft_wrap=True).print(table)


def markets_of(venue: str, symbols: Iterable[str], home_quote: str) -> list[str]:
    """Return the venue's names of symbols; raises `NoSuchMarket`."""
    pairs = (symbol.upper().replace("/", "-").partition("-") for symbol in symbols)
    feed = FEEDS[venue]
    return [feed.market(base, quote or home_quote) for base, _, quote in pairs]


_PAIRS = "such as BTC-USDT"
_NAMES = ", ".join(sorted(FEEDS))


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) <= 1_000_000:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 1000000")


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if 0 <= value <= 1e9:
        return value
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")


def _socket(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme in ("ws", "wss", "http", "https") and parts.hostname:
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no address such as wss://…")
