"""From print to tick: whose time counts, the time window, ids, and what a refusal records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain import keys, prints
from lambdas.domain.moments import MILLISECOND
from lambdas.domain.numbers import shown
from lambdas.domain.prints import Print, UndatedTick
from lambdas.domain.symbols import Pair
from lambdas.domain.ticks import InvalidTick, Limits, NoTick, Tick

LIMITS = Limits()
NOW = 1_732_250_000_000
BTC = Pair(("BTC", "USD"))


def tick(
    print_: Print, received_at: int | None = NOW, limits: Limits = LIMITS
) -> Tick | UndatedTick:
    return prints.tick(print_, "kraken", received_at, limits, {})


def test_a_ticks_own_time_counts() -> None:
    read = tick(Print("trade", BTC, "97000.10", "0.5", NOW * MILLISECOND + 123_456, event_id=7))
    assert read == Tick(
        symbol="BTC",
        base="BTC",
        quote="USD",
        price=Decimal("97000.10"),
        size=Decimal("0.5"),
        exchange="kraken",
        event_id="7",
        kind="trade",
        event_ms=NOW,
        sub_ms_ns=123_456,
        received_at=NOW,
        time_source="tick",
        timestamp=keys.sort_key("kraken", "trade", NOW, 123_456, "7"),
    )


def test_without_any_time_the_receive_time_counts() -> None:
    read = tick(Print("ticker", BTC, "97000.1"))
    assert isinstance(read, Tick)
    assert (read.event_ms, read.sub_ms_ns, read.time_source) == (NOW, 0, "received")


def test_without_any_time_and_receive_time_a_tick_is_undated() -> None:
    read = tick(Print("ticker", BTC, "97000.1"), None)
    assert isinstance(read, UndatedTick)


@given(st.integers(-200_000_000, 200_000_000))
def test_the_time_window_is_closed_at_both_ends(age: int) -> None:
    print_ = Print("trade", BTC, "1", "1", (NOW - age) * MILLISECOND, event_id=1)
    if age > 86_400_000:
        with pytest.raises(NoTick, match="too-old"):
            tick(print_)
    elif age < -60_000:
        with pytest.raises(InvalidTick, match="from-the-future"):
            tick(print_)
    else:
        assert isinstance(tick(print_), Tick)
    # No window without a receive time, and none where the settings set none.
    assert isinstance(tick(print_, None), Tick)
    assert isinstance(tick(print_, NOW, Limits(past_window_ms=None, future_window_ms=None)), Tick)


@pytest.mark.parametrize(
    ("token", "text"),
    [
        (7, "7"),
        ("7", "7"),
        (10**24 + 1, "1000000000000000000000001"),
        (Decimal("1.37E+26"), "137000000000000000000000000"),
        (Decimal("7.0"), "7"),
        ("20f43950-d8dd-5b31-9112-a178eb6023af", "20f43950-d8dd-5b31-9112-a178eb6023af"),
        ("x" * 64, "x" * 64),
    ],
)
def test_ids_are_kept_whole(token: Any, text: str) -> None:
    assert tick(Print("trade", BTC, "1", "1", event_id=token)).event_id == text


@pytest.mark.parametrize(
    "token",
    ["", "x" * 65, "a\nb", "é" * 33, True, [], {}, 10**5000, Decimal("1.5"), Decimal("1E+999999")],
    ids=shown,
)
def test_what_is_no_id_is_refused(token: Any) -> None:
    with pytest.raises(InvalidTick, match="id-malformed"):
        tick(Print("trade", BTC, "1", "1", event_id=token))


def test_prints_without_id_are_told_apart_by_content_then_number() -> None:
    seen: dict[tuple[object, ...], int] = {}
    moment = NOW * MILLISECOND

    def event_id(price: str, *content: object, pair: Pair = BTC, time: int = moment) -> str:
        print_ = Print("trade", pair, price, "1.0", time, content=content)
        return prints.tick(print_, "kraken", NOW, LIMITS, seen).event_id

    assert event_id("1.50", "b", None, "m") == "1.5|1|b|m"
    assert event_id("1.5", "b", "", "m") == "1.5|1|b|m|#2"
    assert event_id("1.5", "s", "m") == "1.5|1|s|m"
    # The number counts within a pair and moment: what else is in the message changes no key.
    assert event_id("1.5", "b", "m", pair=Pair(("ETH", "USD"))) == "1.5|1|b|m"
    assert event_id("1.5", "b", "m", time=moment + 1) == "1.5|1|b|m"
    assert event_id("1.5", "b", "m") == "1.5|1|b|m|#3"


def test_a_refusal_records_what_was_found_within_bounds() -> None:
    print_ = Print("trade", BTC, "x" * 5000, [1], NOW * MILLISECOND, event_id={"a": 1})
    found = prints.found(print_)
    assert found == {
        "kind": "trade",
        "base": "BTC",
        "quote": "USD",
        "price": "x" * 100,
        "size": "a list",
        "event_id": "an object",
        "event_ms": str(NOW),
    }
