"""The z-score: how unusual the latest price is among the last 20."""

from __future__ import annotations

from math import sqrt

from lambdas.domain.metrics.series import Column, Series


def z_score(series: Series) -> Column:
    """Return (x_t - mean) / s of the last 20 prices; a pure number.

    s is the population standard deviation. Undefined while the tape has fewer than 20 rows, and
    when all 20 prices are equal. It is the root of an exact quotient, (n·x_t - sum)² over
    n²·variance, so a price that differs in its last digit only gets its exact score. O(1) a row.
    """
    column: Column = []
    for spread in series.spreads:
        if spread is None or not spread.variance:
            column.append(None)
            continue
        distance = spread.distance
        score = sqrt(distance * distance / spread.variance)
        column.append(score if distance >= 0 else -score)
    return column
