"""Draws one tape: price with averages and band, volume, volatility, distance from the mean.

Prices and metrics are drawn as they lie in the table. Volume is the trades' sizes summed up by bars
(:mod:`client.bars`) of a length that :func:`bar_seconds` chooses, coloured by whether the price
rose in the bar.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from client.bars import bars
from client.prices import Row

_GAP_MS = 3_600_000
"""Prices further apart than this belong to different sessions."""

_INK, _FAINT, _PAPER = "#1f2733", "#8a94a3", "#ffffff"
_PRICE, _BAND = "#1f2733", "#4c78a8"
_AVERAGES = {"sma_5": "#72b7b2", "sma_20": "#4c78a8", "sma_50": "#b279a2", "ema_60s": "#f58518"}
_VOLATILITY, _EWMA, _Z = "#e45756", "#f58518", "#4c78a8"
_ROSE, _FELL = "#3a9d7c", "#d9605f"
_VENUES = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#72b7b2", "#9d755d", "#eeca3b")


def session(rows: Sequence[Row]) -> Sequence[Row]:
    """Return the longest stretch of a tape without a gap: recordings can lie years apart."""
    breaks = [
        at for at in range(1, len(rows)) if rows[at].event_ms - rows[at - 1].event_ms > _GAP_MS
    ]
    stretches = itertools.pairwise([0, *breaks, len(rows)])
    return max((rows[start:end] for start, end in stretches), key=len)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the rows of one tape, in tape order, to a file: `.png`, or another of matplotlib's."""
    times = [row.time for row in rows]
    dates: Any = mdates
    at = [float(dates.date2num(time)) for time in times]
    style: Any = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "text.color": _INK,
        "axes.labelcolor": _INK,
        "axes.edgecolor": "#d5dae1",
        "xtick.color": _FAINT,
        "ytick.color": _FAINT,
        "axes.grid": True,
        "grid.color": "#edf0f4",
        "axes.axisbelow": True,
        "figure.facecolor": _PAPER,
    }
    with plt.rc_context(style):
        figure, (price, volume, volatility, score) = plt.subplots(
            4, 1, sharex=True, figsize=(11, 9), height_ratios=(3.4, 1, 1.2, 1), dpi=150
        )
        figure.subplots_adjust(left=0.085, right=0.915, top=0.91, bottom=0.06, hspace=0.09)
        _draw_price(price, at, rows)
        _draw_volume(volume, rows)
        _draw_volatility(volatility, at, rows)
        _draw_score(score, at, rows)
        if at[0] < at[-1]:
            beside = (at[-1] - at[0]) * 0.01
            price.set_xlim(at[0] - beside, at[-1] + beside)
        for axes in (price, volume, volatility, score):
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        locator = dates.AutoDateLocator(maxticks=9)
        score.xaxis.set_major_locator(locator)
        score.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        price.set_ylabel(f"price in {rows[0].quote}")
        figure.align_ylabels()
        figure.text(0.085, 0.957, rows[0].symbol, fontsize=17, fontweight="bold", color=_INK)
        figure.text(0.085, 0.932, _subtitle(rows, times), fontsize=9, color=_FAINT)
        figure.savefig(path)
        plt.close(figure)


def _draw_price(axes: Axes, at: Sequence[float], rows: Sequence[Row]) -> None:
    upper, lower = _series(rows, "bollinger_upper"), _series(rows, "bollinger_lower")
    axes.fill_between(at, lower, upper, color=_BAND, alpha=0.13, linewidth=0, label="Bollinger 20")
    venues = sorted({row.exchange for row in rows})
    prices = [float(row.price) for row in rows]
    for color, venue in zip(_VENUES * 2, venues, strict=False):
        here = [number for number, row in enumerate(rows) if row.exchange == venue]
        axes.scatter(
            [at[number] for number in here],
            [prices[number] for number in here],
            s=9,
            color=color,
            alpha=0.75,
            linewidth=0,
            zorder=3,
        )
    axes.plot(at, prices, color=_PRICE, linewidth=0.5, alpha=0.35, zorder=2)
    for name, color in _AVERAGES.items():
        axes.plot(at, _series(rows, name), color=color, linewidth=1.3, label=name, zorder=4)
    axes.add_artist(_legend(axes, loc="upper left", ncols=5))
    dots = [
        Line2D([], [], marker="o", linestyle="", markersize=4, color=color, label=venue)
        for color, venue in zip(_VENUES * 2, venues, strict=False)
    ]
    _legend(axes, handles=dots, loc="lower left", ncols=min(6, len(dots)))
    axes.margins(y=0.12)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    # The newest price stands beside the scale, as on any exchange's chart.
    axes.axhline(prices[-1], color=_FAINT, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"{rows[-1].price:,f}",
        (1, prices[-1]),
        (6, 0),
        xycoords=axes.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=_PAPER,
        bbox={"boxstyle": "square,pad=0.3", "facecolor": _PRICE, "linewidth": 0},
        annotation_clip=False,
    )


def bar_seconds(span_ms: int) -> int:
    """Return the length of the volume's bars, at least a second, at most 100 of them in a span."""
    return next(
        (step for step in _BAR_SECONDS if span_ms <= step * 1000 * _MOST_BARS),
        # A whole number of the longest, which is a day.
        -(-span_ms // (_BAR_SECONDS[-1] * 1000 * _MOST_BARS)) * _BAR_SECONDS[-1],
    )


_MOST_BARS = 100
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_BAR_SECONDS = (
    *(1, 2, 5, 10, 15, 30),
    *(_MINUTE * each for each in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * each for each in (1, 2, 4, 6, 12)),
    _DAY,
)


def _draw_volume(axes: Axes, rows: Sequence[Row]) -> None:
    every = bar_seconds(rows[-1].event_ms - rows[0].event_ms)
    held = list(bars(rows, every))
    axes.set_ylabel(f"volume in {rows[0].base}")
    if not any(bar.volume for bar in held):
        axes.text(
            0.5,
            0.5,
            "no trade with a size in these rows",
            ha="center",
            va="center",
            transform=axes.transAxes,
            color=_FAINT,
        )
        axes.set_yticks([])
        return
    day_ms = _DAY * 1000
    axes.bar(
        [bar.start_ms / day_ms for bar in held],
        [float(bar.volume) for bar in held],
        width=every / _DAY * 0.86,
        align="edge",
        color=[_ROSE if bar.close >= bar.open else _FELL for bar in held],
        linewidth=0,
    )
    axes.margins(y=0.3)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    kinds = ((_ROSE, f"traded in {_length(every)}, price rose or stayed"), (_FELL, "fell"))
    squares = [
        Line2D([], [], marker="s", linestyle="", markersize=5, color=color, label=label)
        for color, label in kinds
    ]
    _legend(axes, handles=squares, loc="upper left", ncols=2)


def _length(seconds: int) -> str:
    units = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s"))
    return next(f"{seconds // unit} {name}" for unit, name in units if seconds % unit == 0)


def _draw_volatility(axes: Axes, at: Sequence[float], rows: Sequence[Row]) -> None:
    realised = [value * 100 for value in _series(rows, "volatility")]
    weighted = [value * 100 for value in _series(rows, "ewma_volatility")]
    axes.fill_between(at, realised, color=_VOLATILITY, alpha=0.10, linewidth=0)
    axes.plot(at, realised, color=_VOLATILITY, linewidth=1.3, label="volatility")
    axes.plot(at, weighted, color=_EWMA, linewidth=1.0, label="ewma_volatility")
    axes.margins(y=0.3)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("volatility, % a year")
    _legend(axes, loc="upper left", ncols=2)


def _draw_score(axes: Axes, at: Sequence[float], rows: Sequence[Row]) -> None:
    scores = _series(rows, "z_score")
    axes.axhspan(-2, 2, color=_Z, alpha=0.06, linewidth=0)
    axes.axhline(0, color="#d5dae1", linewidth=0.8)
    axes.plot(at, scores, color=_Z, linewidth=1.0, label="z_score")
    axes.set_ylabel("z-score")
    axes.set_ylim(-4, 4)
    _legend(axes, loc="upper left", ncols=1)


def _legend(axes: Axes, **options: Any) -> Legend:
    return axes.legend(frameon=False, fontsize=8, labelcolor=_INK, handlelength=1.4, **options)


def _series(rows: Sequence[Row], name: str) -> list[float]:
    """A metric's values; where a row has none, a gap."""
    return [float(row.metrics.get(name, "nan")) for row in rows]


def _subtitle(rows: Sequence[Row], at: Sequence[datetime]) -> str:
    venues = len({row.exchange for row in rows})
    return (
        f"{len(rows):,} ticks of {venues} venue{'s' * (venues != 1)}, "
        f"{at[0]:%Y-%m-%d %H:%M:%S} to {at[-1]:%Y-%m-%d %H:%M:%S} UTC, rows of the price table"
    )
