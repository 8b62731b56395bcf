"""The picture is drawn from rows as the table has them, with gaps where a metric is absent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import matplotlib.image
import matplotlib.pyplot as plt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from client import picture
from client.prices import Row
from tests.client.test_bars import BEGIN as NOW
from tests.client.test_bars import row


def _tape(count: int, step_ms: int = 900, **metrics: str) -> list[Row]:
    given = {name: Decimal(value) for name, value in metrics.items()}
    return [
        replace(
            row(NOW + at * step_ms, at, Decimal(f"{97_000 + at}.5"), Decimal("0.25"), "trade"),
            metrics=given if at % 3 else {},
        )
        for at in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 200])
def test_a_tape_of_any_length_is_drawn(tmp_path: Path, count: int) -> None:
    path = tmp_path / "tape.png"
    picture.draw(_tape(count, volatility="0.5"), path)
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[:2] == (1350, 1650)
    assert pixels[..., :3].min() < 0.3
    assert pixels[..., :3].max() == 1


def test_volume_is_what_was_traded_and_coloured_by_the_price(tmp_path: Path) -> None:
    """GIVEN prices that rise, then fall, and a ticker THEN no size but a trade's is in a bar."""
    prices = [Decimal(97_000 + at) for at in (*range(60), *range(60, 0, -1))]
    rows = [
        row(NOW + at * 1000, at, price, Decimal(at), "trade") for at, price in enumerate(prices)
    ]
    rows.append(row(NOW + 120_000, 120, Decimal(97_000), Decimal(10**6), "ticker"))
    figure, axes = plt.subplots()
    try:
        picture._draw_volume(axes, rows)
        bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    finally:
        plt.close(figure)
    assert sum(bar.get_height() for bar in bars) == sum(range(120))
    colors = [to_hex(bar.get_facecolor()) for bar in bars if bar.get_height()]
    assert colors[0] == picture._ROSE
    assert colors[-1] == picture._FELL


def test_rows_without_trades_say_so_where_their_volume_would_be() -> None:
    figure, axes = plt.subplots()
    try:
        picture._draw_volume(axes, [replace(each, kind="ticker") for each in _tape(5)])
        said = [text.get_text() for text in axes.texts]
    finally:
        plt.close(figure)
    assert said == ["no trade with a size in these rows"]


@given(st.integers(0, 10**13))
@example(0)
@example(100_000)
@example(100_001)
@example(100 * 86_400_000 + 1)
def test_a_span_has_at_most_a_hundred_bars_and_not_much_fewer(span_ms: int) -> None:
    every = picture.bar_seconds(span_ms) * 1000
    assert span_ms <= 100 * every
    assert every == 1000 or span_ms > 100 * every / 3


def test_sessions_years_apart_are_not_drawn_as_one() -> None:
    late = _tape(5)
    old = [replace(each, timestamp=each.timestamp - 10**11) for each in late[:3]]
    assert list(picture.session([*old, *late])) == late
    assert list(picture.session(late)) == late
    assert list(picture.session(late[:1])) == late[:1]
