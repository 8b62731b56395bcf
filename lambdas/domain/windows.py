"""From a stretch of tape to its rows' metrics and marks, as they are stored."""

from __future__ import annotations

from bisect import bisect_left
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


def enriched(prints: Sequence[Print], first: int, reach_ms: int = 0) -> list[Enriched]:
    """Return mark and metrics of ``prints[first:]``, consecutive rows of one tape.

    The rows before ``first`` are context: at least 99 of them, or all that the tape has. A row's
    result depends on its window alone: the last 100 rows up to it, and with a reach above 0 only
    those of them that are not more than so many milliseconds older than it.
    """
    results: list[Enriched] = []
    for start in range(first, len(prints), STRETCH):
        context = max(0, start - WINDOW + 1)
        results += _stretch(prints[context : start + STRETCH], start - context)
    if reach_ms:
        # Only on a tape that has had less than 100 rows in all that time.
        for end in range(first + 1, len(prints) + 1):
            start, oldest = max(0, end - WINDOW), _ms(prints[end - 1]) - reach_ms
            near = bisect_left(prints, oldest, start, end, key=_ms)
            if near > start:
                [results[end - 1 - first]] = _stretch(prints[near:end], end - 1 - near)
    return results


def _ms(one: Print) -> int:
    return int(one.key.partition(".")[0])


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
