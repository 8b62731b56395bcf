"""Kraken spot: trades and tickers of both WebSocket versions, and REST results of the same.

Version 1, trades and ticker (no id; a ticker has no time; ``c`` is the last trade's price and
lot). It calls bitcoin XBT and dogecoin XDG::

    [993, [["354.55", "1.25690315", "1618678145.715785", "b", "m", ""]], "trade", "XMR/USD"]
    [996, {"a": ["355.24", 27, "27.1"], "b": ["354.32", 6, "6.8"], "c": ["355.23", "1.2045436"],
     "v": ["17858.85", "33470.74"]}, "ticker", "XMR/USD"]

Version 2, prices and sizes as JSON numbers; tickers of older recordings have no time::

    {"channel": "trade", "type": "update", "data": [{"symbol": "BTC/USD", "side": "sell",
     "qty": 0.01362603, "price": 105944.20, "ord_type": "market", "trade_id": 4665906,
     "timestamp": "2022-12-25T09:30:59.123456Z"}]}
    {"channel": "ticker", "type": "snapshot", "data": [{"symbol": "BTC/USD", "last": 105899.40,
     "volume": 163.28908096, "timestamp": "2022-12-25T09:30:59.123456Z"}]}

A fill of one's own order (``executions``) is the public trade with the same ``trade_id``.

REST ``Trades`` (seconds as a JSON number, an id since 2023) and ``Ticker``, by legacy names::

    {"error": [], "result": {"XXBTZUSD": [["30243.4", "0.33", 1688669597.8277369, "b", "m", "",
     61044952]], "last": "1688671969993150842"}}

Sources: https://docs.kraken.com/websockets/, https://docs.kraken.com/api/docs/websocket-v2/trade
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import SECOND, epoch, rfc3339
from lambdas.domain.numbers import shown
from lambdas.domain.payloads import item, mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print, refused
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import InvalidTick, NoTick

CODES = Codes(
    # Old Terra keeps its places as LUNA and UST here; elsewhere they are LUNC and USTC.
    aliases={
        "XDG": "DOGE",
        "LUNA": "LUNC",
        "LUNA2": "LUNA",
        "UST": "USTC",
        "REP": "REPV1",
        "REPV2": "REP",
        "FEE": "KFEE",
        # The X and Z that REST puts before codes of coins and currencies.
        "XXBT": "BTC",
        "XXDG": "DOGE",
        "XETC": "ETC",
        "XETH": "ETH",
        "XLTC": "LTC",
        "XMLN": "MLN",
        "XREP": "REP",
        "XXLM": "XLM",
        "XXMR": "XMR",
        "XXRP": "XRP",
        "XZEC": "ZEC",
        "ZAUD": "AUD",
        "ZCAD": "CAD",
        "ZEUR": "EUR",
        "ZGBP": "GBP",
        "ZJPY": "JPY",
        "ZUSD": "USD",
    },
    quotes=(
        "USD EUR GBP CAD JPY CHF AUD AED USDT USDC USDG USDQ PYUSD RLUSD EURQ EURR DAI XBT ETH DOT"
    ),
    rare_quotes="ZUSD ZEUR ZGBP ZCAD ZJPY ZAUD XXBT XETH",
)

_V2_IGNORED = {
    "heartbeat": "control",
    "status": "control",
    "instrument": "control",
    "book": "order-book",
    "level3": "order-book",
    "ohlc": "candle",
    "balances": "private",
}
_V1_IGNORED = {"spread": "quote", "ohlc": "candle", "book": "order-book"}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if isinstance(message, list):
        yield from _version_1(message)
    elif not isinstance(message, dict):
        raise unrecognised(message)
    elif "channel" in message:
        yield from _version_2(message)
    elif "exec_type" in message:
        yield _fill, message
    elif "feed" in message:
        raise NoTick("derivative")  # futures.kraken.com
    elif "event" in message or "method" in message:
        raise NoTick("control")
    elif "result" in message:
        yield from _rest(message)
    else:
        raise unrecognised(message)


def _version_1(message: list[object]) -> Iterator[Part]:
    if len(message) < 4 or not isinstance(message[-1], str) or not isinstance(message[-2], str):
        if len(message) == 3 and message[1] in ("ownTrades", "openOrders"):
            raise NoTick("private")
        raise unrecognised(message)
    channel = message[-2].partition("-")[0]
    if channel == "trade":
        for trade in sequence(message[1], "the batch"):
            yield _v1_trade, trade, message[-1]
    elif channel == "ticker":
        yield _v1_ticker, message[1], message[-1]
    elif channel in _V1_IGNORED:
        raise NoTick(_V1_IGNORED[channel])
    else:
        raise unrecognised(message)


def _version_2(message: dict[str, object]) -> Iterator[Part]:
    channel = message["channel"]
    parser = {"trade": _v2_trade, "ticker": _v2_ticker, "executions": _fill}.get(str(channel))
    if parser is not None:
        for entry in sequence(message.get("data"), "'data'"):
            yield parser, entry
    elif isinstance(channel, str) and channel in _V2_IGNORED:
        raise NoTick(_V2_IGNORED[channel])
    else:
        raise unrecognised(message)


def _rest(message: dict[str, object]) -> Iterator[Part]:
    result = message["result"]
    if not isinstance(result, dict) or not result:
        raise NoTick("control")
    for name, value in result.items():
        if isinstance(value, list):
            for trade in value:
                yield _v1_trade, trade, name
        elif isinstance(value, dict) and "c" in value:
            yield _v1_ticker, value, name
        elif isinstance(value, dict) and "asks" in value:
            raise NoTick("order-book")
        elif name != "last":
            problem = f"the result's {shown(name)} is {shown(value)}"
            yield refused, InvalidTick("unrecognised-entry", problem)


def _v1_trade(value: object, name: str) -> Print:
    trade = sequence(value, "a trade")
    given_id = trade[6] if len(trade) > 6 else None
    return Print(
        "trade",
        _pair(name),
        item(trade, 0, "a trade"),
        item(trade, 1, "a trade"),
        epoch(item(trade, 2, "a trade"), SECOND),
        event_id=given_id,
        content=tuple(trade[3:6]),
    )


def _v1_ticker(value: object, name: str) -> Print:
    last = sequence(required(mapping(value, "a ticker"), "c"), "'c'")
    return Print("ticker", _pair(name), item(last, 0, "'c'"), last[1] if len(last) > 1 else None)


def _v2_trade(value: object) -> Print:
    trade = mapping(value, "a trade")
    return Print(
        "trade",
        _pair(text(trade, "symbol")),
        required(trade, "price"),
        required(trade, "qty"),
        rfc3339(required(trade, "timestamp")),
        event_id=trade.get("trade_id"),
        content=(trade.get("side"), trade.get("ord_type")),
    )


def _fill(value: object) -> Print:
    fill = mapping(value, "an execution")
    if fill.get("exec_type") != "trade":
        raise NoTick("private")
    time = fill.get("timestamp")
    return Print(
        "trade",
        _pair(text(fill, "symbol")),
        required(fill, "last_price"),
        required(fill, "last_qty"),
        None if time is None else rfc3339(time),
        event_id=required(fill, "trade_id"),
    )


def _v2_ticker(value: object) -> Print:
    ticker = mapping(value, "a ticker")
    time = ticker.get("timestamp")
    if ticker.get("last") is None:
        raise NoTick("no-price")
    return Print(
        "ticker",
        _pair(text(ticker, "symbol")),
        ticker["last"],
        time=None if time is None else rfc3339(time),
    )


def _pair(name: str) -> Pair:
    return CODES.separated(name, "/") if "/" in name else CODES.glued(name)
