"""The metrics once more, slowly and exactly: what the rows of a tape should hold.

Written from the definitions, apart from the functions' code; fractions throughout, so that the
only rounding is the final square root or power.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

WINDOW = 100
YEAR_MS = 365 * 86_400_000

Row = Mapping[str, Mapping[str, str]]


def expected(tape: Sequence[Row], at: int) -> dict[str, float]:
    """The metrics of the row `at` of a tape in key order; undefined ones are absent."""
    window = tape[max(0, at + 1 - WINDOW) : at + 1]
    prices = [Fraction(row["price"]["N"]) for row in window]
    times = [int(Decimal(row["timestamp"]["N"])) for row in window]
    found: dict[str, float] = {"drawdown": float(prices[-1] / max(prices) - 1)}
    for span in (5, 20, 50):
        if len(prices) >= span:
            found[f"sma_{span}"] = float(sum(prices[-span:]) / span)
    for span in (12, 26):
        decay = 1 - Fraction(2, span + 1)
        weights = [decay**age for age in range(len(prices))][::-1]
        found[f"ema_{span}"] = float(_mean(prices, weights))
    halves = [Fraction(2.0 ** (-(times[-1] - time) / 60_000)) for time in times]
    found["ema_60s"] = float(_mean(prices, halves))
    if len(prices) >= 20:
        mean = sum(prices[-20:]) / 20
        spread = math.sqrt(sum((price - mean) ** 2 for price in prices[-20:]) / 20)
        found["bollinger_upper"] = float(mean) + 2 * spread
        found["bollinger_lower"] = float(mean) - 2 * spread
        if spread:
            found["z_score"] = float(prices[-1] - mean) / spread
    traded = [
        (price, Fraction(row["size"]["N"]))
        for price, row in zip(prices, window, strict=True)
        if row["kind"]["S"] == "trade" and "size" in row and Fraction(row["size"]["N"]) > 0
    ]
    if traded:
        found["vwap"] = float(
            sum(price * size for price, size in traded) / sum(size for _, size in traded)
        )
    returns = _returns(window, prices, times)
    if len(returns) >= 2:
        squares = sum(value * value for value, _, _ in returns)
        found["volatility"] = math.sqrt(squares / sum(gap for _, gap, _ in returns) * YEAR_MS)
        latest = max(time for _, _, time in returns)
        weighted = [2.0 ** (-(latest - time) / 60_000) for _, _, time in returns]
        above = sum(w * value * value for w, (value, _, _) in zip(weighted, returns, strict=True))
        below = sum(w * gap for w, (_, gap, _) in zip(weighted, returns, strict=True))
        found["ewma_volatility"] = math.sqrt(above / below * YEAR_MS)
    if len(returns) >= 20:
        last = [value for value, _, _ in returns[-20:]]
        centre = math.fsum(last) / 20
        found["return_std_20"] = math.sqrt(math.fsum((v - centre) ** 2 for v in last) / 19)
    return found


def _returns(
    window: Sequence[Row], prices: Sequence[Fraction], times: Sequence[int]
) -> list[tuple[float, int, int]]:
    """Same-venue log returns, the milliseconds they span, the later print's time; tape order."""
    by_venue: dict[str, list[int]] = {}
    for at, row in enumerate(window):
        prints = by_venue.setdefault(row["exchange"]["S"], [])
        if prints and times[prints[-1]] == times[at]:
            prints.pop()
        prints.append(at)
    pairs = sorted(
        (later, earlier)
        for prints in by_venue.values()
        for earlier, later in itertools.pairwise(prints)
    )
    return [
        (_log(prices[later] / prices[earlier]), times[later] - times[earlier], times[later])
        for later, earlier in pairs
    ]


def _log(ratio: Fraction) -> float:
    return math.log1p(float(ratio - 1))


def _mean(values: Sequence[Fraction], weights: Sequence[Fraction]) -> Fraction:
    products = (value * weight for value, weight in zip(values, weights, strict=True))
    return sum(products, Fraction()) / sum(weights)


def differences(row: Mapping[str, Any], wanted: Mapping[str, float]) -> list[str]:
    """How the stored metrics of a row differ from those expected; nothing when they agree."""
    found = []
    for name in METRICS:
        if (name in row) != (name in wanted):
            found.append(f"{name} is {'there' if name in row else 'absent'}")
        elif name in row:
            stored = float(row[name]["N"])
            # 15 significant digits are stored; near-zero scores lose digits to cancellation.
            if not math.isclose(stored, wanted[name], rel_tol=1e-9, abs_tol=1e-9):
                found.append(f"{name} is {stored}, expected {wanted[name]}")
    return found


def wrong(tapes: Mapping[str, Sequence[Row]]) -> list[str]:
    """Every difference between the stored and the expected metrics of whole tapes."""
    return [
        f"{symbol} row {at}: {difference}"
        for symbol, tape in tapes.items()
        for at in range(len(tape))
        for difference in differences(tape[at], expected(tape, at))
    ]


METRICS = (
    *("sma_5", "sma_20", "sma_50", "ema_12", "ema_26", "ema_60s", "vwap", "drawdown"),
    *("bollinger_upper", "bollinger_lower", "z_score"),
    *("return_std_20", "volatility", "ewma_volatility"),
)
