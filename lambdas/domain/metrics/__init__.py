"""The metrics: one small pure function a metric, from exact columns to values.

A metric is a function of the window (the last 100 rows of the tape) and of nothing else. The
definitions stand with each function; :data:`METRICS` names them as the table does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from lambdas.domain.metrics.bollinger import bollinger
from lambdas.domain.metrics.drawdown import drawdown
from lambdas.domain.metrics.ema import ema
from lambdas.domain.metrics.ewma_volatility import ewma_volatility
from lambdas.domain.metrics.return_std import return_std
from lambdas.domain.metrics.series import Column, Series
from lambdas.domain.metrics.sma import sma
from lambdas.domain.metrics.time_ema import time_ema
from lambdas.domain.metrics.volatility import volatility
from lambdas.domain.metrics.vwap import vwap
from lambdas.domain.metrics.z_score import z_score

METRICS: dict[tuple[str, ...], Callable[[Series], Sequence[Column]]] = {
    ("sma_5",): lambda series: (sma(series, 5),),
    ("sma_20",): lambda series: (sma(series, 20),),
    ("sma_50",): lambda series: (sma(series, 50),),
    ("ema_12",): lambda series: (ema(series, 12),),
    ("ema_26",): lambda series: (ema(series, 26),),
    ("ema_60s",): lambda series: (time_ema(series),),
    ("bollinger_upper", "bollinger_lower"): bollinger,
    ("z_score",): lambda series: (z_score(series),),
    ("vwap",): lambda series: (vwap(series),),
    ("return_std_20",): lambda series: (return_std(series, 20),),
    ("volatility",): lambda series: (volatility(series),),
    ("ewma_volatility",): lambda series: (ewma_volatility(series),),
    ("drawdown",): lambda series: (drawdown(series),),
}
"""By the attributes they fill, the functions of a series that compute them."""

ATTRIBUTES = tuple(name for names in METRICS for name in names)
"""The metrics' attribute names."""
