"""The drawdown: how far the latest price is below the window's highest."""

from __future__ import annotations

from collections import deque

from lambdas.domain.metrics.series import Column, Series


def drawdown(series: Series) -> Column:
    """Return x_t / max(x) - 1 over the window; a pure number from -1 to 0.

    Never undefined. Computed as (x_t - max) / max, so that a fall in the last digit is not lost.
    O(1) a row, amortised: the queue holds the prices that may still become the highest
    (Lemire, https://arxiv.org/abs/cs/0610046).
    """
    prices, window = series.prices, series.window
    column: Column = []
    highest: deque[int] = deque()
    for t, price in enumerate(prices):
        while highest and prices[highest[-1]] <= price:
            highest.pop()
        highest.append(t)
        if highest[0] <= t - window:
            highest.popleft()
        if t >= series.first:
            top = prices[highest[0]]
            column.append((price - top) / top)
    return column
