"""OHLCV bars of a tape: `python -m client bars SYMBOL START END --every SECONDS`.

A bar covers `[start, start + every)`, its start a multiple of `every` since the epoch. Open and
close are its first and last price in tape order; volume is the sum of its trades' sizes, exact (a
ticker repeats the size of a trade that may be there already, and adds none). Times without a row
make no bar.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Context, Decimal
from itertools import groupby
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from client import shown
from client.prices import InvalidQuery, Row
from lambdas.domain.numbers import plain

_EXACT = Context(prec=500)
"""Digits between the largest and the smallest number that DynamoDB holds, and some to spare."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Prices of one span of time: `start_ms` is its beginning, `rows` how many ticks it holds."""

    symbol: str
    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int
    rows: int


def bars(rows: Iterable[Row], every_seconds: int) -> Iterator[Bar]:
    """Yield the bars of one tape's rows, which come in tape order."""
    if every_seconds < 1:
        raise InvalidQuery(f"every is {every_seconds}, expected at least 1 second")
    span = every_seconds * 1000
    for start, group in groupby(rows, key=lambda row: row.event_ms // span * span):
        held = list(group)
        prices = [row.price for row in held]
        traded = [row for row in held if row.kind == "trade"]
        volume = Decimal(0)
        for row in traded:
            volume = _EXACT.add(volume, row.size or Decimal(0))
        yield Bar(
            symbol=held[0].symbol,
            start_ms=start,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=volume,
            trades=len(traded),
            rows=len(held),
        )


_COLUMNS = tuple(field.name for field in fields(Bar))


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("bars", help="OHLCV bars of a time range")
    parser.add_argument("symbol", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    for name in ("start", "end"):
        parser.add_argument(name, metavar=name.upper(), type=shown.moment)
    parser.add_argument("--every", type=int, default=60, metavar="SECONDS", help="default: 60")
    shown.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Show the bars; returns the exit status."""
    return shown.answer(
        args,
        lambda prices: bars(prices.range(args.symbol, args.start, args.end), args.every),
        lambda found: show(found, args.format, sys.stdout),
    )


def show(found: Iterable[Bar], form: str, output: TextIO) -> int:
    """Write bars in one of the reading commands' formats; returns how many there were."""
    count = 0
    table = Table(*_COLUMNS, box=None, header_style="bold")
    writer = csv.writer(output, lineterminator="\n")
    if form == "csv":
        writer.writerow(_COLUMNS)
    for bar in found:
        count += 1
        values = [getattr(bar, name) for name in _COLUMNS]
        cells = [plain(each) if isinstance(each, Decimal) else str(each) for each in values]
        if form == "csv":
            writer.writerow(cells)
        elif form == "jsonl":
            numbers = {"start_ms": bar.start_ms, "trades": bar.trades, "rows": bar.rows}
            told = {**dict(zip(_COLUMNS, cells, strict=True)), **numbers}
            output.write(json.dumps(told) + "\n")
        else:
            cells[1] = datetime.fromtimestamp(bar.start_ms / 1000, UTC).strftime("%F %T")
            table.add_row(*cells)
    if form == "table":
        Console(file=output, width=None if output.isatty() else 140).print(table)
    return count
