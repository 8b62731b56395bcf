"""The worst error of each library's rolling metrics against exact arithmetic, on hard series.

Fractions and 60-digit decimals of the prices as they were written are the truth; a library that
can only take floats answers for what it loses there. Means are judged relative to themselves, the
band relative to its middle, the return's deviation relative to the returns' root mean square, the
price's deviation relative to itself. A library's moving averages are judged by its own
definition of where they begin. Where exactly zero is due, anything else is an infinite error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

from lambdas.domain.tape import WINDOW
from tests.bench import libraries
from tests.bench.figures import Aim, Figure, counted
from tests.bench.libraries import EMA_START, EmaStart
from tests.bench.series import hard_series, tape

EXACT = Context(prec=60, Emin=-(10**6), Emax=10**6)

Truth = list[tuple[Decimal, Decimal] | None]
"""For each row the exact value and what its error is measured by; None where undefined."""

KINDS = {
    "moving averages": ("sma_5", "sma_20", "sma_50", "ema_12", "ema_26"),
    "Bollinger band": ("bollinger_upper", "bollinger_lower"),
    "standard deviation of prices": ("std_20",),
    "standard deviation of returns": ("return_std_20",),
}


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Judge every library on every series."""
    names = list(EMA_START)
    worst: dict[str, dict[str, tuple[float, str]]] = {
        kind: dict.fromkeys(names, (0.0, "")) for kind in KINDS
    }
    for title, prices in hard_series().items():
        progress(title)
        prints = tape(prices)
        truths = {start: exact(prices, start) for start in set(EMA_START.values())}
        for name in names:
            columns = dict(libraries.columns_of(name, prints))
            columns["std_20"] = libraries.deviation_of(name, prints)
            for kind, metrics in KINDS.items():
                errors = (
                    error
                    for metric in metrics
                    for error in errors_of(columns[metric], truths[EMA_START[name]][metric])
                )
                worst[kind][name] = max(worst[kind][name], (max(errors, default=0.0), title))
    return [figure for kind, of in worst.items() for figure in judged(kind, of)]


def judged(kind: str, worst: dict[str, tuple[float, str]]) -> list[Figure]:
    """Return each library's worst error, and ours as a multiple of the best other's: at most 1."""
    group = f"worst error, {kind}"
    figures = [
        Figure(group, name, "relative", counted(group, name, "", error).spread, None, where)
        for name, (error, where) in worst.items()
    ]
    mine = worst["ours"][0]
    best, name = min((error, name) for name, (error, _) in worst.items() if name != "ours")
    share = mine / best if best else (0.0 if mine == 0 else math.inf)
    return [*figures, counted(group, f"ours / the best other ({name})", "×", share, Aim("<=", 1))]


def errors_of(column: Sequence[float | None], truth: Truth) -> Iterator[float]:
    """Yield the error of each row that has a value; both end with the same row.

    An infinity stands for another value where zero is due, and for a value that is no number.
    """
    for value, known in zip(reversed(column), reversed(truth), strict=False):
        if known is None or value is None:
            continue
        if not math.isfinite(value):
            yield math.inf
            continue
        exact, scale = known
        distance = abs(EXACT.subtract(Decimal(value), exact))
        if scale:
            yield float(EXACT.divide(distance, scale))
        else:
            yield math.inf if distance else 0.0


def exact(prices: Sequence[Decimal], start: EmaStart) -> dict[str, Truth]:
    """Return the exact columns of a series."""
    fractions = [Fraction(price) for price in prices]
    truth: dict[str, Truth] = {name: [] for names in KINDS.values() for name in names}
    averages = {span: _ema(prices, span, start) for span in (12, 26)}
    returns = [EXACT.ln(EXACT.divide(later, earlier)) for earlier, later in pairwise(prices)]
    for t in range(len(prices)):
        for n in (5, 20, 50):
            mean = _decimal(_mean(fractions[t - n + 1 : t + 1])) if t >= n - 1 else None
            truth[f"sma_{n}"].append(_by_itself(mean))
        for span, column in averages.items():
            truth[f"ema_{span}"].append(_by_itself(column[t]))
        deviation = middle = None
        if t >= 19:
            last = fractions[t - 19 : t + 1]
            mean_of_last = _mean(last)
            middle = _decimal(mean_of_last)
            deviation = EXACT.sqrt(_decimal(_mean([(x - mean_of_last) ** 2 for x in last])))
        truth["std_20"].append(_by_itself(deviation))
        for name, sign in (("bollinger_upper", 2), ("bollinger_lower", -2)):
            truth[name].append(
                (EXACT.fma(Decimal(sign), deviation, middle), middle)
                if deviation is not None and middle is not None
                else None
            )
        truth["return_std_20"].append(_return_deviation(returns[t - 20 : t]) if t >= 20 else None)
    return truth


def _ema(prices: Sequence[Decimal], span: int, start: EmaStart) -> list[Decimal | None]:
    """Return an exponential moving average by the definition that begins it as ``start`` says."""
    keep = _decimal(1 - Fraction(2, span + 1))
    column: list[Decimal | None] = []
    total = weight = Decimal(0)
    leaving = EXACT.power(keep, WINDOW)
    for t, price in enumerate(prices):
        if start in ("window", "adjusted"):
            total = EXACT.fma(total, keep, price)
            weight = EXACT.fma(weight, keep, Decimal(1))
            if start == "window" and t >= WINDOW:
                total = EXACT.fma(leaving, prices[t - WINDOW].copy_negate(), total)
                weight = EXACT.subtract(weight, leaving)
            column.append(EXACT.divide(total, weight))
        elif start == "first mean" and t < span:
            total = EXACT.add(total, price)
            if t == span - 1:
                total = EXACT.divide(total, Decimal(span))
            column.append(total if t == span - 1 else None)
        else:
            total = price if t == 0 else EXACT.fma(EXACT.subtract(total, price), keep, price)
            column.append(total)
    return column


def _return_deviation(returns: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    count = Decimal(len(returns))
    mean = EXACT.divide(_total(returns), count)
    squares = _total([EXACT.power(EXACT.subtract(one, mean), 2) for one in returns])
    square = EXACT.divide(_total([EXACT.multiply(one, one) for one in returns]), count)
    return EXACT.sqrt(EXACT.divide(squares, count - 1)), EXACT.sqrt(square)


def _total(values: Sequence[Decimal]) -> Decimal:
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    return total


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _by_itself(value: Decimal | None) -> tuple[Decimal, Decimal] | None:
    return None if value is None else (value, abs(value))


def _decimal(fraction: Fraction) -> Decimal:
    return EXACT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))
