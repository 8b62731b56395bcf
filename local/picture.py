"""Draws one tape: price with averages and band, traded size, volatility, distance from the mean.

What is drawn is what lies in the table; nothing is computed here, so the picture shows the rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

Row = Mapping[str, Mapping[str, str]]
"""A row as DynamoDB's low-level client gives it."""

_GAP_MS = 3_600_000
"""Prices further apart than this belong to different sessions."""

_INK, _FAINT, _PAPER = "#1f2733", "#8a94a3", "#ffffff"
_PRICE, _BAND = "#1f2733", "#4c78a8"
_AVERAGES = {"sma_5": "#72b7b2", "sma_20": "#4c78a8", "sma_50": "#b279a2", "ema_60s": "#f58518"}
_VOLATILITY, _EWMA, _Z = "#e45756", "#f58518", "#4c78a8"
_VENUES = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#72b7b2", "#9d755d", "#eeca3b")


def session(rows: Sequence[Row]) -> Sequence[Row]:
    """The longest stretch of a tape without a gap: recordings can lie years apart."""
    times = [float(row["timestamp"]["N"]) for row in rows]
    breaks = [at for at in range(1, len(rows)) if times[at] - times[at - 1] > _GAP_MS]
    stretches = itertools.pairwise([0, *breaks, len(rows)])
    return max((rows[start:end] for start, end in stretches), key=len)


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the rows of one tape, in the order of their keys, to a PNG file."""
    times = [datetime.fromtimestamp(float(row["timestamp"]["N"]) / 1000, UTC) for row in rows]
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
        figure, (price, volatility, score) = plt.subplots(
            3, 1, sharex=True, figsize=(11, 8), height_ratios=(3.2, 1.3, 1.1), dpi=150
        )
        figure.subplots_adjust(left=0.085, right=0.975, top=0.9, bottom=0.075, hspace=0.09)
        _draw_price(price, at, rows)
        _draw_volatility(volatility, at, rows)
        _draw_score(score, at, rows)
        for axes in (price, volatility, score):
            axes.set_xmargin(0.01)
            for side in ("top", "right"):
                axes.spines[side].set_visible(False)
        locator = dates.AutoDateLocator(maxticks=9)
        score.xaxis.set_major_locator(locator)
        score.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
        price.set_ylabel(f"price in {rows[0]['quote']['S']}")
        figure.text(
            0.085, 0.955, rows[0]["symbol"]["S"], fontsize=17, fontweight="bold", color=_INK
        )
        figure.text(0.085, 0.928, _subtitle(rows, times), fontsize=9, color=_FAINT)
        figure.savefig(path)
        plt.close(figure)


def _draw_price(axes: Axes, at: Sequence[float], rows: Sequence[Row]) -> None:
    upper, lower = _series(rows, "bollinger_upper"), _series(rows, "bollinger_lower")
    axes.fill_between(at, lower, upper, color=_BAND, alpha=0.13, linewidth=0, label="Bollinger 20")
    venues = sorted({row["exchange"]["S"] for row in rows})
    prices = _series(rows, "price")
    for color, venue in zip(_VENUES * 2, venues, strict=False):
        here = [number for number, row in enumerate(rows) if row["exchange"]["S"] == venue]
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
    return [float(row[name]["N"]) if name in row else float("nan") for row in rows]


def _subtitle(rows: Sequence[Row], at: Sequence[datetime]) -> str:
    venues = len({row["exchange"]["S"] for row in rows})
    return (
        f"{len(rows):,} ticks of {venues} venue{'s' * (venues != 1)}, "
        f"{at[0]:%Y-%m-%d %H:%M:%S} to {at[-1]:%Y-%m-%d %H:%M:%S} UTC, rows of the price table"
    )
