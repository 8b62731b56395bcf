"""The picture is drawn from rows as the table has them, with gaps where a metric is absent."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import pytest

from local import picture

NOW = 1_732_250_000_000


def _row(at_ms: int, price: str, **metrics: str) -> dict[str, dict[str, str]]:
    row = {"symbol": {"S": "BTC"}, "quote": {"S": "USD"}, "exchange": {"S": "kraken"}}
    numbers = {"timestamp": f"{at_ms}.0000000501", "price": price, **metrics}
    return row | {name: {"N": value} for name, value in numbers.items()}


@pytest.mark.parametrize("count", [1, 2, 200])
def test_a_tape_of_any_length_is_drawn(tmp_path: Path, count: int) -> None:
    rows = [
        _row(NOW + at * 900, f"{97_000 + at}.5", **({"volatility": "0.5"} if at % 3 else {}))
        for at in range(count)
    ]
    path = tmp_path / "tape.png"
    picture.draw(rows, path)
    pixels = matplotlib.image.imread(path)
    assert pixels.shape[:2] == (1200, 1650)
    assert pixels[..., :3].min() < 0.3
    assert pixels[..., :3].max() == 1


def test_sessions_years_apart_are_not_drawn_as_one() -> None:
    old = [_row(NOW - 10**11 + at * 1000, "1") for at in range(3)]
    late = [_row(NOW + at * 1000, "2") for at in range(5)]
    assert list(picture.session([*old, *late])) == late
    assert list(picture.session(late)) == late
    assert list(picture.session(late[:1])) == late[:1]
