"""KuCoin spot: matches, tickers and market snapshots, one to a message.

Topic ``/market/match:<symbols>``, the time in **nanoseconds**::

    {"type": "message", "topic": "/market/match:DAPPT-BTC", "subject": "trade.l3match", "data":
     {"symbol": "DAPPT-BTC", "sequence": "1612701563871", "side": "buy", "size": "0.0267",
      "price": "0.0000001119", "time": "1619378327739050725", "tradeId": "6085c09769bc5069..."}}

Topic ``/market/ticker:<symbols>``, the time in **milliseconds**, the pair in the topic alone::

    {"type": "message", "topic": "/market/ticker:SNX-BTC", "subject": "trade.ticker", "data":
     {"sequence": "1612844051653", "price": "0.00028676", "size": "0.01745248",
      "bestAsk": "0.00028717", "bestBid": "0.00028678", "time": 1619378326323}}

``/market/ticker:all`` announces changes of every market's best bid and ask, and repeats the last
price with each: it is counted as a quote. Name the markets to get their tickers.

Topic ``/market/snapshot:<symbol or market>``, prices as JSON numbers, ids of its own::

    {"type": "message", "topic": "/market/snapshot:KCS-BTC", "subject": "trade.snapshot", "data":
     {"sequence": "1545896669291", "data": {"symbol": "KCS-BTC", "lastTradedPrice": 0.00012,
      "vol": 27514.34842, "datetime": 1548388122031}}}

The unified accounts' stream sends ``{"T": "trade.SPOT", "d": {...}}`` and ``"ticker.SPOT"``. A fill
of one's own order (``/spotMarket/tradeOrders``, type ``match``) is the match with the same id.
Sources: https://www.kucoin.com/docs/websocket/spot-trading/public-channels/match-execution-data,
https://www.kucoin.com/docs-new/3470067w0
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import MILLISECOND, NANOSECOND, epoch, guessed
from lambdas.domain.payloads import mapping, required, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes
from lambdas.domain.ticks import NoTick

CODES = Codes(
    # Codes that other assets bear elsewhere.
    aliases={
        "BIFI": "BIFIF",
        "VAI": "VAIOT",
        "WAX": "WAXP",
        "ALT": "APTOSLAUNCHTOKEN",
        "KALT": "ALT",
    }
)

_IGNORED = {
    "/market/level2": "order-book",
    "/market/level3": "order-book",
    "/market/candles": "candle",
    "/spotMarket/level1": "quote",
    "/spotMarket/level2Depth5": "order-book",
    "/spotMarket/level2Depth50": "order-book",
    "/spotMarket/level3": "order-book",
    "/indicator/index": "index",
    "/indicator/markPrice": "derivative",
    "/account/balance": "private",
    "/callauction/level2Depth50": "order-book",
    "/callauction/callauctionData": "other-channel",
}
_IGNORED_FAMILIES = {
    "/contract": "derivative",
    "/spotMarket/": "private",
    "/margin/": "private",
    "/announcement": "control",
}
# A tuple: what is looked up may be a list, which no set takes.
_CONTROL = ("welcome", "ack", "ping", "pong", "error", "command", "notice")


def parts(message: object) -> Iterator[Part]:
    """Yield the match, ticker or snapshots of a message."""
    if not isinstance(message, dict):
        raise unrecognised(message)
    topic = message.get("topic")
    if not isinstance(topic, str):
        yield from _unified(message)
        return
    channel, _, name = topic.partition(":")
    if channel == "/market/match":
        yield _match, message.get("data")
    elif channel == "/market/ticker" and name == "all":
        raise NoTick("quote")
    elif channel == "/market/ticker":
        yield _ticker, message.get("data"), name
    elif channel == "/market/snapshot":
        data = mapping(required(message, "data"), "'data'")
        snapshots = required(data, "data")
        for snapshot in snapshots if isinstance(snapshots, list) else [snapshots]:
            yield _snapshot, snapshot, data.get("sequence")
    elif channel.startswith("/spotMarket/tradeOrders"):
        yield _fill, message.get("data")
    elif channel in _IGNORED:
        raise NoTick(_IGNORED[channel])
    else:
        for family, reason in _IGNORED_FAMILIES.items():
            if channel.startswith(family):
                raise NoTick(reason)
        raise unrecognised(message)


def _unified(message: dict[str, object]) -> Iterator[Part]:
    channel = message.get("T")
    if isinstance(channel, str) and "d" in message:
        name, _, market = channel.partition(".")
        if market and market != "SPOT":
            raise NoTick("derivative")
        if name == "trade":
            yield _unified_trade, message["d"]
        elif name == "ticker":
            yield _unified_ticker, message["d"]
        else:
            raise NoTick("other-channel")
    elif message.get("type") == "match":
        yield _fill, message
    elif {"s", "p", "q", "ti"} <= message.keys():
        yield _unified_trade, message
    elif message.get("type") in _CONTROL or "result" in message:
        raise NoTick("control")
    else:
        raise unrecognised(message)


def _match(value: object) -> Print:
    match = mapping(value, "'data'")
    return Print(
        "trade",
        CODES.separated(text(match, "symbol"), "-"),
        required(match, "price"),
        required(match, "size"),
        epoch(required(match, "time"), NANOSECOND),
        event_id=required(match, "tradeId"),
    )


def _fill(value: object) -> Print:
    fill = mapping(value, "'data'")
    if fill.get("type") != "match":
        raise NoTick("private")
    return Print(
        "trade",
        CODES.separated(text(fill, "symbol"), "-"),
        required(fill, "matchPrice"),
        required(fill, "matchSize"),
        epoch(required(fill, "ts"), NANOSECOND),
        event_id=required(fill, "tradeId"),
    )


def _ticker(value: object, name: str) -> Print:
    ticker = mapping(value, "'data'")
    time = ticker.get("time", ticker.get("Time"))  # the documentation's example spells it so
    if ticker.get("price") is None:
        raise NoTick("no-price")
    return Print(
        "ticker",
        CODES.separated(name, "-"),
        ticker["price"],
        ticker.get("size"),
        None if time is None else epoch(time, MILLISECOND),
        event_id=ticker.get("sequence"),
    )


def _snapshot(value: object, sequence: object) -> Print:
    snapshot = mapping(value, "a snapshot")
    if snapshot.get("lastTradedPrice") is None:
        raise NoTick("no-price")
    return Print(
        "ticker",
        CODES.separated(text(snapshot, "symbol"), "-"),
        snapshot["lastTradedPrice"],
        None,
        epoch(required(snapshot, "datetime"), MILLISECOND),
        event_id=sequence,
        id_space="" if sequence is None else "snap",
    )


def _unified_trade(value: object) -> Print:
    trade = mapping(value, "'d'")
    return Print(
        "trade",
        CODES.separated(text(trade, "s"), "-"),
        required(trade, "p"),
        required(trade, "q"),
        guessed(required(trade, "M")),
        event_id=required(trade, "ti"),
    )


def _unified_ticker(value: object) -> Print:
    ticker = mapping(value, "'d'")
    return Print(
        "ticker",
        CODES.separated(text(ticker, "s"), "-"),
        required(ticker, "l"),
        ticker.get("q"),
        guessed(required(ticker, "M")),
        event_id=ticker.get("E"),
    )
