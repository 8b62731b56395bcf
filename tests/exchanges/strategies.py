"""Canonical ticks, and how each venue would write them: the formats, the other way round."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st

from lambdas.domain.moments import MICROSECOND, MILLISECOND, NANOSECOND, SECOND
from lambdas.domain.symbols import KNOWN_BASES, Codes
from lambdas.domain.ticks import Kind
from lambdas.exchanges import (
    binance,
    bitstamp,
    bybit,
    coinbase_exchange,
    gate,
    gemini,
    generic,
    htx,
    kraken,
    kucoin,
    okx,
)


class Number(str):
    """A JSON number, by the characters that stand in the message."""


@dataclass(frozen=True)
class Canonical:
    """A tick before any venue wrote it; ``market`` are the venue's own codes."""

    base: str
    quote: str
    market: tuple[str, str]
    price: str
    size: str
    nanoseconds: int
    event_id: int

    @property
    def iso(self) -> str:
        seconds, rest = divmod(self.nanoseconds, SECOND)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"

    def count(self, unit: int) -> int:
        return self.nanoseconds // unit

    def decimal_count(self, unit: int) -> str:
        whole, rest = divmod(self.nanoseconds, unit)
        return f"{whole}.{rest:0{len(str(unit)) - 1}d}"


@dataclass(frozen=True)
class Form:
    """One form of one venue's messages: how it writes ticks, and what of them it can carry."""

    venue: str
    name: str
    kind: Kind
    write: Callable[[Sequence[Canonical]], Any]
    codes: Codes
    quotes: str
    unit: int = MILLISECOND
    batch: bool = False
    one_pair: bool = False
    one_time: bool = False
    sized: bool = True
    dated: bool = True
    event_id: Callable[[Canonical], str] | None = lambda tick: str(tick.event_id)

    def __str__(self) -> str:
        return f"{self.venue} {self.name}"


def message(value: Any) -> bytes:
    """JSON whose numbers stand as they were written."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, dict):
        members = (f"{json.dumps(name)}: {_text(member)}" for name, member in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    return value if isinstance(value, Number) else json.dumps(value)


def decimals(lowest: int, highest: int, digits: int) -> st.SearchStrategy[str]:
    """Positive numbers of the given powers of ten and digits, in all the ways to write them."""
    return st.builds(
        _written,
        st.integers(1, 10**digits - 1),
        st.integers(lowest, highest),
        st.sampled_from(["plain", "zeros", "E", "e"]),
    )


def _written(number: int, power: int, style: str) -> str:
    exponent = power - len(str(number)) + 1
    if style in "Ee":
        return f"{number}{style}{exponent}"
    plain = f"{Decimal(f'{number}E{exponent}'):f}"
    return plain if style == "plain" else plain + ("000" if "." in plain else ".000")


PRICES = decimals(-12, 11, 18)
SIZES = st.one_of(st.just("0"), st.just("0.00000000"), decimals(-30, 29, 38))
NANOSECONDS = st.integers(10**9 * SECOND, 10**10 * SECOND - 1)
IDS = st.integers(1, 10**25)


@cache
def pairs(codes: Codes, quotes: str) -> st.SearchStrategy[tuple[tuple[str, str], tuple[str, str]]]:
    """A unified pair and how the venue may call it, its own code for the same asset included."""
    own_codes = {unified: code for code, unified in codes.aliases.items()}
    bases = [(base, base) for base in sorted(KNOWN_BASES - set(codes.aliases))]
    bases += list(own_codes.items())
    quoted = [(quote, quote) for quote in quotes.split()]
    quoted += [
        (quote, own_codes[quote])
        for quote in quotes.split()
        if quote in own_codes and (not codes.quotes or own_codes[quote] in codes.quotes)
    ]
    return st.tuples(st.sampled_from(bases), st.sampled_from(quoted)).map(
        lambda both: ((both[0][0], both[1][0]), (both[0][1], both[1][1]))
    )


@st.composite
def canonicals(draw: st.DrawFn, form: Form) -> list[Canonical]:
    """One tick, or a batch where the form carries batches, within what the form can say."""
    named = pairs(form.codes, form.quotes)
    count = draw(st.integers(1, 4)) if form.batch else 1
    names = [draw(named)] * count if form.one_pair else [draw(named) for _ in range(count)]
    times = [draw(NANOSECONDS)] * count
    if not form.one_time:
        times = [draw(NANOSECONDS) for _ in range(count)]
    return [
        Canonical(
            *pair, market, draw(PRICES), draw(SIZES), time // form.unit * form.unit, draw(IDS)
        )
        for (pair, market), time in zip(names, times, strict=True)
    ]


def _glued(tick: Canonical) -> str:
    return "".join(tick.market)


def _dashed(tick: Canonical) -> str:
    return "-".join(tick.market)


def _binance_trade(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    trade = {"e": "trade", "E": 1, "s": _glued(tick), "t": tick.event_id}
    return trade | {"p": tick.price, "q": tick.size, "T": tick.count(MILLISECOND), "m": True}


def _binance_aggregated(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    trade = {"e": "aggTrade", "E": 1, "s": _glued(tick), "a": tick.event_id, "f": 1, "l": 2}
    trade |= {"p": tick.price, "q": tick.size, "T": tick.count(MICROSECOND), "m": True}
    return {"stream": f"{_glued(tick).lower()}@aggTrade", "data": trade}


def _binance_tickers(ticks: Sequence[Canonical]) -> Any:
    return [
        {
            "e": "24hrTicker",
            "E": tick.count(MILLISECOND) + 3,
            "s": _glued(tick),
            "p": "-1.5",
            "c": tick.price,
            "Q": tick.size,
            "v": "999",
            "C": tick.count(MILLISECOND),
        }
        for tick in ticks
    ]


def _coinbase_match(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    match = {"type": "match", "trade_id": tick.event_id, "size": tick.size, "price": tick.price}
    return match | {"product_id": _dashed(tick), "sequence": 7, "time": tick.iso, "side": "buy"}


def _coinbase_ticker(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    ticker = {"type": "ticker", "trade_id": tick.event_id, "last_size": tick.size}
    ticker |= {"price": tick.price, "volume_24h": "12345"}
    return ticker | {"product_id": _dashed(tick), "sequence": 7, "time": tick.iso, "side": "buy"}


def _advanced_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [
        {
            "trade_id": str(tick.event_id),
            "product_id": _dashed(tick),
            "price": tick.price,
            "size": tick.size,
            "time": tick.iso,
        }
        for tick in ticks
    ]
    events = [{"type": "update", "trades": [trade]} for trade in trades]
    return {"channel": "market_trades", "timestamp": "2024-11-22T04:33:20Z", "events": events}


def _advanced_tickers(ticks: Sequence[Canonical]) -> Any:
    tickers = [
        {"type": "ticker", "product_id": _dashed(tick), "price": tick.price, "volume_24_h": "5"}
        for tick in ticks
    ]
    events = [{"type": "snapshot", "tickers": tickers}]
    return {"channel": "ticker", "timestamp": ticks[0].iso, "events": events}


def _kraken_1_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [[t.price, t.size, t.decimal_count(SECOND), "b", "l", ""] for t in ticks]
    return [337, trades, "trade", "/".join(ticks[0].market)]


def _kraken_1_ticker(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    return [337, {"c": [tick.price, tick.size]}, "ticker", "/".join(tick.market)]


def _kraken_2_name(tick: Canonical) -> str:
    """Version 2 says BTC and DOGE, and keeps Kraken's other codes (LUNA2, REPV2)."""
    renamed = {"XBT": "BTC", "XXBT": "BTC", "XDG": "DOGE", "XXDG": "DOGE"}
    return "/".join(renamed.get(code, code) for code in tick.market)


def _kraken_2_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [
        {
            "symbol": _kraken_2_name(tick),
            "price": Number(tick.price),
            "qty": Number(tick.size),
            "trade_id": tick.event_id,
            "timestamp": tick.iso,
        }
        for tick in ticks
    ]
    return {"channel": "trade", "type": "update", "data": trades}


def _kraken_2_tickers(ticks: Sequence[Canonical]) -> Any:
    tickers = [
        {
            "symbol": _kraken_2_name(tick),
            "last": Number(tick.price),
            "volume": 17.5,
            "timestamp": tick.iso,
        }
        for tick in ticks
    ]
    return {"channel": "ticker", "type": "update", "data": tickers}


def _okx_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [
        {
            "instId": _dashed(tick),
            "tradeId": str(tick.event_id),
            "px": tick.price,
            "sz": tick.size,
            "ts": str(tick.count(MILLISECOND)),
            "count": "1",
        }
        for tick in ticks
    ]
    return {"arg": {"channel": "trades", "instId": _dashed(ticks[0])}, "data": trades}


def _okx_tickers(ticks: Sequence[Canonical]) -> Any:
    tickers = [
        {
            "instType": "SPOT",
            "instId": _dashed(tick),
            "last": tick.price,
            "lastSz": tick.size,
            "vol24h": "4",
            "ts": str(tick.count(MILLISECOND)),
        }
        for tick in ticks
    ]
    return {"arg": {"channel": "tickers", "instId": _dashed(ticks[0])}, "data": tickers}


def _bybit_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [
        {
            "T": tick.count(MILLISECOND),
            "s": _glued(tick),
            "S": "Buy",
            "v": tick.size,
            "p": tick.price,
            "i": str(tick.event_id),
            "BT": False,
        }
        for tick in ticks
    ]
    topic = f"publicTrade.{_glued(ticks[0])}"
    return {"topic": topic, "type": "snapshot", "ts": 5, "data": trades}


def _bybit_ticker(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    envelope = {"topic": f"tickers.{_glued(tick)}", "type": "snapshot", "cs": tick.event_id}
    envelope["ts"] = tick.count(MILLISECOND)
    return envelope | {"data": {"symbol": _glued(tick), "lastPrice": tick.price, "volume24h": "1"}}


def _bitstamp_trade(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    data = {
        "id": tick.event_id,
        "timestamp": "1",
        "microtimestamp": str(tick.count(MICROSECOND)),
        "price": Number("1.5"),
        "price_str": tick.price,
        "amount": Number("1.5"),
        "amount_str": tick.size,
    }
    return {"event": "trade", "channel": f"live_trades_{_glued(tick).lower()}", "data": data}


def _gemini_trade(tick: Canonical) -> Any:
    trade = {"type": "trade", "symbol": _glued(tick), "event_id": tick.event_id}
    trade |= {"timestamp": tick.count(MILLISECOND), "price": tick.price, "quantity": tick.size}
    return trade


def _gemini_updates(ticks: Sequence[Canonical]) -> Any:
    updates = {"type": "l2_updates", "symbol": _glued(ticks[0]), "changes": []}
    return updates | {"trades": [_gemini_trade(tick) for tick in ticks]}


def _kucoin_match(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    data = {"symbol": _dashed(tick), "price": tick.price, "size": tick.size, "type": "match"}
    data |= {"time": str(tick.nanoseconds), "tradeId": str(tick.event_id), "sequence": "1"}
    return {"type": "message", "topic": f"/market/match:{_dashed(tick)}", "data": data}


def _kucoin_ticker(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    data = {"sequence": str(tick.event_id), "price": tick.price, "size": tick.size, "bestAsk": "1"}
    data |= {"time": Number(tick.count(MILLISECOND))}
    return {"type": "message", "topic": f"/market/ticker:{_dashed(tick)}", "data": data}


def _kucoin_snapshot(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    inner = {"symbol": _dashed(tick), "lastTradedPrice": Number(tick.price), "vol": 5.5}
    inner |= {"datetime": tick.count(MILLISECOND)}
    data = {"sequence": str(tick.event_id), "data": inner}
    return {"type": "message", "topic": f"/market/snapshot:{_dashed(tick)}", "data": data}


def _gate_trade(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    result = {"id": tick.event_id, "currency_pair": "_".join(tick.market), "amount": tick.size}
    result |= {"price": tick.price, "create_time_ms": tick.decimal_count(MILLISECOND)}
    return {"time": 1, "channel": "spot.trades", "event": "update", "result": result}


def _gate_ticker(ticks: Sequence[Canonical]) -> Any:
    (tick,) = ticks
    result = {"currency_pair": "_".join(tick.market), "last": tick.price, "base_volume": "5"}
    envelope = {"time": 1, "time_ms": tick.count(MILLISECOND), "channel": "spot.tickers"}
    return envelope | {"event": "update", "result": result}


def _gate_3_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [
        {
            "id": tick.event_id,
            "time": Number(tick.decimal_count(SECOND)),
            "price": tick.price,
            "amount": tick.size,
        }
        for tick in ticks
    ]
    return {"method": "trades.update", "params": ["_".join(ticks[0].market), trades], "id": None}


def _htx_trades(ticks: Sequence[Canonical]) -> Any:
    trades = [
        {
            "id": 10**24 + tick.event_id,
            "tradeId": tick.event_id,
            "ts": tick.count(MILLISECOND),
            "amount": Number(tick.size),
            "price": Number(tick.price),
        }
        for tick in ticks
    ]
    tick = {"id": 1, "ts": 2, "data": trades}
    return {"ch": f"market.{_glued(ticks[0]).lower()}.trade.detail", "ts": 3, "tick": tick}


def _htx_tickers(ticks: Sequence[Canonical]) -> Any:
    data = [
        {"symbol": _glued(tick).lower(), "close": Number(tick.price), "amount": 5.5, "vol": 8.1e8}
        for tick in ticks
    ]
    return {"ch": "market.tickers", "ts": ticks[0].count(MILLISECOND), "data": data}


def _generic_ticks(ticks: Sequence[Canonical]) -> Any:
    return [
        {
            "symbol": "/".join(tick.market),
            "price": Number(tick.price),
            "size": tick.size,
            "time": tick.iso,
            "id": tick.event_id,
        }
        for tick in ticks
    ]


_DOLLARS = "USD USDT EUR BTC ETH"
_COINS = "USDT USDC BTC ETH EUR"
_COINBASE = coinbase_exchange.CODES

FORMS = [
    Form("binance", "trade", "trade", _binance_trade, binance.CODES, _COINS),
    Form(
        "binance",
        "aggregated trade, microseconds",
        "trade",
        _binance_aggregated,
        binance.CODES,
        _COINS,
        unit=MICROSECOND,
        event_id=lambda tick: f"agg:{tick.event_id}",
    ),
    Form(
        "binance",
        "tickers",
        "ticker",
        _binance_tickers,
        binance.CODES,
        _COINS,
        batch=True,
        event_id=None,
    ),
    Form(
        "coinbase_exchange", "match", "trade", _coinbase_match, _COINBASE, _DOLLARS, unit=NANOSECOND
    ),
    Form(
        "coinbase_exchange",
        "ticker",
        "ticker",
        _coinbase_ticker,
        _COINBASE,
        _DOLLARS,
        unit=NANOSECOND,
    ),
    Form(
        "coinbase_advanced",
        "trades",
        "trade",
        _advanced_trades,
        _COINBASE,
        _DOLLARS,
        unit=NANOSECOND,
        batch=True,
    ),
    Form(
        "coinbase_advanced",
        "tickers",
        "ticker",
        _advanced_tickers,
        _COINBASE,
        _DOLLARS,
        unit=NANOSECOND,
        batch=True,
        one_time=True,
        sized=False,
        event_id=None,
    ),
    Form(
        "kraken",
        "version 1 trades",
        "trade",
        _kraken_1_trades,
        kraken.CODES,
        _DOLLARS,
        unit=NANOSECOND,
        batch=True,
        one_pair=True,
        event_id=None,
    ),
    Form(
        "kraken",
        "version 1 ticker",
        "ticker",
        _kraken_1_ticker,
        kraken.CODES,
        _DOLLARS,
        dated=False,
        event_id=None,
    ),
    Form(
        "kraken",
        "version 2 trades",
        "trade",
        _kraken_2_trades,
        kraken.CODES,
        _DOLLARS,
        unit=NANOSECOND,
        batch=True,
    ),
    Form(
        "kraken",
        "version 2 tickers",
        "ticker",
        _kraken_2_tickers,
        kraken.CODES,
        _DOLLARS,
        unit=NANOSECOND,
        batch=True,
        sized=False,
        event_id=None,
    ),
    Form("okx", "trades", "trade", _okx_trades, okx.CODES, _DOLLARS, batch=True),
    Form("okx", "tickers", "ticker", _okx_tickers, okx.CODES, _DOLLARS, batch=True, event_id=None),
    Form("bybit", "trades", "trade", _bybit_trades, bybit.CODES, _COINS, batch=True),
    Form("bybit", "ticker", "ticker", _bybit_ticker, bybit.CODES, _COINS, sized=False),
    Form(
        "bitstamp",
        "trade",
        "trade",
        _bitstamp_trade,
        bitstamp.CODES,
        _DOLLARS,
        unit=MICROSECOND,
    ),
    Form(
        "gemini",
        "trade",
        "trade",
        lambda ticks: _gemini_trade(ticks[0]),
        gemini.CODES,
        "USD GUSD EUR BTC ETH",
    ),
    Form(
        "gemini",
        "updates",
        "trade",
        _gemini_updates,
        gemini.CODES,
        "USD GUSD EUR BTC ETH",
        batch=True,
        one_pair=True,
    ),
    Form("kucoin", "match", "trade", _kucoin_match, kucoin.CODES, _COINS, unit=NANOSECOND),
    Form("kucoin", "ticker", "ticker", _kucoin_ticker, kucoin.CODES, _COINS),
    Form(
        "kucoin",
        "snapshot",
        "ticker",
        _kucoin_snapshot,
        kucoin.CODES,
        _COINS,
        sized=False,
        event_id=lambda tick: f"snap:{tick.event_id}",
    ),
    Form("gate", "trade", "trade", _gate_trade, gate.CODES, _COINS, unit=NANOSECOND),
    Form("gate", "ticker", "ticker", _gate_ticker, gate.CODES, _COINS, sized=False, event_id=None),
    Form(
        "gate",
        "version 3 trades",
        "trade",
        _gate_3_trades,
        gate.CODES,
        _COINS,
        unit=NANOSECOND,
        batch=True,
        one_pair=True,
    ),
    Form(
        "htx",
        "trades",
        "trade",
        _htx_trades,
        htx.CODES,
        "USDT HUSD BTC ETH HT",
        batch=True,
        one_pair=True,
    ),
    Form(
        "htx",
        "tickers",
        "ticker",
        _htx_tickers,
        htx.CODES,
        "USDT HUSD BTC ETH HT",
        batch=True,
        one_time=True,
        sized=False,
        event_id=None,
    ),
    Form(
        "generic",
        "ticks",
        "trade",
        _generic_ticks,
        generic.CODES,
        _DOLLARS,
        unit=NANOSECOND,
        batch=True,
    ),
]
