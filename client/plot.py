"""`python -m client plot SYMBOL N FILE`: a tape's newest rows as a picture.

Price with averages and band, volume, volatility, and distance from the mean, drawn from the rows as
they are stored. FILE ends in `.png`, or in `.html` for a page that needs nothing else: its picture
is a vector image that any browser enlarges without loss.
"""

from __future__ import annotations

import argparse
import html
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from client import shown
from client.prices import Row

_SUFFIXES = (".png", ".html")

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{symbol} prices</title>
<link rel="icon" href="data:,">
<style>
body {{ font: 14px sans-serif; color: #1f2733; margin: 2em auto; max-width: 1200px; }}
svg {{ width: 100%; height: auto; }}
td, th {{ padding: 0.2em 1em; text-align: right; border-bottom: 1px solid #edf0f4; }}
th {{ text-align: left; font-weight: normal; color: #6b7686; }}
</style>
</head>
<body>
<h1>{symbol}</h1>
<p>{count} rows, {first} to {last} UTC</p>
{picture}
<h2>Newest row</h2>
<table>
{values}
</table>
</body>
</html>
"""


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("plot", help="draw a symbol's newest rows")
    parser.add_argument("symbol", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    parser.add_argument("count", metavar="N", type=int, help="how many rows")
    parser.add_argument("file", metavar="FILE", type=_file, help="to write: .png or .html")
    shown.add_reading(parser)


def _file(text: str) -> Path:
    path = Path(text)
    if path.suffix not in _SUFFIXES:
        expected = " or ".join(_SUFFIXES)
        raise argparse.ArgumentTypeError(f"{text!r} is no picture: expected a name in {expected}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {path.parent} of {text!r} is not there")
    return path


def run(args: argparse.Namespace) -> int:
    """Draw; returns the exit status."""

    def write(rows: Iterable[Row]) -> int:
        held = list(rows)
        if held:
            (draw_page if args.file.suffix == ".html" else draw_picture)(held, args.file)
            print(f"{len(held)} rows drawn: {args.file}", file=sys.stderr)
        return len(held)

    return shown.answer(args, lambda prices: prices.last(args.symbol, args.count), write)


def draw_picture(rows: list[Row], path: Path) -> None:
    """Draw the rows of one tape, oldest first; the file's ending names the format."""
    from client import picture  # matplotlib takes longer to load than all other commands to run

    picture.draw(rows, path)


def draw_page(rows: list[Row], path: Path) -> None:
    """Write a page with the picture and the newest row's values."""
    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / "picture.svg"
        draw_picture(rows, drawn)
        picture = drawn.read_text(encoding="utf-8")
    values = "\n".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
        for name, text in shown.texts(rows[-1]).items()
    )
    page = _PAGE.format(
        symbol=html.escape(rows[-1].symbol),
        count=len(rows),
        first=rows[0].time.strftime("%F %T"),
        last=rows[-1].time.strftime("%F %T"),
        # The image stands inside the page, where the XML prologue may not.
        picture=picture[picture.index("<svg") :],
        values=values,
    )
    path.write_text(page, encoding="utf-8")
