"""The volume-weighted average price: vwap."""

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate
from operator import mul

from lambdas.domain.metrics.series import Column, Series, scaled

_NONE = Decimal(0)


def vwap(series: Series) -> Column:
    """Return sum(price·size) / sum(size) over the trades in the window, in quote currency.

    Rows without a positive size do not count, nor do tickers: what they report as volume is not
    the size of one trade. Undefined when no row counts. O(1) a row.
    """
    # The sizes' unit is in both sums and cancels.
    sizes, _ = scaled(
        [
            one.size if one.kind == "trade" and one.size is not None and one.size > 0 else _NONE
            for one in series.prints
        ]
    )
    volumes = [0, *accumulate(sizes)]
    amounts = [0, *accumulate(map(mul, sizes, series.prices))]
    column: Column = []
    for end in range(series.first + 1, len(series) + 1):
        start = max(0, end - series.window)
        volume = volumes[end] - volumes[start]
        amount = amounts[end] - amounts[start]
        column.append(amount / (volume * series.price_unit) if volume else None)
    return column
