"""How the reading commands show rows: a table for people, CSV or JSON lines for programs."""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TextIO, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from client.environment import Environment, Unreachable, add_arguments, chosen
from client.prices import InvalidQuery, Moment, Prices, Row
from lambdas.domain.metrics import ATTRIBUTES
from lambdas.domain.numbers import plain
from stack.naming import SuffixError

FORMATS = ("table", "csv", "jsonl")

COLUMNS = (
    *("symbol", "timestamp", "base", "quote", "price", "size", "exchange", "event_id", "kind"),
    *("received_at", "time_source", "window", *ATTRIBUTES),
)
"""The columns of CSV and the names in JSON: a row's attributes as the table names them."""

_SHOWN = ("price", "size", "sma_20", "ema_60s", "z_score", "volatility", "drawdown")
_PERCENT = ("volatility", "drawdown")


T = TypeVar("T")


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what the commands that print rows take: format, environment, consistency, capacity."""
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what all reading commands take: environment, consistency, capacity."""
    add_arguments(parser)
    parser.add_argument(
        "--consistent", action="store_true", help="read consistently, at twice the cost"
    )
    parser.add_argument(
        "--capacity", action="store_true", help="say on standard error what the reading consumed"
    )


def answer(
    args: argparse.Namespace,
    ask: Callable[[Prices], Iterable[T]],
    write: Callable[[Iterable[T]], int],
) -> int:
    """Ask, write what was found, and return the exit status: 0, 1 without a row, 2 on failure."""
    prices: Prices | None = None
    try:
        prices = Prices(chosen(args), consistent=args.consistent)
        found = write(ask(prices))
    except (InvalidQuery, SuffixError, Unreachable) as error:
        return _failed(str(error))
    except (ClientError, BotoCoreError) as error:
        assert prices is not None
        return _failed(f"{error}\n{_next_step(error, prices.environment)}")
    if args.capacity:
        units = prices.read_units
        print(f"{units:g} read unit{'s' * (units != 1)}", file=sys.stderr)
    if not found:
        print(
            f"no rows in {prices.environment.table} for that\n"
            "python -m client status lists the symbols that there are, and their last times.",
            file=sys.stderr,
        )
    return 0 if found else 1


def answer_rows(args: argparse.Namespace, ask: Callable[[Prices], Iterable[Row]]) -> int:
    """Ask for rows and print them in the format that was chosen; returns the exit status."""
    return answer(args, ask, lambda rows: show(rows, args.format, sys.stdout))


def _failed(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _next_step(error: Exception, environment: Environment) -> str:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code == "ResourceNotFoundException":
        return (
            f"There is no table {environment.table} here: deploy it, or name another --suffix"
            " (--local for the one on this machine)."
        )
    if code == "AccessDeniedException":
        return f"Attach the managed policy price-reader-{environment.suffix} to who reads."
    return "Look at your credentials (aws sso login, AWS_PROFILE), or use --local."


def moment(text: str) -> Moment:
    """Read a time of the command line: epoch milliseconds, or ISO 8601 with a time zone."""
    if re.fullmatch(r"\d{1,13}", text, re.ASCII):
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.utcoffset() is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: expected milliseconds of the epoch, or such as "
            "2026-11-22T14:00:00Z"
        )
    return found


def show(rows: Iterable[Row], form: str, output: TextIO) -> int:
    """Write rows in one of :data:`FORMATS`; returns how many there were."""
    count = 0
    if form == "table":
        listed = list(rows)
        Console(file=output, width=None if output.isatty() else 140).print(_table(listed))
        return len(listed)
    writer = csv.writer(output, lineterminator="\n")
    if form == "csv":
        writer.writerow(COLUMNS)
    for row in rows:
        count += 1
        cells = texts(row)
        if form == "csv":
            writer.writerow([cells.get(name, "") for name in COLUMNS])
        else:
            output.write(json.dumps(cells) + "\n")
    return count


def texts(row: Row) -> dict[str, str]:
    """Return a row's attributes as texts, numbers exact, absent ones left out."""
    found: dict[str, str] = {}
    for name in COLUMNS:
        value = row.metrics.get(name) if name in ATTRIBUTES else getattr(row, name)
        if value is not None:
            found[name] = plain(value) if isinstance(value, Decimal) else str(value)
    return found


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("symbol", "time (UTC)", "venue", *_SHOWN):
        table.add_column(name, justify="right" if name in _SHOWN else "left", no_wrap=True)
    for row in rows:
        cells = [_cell(row, name) for name in _SHOWN]
        at = row.time.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        table.add_row(row.symbol, at, row.exchange, *cells)
    return table


def _cell(row: Row, name: str) -> str:
    value = row.metrics.get(name) if name in ATTRIBUTES else getattr(row, name)
    if value is None:
        return "–"
    if name in _PERCENT:
        return f"{value:.2%}"
    if name == "z_score":
        return f"{value:+.2f}"
    return plain(value) if name in ("price", "size") else f"{value:,.7g}"
