"""Rows as data frames: Arrow, pandas, polars, and Parquet files.

Numbers are exact decimals (`decimal128`), as stored; with `floats=True` they are 64-bit floats.
`time` is the event's time in UTC, to the millisecond; `timestamp` is the exact sort key either way.

    from client.frames import pandas_frame
    frame = pandas_frame(prices.last("BTC", 1000), floats=True).set_index("time")
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from client.prices import Row
from lambdas.domain.metrics import ATTRIBUTES

_TEXTS = ("symbol", "base", "quote", "exchange", "event_id", "kind", "time_source", "window")
_KEY = pyarrow.decimal128(38, 25)


def arrow_table(rows: Iterable[Row], floats: bool = False) -> Any:
    """Return an Arrow table with a column for each attribute; absent values are null."""
    held = list(rows)
    columns = {
        "time": pyarrow.array([row.time for row in held], pyarrow.timestamp("ms", "UTC")),
        "timestamp": pyarrow.array([row.timestamp for row in held], _KEY),
        "received_at": pyarrow.array([row.received_at for row in held], pyarrow.int64()),
        **{
            name: pyarrow.array([getattr(row, name) for row in held], pyarrow.string())
            for name in _TEXTS
        },
        **{name: _numbers([getattr(row, name) for row in held], floats) for name in _OWN},
        **{name: _numbers([row.metrics.get(name) for row in held], floats) for name in ATTRIBUTES},
    }
    return pyarrow.table(columns)


_OWN = ("price", "size")


def _numbers(values: list[Any], floats: bool) -> Any:
    if floats:
        given = [None if value is None else float(value) for value in values]
        return pyarrow.array(given, pyarrow.float64())
    if all(value is None for value in values):
        return pyarrow.array(values, pyarrow.decimal128(38, 18))
    return pyarrow.array(values)  # the smallest decimal type that holds all of them exactly


def pandas_frame(rows: Iterable[Row], floats: bool = False) -> Any:
    """Return a pandas frame; exact numbers are `Decimal` objects there."""
    return arrow_table(rows, floats).to_pandas()


def polars_frame(rows: Iterable[Row], floats: bool = False) -> Any:
    """Return a polars frame."""
    import polars

    return polars.from_arrow(arrow_table(rows, floats))


def write_parquet(rows: Iterable[Row], path: Path, floats: bool = False) -> int:
    """Write the rows to a Parquet file; returns how many there were."""
    table = arrow_table(rows, floats)
    pyarrow.parquet.write_table(table, path)
    return int(table.num_rows)
