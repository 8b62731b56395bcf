"""`python -m client range SYMBOL START END`: the rows of a time range, oldest first.

Times are epoch milliseconds or ISO 8601 with a time zone (`2026-11-22T14:00:00Z`); START belongs to
the range, END does not.
"""

from __future__ import annotations

import argparse
from typing import Any

from client import shown


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("range", help="the rows of a time range, oldest first")
    parser.add_argument("symbol", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    for name in ("start", "end"):
        parser.add_argument(name, metavar=name.upper(), type=shown.moment)
    shown.add_common(parser)


def run(args: argparse.Namespace) -> int:
    """Show the rows; returns the exit status."""
    return shown.answer_rows(args, lambda prices: prices.range(args.symbol, args.start, args.end))
