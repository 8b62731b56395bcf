"""`python -m client last SYMBOL N`: the newest rows of a symbol, oldest first."""

from __future__ import annotations

import argparse
from typing import Any

from client import shown


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("last", help="the newest rows of a symbol, oldest first")
    parser.add_argument("symbol", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    parser.add_argument("count", metavar="N", type=int, help="how many")
    shown.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Show the rows; returns the exit status."""
    return shown.answer_rows(args, lambda prices: prices.last(args.symbol, args.count))
