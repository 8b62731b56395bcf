"""Simple moving averages: sma_5, sma_20, sma_50."""

from __future__ import annotations

from lambdas.domain.metrics.series import Column, Series


def sma(series: Series, rows: int) -> Column:
    """Return the arithmetic mean of the last ``rows`` prices, in quote currency.

    Undefined while the tape has fewer rows. Exact up to the one division. O(1) a row.
    """
    sums, divisor = series.sums, rows * series.price_unit
    return [
        (sums[end] - sums[end - rows]) / divisor if end >= rows else None
        for end in range(series.first + 1, len(series) + 1)
    ]
