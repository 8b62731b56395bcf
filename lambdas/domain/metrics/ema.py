"""Exponential moving averages by rows: ema_12, ema_26."""

from __future__ import annotations

from functools import cache
from operator import mul

from lambdas.domain.metrics.series import Column, Series


def ema(series: Series, span: int) -> Column:
    """Return sum(w·x) / sum(w) over the window, w = (1 - a)^k and a = 2 / (span + 1).

    In quote currency; k counts the rows back from the latest, whose weight is 1. Never undefined.
    On the window this is pandas' ``ewm(span, adjust=True)``
    (https://pandas.pydata.org/docs/user_guide/window.html#exponentially-weighted-window).

    1 - a is (span - 1) / (span + 1), so with every weight multiplied by (span + 1)^(window - 1)
    all are integers, and the sum can slide along the tape exactly: O(1) a row.
    """
    first, window, prices = series.first, series.window, series.prices
    numerator, denominator = span - 1, span + 1
    weights, totals = _weights(span, window)
    newest, leaving = weights[0], numerator * weights[-1]
    # The sum for the row before the first.
    before = prices[max(0, first - window) : first][::-1]
    total = sum(map(mul, before, weights))
    column: Column = []
    for t in range(first, len(prices)):
        total *= numerator
        if t >= window:
            total -= leaving * prices[t - window]
        total = total // denominator + newest * prices[t]
        column.append(total / (totals[min(t + 1, window)] * series.price_unit))
    return column


@cache
def _weights(span: int, window: int) -> tuple[list[int], list[int]]:
    """Return the integer weights by age, and the sums of the first k of them."""
    weights = [(span - 1) ** k * (span + 1) ** (window - 1 - k) for k in range(window)]
    totals = [0]
    for weight in weights:
        totals.append(totals[-1] + weight)
    return weights, totals
