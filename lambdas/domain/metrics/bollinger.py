"""The Bollinger band: bollinger_upper, bollinger_lower."""

from __future__ import annotations

from math import sqrt

from lambdas.domain.metrics.series import SPREAD_ROWS, Column, Series

WIDTH = 2
"""Standard deviations between the mean and either bound."""


def bollinger(series: Series) -> tuple[Column, Column]:
    """Return the upper and the lower bound: mean ± 2·s of the last 20 prices, in quote currency.

    s is the population standard deviation (ddof 0), as John Bollinger defines the band
    (https://www.bollingerbands.com/bollinger-band-rules). Undefined while the tape has fewer than
    20 rows; equal prices give a band of no width. O(1) a row.
    """
    unit = SPREAD_ROWS * series.price_unit
    square_unit = unit * unit
    upper: Column = []
    lower: Column = []
    for spread in series.spreads:
        if spread is None:
            upper.append(None)
            lower.append(None)
            continue
        mean = spread.total / unit
        reach = WIDTH * sqrt(spread.variance / square_unit)
        upper.append(mean + reach)
        lower.append(mean - reach)
    return upper, lower
