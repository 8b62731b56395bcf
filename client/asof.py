"""`python -m client asof TIME SYMBOL…`: the last row of each symbol at or before a moment."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from client import shown
from client.prices import Prices, Row


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("asof", help="the last row of each symbol at a moment")
    parser.add_argument("moment", metavar="TIME", type=shown.moment)
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    shown.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Show the rows; returns the exit status."""

    def ask(prices: Prices) -> Iterator[Row]:
        found = (prices.asof(symbol, args.moment) for symbol in args.symbols)
        return (row for row in found if row is not None)

    return shown.answer_rows(args, ask)
