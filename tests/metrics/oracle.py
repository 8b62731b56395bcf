"""The slow truth: every metric of one window, straight from its definition.

Fractions where the metric is rational, 50-digit decimals where it is not. Nothing is shared with
the code under test, and no step is clever.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from fractions import Fraction
from itertools import pairwise

from lambdas.domain.tape import Print

CONTEXT = Context(prec=50, Emin=-(10**9), Emax=10**9)
LN2 = CONTEXT.ln(Decimal(2))
YEAR = 365 * 86_400_000


def decimal(value: Fraction | int) -> Decimal:
    fraction = Fraction(value)
    return CONTEXT.divide(Decimal(fraction.numerator), Decimal(fraction.denominator))


def mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def sma(window: Sequence[Print], n: int) -> Fraction | None:
    prices = [Fraction(one.price) for one in window]
    return mean(prices[-n:]) if len(prices) >= n else None


def ema(window: Sequence[Print], span: int) -> Fraction:
    a = Fraction(2, span + 1)
    top = bottom = Fraction(0)
    for k, one in enumerate(reversed(window)):
        weight = (1 - a) ** k
        top += weight * Fraction(one.price)
        bottom += weight
    return top / bottom


def time(one: Print) -> int:
    return int(one.key.split(".")[0])


def half(milliseconds: int) -> Decimal:
    """2^(-ms / 60 000), to 50 digits however small."""
    return CONTEXT.exp(CONTEXT.multiply(-decimal(Fraction(milliseconds, 60_000)), LN2))


def ema_60s(window: Sequence[Print]) -> Decimal:
    top = bottom = Decimal(0)
    for one in window:
        weight = half(time(window[-1]) - time(one))
        top = CONTEXT.add(top, CONTEXT.multiply(weight, one.price))
        bottom = CONTEXT.add(bottom, weight)
    return CONTEXT.divide(top, bottom)


def variance(window: Sequence[Print]) -> Fraction | None:
    prices = [Fraction(one.price) for one in window][-20:]
    if len(prices) < 20:
        return None
    middle = mean(prices)
    return mean([(price - middle) ** 2 for price in prices])


def root(value: Fraction) -> Decimal:
    return CONTEXT.sqrt(decimal(value))


def vwap(window: Sequence[Print]) -> Fraction | None:
    trades = [
        (Fraction(one.price), Fraction(one.size))
        for one in window
        if one.kind == "trade" and one.size is not None and one.size > 0
    ]
    volume = sum((size for _, size in trades), Fraction(0))
    return sum((price * size for price, size in trades), Fraction(0)) / volume if volume else None


def returns(window: Sequence[Print]) -> list[tuple[Decimal, int, int]]:
    """Same-venue returns: (r, d, time of the later print), by position of the later print."""
    found = []
    for venue in {one.exchange for one in window}:
        last_of_ms = {}
        for position, one in enumerate(window):
            if one.exchange == venue:
                last_of_ms[time(one)] = (position, one)
        prints = sorted(last_of_ms.values(), key=lambda pair: pair[0])
        for (_, earlier), (position, later) in pairwise(prints):
            r = CONTEXT.ln(decimal(Fraction(later.price) / Fraction(earlier.price)))
            found.append((position, (r, time(later) - time(earlier), time(later))))
    return [one for _, one in sorted(found)]


def total(values: Sequence[Decimal]) -> Decimal:
    result = Decimal(0)
    for value in values:
        result = CONTEXT.add(result, value)
    return result


def squared(value: Decimal) -> Decimal:
    return CONTEXT.multiply(value, value)


def return_std(rs: Sequence[Decimal]) -> Decimal:
    middle = CONTEXT.divide(total(rs), Decimal(len(rs)))
    squares = total([squared(CONTEXT.subtract(r, middle)) for r in rs])
    return CONTEXT.sqrt(CONTEXT.divide(squares, Decimal(len(rs) - 1)))


def root_mean_square(rs: Sequence[Decimal]) -> Decimal:
    return CONTEXT.sqrt(CONTEXT.divide(total([squared(r) for r in rs]), Decimal(len(rs))))


def annualised(squares: Decimal, spans: Decimal) -> Decimal:
    return CONTEXT.sqrt(CONTEXT.multiply(CONTEXT.divide(squares, spans), Decimal(YEAR)))


def metrics(window: Sequence[Print]) -> dict[str, tuple[Decimal, Decimal]]:
    """Every defined metric of the last row, with the largest error that is allowed."""
    exact: dict[str, Decimal] = {}
    for n in (5, 20, 50):
        if (value := sma(window, n)) is not None:
            exact[f"sma_{n}"] = decimal(value)
    for span in (12, 26):
        exact[f"ema_{span}"] = decimal(ema(window, span))
    exact["ema_60s"] = ema_60s(window)
    if (value := vwap(window)) is not None:
        exact["vwap"] = decimal(value)
    highest = max(one.price for one in window)
    exact["drawdown"] = decimal(Fraction(window[-1].price) / Fraction(highest) - 1)
    spread, middle = variance(window), sma(window, 20)
    if spread is not None and middle is not None:
        width = CONTEXT.multiply(Decimal(2), root(spread))
        exact["bollinger_upper"] = CONTEXT.add(decimal(middle), width)
        exact["bollinger_lower"] = CONTEXT.subtract(decimal(middle), width)
        if spread:
            distance = decimal(Fraction(window[-1].price) - middle)
            exact["z_score"] = CONTEXT.divide(distance, root(spread))
    rows = returns(window)
    if len(rows) >= 2:
        latest = max(when for _, _, when in rows)
        weights = [half(latest - when) for _, _, when in rows]
        exact["volatility"] = annualised(
            total([squared(r) for r, _, _ in rows]), total([Decimal(d) for _, d, _ in rows])
        )
        exact["ewma_volatility"] = annualised(
            total(
                [
                    CONTEXT.multiply(w, squared(r))
                    for w, (r, _, _) in zip(weights, rows, strict=True)
                ]
            ),
            total(
                [
                    CONTEXT.multiply(w, Decimal(d))
                    for w, (_, d, _) in zip(weights, rows, strict=True)
                ]
            ),
        )
    last20 = [r for r, _, _ in rows][-20:]
    if len(last20) == 20:
        exact["return_std_20"] = return_std(last20)
    bounds = {name: abs(value) for name, value in exact.items()}
    if "return_std_20" in exact:
        bounds["return_std_20"] = root_mean_square(last20)
    for name in ("bollinger_upper", "bollinger_lower"):
        if name in exact:
            bounds[name] = exact["sma_20"]
    return {
        name: (value, CONTEXT.multiply(bounds[name], Decimal("1e-12")))
        for name, value in exact.items()
    }
