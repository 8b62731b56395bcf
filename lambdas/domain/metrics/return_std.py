"""The standard deviation of the last returns: return_std_20."""

from __future__ import annotations

from bisect import bisect_left
from math import sqrt

from lambdas.domain.metrics.returns import FRACTION_BITS
from lambdas.domain.metrics.series import Column, Series


def return_std(series: Series, count: int) -> Column:
    """Return the sample standard deviation of the last ``count`` same-venue log returns in W.

    A pure number, ddof 1: sqrt((n·sum(r²) - sum(r)²) / (n·(n - 1))). Undefined while the window
    has fewer returns; equal returns give exactly 0. O(1) a row: the sums are exact and slide.
    """
    returns = series.returns
    values, squares = returns.values, returns.squares
    divisor = count * (count - 1) << 2 * FRACTION_BITS
    column: Column = []
    inside: list[int] = []  # the window's returns, in order; the sums are over the last ``count``
    total = squared = 0
    for t, (joins, leaves) in enumerate(zip(returns.joins, returns.leaves, strict=True)):
        for leaving in leaves:
            index = bisect_left(inside, leaving)
            if index >= len(inside) - count:
                total -= values[leaving]
                squared -= squares[leaving]
                if len(inside) > count:
                    total += values[inside[-count - 1]]
                    squared += squares[inside[-count - 1]]
            del inside[index]
        if joins:
            inside.append(t)
            total += values[t]
            squared += squares[t]
            if len(inside) > count:
                total -= values[inside[-count - 1]]
                squared -= squares[inside[-count - 1]]
        if t >= series.first:
            enough = len(inside) >= count
            column.append(sqrt((count * squared - total * total) / divisor) if enough else None)
    return column
