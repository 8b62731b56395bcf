"""`python -m client export SYMBOL START END FILE`: the rows of a time range as a file.

FILE ends in `.parquet`, `.csv` or `.jsonl`. Numbers are exact: decimals in Parquet, texts in the
others; `--floats` makes them 64-bit floats in Parquet. The file appears when it is whole.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from client import shown
from client.prices import Row

FORMATS = ("parquet", "csv", "jsonl")


def add_parser(subparsers: Any) -> None:
    """Add the command to the client's command line."""
    parser = subparsers.add_parser("export", help="the rows of a time range as a file")
    parser.add_argument("symbol", metavar="SYMBOL", help="such as BTC or ETH-BTC")
    for name in ("start", "end"):
        parser.add_argument(name, metavar=name.upper(), type=shown.moment)
    parser.add_argument("file", metavar="FILE", type=_file, help="to write")
    parser.add_argument("--floats", action="store_true", help="floats in Parquet, not decimals")
    shown.add_reading(parser)


def _file(text: str) -> Path:
    path = Path(text)
    if path.suffix.removeprefix(".") not in FORMATS:
        expected = ", ".join(f".{name}" for name in FORMATS)
        raise argparse.ArgumentTypeError(f"{text!r} ends in none of {expected}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {path.parent} of {text!r} is not there")
    return path


def run(args: argparse.Namespace) -> int:
    """Write the file; returns the exit status."""

    def write_counted(rows: Iterable[Row]) -> int:
        columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True) as progress:
            found = write(progress.track(rows, total=None), args.file, args.floats)
        if found:
            print(f"{found} rows: {args.file}", file=sys.stderr)
        return found

    return shown.answer(
        args, lambda prices: prices.range(args.symbol, args.start, args.end), write_counted
    )


def write(rows: Iterable[Row], path: Path, floats: bool = False) -> int:
    """Write rows in the format that the name's ending tells; returns how many there were.

    Without a row no file is written.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as scratch:
        partial = Path(scratch) / path.name
        if path.suffix == ".parquet":
            from client.frames import write_parquet  # loads Arrow, which the others do without

            count = write_parquet(rows, partial, floats)
        else:
            with partial.open("w", encoding="utf-8", newline="") as output:
                count = shown.show(rows, path.suffix.removeprefix("."), output)
        if count:
            partial.replace(path)
    return count
