"""Tapes built to hurt: spikes, crashes, dust prices, moves of one last digit, many venues."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from lambdas.domain.tape import Print
from lambdas.domain.ticks import Kind

LOWEST, HIGHEST = Decimal("1e-12"), Decimal("1e12")
VENUES = ("binance", "kraken", "okx")

AT_LEAST_300 = settings(max_examples=max(300, settings().max_examples))
"""What a claim about every series is tried on; the profile may say more."""

HOUR, DAY = 3_600_000, 86_400_000


def tape(
    prices: Sequence[Decimal | str],
    times: Sequence[int] | None = None,
    exchanges: Sequence[str] | None = None,
    sizes: Sequence[Decimal | None] | None = None,
    kinds: Sequence[Kind] | None = None,
) -> list[Print]:
    """Prints in tape order; by default a trade of size 1 at one venue every second."""
    count = len(prices)
    trades: list[Kind] = ["trade"] * count
    return [
        Print(f"{ms:013d}.{i:025d}", Decimal(price), size, exchange, kind)
        for i, (price, ms, exchange, size, kind) in enumerate(
            zip(
                prices,
                times or [1_732_250_000_000 + 1000 * i for i in range(count)],
                exchanges or ["binance"] * count,
                sizes or [Decimal(1)] * count,
                kinds or trades,
                strict=True,
            )
        )
    ]


def bounded(price: Decimal, digits: int = 18) -> Decimal:
    """A price that the pipeline lets in: 1e-12 to 1e12, at most 18 significant digits."""
    price = min(max(price, LOWEST), HIGHEST)
    return Decimal(f"{price:.{digits - 1}e}")


Segment = tuple[str, int]
"""What a part of a series does, and for how many prints."""

SHAPES = (
    "constant",
    "walk",
    "last digit",
    "growth",
    "spike",
    "crash",
    "recovery",
    "extremes",
    "digits",
)


def prices_of(segments: Sequence[Segment], start: Decimal, chance: random.Random) -> list[Decimal]:
    """The prices of a series that goes through the segments one after the other."""
    price, prices = bounded(start), []
    for shape, length in segments:
        if shape == "crash":
            price = bounded(price / 10 ** chance.randint(1, 24))
        elif shape == "recovery":
            price = bounded(price * 10 ** chance.randint(1, 24))
        factor = Decimal(chance.choice(["1.5", "1.001", "0.9", "1.0000000001", "2"]))
        for i in range(length):
            if shape == "walk":
                price = bounded(price * (1 + Decimal(chance.randint(-100, 100)) / 100_000), 10)
            elif shape == "last digit":
                price = bounded(price + price.normalize().scaleb(-18) * chance.randint(-3, 3))
            elif shape == "growth":
                price = bounded(price * factor)
            elif shape == "extremes":
                price = chance.choice([LOWEST, HIGHEST, Decimal(1), HIGHEST - Decimal("1e-6")])
            elif shape == "digits":
                price = bounded(
                    Decimal(chance.randrange(1, 10**18)).scaleb(chance.randint(-29, -6))
                )
            high = shape == "spike" and i == length // 2
            prices.append(bounded(price * 10 ** chance.randint(1, 12)) if high else price)
    return prices


@st.composite
def tapes(draw: st.DrawFn, longest: int = 130) -> list[Print]:
    """A tape of hard prices at one to three venues, with equal, dense and far-apart times."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    segments = draw(
        st.lists(st.tuples(st.sampled_from(SHAPES), st.integers(1, 50)), min_size=1, max_size=5)
    )
    start = draw(
        st.sampled_from(["84123.45", "1", "1e-12", "0.00001234", "1e12", "3.141592653589793"])
    )
    prices = prices_of(segments, Decimal(start), chance)[:longest]
    steps = draw(
        st.sampled_from(
            [(0, 1, 7), (0, 250, 1000), (0, 0, 0, 60_000), (1000,), (0, 40, 20 * HOUR), (DAY, 3)]
        )
    )
    # One venue, several, or one that is silent for more than a window now and then.
    venues = draw(st.sampled_from([VENUES[:1], VENUES[:2], VENUES, VENUES[:1] * 90 + VENUES[1:2]]))
    sizes = draw(st.sampled_from([(None,), ("1",), ("0", None, "0.00000001", "1234567.8", "1e15")]))
    kinds: Sequence[Kind] = draw(st.sampled_from([("trade",), ("ticker",), ("trade", "ticker")]))
    times, now = [], draw(st.integers(10**12, 2 * 10**12))
    for _ in prices:
        now += chance.choice(steps)
        times.append(now)
    chosen = [chance.choice(sizes) for _ in prices]
    return tape(
        prices,
        times,
        [chance.choice(venues) for _ in prices],
        [None if size is None else Decimal(size) for size in chosen],
        [chance.choice(kinds) for _ in prices],
    )
