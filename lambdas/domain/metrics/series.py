"""A stretch of a tape as columns of exact integers, which the metrics are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from lambdas.domain.metrics.decay import weights
from lambdas.domain.metrics.returns import Returns, same_venue_returns
from lambdas.domain.tape import Print

Column = list[float | None]
"""A metric's values: one for each row to compute, None where it is undefined."""

SPREAD_ROWS = 20
"""n of the band and the z-score."""


class Spread(NamedTuple):
    """How the last n prices lie around their mean; exact, in units of the series."""

    total: int
    """sum(x)"""
    distance: int
    """n·x_t - sum(x), which is n times the latest price's distance from the mean."""
    variance: int
    """n·sum(x²) - sum(x)², which is n² times the population variance; never negative."""


class Series:
    """Columns of consecutive rows of a tape; the rows from ``first`` on are to get metrics.

    The rows before ``first`` are context: there must be ``window - 1`` of them, or all that the
    tape has. ``prices`` are integers: decimals times ``price_unit``, a power of ten. Sums of
    integers are exact, so a sum that slides along the tape stays exact, and no result depends on
    where the stretch began. Every metric ends in one division of integers, which Python rounds
    correctly, and at most a square root after it: results do not depend on the unit either.

    What several metrics share is computed when the first of them asks.
    """

    def __init__(self, prints: Sequence[Print], first: int, window: int) -> None:
        self.prints = prints
        self.first = first
        self.window = window
        self.prices, self.price_unit = scaled([one.price for one in prints])

    def __len__(self) -> int:
        return len(self.prints)

    @cached_property
    def times(self) -> list[int]:
        """Event times in whole milliseconds."""
        return [int(one.key[:13]) for one in self.prints]

    @cached_property
    def decay(self) -> tuple[list[int], list[int]]:
        """Weights that halve every minute: mantissas and shifts (:mod:`.decay`)."""
        return weights(self.times)

    @cached_property
    def sums(self) -> list[int]:
        """Sums of the first k prices, k from 0 to the number of rows."""
        return [0, *accumulate(self.prices)]

    @cached_property
    def spreads(self) -> list[Spread | None]:
        """The spread of the last 20 prices for each row to compute; None while there are fewer.

        Integers keep a spread of cents on a price of thousands exact, also just after a crash,
        where the same formula in floats loses every digit
        (https://en.wikipedia.org/wiki/Algorithms_for_calculating_variance).
        """
        n, prices, sums = SPREAD_ROWS, self.prices, self.sums
        squares = [0, *accumulate([price * price for price in prices])]
        spreads: list[Spread | None] = []
        for end in range(self.first + 1, len(prices) + 1):
            if end < n:
                spreads.append(None)
                continue
            total = sums[end] - sums[end - n]
            squared = squares[end] - squares[end - n]
            spreads.append(Spread(total, n * prices[end - 1] - total, n * squared - total * total))
        return spreads

    @cached_property
    def returns(self) -> Returns:
        """The same-venue returns, and when each is part of the window."""
        exchanges = [one.exchange for one in self.prints]
        return same_venue_returns(self.prices, self.times, exchanges, self.window)

    @cached_property
    def return_counts(self) -> list[int]:
        """How many same-venue returns each row's window has."""
        return self.returns.sums(self.returns.joins)


def scaled(amounts: Iterable[Decimal]) -> tuple[list[int], int]:
    """Return decimals as integers, and the power of ten that all were multiplied by.

    By way of their texts: a decimal's digits are not to be had any faster.
    """
    texts = [text if "E" not in (text := str(one)) else f"{one:f}" for one in amounts]
    pairs = [(whole + rest, len(rest)) for whole, _, rest in [one.partition(".") for one in texts]]
    places = max([count for _, count in pairs], default=0)
    zeros = ["0" * (places - count) for count in range(places + 1)]
    return [int(digits + zeros[count]) for digits, count in pairs], 10**places
