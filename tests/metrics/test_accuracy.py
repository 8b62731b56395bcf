"""Every metric against the slow truth, on series built to hurt."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain.metrics.digits import SMALLEST
from lambdas.domain.tape import WINDOW, Print
from lambdas.domain.windows import enriched
from tests.metrics import oracle
from tests.metrics.strategies import AT_LEAST_300, HOUR, prices_of, tape, tapes


def agrees(prints: Sequence[Print], row: int, stored: dict[str, str]) -> None:
    exact = oracle.metrics(prints[max(0, row - WINDOW + 1) : row + 1])
    assert stored.keys() == exact.keys()
    for name, (value, bound) in exact.items():
        if abs(value) < Decimal(SMALLEST):
            assert abs(Decimal(stored[name])) <= Decimal(SMALLEST), name
            continue
        error = abs(Decimal(stored[name]) - value)
        assert error <= bound, f"{name} of row {row}: {stored[name]}, exactly {value}"


@AT_LEAST_300
@given(tapes(longest=180), st.data())
def test_every_metric_is_within_its_bound_of_the_exact_value(
    prints: list[Print], data: st.DataObject
) -> None:
    results = enriched(prints, 0)
    rows = {len(prints) - 1, data.draw(st.integers(0, len(prints) - 1))}
    for row in rows:
        agrees(prints, row, results[row].metrics)


@pytest.mark.parametrize(
    "segments",
    [
        [("walk", 60), ("spike", 3), ("walk", 60)],
        [("walk", 60), ("crash", 60)],
        [("walk", 60), ("crash", 30), ("last digit", 60)],
        [("walk", 120), ("constant", 130)],
        [("growth", 130)],
        [("extremes", 130)],
        [("digits", 130)],
    ],
    ids=lambda segments: ", ".join(shape for shape, _ in segments),
)
def test_rows_all_along_the_series_that_break_running_sums(segments: list[tuple[str, int]]) -> None:
    prints = tape(prices_of(segments, Decimal("84123.45"), random.Random(5)))
    results = enriched(prints, 0)
    for row in {*range(0, len(prints), 6), *range(59, 64), len(prints) - 1}:
        agrees(prints, row, results[row].metrics)


@given(tapes())
def test_exactly_equal_prices_have_exactly_no_spread_and_no_volatility(prints: list[Print]) -> None:
    flat = [Print(one.key, prints[0].price, one.size, one.exchange, one.kind) for one in prints]
    for result in enriched(flat, 0):
        metrics = result.metrics
        assert "z_score" not in metrics
        assert metrics.get("bollinger_upper") == metrics.get("bollinger_lower")
        for name in ("return_std_20", "volatility", "ewma_volatility", "drawdown"):
            assert metrics.get(name, "0") == "0"


def test_a_constant_after_a_walk_is_exactly_flat_again() -> None:
    prices = prices_of(
        [("walk", 90), ("crash", 1), ("constant", 120)], Decimal(80), random.Random(1)
    )
    result = enriched(tape(prices), 0)[-1].metrics
    assert result["volatility"] == result["ewma_volatility"] == result["return_std_20"] == "0"
    assert result["bollinger_upper"] == result["bollinger_lower"] == result["sma_20"]


@pytest.mark.parametrize("hours", [1, 4, 6, 10, 14, 18, 19, 40])
def test_a_move_of_hours_ago_still_weighs_what_it_should(hours: int) -> None:
    """GIVEN a move, hours of silence and then a price that stays THEN only the move's small weight
    is left in the weighted volatility, and it is exact as long as a table can hold it.
    """
    prices = ["1", "1e12", "1e-12", *["1e-12"] * 30]
    times = [HOUR, HOUR + 1, HOUR + 2, *(HOUR * (1 + hours) + i for i in range(30))]
    prints = tape(prices, times)
    agrees(prints, len(prints) - 1, enriched(prints, 0)[-1].metrics)
