"""The laws of the metrics, each a property with the law's name."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain.metrics import ATTRIBUTES, METRICS
from lambdas.domain.metrics.series import Series
from lambdas.domain.tape import WINDOW, Print
from lambdas.domain.windows import Enriched, enriched
from tests.metrics.strategies import AT_LEAST_300, prices_of, tape, tapes

MEANS = {
    "sma_5": 5,
    "sma_20": 20,
    "sma_50": 50,
    "ema_12": WINDOW,
    "ema_26": WINDOW,
    "ema_60s": WINDOW,
}
"""Each mean with the number of rows it is a mean of."""

SCALE_FREE = ("z_score", "return_std_20", "volatility", "ewma_volatility", "drawdown")


def unit(value: Decimal) -> Decimal:
    """One unit of the 15th significant digit."""
    return Decimal(1).scaleb(value.adjusted() - 14) if value else Decimal(0)


def close(one: str, other: str, factor: Decimal = Decimal(1)) -> bool:
    """Whether two stored values differ, but for a factor, by their rounding only."""
    a, b = Decimal(one), Decimal(other)
    return abs(a * factor - b) <= unit(a) * factor + unit(b)


@AT_LEAST_300
@given(tapes(), st.data())
def test_a_row_depends_on_its_window_alone(prints: list[Print], data: st.DataObject) -> None:
    whole = enriched(prints, 0)
    first = data.draw(st.integers(0, len(prints) - 1))
    context = data.draw(st.integers(0, first - WINDOW + 1)) if first >= WINDOW else 0
    assert enriched(prints[context:], first - context) == whole[first:]
    window = prints[max(0, first - WINDOW + 1) : first + 1]
    assert enriched(window, len(window) - 1) == [whole[first]]


@AT_LEAST_300
@given(tapes(), st.lists(st.integers(1, 120), min_size=1))
def test_any_split_into_batches_gives_the_same_rows(prints: list[Print], sizes: list[int]) -> None:
    results: list[Enriched] = []
    while len(results) < len(prints):
        start = len(results)
        context = max(0, start - WINDOW + 1)
        end = start + sizes[len(results) % len(sizes)]
        results += enriched(prints[context:end], start - context)
    assert results == enriched(prints, 0)


@AT_LEAST_300
@given(tapes(), st.data())
def test_an_added_tick_changes_at_most_the_next_rows_of_a_window(
    prints: list[Print], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(prints) - 1))
    without = prints[:place] + prints[place + 1 :]
    before, after = enriched(without, 0) if without else [], enriched(prints, 0)
    assert after[:place] == before[:place]
    assert after[place + WINDOW :] == before[place + WINDOW - 1 :]


@AT_LEAST_300
@given(tapes(), st.sampled_from(["2", "1000", "0.001", "7", "0.3333", "1e6"]))
def test_scaling_all_prices_scales_the_means_and_leaves_the_rest_alone(
    prints: list[Print], factor: str
) -> None:
    c = Decimal(factor)
    scaled = [replace(one, price=one.price * c) for one in prints]
    assert all(s.price / c == one.price for s, one in zip(scaled, prints, strict=True))
    for one, other in zip(enriched(prints, 0), enriched(scaled, 0), strict=True):
        assert one.metrics.keys() == other.metrics.keys()
        for name in (*MEANS, "vwap"):
            if name in one.metrics:
                assert close(one.metrics[name], other.metrics[name], c), name
        for name in SCALE_FREE:
            assert one.metrics.get(name) == other.metrics.get(name), name


@AT_LEAST_300
@given(tapes(), st.integers(-(10**12), 10**12))
def test_shifting_all_times_leaves_everything_alone(prints: list[Print], shift: int) -> None:
    moved = [replace(one, key=f"{int(one.key[:13]) + shift:013d}{one.key[13:]}") for one in prints]
    for one, other in zip(enriched(prints, 0), enriched(moved, 0), strict=True):
        assert one.metrics.keys() == other.metrics.keys()
        for name, value in one.metrics.items():
            assert close(value, other.metrics[name]), name


@AT_LEAST_300
@given(tapes())
def test_a_mean_lies_between_the_lowest_and_the_highest_price(prints: list[Print]) -> None:
    for row, result in enumerate(enriched(prints, 0)):
        for name, n in MEANS.items():
            if name in result.metrics:
                window = [one.price for one in prints[max(0, row - n + 1) : row + 1]]
                value = Decimal(result.metrics[name])
                assert min(window) - unit(min(window)) <= value <= max(window) + unit(max(window))


@AT_LEAST_300
@given(tapes())
def test_a_vwap_lies_between_the_lowest_and_the_highest_price_of_sized_trades(
    prints: list[Print],
) -> None:
    for row, result in enumerate(enriched(prints, 0)):
        traded = [
            one.price
            for one in prints[max(0, row - WINDOW + 1) : row + 1]
            if one.kind == "trade" and one.size
        ]
        assert ("vwap" in result.metrics) == bool(traded)
        if traded:
            value = Decimal(result.metrics["vwap"])
            assert min(traded) - unit(min(traded)) <= value <= max(traded) + unit(max(traded))


@AT_LEAST_300
@given(tapes())
def test_bounds_of_band_volatilities_and_drawdown(prints: list[Print]) -> None:
    for result in enriched(prints, 0):
        numbers = {name: Decimal(value) for name, value in result.metrics.items()}
        if "sma_20" in numbers:
            assert numbers["bollinger_lower"] <= numbers["sma_20"] <= numbers["bollinger_upper"]
        for name in ("volatility", "ewma_volatility", "return_std_20"):
            assert numbers.get(name, 0) >= 0
        assert -1 <= numbers["drawdown"] <= 0
        # Of n values none lies further than sqrt(n - 1) deviations from the mean (Samuelson).
        assert abs(numbers.get("z_score", Decimal(0))) <= Decimal("4.3588989435407")


@given(tapes())
def test_every_value_has_at_most_15_digits_in_plain_notation(prints: list[Print]) -> None:
    for result in enriched(prints, 0):
        for name, value in result.metrics.items():
            assert name in ATTRIBUTES
            assert set(value) <= set("-.0123456789")
            assert value == "0" or not value.endswith((".", "-0"))
            assert len(Decimal(value).normalize().as_tuple().digits) <= 15


def test_200_000_ticks_with_a_change_of_price_level_end_as_if_computed_afresh() -> None:
    chance = random.Random(11)
    count = 200_000
    prices = prices_of([("walk", 99_000)], Decimal("106524.07"), chance)
    prices += prices_of([("walk", 1_000), ("crash", 100_000)], Decimal("0.000001"), chance)
    now, times = 1_732_250_000_000, []
    for _ in range(count):
        now += chance.choice((0, 1, 20, 90))
        times.append(now)
    venues = [chance.choice(("binance", "kraken")) for _ in range(count)]
    prints = tape(prices, times, venues)
    # One series for all: its sums have slid along the whole tape when the last rows are reached.
    slid = values(prints, 99)
    for row in (99, 99_050, 100_020, 150_000, *range(count - 20, count)):
        window = prints[row - WINDOW + 1 : row + 1]
        assert slid[row - 99] == values(window, WINDOW - 1)[0], row


def values(prints: Sequence[Print], first: int) -> list[tuple[float | None, ...]]:
    series = Series(prints, first, WINDOW)
    return list(
        zip(*(column for compute in METRICS.values() for column in compute(series)), strict=True)
    )
