"""The generated market is reproducible, and its messages mean the trades they were made of."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas import exchanges
from lambdas.domain.keys import VENUES
from lambdas.domain.ticks import Limits, UnreadableMessage
from local import feed

END_MS = 1_732_250_000_000
ALL = frozenset(feed.ENCODERS)


def test_every_venue_of_the_pipeline_has_a_market() -> None:
    assert set(VENUES) == ALL
    assert {market.venue for market in feed.MARKETS} == set(VENUES)


@given(st.integers(0, 2**32), st.integers(1, 60), st.floats(1, 3600))
def test_a_seed_gives_the_same_messages_again(seed: int, ticks: int, seconds: float) -> None:
    def make() -> list[object]:
        return list(
            feed.messages(seed=seed, ticks=ticks, seconds=seconds, end_ms=END_MS, venues=ALL)
        )

    assert make() == make()


@given(st.integers(0, 2**32), st.integers(1, 200), st.floats(1, 3600))
def test_trades_are_in_order_within_their_span_with_ids_of_their_own(
    seed: int, ticks: int, seconds: float
) -> None:
    trades = feed.trades(seed, ticks, seconds, END_MS, ALL)
    assert len(trades) == ticks
    assert all(
        (END_MS - seconds * 1000 - 1) * 10**6 <= trade.at_ns < END_MS * 10**6 for trade in trades
    )
    moments = [trade.at_ns // 1000 for trade in trades]
    assert moments == sorted(moments)
    assert len({trade.number for trade in trades}) == ticks
    assert all(trade.price > 0 and trade.size > 0 for trade in trades)
    assert all(trade.price % Decimal(trade.market.step) == 0 for trade in trades)


@pytest.mark.parametrize("venue", sorted(exchanges.VENUES))
def test_the_pipeline_reads_in_a_message_the_trades_that_were_written(venue: str) -> None:
    trades = [
        trade
        for trade in feed.trades(7, 2000, 900, END_MS, ALL)
        if trade.market.venue == venue and trade.market.base == "BTC"
    ] or feed.trades(7, 20, 900, END_MS, {venue})
    size = trades[0].market.batch
    for batch in _chunks(trades, size):
        body = feed.ENCODERS[venue](batch).encode()
        reading = exchanges.read(venue, body, END_MS, Limits())
        assert not reading.refused
        assert not reading.ignored
        read = [(tick.base, tick.quote, tick.price, tick.size) for tick in reading.ticks]
        assert sorted(read) == sorted(
            (trade.market.base, trade.market.quote, trade.price, trade.size) for trade in batch
        )
        assert sorted(tick.event_ms for tick in reading.ticks) == sorted(
            trade.at_ns // 10**6 for trade in batch
        )
        assert {tick.time_source for tick in reading.ticks} == {"tick"}
        assert {tick.kind for tick in reading.ticks} == {"trade"}


def _chunks(trades: list[feed.Print], size: int) -> list[list[feed.Print]]:
    market = trades[0].market
    same = [trade for trade in trades if trade.market == market]
    return [same[at : at + size] for at in range(0, len(same), size)]


def test_the_feed_brings_what_real_feeds_bring() -> None:
    sent = feed.messages(seed=1, ticks=1500, seconds=900, end_ms=END_MS, venues=exchanges.VENUES)
    outcomes: Counter[str] = Counter()
    for message in sent:
        if message.forged:
            outcomes["forged"] += 1
            continue
        try:
            reading = exchanges.read(message.exchange, message.body, END_MS, Limits())
        except UnreadableMessage as error:
            outcomes[error.reason] += 1
            continue
        outcomes["ticks"] += len(reading.ticks)
        outcomes.update(refused.reason for refused in reading.refused)
        outcomes["ignored"] += len(reading.ignored)
    assert outcomes["ticks"] >= 1500  # some are sent twice
    assert outcomes["forged"] == 1
    assert outcomes["ignored"] > 5
    assert (
        sum(outcomes.values()) - sum(outcomes[each] for each in ("ticks", "forged", "ignored")) == 4
    ), "not JSON, below zero, from the future, of an unknown venue: each refused once"
    bodies = Counter(message.body for message in sent)
    assert max(bodies.values()) > 1
    assert [message.origin for message in sent[:2]] == ["feed:1", "feed:2"]


@given(st.integers(0, 2**32), st.sampled_from(sorted(feed.COINS)), st.integers(1, 1800))
def test_feeds_that_overlap_agree_on_the_price(seed: int, coin: str, later: int) -> None:
    venue = "coinbase_exchange"
    seen = [
        (trade.at_ns, trade.price)
        for end_ms in (END_MS, END_MS + later * 1000)
        for trade in feed.trades(seed, 30, 3600, end_ms, {venue})
        if trade.market.base == coin
    ]
    for at_ns, price in seen:
        there = feed.price_at(seed, coin, at_ns / 1e9)
        assert abs(float(price) / there - 1) < 1e-3


def test_prices_move_as_their_coin_does_and_volatility_clusters() -> None:
    realised, clustering = [], []
    for seed in range(8):
        path = [math.log(feed.price_at(seed, "BTC", END_MS / 1000 + at)) for at in range(1800)]
        returns = [later - earlier for earlier, later in itertools.pairwise(path)]
        expected = feed.COINS["BTC"].volatility ** 2 * 1800 / (365 * 86_400)
        realised.append(sum(each * each for each in returns) / expected)
        logs = [math.log(each * each + 1e-30) for each in returns]
        mean = sum(logs) / len(logs)
        lag = sum((a - mean) * (b - mean) for a, b in itertools.pairwise(logs))
        clustering.append(lag / sum((each - mean) ** 2 for each in logs))
        assert abs(path[0] - math.log(feed.COINS["BTC"].price)) < 0.12
    assert 0.3 < sum(realised) / len(realised) < 2
    # Squared returns of a plain random walk would be uncorrelated with those just before:
    # 1 / sqrt(8 * 1800) is the standard error of the mean below.
    assert sum(clustering) / len(clustering) > 0.08
