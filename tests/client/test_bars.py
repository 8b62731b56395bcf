"""Bars: laws of resampling, exactly."""

from __future__ import annotations

import io
import json
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.bars import Bar, bars, show
from client.prices import InvalidQuery, Row
from lambdas.domain.keys import sort_key

BEGIN = 1_732_250_000_000


def row(event_ms: int, number: int, price: Decimal, size: Decimal | None, kind: str) -> Row:
    key = sort_key("kraken", "trade", event_ms, 0, str(number))
    return Row(
        symbol="BTC",
        timestamp=Decimal(key),
        base="BTC",
        quote="USD",
        price=price,
        size=size,
        exchange="kraken",
        event_id=str(number),
        kind=kind,
        received_at=event_ms,
        time_source="tick",
        window="",
        metrics={},
    )


# As many digits as a number of the table holds.
amounts = st.decimals("1e-12", "1e12", allow_nan=False, allow_infinity=False).map(
    Context(prec=38).plus
)
rows = st.lists(
    st.builds(
        row,
        st.integers(BEGIN, BEGIN + 400_000),
        st.integers(1, 10**12),
        amounts,
        st.none() | amounts,
        st.sampled_from(["trade", "ticker"]),
    ),
    max_size=60,
).map(lambda found: sorted(found, key=lambda each: each.timestamp))


@given(rows, st.integers(1, 120))
def test_every_row_is_in_exactly_one_bar(tape: list[Row], every: int) -> None:
    found = list(bars(tape, every))
    assert sum(bar.rows for bar in found) == len(tape)
    assert [bar.start_ms for bar in found] == sorted({bar.start_ms for bar in found})
    for bar in found:
        held = [r for r in tape if bar.start_ms <= r.event_ms < bar.start_ms + every * 1000]
        assert (bar.open, bar.close, bar.rows) == (held[0].price, held[-1].price, len(held))
        assert (bar.high, bar.low) == (max(r.price for r in held), min(r.price for r in held))
        sizes = [Fraction(r.size or 0) for r in held if r.kind == "trade"]
        assert (Fraction(bar.volume), bar.trades) == (sum(sizes), len(sizes))


@given(rows, st.integers(1, 30), st.integers(1, 8))
def test_bars_of_bars_are_the_longer_bars(tape: list[Row], every: int, times: int) -> None:
    merged: dict[int, list[Bar]] = {}
    span = every * times * 1000
    for bar in bars(tape, every):
        merged.setdefault(bar.start_ms // span * span, []).append(bar)
    for longer in bars(tape, every * times):
        parts = merged.pop(longer.start_ms)
        assert (longer.open, longer.close) == (parts[0].open, parts[-1].close)
        assert longer.high == max(part.high for part in parts)
        assert longer.low == min(part.low for part in parts)
        assert Fraction(longer.volume) == sum(Fraction(part.volume) for part in parts)
    assert merged == {}


def test_a_bar_without_length_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="every is 0"):
        list(bars([], 0))


def test_bars_are_shown_in_every_format() -> None:
    tape = [row(BEGIN, 1, Decimal("97123.40"), Decimal("0.1"), "trade")]
    told = {}
    for form in ("table", "csv", "jsonl"):
        output = io.StringIO()
        assert show(bars(tape, 60), form, output) == 1
        told[form] = output.getvalue()
    assert "2024-11-22 04:33:00" in told["table"]
    expected = "BTC,1732249980000,97123.4,97123.4,97123.4,97123.4,0.1,1,1"
    assert told["csv"].splitlines()[1].replace("97123.40", "97123.4") == expected
    answer = json.loads(told["jsonl"])
    assert Decimal(answer["open"]) == Decimal("97123.4")
    assert answer["rows"] == 1
