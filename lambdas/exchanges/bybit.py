"""Bybit spot: version 5 trades in batches and tickers; older spot forms; version 2 is recognised.

Topic ``publicTrade.<symbol>``::

    {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1672304486868, "data": [
     {"T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50",
      "L": "PlusTick", "i": "20f43950-d8dd-5b31-9112-a178eb6023af", "BT": false}]}

Topic ``tickers.<symbol>``: the time is the envelope's, ``cs`` its sequence number. A ``delta``
leaves out what did not change, often the price::

    {"topic": "tickers.BTCUSDT", "ts": 1673853746003, "type": "snapshot", "cs": 2588407389,
     "data": {"symbol": "BTCUSDT", "lastPrice": "21109.77", "volume24h": "6780.866843"}}

A fill of one's own order (topic ``ticketInfo``) is the public trade with the same id. Spot
versions 1 and 3 sent ``{"v": id, "t": ms, "p": price, "q": quantity}`` for a trade and
``{"t", "s", "c"}`` for a ticker. Version 2 (``{"topic": "trade.BCHUSDT", "data": [{"symbol",
"price", "trade_time_ms", ...}]}``) carried derivatives alone and is ignored as such. So are
version 5 messages that show one: funding, mark price or open interest in a ticker, an option's
fields in a trade, a perpetual's, dated or dollar-quoted name (spot has no dollar markets).
Source: https://bybit-exchange.github.io/docs/v5/websocket/public/trade
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lambdas.domain.moments import MILLISECOND, epoch
from lambdas.domain.payloads import mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import NoTick

CODES = Codes(
    quotes=(
        "USDT USDC USDE USDQ USDR USD1 RLUSD PYUSD BTC ETH EUR DAI BRZ BRL PLN TRY MNT SOL BIT GBP"
        " AED"
    ),
    rare_quotes="USD",
)

_DERIVATIVE_NAME = re.compile(r".*(?:PERP|USD[FGHJKMNQUVXZ][0-9]{2})|.*-.*")
_DERIVATIVE_FIELDS = {
    "fundingRate",
    "markPrice",
    "openInterest",
    "nextFundingTime",
    "underlyingPrice",
    "mP",
    "mIv",
}
_IGNORED = {
    "orderbook": "order-book",
    "bookticker": "quote",
    "kline": "candle",
    "diffDepth": "order-book",
    "depth": "order-book",
    "liquidation": "derivative",
    "allLiquidation": "derivative",
    "adlAlert": "derivative",
    "insurance": "derivative",
    "priceLimit": "control",
    "system": "control",
    "tickers_lt": "derivative",
    "kline_lt": "derivative",
    "lt": "derivative",
    "instrument_info": "derivative",
    "orderBookL2_25": "derivative",
    "orderBook_200": "derivative",
    "klineV2": "derivative",
    "candle": "derivative",
    "execution": "private",
    "order": "private",
    "wallet": "private",
    "position": "private",
    "greeks": "private",
    "spread": "private",
    "dcp": "private",
}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if not isinstance(message, dict):
        raise unrecognised(message)
    topic = message.get("topic")
    if topic is None:
        yield from _without_topic(message)
        return
    if not isinstance(topic, str):
        raise unrecognised(message)
    channel, _, name = topic.partition(".")
    if channel == "publicTrade":
        for entry in _batch(message):
            yield _trade, entry, message.get("ts")
    elif channel == "tickers":
        yield _ticker, message, name
    elif channel == "trade":
        if name.startswith(("linear.", "inverse.")):
            raise NoTick("derivative")
        for entry in _batch(message):
            yield _old_trade, entry, _old_name(message, name)
    elif channel == "realtimes":
        for entry in _batch(message):
            yield _old_ticker, entry, _old_name(message, name)
    elif channel == "ticketInfo":
        for entry in _batch(message):
            yield _fill, entry
    elif channel in _IGNORED:
        raise NoTick(_IGNORED[channel])
    else:
        raise unrecognised(message)


def _without_topic(message: dict[str, object]) -> Iterator[Part]:
    if {"s", "p", "v", "i"} <= message.keys():
        yield _trade, message, None
    elif message.get("e") == "ticketInfo":
        yield _fill, message
    elif isinstance(message.get("result"), dict) and "list" in mapping(message["result"], "result"):
        yield from _rest(message)
    elif message.keys() & {"op", "success", "ping", "pong", "ret_msg", "retCode", "auth", "code"}:
        raise NoTick("control")
    else:
        raise unrecognised(message)


def _rest(message: dict[str, object]) -> Iterator[Part]:
    result = mapping(message["result"], "'result'")
    if result.get("category", "spot") != "spot":
        raise NoTick("derivative")
    for entry in sequence(result["list"], "'list'"):
        yield _rest_entry, entry, message.get("time")


def _batch(message: dict[str, object]) -> list[object]:
    data = required(message, "data")
    return data if isinstance(data, list) else [data]


def _trade(value: object, sent: object) -> Print:
    entry = mapping(value, "a trade")
    _refuse_derivatives(entry)
    time = entry.get("T")
    return Print(
        "trade",
        _pair(text(entry, "s")),
        required(entry, "p"),
        required(entry, "v"),
        _moment(sent if time is None else time),
        "envelope" if time is None else "tick",
        required(entry, "i"),
    )


def _ticker(message: dict[str, object], name: str) -> Print:
    entry = mapping(required(message, "data"), "'data'")
    _refuse_derivatives(entry)
    if entry.get("lastPrice") is None:
        if "c" in entry:  # spot version 3
            return _old_ticker(entry, name)
        raise NoTick("no-price")
    return Print(
        "ticker",
        _pair(text(entry, "symbol") if "symbol" in entry else name),
        entry["lastPrice"],
        None,
        _moment(message.get("ts")),
        "envelope",
        message.get("cs"),
    )


def _old_trade(value: object, name: object) -> Print:
    entry = mapping(value, "a trade")
    if "symbol" in entry:
        raise NoTick("derivative")  # version 2
    return Print(
        "trade",
        _named(name),
        required(entry, "p"),
        required(entry, "q"),
        _moment(required(entry, "t")),
        event_id=required(entry, "v"),
    )


def _old_ticker(value: object, name: object) -> Print:
    entry = mapping(value, "a ticker")
    return Print(
        "ticker",
        _named(entry.get("s") or name),
        required(entry, "c"),
        None,
        _moment(required(entry, "t")),
    )


def _fill(value: object) -> Print:
    fill = mapping(value, "a fill")
    return Print(
        "trade",
        _pair(text(fill, "s")),
        required(fill, "p"),
        required(fill, "q"),
        _moment(required(fill, "t")),
        event_id=required(fill, "T"),
    )


def _rest_entry(value: object, sent: object) -> Print:
    entry = mapping(value, "an entry")
    _refuse_derivatives(entry)
    if "lastPrice" in entry:
        return Print(
            "ticker",
            _pair(text(entry, "symbol")),
            required(entry, "lastPrice"),
            None,
            _moment(sent),
            "envelope",
        )
    return Print(
        "trade",
        _pair(text(entry, "symbol")),
        required(entry, "price"),
        required(entry, "size"),
        _moment(required(entry, "time")),
        event_id=required(entry, "execId"),
    )


def _old_name(message: dict[str, object], name: str) -> object:
    """Return the symbol of an old spot message: in its topic, its parameters or beside them."""
    parameters = message.get("params")
    inside = parameters.get("symbol") if isinstance(parameters, dict) else None
    return name or inside or message.get("symbol")


def _named(name: object) -> Pair:
    return _pair(text({"symbol": name}, "symbol"))


def _moment(token: object) -> int | None:
    return None if token is None else epoch(token, MILLISECOND)


def _refuse_derivatives(entry: dict[str, object]) -> None:
    if not _DERIVATIVE_FIELDS.isdisjoint(entry):
        raise NoTick("derivative")


def _pair(symbol: str) -> Pair:
    if _DERIVATIVE_NAME.fullmatch(symbol):
        raise NoTick("derivative")
    pair = CODES.glued(symbol)
    if pair.quote == "USD":
        raise NoTick("derivative")
    return pair
