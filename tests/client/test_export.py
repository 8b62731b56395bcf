"""A file of rows is whole and exact, or it is not there."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet
import pytest

from client import export
from client.prices import Row
from tests.client.test_bars import row

PRICES = [Decimal("97123.4"), Decimal("0.000000001"), Decimal("1e11")]


def tape() -> Iterator[Row]:
    for number, price in enumerate(PRICES):
        yield row(1_732_250_000_000 + number, number + 1, price, None, "trade")


def prices_in(path: Path) -> list[Decimal]:
    if path.suffix == ".parquet":
        return list(pyarrow.parquet.read_table(path).column("price").to_pylist())
    lines = path.read_text(encoding="utf-8").splitlines()
    listed = csv.DictReader(lines) if path.suffix == ".csv" else map(json.loads, lines)
    return [Decimal(each["price"]) for each in listed]


@pytest.mark.parametrize("form", export.FORMATS)
def test_every_format_gives_the_exact_prices_back(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"btc.{form}"
    assert export.write(tape(), path) == len(PRICES)
    assert prices_in(path) == PRICES


@pytest.mark.parametrize("form", export.FORMATS)
def test_what_breaks_off_leaves_what_was_there(form: str, tmp_path: Path) -> None:
    """GIVEN an earlier export WHEN a new one fails half-way THEN the earlier one still stands."""
    path = tmp_path / f"btc.{form}"
    export.write(tape(), path)

    def broken() -> Iterator[Row]:
        yield from tape()
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        export.write(broken(), path)
    assert prices_in(path) == PRICES
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("form", export.FORMATS)
def test_no_rows_make_no_file(form: str, tmp_path: Path) -> None:
    assert export.write([], tmp_path / f"btc.{form}") == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="ends in none of"):
        export._file("btc.xlsx")
