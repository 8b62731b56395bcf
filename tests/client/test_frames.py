"""Data frames hold what the rows hold."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
from hypothesis import given

from client.frames import arrow_table, pandas_frame, write_parquet
from client.prices import Row
from tests.client.test_bars import row, rows

ROOT = Path(__file__).resolve().parents[2]


@given(rows)
def test_an_exact_table_gives_every_number_back(tape: list[Row]) -> None:
    table = arrow_table(tape)
    for name in ("timestamp", "price", "size"):
        assert table.column(name).to_pylist() == [getattr(each, name) for each in tape]
    assert table.column("time").to_pylist() == [each.time for each in tape]


@given(rows)
def test_floats_are_the_nearest(tape: list[Row]) -> None:
    assert arrow_table(tape, floats=True).column("price").to_pylist() == [
        float(each.price) for each in tape
    ]


POLARS = """
from decimal import Decimal
from client.frames import polars_frame
from tests.client.test_bars import row
prices = [Decimal("97123.4"), Decimal("0.000000001")]
tape = [row(1_732_250_000_000 + at, at + 1, p, None, "trade") for at, p in enumerate(prices)]
assert polars_frame(tape)["price"].to_list() == prices
"""


def test_polars_says_the_same() -> None:
    """In a process of its own: polars changes how an interrupt ends a wait, for all later tests."""
    done = subprocess.run(
        [sys.executable, "-c", POLARS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_pandas_and_parquet_say_the_same(tmp_path: Path) -> None:
    tape = [
        row(1_732_250_000_000, 1, Decimal("97123.4"), Decimal("0.1"), "trade"),
        row(1_732_250_000_001, 2, Decimal("0.000000001"), None, "ticker"),
    ]
    wanted = [each.price for each in tape]
    assert list(pandas_frame(tape)["price"]) == wanted
    path = tmp_path / "prices.parquet"
    assert write_parquet(tape, path) == 2
    read = pyarrow.parquet.read_table(path)
    assert read.column("price").to_pylist() == wanted
    assert read.column("size").to_pylist() == [Decimal("0.1"), None]
