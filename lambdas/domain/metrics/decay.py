"""Weights that halve every minute, as exact integers on one scale for the whole tape.

A weight 2^((T - T0) / 60 000) is split into whole minutes, a shift, and the rest, a mantissa of
:data:`MANTISSA_BITS` bits. T0 is the epoch, so a row's weight is the same in every window; what
windows have in common cancels in the quotient. Sums of weighted integers are exact and may slide.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Context, Decimal
from functools import cache

HALF_LIFE_MS = 60_000

MANTISSA_BITS = 88
"""Far beyond a float's 53: where T0 lies does not show in any result."""

REACH = 1_100
"""Half-lives beyond which a weight counts as zero.

A price of 1e12 so old among prices of 1e-12, or a square of a return, is below what a table can
hold beside the rest: DynamoDB's smallest number is 1e-130, and 2^(-1100/2) times the largest
volatility is less (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
It bounds the integers.
"""


def weights(times: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the weights of event times (ms): mantissas, and shifts in bits to the left."""
    coarse, fine = _mantissas()
    minutes, mantissas = [], []
    for time in times:
        minute, rest = divmod(time, HALF_LIFE_MS)
        minutes.append(minute)
        mantissas.append(coarse[rest >> 8] * fine[rest & 255] >> MANTISSA_BITS)
    return mantissas, minutes


@cache
def _mantissas() -> tuple[list[int], list[int]]:
    """Return 2^(256 k / 60 000) and 2^(k / 60 000) for k = 0, 1, …, with MANTISSA_BITS bits."""
    bits = 2 * MANTISSA_BITS
    context = Context(prec=60)  # more than the bits are worth
    step = context.power(Decimal(2), context.divide(Decimal(1), Decimal(HALF_LIFE_MS)))
    factor = int(context.multiply(step, Decimal(1 << bits)))
    fine = _powers(factor, 257, bits)
    coarse = _powers(fine.pop(), HALF_LIFE_MS // 256 + 1, bits)
    return [one >> MANTISSA_BITS for one in coarse], [one >> MANTISSA_BITS for one in fine]


def _powers(factor: int, count: int, bits: int) -> list[int]:
    powers = [1 << bits]
    while len(powers) < count:
        powers.append(powers[-1] * factor >> bits)
    return powers
