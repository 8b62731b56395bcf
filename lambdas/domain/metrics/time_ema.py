"""The exponential moving average by time: ema_60s."""

from __future__ import annotations

from itertools import accumulate
from operator import lshift, mul

from lambdas.domain.metrics.decay import REACH
from lambdas.domain.metrics.series import Column, Series


def time_ema(series: Series) -> Column:
    """Return sum(w·x) / sum(w) over the window, w = 2^(-(T - T_i) / 60 000 ms), in quote currency.

    Never undefined. On the window this is pandas' ``ewm(halflife="60s", times=…)``. O(1) a row;
    on a stretch that spans more than 18 hours, O(window) a row.
    """
    mantissas, minutes = series.decay
    prices, unit, last = series.prices, series.price_unit, len(series) - 1
    if minutes[last] - minutes[0] > REACH:
        return [_directly(series, mantissas, minutes, t) for t in range(series.first, last + 1)]
    base = minutes[0]
    scaled = list(map(lshift, mantissas, [minute - base for minute in minutes]))
    totals = [0, *accumulate(scaled)]
    sums = [0, *accumulate(map(mul, scaled, prices))]
    column: Column = []
    for end in range(series.first + 1, last + 2):
        start = max(0, end - series.window)
        column.append((sums[end] - sums[start]) / ((totals[end] - totals[start]) * unit))
    return column


def _directly(series: Series, mantissas: list[int], minutes: list[int], t: int) -> float:
    """Return the average at row t from its window alone, without what is too old to count."""
    oldest = minutes[t] - REACH
    rows = [i for i in range(max(0, t - series.window + 1), t + 1) if minutes[i] >= oldest]
    scaled = [mantissas[i] << (minutes[i] - oldest) for i in rows]
    total: int = sum(map(mul, scaled, [series.prices[i] for i in rows]))
    return total / (sum(scaled) * series.price_unit)
