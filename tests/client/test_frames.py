"""Data frames hold what the rows hold."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
from hypothesis import given

from client.frames import arrow_table, pandas_frame, polars_frame, write_parquet
from client.prices import Row
from tests.client.test_bars import row, rows


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


def test_pandas_polars_and_parquet_say_the_same(tmp_path: Path) -> None:
    tape = [
        row(1_732_250_000_000, 1, Decimal("97123.4"), Decimal("0.1"), "trade"),
        row(1_732_250_000_001, 2, Decimal("0.000000001"), None, "ticker"),
    ]
    wanted = [each.price for each in tape]
    assert list(pandas_frame(tape)["price"]) == wanted
    assert polars_frame(tape)["price"].to_list() == wanted
    path = tmp_path / "prices.parquet"
    assert write_parquet(tape, path) == 2
    read = pyarrow.parquet.read_table(path)
    assert read.column("price").to_pylist() == wanted
    assert read.column("size").to_pylist() == [Decimal("0.1"), None]
