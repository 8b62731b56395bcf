"""A picture of a tape, as a file that an image viewer or a browser opens."""

from __future__ import annotations

import argparse
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest

from client import plot
from client.prices import Row
from tests.client.test_bars import row


@pytest.fixture
def tape() -> list[Row]:
    prices = [Decimal("97123.45") + number for number in range(30)]
    return [
        row(1_732_250_000_000 + 1000 * number, number + 1, price, Decimal("0.1"), "trade")
        for number, price in enumerate(prices)
    ]


class _Balance(HTMLParser):
    """Counts elements, and those that would load something from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        if tag not in ("meta", "link"):
            self.open.append(tag)
        self.foreign += [
            str(value)
            for name, value in attrs
            if name in ("src", "href", "xlink:href")
            and value is not None
            and not value.startswith(("#", "data:"))
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.remove(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_is_whole_and_needs_nothing_else(tape: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "btc.html"
    plot.draw_page(tape, path)
    text = path.read_text(encoding="utf-8")
    page = _Balance()
    page.feed(text)
    assert (page.open, page.foreign) == ([], [])
    assert {"svg", "table"} <= set(page.seen)
    assert "<td>97152.45</td>" in text
    assert "30 rows, 2024-11-22 04:33:20 to 2024-11-22 04:33:49 UTC" in text


def test_a_picture_is_a_png(tape: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "btc.png"
    plot.draw_picture(tape, path)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "told"), [("btc.gif", "expected a name in .png or .html"), ("no/b.png", "not there")]
)
def test_a_file_that_cannot_be_drawn_is_refused(name: str, told: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=told):
        plot._file(name)
