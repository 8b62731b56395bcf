"""`python -m client latest SYMBOL…`: the newest row of each symbol."""

from __future__ import annotations

import argparse
from typing import Any

from client import shown


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("latest", help="the newest row of each symbol")
    parser.add_argument("symbols", nargs="+", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    shown.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Show the rows; returns the exit status."""
    return shown.answer_rows(args, lambda prices: prices.latest(args.symbols))
