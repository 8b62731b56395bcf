"""Gate spot: version 4 trades and tickers, one to a message, and version 3 in batches.

Version 4, the trade's time in milliseconds with decimals, the ticker's on the envelope, in
seconds (newer: also ``time_ms``)::

    {"time": 1619093543, "channel": "spot.trades", "event": "update", "result": {"id": 816995772,
     "create_time": 1619093543, "create_time_ms": "1619093543708.2642", "side": "sell",
     "currency_pair": "DIS_USDT", "amount": "0.2010000000", "price": "121.5800000000"}}
    {"time": 1619093537, "channel": "spot.tickers", "event": "update", "result":
     {"currency_pair": "OMG_USDT", "last": "7.915", "base_volume": "27799.8390372666"}}

Version 3, seconds as a JSON number; its ticker has no time::

    {"method": "trades.update", "id": null, "params": ["BTC_USDT", [{"id": 643716793,
     "time": 1616327474.6243241, "price": "56173.28", "amount": "0.0037", "type": "sell"}]]}
    {"method": "ticker.update", "id": null, "params": ["BTC_USDT", {"last": "44681"}]}

The lists that REST answers hold the same trades and tickers.
Source: https://www.gate.com/docs/developers/apiv4/ws/en/
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import MILLISECOND, SECOND, epoch
from lambdas.domain.payloads import item, mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes
from lambdas.domain.ticks import NoTick

CODES = Codes(
    # Codes that other assets bear elsewhere.
    aliases={
        "ORT": "XREATORS",
        "ASS": "ASSF",
        "88MPH": "MPH",
        "AXIS": "AXISDEFI",
        "BIFI": "BITCOINFILE",
        "BOX": "DEFIBOX",
        "BYN": "BEYONDFI",
        "EGG": "GOOSEFINANCE",
        "GTC": "GAMECOM",
        "HIT": "HITCHAIN",
        "MM": "MILLION",
        "MPH": "MORPHER",
        "POINT": "GATEPOINT",
        "RAI": "RAIREFLEXINDEX",
        "SBTC": "SUPERBITCOIN",
        "TNC": "TRINITYNETWORKCREDIT",
        "VAI": "VAIOT",
        "TRAC": "TRACO",
    }
)

_IGNORED = {
    "spot.book_ticker": "quote",
    "spot.order_book": "order-book",
    "spot.order_book_update": "order-book",
    "spot.obu": "order-book",
    "spot.candlesticks": "candle",
    "spot.ping": "control",
    "spot.pong": "control",
    "spot.login": "control",
    "depth.update": "order-book",
    "kline.update": "candle",
    "order.update": "private",
    "balance.update": "private",
}
_DERIVATIVES = ("futures.", "options.", "delivery.")


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if isinstance(message, list):
        yield from _entries(message, None)
    elif not isinstance(message, dict):
        raise unrecognised(message)
    elif "channel" in message:
        yield from _version_4(message)
    elif "method" in message:
        yield from _version_3(message)
    elif "asks" in message:
        raise NoTick("order-book")
    elif "result" in message or "error" in message or "header" in message:
        raise NoTick("control")
    else:
        raise unrecognised(message)


def _version_4(message: dict[str, object]) -> Iterator[Part]:
    channel = text(message, "channel")
    if channel.startswith(_DERIVATIVES):
        raise NoTick("derivative")
    if channel in _IGNORED:
        raise NoTick(_IGNORED[channel])
    if message.get("event") in ("subscribe", "unsubscribe", "api"):
        raise NoTick("control")
    if channel in ("spot.trades", "spot.trades_v2", "spot.tickers"):
        result = required(message, "result")
        yield from _entries(result if isinstance(result, list) else [result], message)
    elif channel.startswith("spot."):
        raise NoTick("private" if message.get("event") == "update" else "control")
    else:
        raise unrecognised(message)


def _version_3(message: dict[str, object]) -> Iterator[Part]:
    method = text(message, "method")
    if method in _IGNORED:
        raise NoTick(_IGNORED[method])
    if method not in ("trades.update", "ticker.update"):
        if method.endswith((".subscribe", ".unsubscribe", ".ping", ".query", ".sign")):
            raise NoTick("control")
        raise unrecognised(message)
    params = sequence(required(message, "params"), "'params'")
    name, value = item(params, 0, "'params'"), item(params, 1, "'params'")
    if method == "ticker.update":
        yield _v3_ticker, value, name
        return
    for trade in sequence(value, "the trades"):
        yield _v3_trade, trade, name


def _entries(entries: list[object], envelope: dict[str, object] | None) -> Iterator[Part]:
    for entry in entries:
        yield _entry, entry, envelope


def _entry(value: object, envelope: dict[str, object] | None) -> Print:
    entry = mapping(value, "an entry")
    pair = CODES.separated(text(entry, "currency_pair"), "_")
    if "last" in entry:
        time, source = None, None
        if envelope is not None:
            time, source = envelope.get("time_ms"), envelope.get("time")
        moment = None
        if time is not None:
            moment = epoch(time, MILLISECOND)
        elif source is not None:
            moment = epoch(source, SECOND)
        return Print("ticker", pair, required(entry, "last"), None, moment, "envelope")
    milliseconds = entry.get("create_time_ms")
    return Print(
        "trade",
        pair,
        required(entry, "price"),
        required(entry, "amount"),
        epoch(required(entry, "create_time"), SECOND)
        if milliseconds is None
        else epoch(milliseconds, MILLISECOND),
        event_id=required(entry, "id"),
    )


def _v3_trade(value: object, name: object) -> Print:
    trade = mapping(value, "a trade")
    return Print(
        "trade",
        CODES.separated(text({"pair": name}, "pair"), "_"),
        required(trade, "price"),
        required(trade, "amount"),
        epoch(required(trade, "time"), SECOND),
        event_id=required(trade, "id"),
    )


def _v3_ticker(value: object, name: object) -> Print:
    ticker = mapping(value, "a ticker")
    return Print(
        "ticker",
        CODES.separated(text({"pair": name}, "pair"), "_"),
        required(ticker, "last"),
    )
