"""From a stretch of tape to its rows' metrics and marks, as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from lambdas.domain import marks
from lambdas.domain.metrics import ATTRIBUTES, METRICS
from lambdas.domain.metrics.digits import text
from lambdas.domain.metrics.series import Series
from lambdas.domain.tape import WINDOW, Print

STRETCH = 400
"""Rows computed at once; sums over longer stretches would only have more digits."""


class Enriched(NamedTuple):
    """What a row is to hold: its window mark, and its metrics as texts of 15 digits."""

    window: str
    metrics: dict[str, str]
    """Without those that are undefined."""


def enriched(prints: Sequence[Print], first: int) -> list[Enriched]:
    """Return mark and metrics of ``prints[first:]``, consecutive rows of one tape.

    The rows before ``first`` are context: at least 99 of them, or all that the tape has. A row's
    result depends on its window alone: the last 100 rows up to it.
    """
    results: list[Enriched] = []
    for start in range(first, len(prints), STRETCH):
        context = max(0, start - WINDOW + 1)
        results += _stretch(prints[context : start + STRETCH], start - context)
    return results


def _stretch(prints: Sequence[Print], first: int) -> list[Enriched]:
    series = Series(prints, first, WINDOW)
    columns = chain.from_iterable(compute(series) for compute in METRICS.values())
    results = []
    for end, values in enumerate(zip(*columns, strict=True), first + 1):
        rows = min(end, WINDOW)
        metrics = {
            name: text(value)
            for name, value in zip(ATTRIBUTES, values, strict=True)
            if value is not None
        }
        results.append(Enriched(marks.mark(rows, prints[end - rows].key), metrics))
    return results
