"""How each library computes the rolling subset: SMA 5/20/50, EMA 12/26, return std, Bollinger.

Each is used as its own documentation shows, for its speed and for its accuracy alike. The peers
get floats ready made; ours starts from the decimals of a tape. A column's last value belongs to
the series' last row; how many rows before it have one differs.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from lambdas.domain.metrics import METRICS
from lambdas.domain.metrics.series import SPREAD_ROWS, Series
from lambdas.domain.tape import WINDOW, Print
from lambdas.domain.windows import STRETCH

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread, as in a function of this size

Columns = Mapping[str, Sequence[Any]]

SUBSET = (
    *("sma_5", "sma_20", "sma_50", "ema_12", "ema_26"),
    *("return_std_20", "bollinger_upper", "bollinger_lower"),
)

EmaStart = Literal["window", "adjusted", "first price", "first mean"]

EMA_START: dict[str, EmaStart] = {
    "ours": "window",
    "numpy": "window",
    "pandas": "adjusted",
    "TA-Lib": "first mean",
    "talipp": "first mean",
    "river": "first price",
}
"""Where a library's moving averages begin; each is judged by its own definition."""


# Ours.


def ours(
    prints: Sequence[Print], first: int, wanted: Sequence[str] = SUBSET
) -> dict[str, list[float | None]]:
    """Compute metrics for ``prints[first:]``, in stretches as the enricher does."""
    columns: dict[str, list[float | None]] = {name: [] for name in wanted}
    for start in range(first, len(prints), STRETCH):
        context = max(0, start - WINDOW + 1)
        series = Series(prints[context : start + STRETCH], start - context, WINDOW)
        for names, compute in METRICS.items():
            if names[0] in columns:
                for name, column in zip(names, compute(series), strict=True):
                    columns[name] += column
    return columns


def our_deviation(prints: Sequence[Print]) -> list[float | None]:
    """Return the standard deviation inside the band and the z-score, for every row."""
    series = Series(prints, 0, WINDOW)
    unit = (SPREAD_ROWS * series.price_unit) ** 2
    return [spread and math.sqrt(spread.variance / unit) for spread in series.spreads]


# Whole frames: the window's rows and the new ones are computed at once.


def pandas(prices: Sequence[float]) -> Columns:
    """https://pandas.pydata.org/docs/user_guide/window.html."""
    import numpy
    import pandas

    x = pandas.Series(prices)
    mean, deviation = x.rolling(20).mean(), x.rolling(20).std(ddof=0)
    return {
        "sma_5": x.rolling(5).mean(),
        "sma_20": mean,
        "sma_50": x.rolling(50).mean(),
        "ema_12": x.ewm(span=12).mean(),
        "ema_26": x.ewm(span=26).mean(),
        "return_std_20": numpy.log(x).diff().rolling(20).std(),
        "bollinger_upper": mean + 2 * deviation,
        "bollinger_lower": mean - 2 * deviation,
    }


def numpy(prices: Sequence[float]) -> Columns:
    """https://numpy.org/doc/stable/reference/generated/numpy.lib.stride_tricks.sliding_window_view.html."""
    import numpy
    from numpy.lib.stride_tricks import sliding_window_view

    x = numpy.asarray(prices)
    mean = sliding_window_view(x, 20).mean(axis=1)
    deviation = sliding_window_view(x, 20).std(axis=1)
    columns = {
        "sma_5": sliding_window_view(x, 5).mean(axis=1),
        "sma_20": mean,
        "sma_50": sliding_window_view(x, 50).mean(axis=1),
        "return_std_20": sliding_window_view(numpy.diff(numpy.log(x)), 20).std(axis=1, ddof=1),
        "bollinger_upper": mean + 2 * deviation,
        "bollinger_lower": mean - 2 * deviation,
    }
    for span in (12, 26):
        weights = (1 - 2 / (span + 1)) ** numpy.arange(WINDOW - 1, -1, -1)
        columns[f"ema_{span}"] = sliding_window_view(x, WINDOW) @ weights / weights.sum()
    return columns


def talib(prices: Sequence[float]) -> Columns:
    """https://ta-lib.github.io/ta-lib-python/doc_index.html; its STDDEV is the population's."""
    import numpy
    import talib

    x = numpy.asarray(prices)
    upper, _, lower = talib.BBANDS(x, 20, 2, 2)
    deviation = talib.STDDEV(numpy.diff(numpy.log(x)), 20)
    return {
        "sma_5": talib.SMA(x, 5),
        "sma_20": talib.SMA(x, 20),
        "sma_50": talib.SMA(x, 50),
        "ema_12": talib.EMA(x, 12),
        "ema_26": talib.EMA(x, 26),
        "return_std_20": deviation * math.sqrt(20 / 19),
        "bollinger_upper": upper,
        "bollinger_lower": lower,
    }


FRAMES: dict[str, Callable[[Sequence[float]], Columns]] = {
    "pandas": pandas,
    "numpy": numpy,
    "TA-Lib": talib,
}


# One price after the other: state is kept, so only the new rows are computed.


class Talipp:
    """https://nardew.github.io/talipp/; its StdDev is the population's."""

    def __init__(self) -> None:
        from talipp.indicators import BB, EMA, SMA, StdDev

        self._averages = {f"sma_{n}": SMA(n) for n in (5, 20, 50)}
        self._averages |= {f"ema_{span}": EMA(span) for span in (12, 26)}
        self._band, self._returns = BB(20, 2), StdDev(20)
        self._price: float | None = None

    def add(self, price: float) -> tuple[float | None, ...]:
        for average in self._averages.values():
            average.add(price)
        self._band.add(price)
        deviation = None
        if self._price is not None:
            self._returns.add(math.log(price / self._price))
            deviation = self._returns[-1]
        self._price = price
        band = self._band[-1]
        return (
            *(average[-1] for average in self._averages.values()),
            deviation and deviation * math.sqrt(20 / 19),
            band and band.ub,
            band and band.lb,
        )


class River:
    """https://riverml.xyz/latest/api/utils/Rolling/."""

    def __init__(self) -> None:
        from river import stats, utils

        self._means = [utils.Rolling(stats.Mean, window_size=n) for n in (5, 20, 50)]
        self._averages = [stats.EWMean(2 / (span + 1)) for span in (12, 26)]
        self._spread = utils.Rolling(stats.Var, window_size=20, ddof=0)
        self._returns = utils.Rolling(stats.Var, window_size=20, ddof=1)
        self._price: float | None = None

    def add(self, price: float) -> tuple[float | None, ...]:
        for one in (*self._means, *self._averages, self._spread):
            one.update(price)
        if self._price is not None:
            self._returns.update(math.log(price / self._price))
        self._price = price
        # Rounding can take a variance that is updated below zero.
        mean, reach = self._means[1].get(), 2 * math.sqrt(max(0, self._spread.get()))
        return (
            *(one.get() for one in (*self._means, *self._averages)),
            math.sqrt(max(0, self._returns.get())),
            mean + reach,
            mean - reach,
        )


STREAMS: dict[str, type[Talipp] | type[River]] = {"talipp": Talipp, "river": River}


def streamed(name: str, prices: Iterable[float]) -> Columns:
    """Return the columns of a library that takes one price after the other."""
    library = STREAMS[name]()
    return dict(zip(SUBSET, zip(*map(library.add, prices), strict=True), strict=True))


def columns_of(name: str, prints: Sequence[Print]) -> Columns:
    """Return a library's columns of a whole tape."""
    if name == "ours":
        return ours(prints, 0)
    prices = [float(one.price) for one in prints]
    return FRAMES[name](prices) if name in FRAMES else streamed(name, prices)


# The standard deviation that the band is made of, by itself.


def deviation_of(name: str, prints: Sequence[Print]) -> Sequence[Any]:
    """Return a library's standard deviation (ddof 0) of the last 20 prices."""
    prices = [float(one.price) for one in prints]
    if name == "ours":
        return our_deviation(prints)
    return _DEVIATIONS[name](prices)


def _pandas_deviation(prices: Sequence[float]) -> Sequence[Any]:
    import pandas

    return list(pandas.Series(prices).rolling(20).std(ddof=0))


def _numpy_deviation(prices: Sequence[float]) -> Sequence[Any]:
    from numpy.lib.stride_tricks import sliding_window_view

    return list(sliding_window_view(prices, 20).std(axis=1))


def _talib_deviation(prices: Sequence[float]) -> Sequence[Any]:
    import numpy
    import talib

    return list(talib.STDDEV(numpy.asarray(prices), 20))


def _talipp_deviation(prices: Sequence[float]) -> Sequence[Any]:
    from talipp.indicators import StdDev

    return list(StdDev(20, input_values=list(prices)))


def _river_deviation(prices: Sequence[float]) -> Sequence[Any]:
    from river import stats, utils

    spread = utils.Rolling(stats.Var, window_size=20, ddof=0)
    deviations = []
    for price in prices:
        spread.update(price)
        deviations.append(math.sqrt(max(0, spread.get())))
    return deviations


_DEVIATIONS: dict[str, Callable[[Sequence[float]], Sequence[Any]]] = {
    "pandas": _pandas_deviation,
    "numpy": _numpy_deviation,
    "TA-Lib": _talib_deviation,
    "talipp": _talipp_deviation,
    "river": _river_deviation,
}
