"""`python -m client follow SYMBOL…`: new rows as they are enriched, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

from client import shown
from client.prices import Row

FORMATS = ("text", "jsonl")


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("follow", help="new rows, as they are enriched")
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    parser.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="default: 1")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: %(default)s")
    shown.add_reading(parser)


def run(args: argparse.Namespace) -> int:
    """Print rows until interrupted; returns the exit status."""

    def write(rows: Iterable[Row]) -> int:
        count = 0
        for row in rows:
            count += 1
            cells = shown.texts(row)
            line = json.dumps(cells) if args.format == "jsonl" else _line(row, cells)
            print(line, flush=True, file=sys.stdout)
        return count

    return shown.answer(
        args, lambda prices: prices.follow(args.symbols, every_seconds=args.every), write
    )


def _line(row: Row, cells: dict[str, str]) -> str:
    at = row.time.strftime("%H:%M:%S.%f")[:-3]
    shown_metrics = "  ".join(
        f"{name} {cells.get(name, '–'):>18}" for name in ("sma_20", "ema_60s", "volatility")
    )
    return f"{at}  {row.symbol:10} {cells['price']:>14}  {row.exchange:18} {shown_metrics}"
