"""Worked examples: values that can be checked by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import isclose, log, sqrt

import pytest

from lambdas.domain import marks
from lambdas.domain.metrics.decay import MANTISSA_BITS, weights
from lambdas.domain.metrics.digits import text
from lambdas.domain.metrics.returns import FRACTION_BITS, log_return
from lambdas.domain.metrics.series import Series, scaled
from lambdas.domain.tape import NOT_ENRICHED, WINDOW
from lambdas.domain.windows import enriched
from tests.metrics import oracle
from tests.metrics.strategies import DAY, tape

YEAR = 365 * DAY


def test_returns_are_taken_within_a_venue_and_the_last_print_of_a_millisecond_counts() -> None:
    # GIVEN two prints of A in one millisecond, and B between two of A's
    prints = tape(
        ["100", "101", "102", "99", "103"],
        [0, 0, 1000, 1000, 2000],
        ["A", "A", "B", "A", "A"],
    )
    # THEN the returns are A's, ln(99/101) and ln(103/99), a second each
    returns = Series(prints, 0, WINDOW).returns
    joined = [row for row, joins in enumerate(returns.joins) if joins]
    assert joined == [3, 4]
    assert [returns.spans[row] for row in joined] == [1000, 1000]
    assert returns.values[3] / 2**FRACTION_BITS == pytest.approx(log(99 / 101), rel=1e-15)
    assert returns.values[4] / 2**FRACTION_BITS == pytest.approx(log(103 / 99), rel=1e-15)
    result = enriched(prints, 4)[0].metrics
    expected = sqrt((log(99 / 101) ** 2 + log(103 / 99) ** 2) / 2000 * YEAR)
    assert float(result["volatility"]) == pytest.approx(expected, rel=1e-14)
    half = 2 ** (-1000 / 60_000)
    weighted = (half * log(99 / 101) ** 2 + log(103 / 99) ** 2) / (half * 1000 + 1000)
    assert float(result["ewma_volatility"]) == pytest.approx(sqrt(weighted * YEAR), rel=1e-14)


def test_a_later_print_of_the_same_millisecond_takes_the_place_of_the_earlier() -> None:
    prints = tape(["100", "110", "120"], [0, 1000, 1000])
    returns = Series(prints, 0, WINDOW).returns
    assert returns.joins == [False, True, True]
    assert returns.leaves == [(), (), (1,)]


def test_a_return_leaves_the_window_with_its_earlier_print() -> None:
    prints = tape(["100", "200", "300", "400"], [0, 1, 2, 3], ["A", "B", "A", "B"])
    returns = Series(prints, 0, 3).returns
    assert returns.joins == [False, False, True, True]
    assert returns.leaves == [(), (), (), (2,)]


def test_a_venue_that_was_silent_for_a_window_has_no_return() -> None:
    prints = tape(["100", "1", "2", "300", "400"], [0, 1, 2, 3, 4], ["A", "B", "B", "A", "A"])
    returns = Series(prints, 0, 3).returns
    assert returns.joins == [False, False, True, False, True]
    assert returns.leaves == [(), (), (), (), (2,)]


def test_a_print_that_takes_an_out_of_window_prints_place_has_no_return_either() -> None:
    # the earlier print left the window while the millisecond lasted
    prints = tape(["100", "200", "300", "400"], [0, 1, 1, 1])
    returns = Series(prints, 0, 3).returns
    assert returns.joins == [False, True, True, False]
    assert returns.leaves == [(), (), (1,), (2,)]


def test_the_first_row_of_a_tape_has_what_is_always_defined() -> None:
    [result] = enriched(tape(["84123.45"]), 0)
    assert result.metrics == {
        "ema_12": "84123.45",
        "ema_26": "84123.45",
        "ema_60s": "84123.45",
        "vwap": "84123.45",
        "drawdown": "0",
    }
    assert result.window == "01:001:1732250000000.0000000000000000000000000"


def test_metrics_appear_with_the_row_that_completes_their_window() -> None:
    results = enriched(tape([str(100 + i % 7) for i in range(60)]), 0)
    first = {
        name: next(i for i, result in enumerate(results) if name in result.metrics)
        for name in ("sma_5", "sma_20", "sma_50", "bollinger_upper", "z_score", "return_std_20")
    }
    assert first == {
        "sma_5": 4,
        "sma_20": 19,
        "sma_50": 49,
        "bollinger_upper": 19,
        "z_score": 19,
        "return_std_20": 20,
    }
    assert "volatility" not in results[1].metrics
    assert "volatility" in results[2].metrics


def test_averages_and_band_of_one_to_twenty() -> None:
    result = enriched(tape([str(i) for i in range(1, 21)]), 19)[0].metrics
    assert result["sma_5"] == "18"
    assert result["sma_20"] == "10.5"
    deviation = sqrt((20**2 - 1) / 12)
    assert float(result["bollinger_upper"]) == pytest.approx(10.5 + 2 * deviation, rel=1e-14)
    assert float(result["z_score"]) == pytest.approx(9.5 / deviation, rel=1e-14)
    assert result["drawdown"] == "0"


def test_a_tickers_size_is_no_volume() -> None:
    prints = tape(["1", "3"], sizes=[Decimal(1), Decimal(9)], kinds=["trade", "ticker"])
    assert enriched(prints, 1)[0].metrics["vwap"] == "1"


def test_the_mark_names_version_rows_and_the_oldest_row() -> None:
    prints = tape(["1"] * 150)
    results = enriched(prints, 0)
    assert results[98].window == f"01:099:{prints[0].key}"
    assert results[149].window == f"01:100:{prints[50].key}"
    assert NOT_ENRICHED < results[0].window < results[98].window < results[149].window
    assert marks.mark(1, prints[0].key, version=2) > results[149].window


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.5, "1.5"),
        (-100.0, "-100"),
        (0.1, "0.1"),
        (1 / 3, "0.333333333333333"),
        (2 / 3e5, "0.00000666666666666667"),
        (-1.25e-7, "-0.000000125"),
        (999_999_999_999_999.9, "1000000000000000"),
        (9.9999999999999995e-5, "0.0001"),
        (1e22, "10000000000000000000000"),
        (1e-12, "0.000000000001"),
        (1e-131, "0"),
        (-2e-140, "0"),
    ],
)
def test_values_are_stored_in_plain_notation(value: float, stored: str) -> None:
    assert text(value) == stored


def test_half_units_of_the_last_digit_go_to_even() -> None:
    # both are floats exactly, and lie halfway between two numbers of 15 digits
    assert text(100000000000000.5) == "100000000000000"
    assert text(100000000000001.5) == "100000000000002"


@pytest.mark.parametrize(
    ("amounts", "integers", "unit"),
    [
        ([], [], 1),
        (["1", "20"], [1, 20], 1),
        (["1.5", "0.25", "3"], [150, 25, 300], 100),
        (["1E+3", "1E-7"], [10_000_000_000, 1], 10**7),
        (["1.50", "1.5"], [150, 150], 100),
        (["123456789012.345678901234567890"], [123456789012345678901234567890], 10**18),
    ],
)
def test_decimals_become_integers_exactly(
    amounts: list[str], integers: list[int], unit: int
) -> None:
    assert scaled(map(Decimal, amounts)) == (integers, unit)


def test_returns_keep_their_digits_at_both_ends() -> None:
    tiny = log_return(10**18 + 1, 10**18)
    assert isclose(tiny, 1e-18, rel_tol=1e-15)
    assert isclose(log_return(1, 10**24), -24 * log(10), rel_tol=1e-15)
    assert log_return(3, 5) == -log_return(5, 3)


def test_weights_halve_every_minute_to_more_digits_than_a_float_has() -> None:
    times = [0, 1, 255, 256, 30_000, 59_999, 60_000, 61_000]
    for ms, mantissa, shift in zip(times, *weights(times), strict=True):
        weight = oracle.decimal(Fraction(mantissa << shift, 1 << MANTISSA_BITS))
        error = oracle.CONTEXT.multiply(weight, oracle.half(ms)) - 1
        assert abs(error) < Decimal("1e-24")
