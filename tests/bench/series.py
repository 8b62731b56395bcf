"""The series that benchmarks run on: an ordinary walk, and what breaks running sums."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from lambdas.domain.tape import Print

START_MS = 1_732_250_000_000


def walk(rows: int, start: str = "84123.45", tick: str = "0.01", seed: int = 1) -> list[Decimal]:
    """Return prices that move by up to 200 ticks a print, as a liquid pair's do."""
    chance, unit, price = random.Random(seed), Decimal(tick), Decimal(start)
    prices = []
    for _ in range(rows):
        price = max(price + chance.randint(-200, 200) * unit, unit)
        prices.append(price)
    return prices


def _around(middle: str, unit: str, rows: int, seed: int) -> list[Decimal]:
    chance = random.Random(seed)
    return [Decimal(middle) + chance.randint(-9, 9) * Decimal(unit) for _ in range(rows)]


def hard_series() -> dict[str, list[Decimal]]:
    """Return the series on which rolling statistics are known to go wrong, by what happens."""
    cents = _around("0.50", "0.01", 300, 2)
    return {
        "walk": walk(400),
        "spike, then cents": [*cents[:120], Decimal(1_000_000_000), *cents[120:]],
        "1e6 ± 1e-6": _around("1000000", "0.000001", 300, 3),
        "crash 80 to 1e-6": [
            *_around("80", "0.01", 150, 4),
            *_around("0.000001", "0.00000001", 250, 5),
        ],
        "1e-8 prices": _around("0.0000000123456", "0.0000000000001", 300, 6),
        "constant after a walk": [*walk(150, "80.00", seed=7), *[Decimal("80.01")] * 150],
    }


def tape(prices: Sequence[Decimal]) -> list[Print]:
    """Return the prices as trades at one venue, a second apart on the average."""
    chance = random.Random(9)
    prints, time = [], START_MS
    for ordinal, price in enumerate(prices):
        time += chance.randint(1, 2000)
        size = Decimal(chance.randint(1, 10**8)).scaleb(-8)
        prints.append(Print(f"{time:013d}.{ordinal:025d}", price, size, "binance", "trade"))
    return prints
