"""Same-venue log returns: what the volatilities are made of.

For each venue in the window take its prints in tape order; of several prints in one millisecond
the last counts; a return is ln(p_j / p_(j-1)) between successive prints and spans the milliseconds
between them. Returns of all venues are pooled in the order of their later prints. They are taken
within a venue because the standing difference between two venues' prices is not volatility.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import ldexp, log1p
from typing import NamedTuple

FRACTION_BITS = 128
"""Returns are kept as integers of this many fractional bits.

A return of prices with up to 18 digits is at least 1e-18 (2^-60) in size, so that all 53 bits of
its float fit, and sums of returns and of their squares are exact.
"""


class Returns(NamedTuple):
    """The returns of a stretch of tape, by the position of the later print.

    ``values`` are ln(p_j / p_(j-1)) times 2^FRACTION_BITS, ``squares`` their squares, ``spans`` the
    milliseconds. ``joins[t]`` tells whether a return ending at row t is part of t's window;
    ``leaves[t]`` lists the returns that are part of the window of t - 1 and not of t's: the row
    before one has left the window, or a later print of the same millisecond has taken its place.
    """

    values: list[int]
    squares: list[int]
    spans: list[int]
    joins: list[bool]
    leaves: list[tuple[int, ...]]

    def sums(self, amounts: Sequence[int]) -> list[int]:
        """Return for each row the sum over its window's returns; O(1) a row.

        ``amounts`` are by the position of the later print, and 0 where no return ends.
        """
        changes = list(amounts)
        for t, leaves in enumerate(self.leaves):
            for leaving in leaves:
                changes[t] -= amounts[leaving]
        return list(accumulate(changes))


def log_return(later: int, earlier: int) -> float:
    """Return ln(later / earlier) of two positive integers, to about one unit in the last place.

    ``log1p`` of the exact difference over the smaller of the two: a difference of logarithms, or
    a quotient near one, would lose a small move; ``log1p`` of a fall near -1 would lose a crash.
    """
    if later >= earlier:
        return log1p((later - earlier) / earlier)
    return -log1p((earlier - later) / later)


def same_venue_returns(
    prices: Sequence[int], times: Sequence[int], exchanges: Sequence[str], window: int
) -> Returns:
    """Return the returns of consecutive rows of a tape. A constant number of steps a row.

    ``prices`` are in any common unit, ``times`` in milliseconds and not decreasing.
    """
    rows = len(prices)
    values, squares, spans = [0] * rows, [0] * rows, [0] * rows
    joins = [False] * rows
    leaves: list[tuple[int, ...]] = [()] * rows
    following = [-1] * rows  # by an earlier print, the return in the window that starts at it
    latest: dict[str, tuple[int, int]] = {}  # by venue, its latest print and the one before
    for t in range(rows):
        start = t - window + 1
        if start > 0 and following[start - 1] >= 0:
            leaves[t] = (following[start - 1],)
        last, before = latest.get(exchanges[t], (-1, -1))
        if last >= 0 and times[last] == times[t]:
            replaced = True
        else:
            replaced, before = False, last
        latest[exchanges[t]] = (t, before)
        if before < 0 or before < start:
            continue
        if replaced and following[before] >= 0:
            leaves[t] += (following[before],)
        following[before] = t
        joins[t] = True
        value = int(ldexp(log_return(prices[t], prices[before]), FRACTION_BITS))
        values[t], squares[t], spans[t] = value, value * value, times[t] - times[before]
    return Returns(values, squares, spans, joins, leaves)
