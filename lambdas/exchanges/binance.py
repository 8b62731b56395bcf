r"""Binance spot: trades, aggregated trades and tickers, one to a message, in arrays or combined.

``<symbol>@trade``, here within a combined stream (raw streams send the inner object alone)::

    {"stream": "nknusdt@trade", "data": {"e": "trade", "E": 1633998517089, "s": "NKNUSDT",
     "t": 30517091, "p": "0.35210000", "q": "120.00000000", "T": 1633998517088, "m": true}}

``<symbol>@aggTrade``: ids of its own (``a``), kept apart as ``agg:<a>``::

    {"e": "aggTrade", "E": 1633998517089, "s": "NKNUSDT", "a": 21470012, "p": "0.35210000",
     "q": "120.00000000", "f": 30517091, "l": 30517091, "T": 1633998517088, "m": true}

``@ticker``, ``@ticker_1h``, ``@miniTicker``; ``!ticker@arr`` and ``!miniTicker@arr`` are lists
of them. ``c`` is the last price (``p`` is the day's *change*), ``Q`` the last trade's quantity,
``C`` the moment the statistics stand for, ``E`` the moment they were sent::

    {"e": "24hrTicker", "E": 1633998517089, "s": "NKNUSDT", "p": "0.0015", "c": "0.3521",
     "Q": "10", "v": "10000", "O": 1633912117085, "C": 1633998517085, "L": 30517091}

Times are milliseconds, or microseconds when the stream was opened with ``timeUnit=MICROSECOND``.
REST tickers (``{"symbol": "NKNUSDT", "lastPrice": "0.3521", "closeTime": ...}``) are read too.
A fill in an ``executionReport`` is the same trade as the public one, with the same id.
Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import milliseconds_or_microseconds as _moment
from lambdas.domain.numbers import shown
from lambdas.domain.payloads import mapping, required, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import InvalidTick, NoTick

CODES = Codes(
    aliases={"YOYO": "YOYOW"},
    quotes=(
        "USDT USDC BUSD FDUSD TUSD USDP PAX USDS USD1 USDE DAI VAI UST BTC ETH BNB TRX XRP DOGE SOL"
        " EUR EURI AEUR GBP AUD TRY RUB BRL BIDR IDRT BKRW BVND UAH NGN ZAR ARS PLN RON CZK MXN COP"
        " JPY GYEN"
    ),
    # Binance.US trades against dollars; on binance.com a name that ends with USD is ...BUSD.
    rare_quotes="USD U",
)

# A tuple: what is looked up may be a list, which no set takes.
_TICKERS = ("24hrTicker", "24hrMiniTicker", "1hTicker", "4hTicker", "1dTicker")
_IGNORED = {
    "bookTicker": "quote",
    "depthUpdate": "order-book",
    "kline": "candle",
    "continuous_kline": "derivative",
    "markPriceUpdate": "derivative",
    "indexPriceUpdate": "derivative",
    "markPrice": "derivative",
    "forceOrder": "derivative",
    "compositeIndex": "derivative",
    "contractInfo": "derivative",
    "assetIndexUpdate": "derivative",
    "openInterest": "derivative",
    "avgPrice": "average",
    "referencePrice": "average",
    "serverShutdown": "control",
    "eventStreamTerminated": "control",
    "listenKeyExpired": "control",
    "listStatus": "private",
    "balanceUpdate": "private",
    "externalLockUpdate": "private",
    "outboundAccountPosition": "private",
}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if isinstance(message, dict):  # a combined stream, or the WebSocket API's user data
        if "stream" in message and "data" in message:
            message = message["data"]
        elif "subscriptionId" in message and "event" in message:
            message = message["event"]
    if isinstance(message, list):
        for entry in message:
            yield _entry, entry
    elif isinstance(message, dict):
        if _is_control(message):
            raise NoTick("control")
        if not message.keys() & {"e", "s", "symbol", "lastUpdateId"}:
            raise unrecognised(message)
        yield _entry, message
    else:
        raise unrecognised(message)


def _is_control(message: dict[str, object]) -> bool:
    return "e" not in message and ("result" in message or "error" in message or "id" in message)


def _entry(value: object) -> Print:
    entry = mapping(value, "an entry")
    event = entry.get("e")
    if event == "trade":
        return _trade(entry, required(entry, "t"), "")
    if event == "aggTrade":
        return _trade(entry, required(entry, "a"), "agg")
    if event in _TICKERS:
        return _ticker(entry)
    if event == "executionReport":
        return _fill(entry)
    if isinstance(event, str):
        if event in _IGNORED:
            raise NoTick(_IGNORED[event])
        if event.isupper():  # accounts' events, most of them of futures
            raise NoTick("private")
    if event is None and ("lastPrice" in entry or "price" in entry):
        return _rest_ticker(entry)
    if event is None and ({"u", "s", "b", "a"} <= entry.keys() or "bidPrice" in entry):
        raise NoTick("quote")
    if event is None and "lastUpdateId" in entry:
        raise NoTick("order-book")
    raise InvalidTick("unrecognised-entry", f"event {shown(event)} is none that Binance documents")


def _trade(entry: dict[str, object], event_id: object, id_space: str) -> Print:
    traded = entry.get("T")
    return Print(
        "trade",
        _pair(text(entry, "s")),
        required(entry, "p"),
        required(entry, "q"),
        _moment(required(entry, "E") if traded is None else traded),
        "envelope" if traded is None else "tick",
        event_id,
        id_space,
    )


def _ticker(entry: dict[str, object]) -> Print:
    closed = entry.get("C")
    return Print(
        "ticker",
        _pair(text(entry, "s")),
        required(entry, "c"),
        entry.get("Q"),
        _moment(required(entry, "E") if closed is None else closed),
        "envelope" if closed is None else "tick",
        content=(entry["e"], entry.get("L")),
    )


def _fill(entry: dict[str, object]) -> Print:
    if entry.get("x") != "TRADE":
        raise NoTick("private")
    return Print(
        "trade",
        _pair(text(entry, "s")),
        required(entry, "L"),
        required(entry, "l"),
        _moment(required(entry, "T")),
        event_id=required(entry, "t"),
    )


def _rest_ticker(entry: dict[str, object]) -> Print:
    closed = entry.get("closeTime", entry.get("time"))
    return Print(
        "ticker",
        _pair(text(entry, "symbol")),
        required(entry, "lastPrice" if "lastPrice" in entry else "price"),
        entry.get("lastQty"),
        None if closed is None else _moment(closed),
        content=("24hr", entry.get("lastId")),
    )


def _pair(symbol: str) -> Pair:
    # Dated and perpetual futures are BTCUSD_PERP, BTCUSDT_220325; options BTC-220325-40000-C.
    if "_" in symbol or "-" in symbol:
        raise NoTick("derivative")
    return CODES.glued(symbol)
