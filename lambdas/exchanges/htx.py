"""HTX (formerly Huobi) spot: trades in batches, and tickers of one market or of all.

Prices and amounts are JSON numbers, often with an exponent. The venue sends gzip frames; what is
posted is their content. The pair stands in the channel's name, in lower case.

``market.<pair>.trade.detail``; ``tradeId`` numbers the trades, ``id`` is an older number of up to
25 digits and counts only where ``tradeId`` is missing::

    {"ch": "market.omgbtc.trade.detail", "ts": 1618678031717, "tick": {"id": 101027219534,
     "ts": 1618678031715, "data": [{"id": 101027219534255757415994639, "ts": 1618678031715,
      "tradeId": 100179528705, "amount": 1.5862, "price": 1.58E-4, "direction": "sell"}]}}

``market.<pair>.ticker``, ``market.<pair>.detail`` and ``market.tickers``, the time on the
envelope; ``amount`` and ``vol`` are a day's::

    {"ch": "market.btcusdt.ticker", "ts": 1630982370526, "tick": {"close": 52735.63,
     "amount": 13259.24137056181, "lastPrice": 52735.63, "lastSize": 0.03}}
    {"ch": "market.tickers", "ts": 1722857569936, "data": [{"symbol": "sylousdt",
     "close": 8.97E-4, "amount": 6.033648738732E8}]}

A fill of one's own order (``trade.clearing``) is the public trade with the same id.
Source: https://www.htx.com/en-us/opend/newApiPages/?id=7ec53b2f-7773-11ed-9966-0242ac110003
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import MILLISECOND, epoch
from lambdas.domain.payloads import mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import NoTick

CODES = Codes(
    # Codes that other assets bear elsewhere.
    aliases={
        "NGL": "GFNGL",
        "GET": "THEMIS",
        "GTC": "GAMECOM",
        "HIT": "HITCHAIN",
        "PNT": "PENTA",
        "SBTC": "SUPERBITCOIN",
        "SOUL": "SOULSAVER",
        "BIFI": "BITCOINFILE",
    },
    quotes="USDT HUSD USDC USDD TUSD USD1 USDE BTC ETH HT TRX EUR GBP TRY BRL RUB UAH",
)

_IGNORED = {
    "bbo": "quote",
    "depth": "order-book",
    "mbp": "order-book",
    "kline": "candle",
    "etp": "derivative",
}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if not isinstance(message, dict):
        raise unrecognised(message)
    channel = message.get("ch", message.get("rep"))
    update = message.get("data") if message.get("action") == "push" else message
    if isinstance(update, dict) and update.get("eventType") == "trade":
        yield _fill, update
        return
    if channel is None:
        if message.keys() & {"ping", "pong", "subbed", "unsubbed", "op", "action", "err-code"}:
            raise NoTick("control")
        raise unrecognised(message)
    if not isinstance(channel, str):
        raise unrecognised(message)
    sent = message.get("ts")
    if channel == "market.tickers":
        for entry in sequence(message.get("data"), "'data'"):
            yield _listed, entry, sent
        return
    family, _, rest = channel.partition(".")
    name, _, topic = rest.partition(".")
    if family != "market":
        raise NoTick("control" if "action" not in message else "private")
    if _is_derivative(name):
        raise NoTick("derivative")
    if topic == "trade.detail":
        for trade in sequence(_trades(message), "'data'"):
            yield _trade, trade, name, sent
    elif topic in ("detail", "ticker"):
        yield _ticker, message.get("tick", message.get("data")), name, sent
    elif topic.partition(".")[0] in _IGNORED:
        raise NoTick(_IGNORED[topic.partition(".")[0]])
    else:
        raise unrecognised(message)


def _trades(message: dict[str, object]) -> object:
    """Return the trades of a push, under ``tick``, or of the answer to a request."""
    if "tick" in message:
        return required(mapping(message["tick"], "'tick'"), "data")
    return message.get("data")


def _trade(value: object, name: str, sent: object) -> Print:
    trade = mapping(value, "a trade")
    trade_id = trade.get("tradeId", trade.get("trade-id"))
    time = trade.get("ts")
    return Print(
        "trade",
        _pair(name),
        required(trade, "price"),
        required(trade, "amount"),
        _moment(sent if time is None else time),
        "envelope" if time is None else "tick",
        required(trade, "id") if trade_id is None else trade_id,
        "old" if trade_id is None else "",
    )


def _fill(fill: dict[str, object]) -> Print:
    return Print(
        "trade",
        _pair(text(fill, "symbol")),
        required(fill, "tradePrice"),
        required(fill, "tradeVolume"),
        _moment(required(fill, "tradeTime")),
        event_id=required(fill, "tradeId"),
    )


def _ticker(value: object, name: str, sent: object) -> Print:
    ticker = mapping(value, "'tick'")
    last = ticker.get("lastPrice")
    return Print(
        "ticker",
        _pair(name),
        required(ticker, "close") if last is None else last,
        ticker.get("lastSize"),
        _moment(sent),
        "envelope",
    )


def _listed(value: object, sent: object) -> Print:
    return _ticker(value, text(mapping(value, "a ticker"), "symbol"), sent)


def _moment(token: object) -> int | None:
    return None if token is None else epoch(token, MILLISECOND)


def _pair(name: str) -> Pair:
    if _is_derivative(name):
        raise NoTick("derivative")
    return CODES.glued(name)


def _is_derivative(name: str) -> bool:
    # Swaps are BTC-USDT, futures BTC_CQ and BTC220624; spot names are lower case and plain.
    return "-" in name or "_" in name or name != name.lower()
