"""Realised volatility: volatility."""

from __future__ import annotations

from math import sqrt

from lambdas.domain.metrics.returns import FRACTION_BITS
from lambdas.domain.metrics.series import Column, Series

YEAR_MS = 365 * 86_400_000
FEWEST_RETURNS = 2


def volatility(series: Series) -> Column:
    """Return sqrt(sum(r²) / sum(d) · year) over the window's same-venue returns; a pure number.

    d are the milliseconds each return spans, so the result is annualised whatever the ticks'
    rhythm: realised variance per unit of time (Andersen, Bollerslev, Diebold, Labys,
    https://doi.org/10.1111/1468-0262.00418). Undefined while the window has fewer than 2 returns.
    O(1) a row: the sums are exact and slide.
    """
    returns, first = series.returns, series.first
    return [
        annualised(squared, spanned) if count >= FEWEST_RETURNS else None
        for count, squared, spanned in zip(
            series.return_counts[first:],
            returns.sums(returns.squares)[first:],
            returns.sums(returns.spans)[first:],
            strict=True,
        )
    ]


def annualised(squared: int, spanned: int) -> float:
    """Return the volatility of returns whose squares sum to ``squared`` in ``spanned`` ms.

    Both may have been multiplied by the same weight. ``squared`` has twice the fractional bits of
    a return (:data:`~lambdas.domain.metrics.returns.FRACTION_BITS`).
    """
    return sqrt(squared * YEAR_MS / (spanned << 2 * FRACTION_BITS))
