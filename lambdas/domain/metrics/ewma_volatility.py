"""Volatility with a memory of a minute: ewma_volatility."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import lshift, mul

from lambdas.domain.metrics.decay import REACH
from lambdas.domain.metrics.series import Column, Series
from lambdas.domain.metrics.volatility import FEWEST_RETURNS, annualised


def ewma_volatility(series: Series) -> Column:
    """Return sqrt(sum(w·r²) / sum(w·d) · year) over the window's same-venue returns.

    w = 2^(-(T' - T_j) / 60 000 ms), T_j the time of a return's later print, T' the latest of
    them; otherwise as :func:`~lambdas.domain.metrics.volatility.volatility`, after the
    exponentially weighted variance of RiskMetrics (J.P. Morgan, Technical Document, 1996).
    Undefined while the window has fewer than 2 returns. O(1) a row; on a stretch that spans more
    than 18 hours, O(window) a row.
    """
    returns, first = series.returns, series.first
    mantissas, minutes = series.decay
    squares = list(map(mul, mantissas, returns.squares))
    spans = list(map(mul, mantissas, returns.spans))
    if minutes[-1] - minutes[0] > REACH:
        return _directly(series, squares, spans, minutes)
    shifts = [minute - minutes[0] for minute in minutes]
    return [
        annualised(squared, spanned) if count >= FEWEST_RETURNS else None
        for count, squared, spanned in zip(
            series.return_counts[first:],
            returns.sums(list(map(lshift, squares, shifts)))[first:],
            returns.sums(list(map(lshift, spans, shifts)))[first:],
            strict=True,
        )
    ]


def _directly(
    series: Series, squares: Sequence[int], spans: Sequence[int], minutes: Sequence[int]
) -> Column:
    """Return the volatility of each window's returns, without what is too old to count."""
    column: Column = []
    inside: list[int] = []
    returns = series.returns
    for t, (joins, leaves) in enumerate(zip(returns.joins, returns.leaves, strict=True)):
        for leaving in leaves:
            del inside[bisect_left(inside, leaving)]
        if joins:
            inside.append(t)
        if t < series.first:
            continue
        if len(inside) < FEWEST_RETURNS:
            column.append(None)
            continue
        oldest = minutes[inside[-1]] - REACH
        recent = [j for j in inside if minutes[j] >= oldest]
        column.append(
            annualised(
                sum(squares[j] << (minutes[j] - oldest) for j in recent),
                sum(spans[j] << (minutes[j] - oldest) for j in recent),
            )
        )
    return column
