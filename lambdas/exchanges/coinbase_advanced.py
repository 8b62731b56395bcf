"""Coinbase Advanced Trade: batches of trades and tickers.

Channel ``market_trades``, a snapshot, then updates, newest first::

    {"channel": "market_trades", "timestamp": "2023-02-09T20:19:35.39625135Z", "sequence_num": 0,
     "events": [{"type": "snapshot", "trades": [{"trade_id": "12345", "product_id": "ETH-USD",
      "price": "1260.01", "size": "0.3", "side": "BUY", "time": "2019-08-14T20:42:27.265Z"}]}]}

Channels ``ticker`` and ``ticker_batch``: a ticker has no time of its own, the envelope's has up to
nine fractional digits::

    {"channel": "ticker", "timestamp": "2023-02-09T20:30:37.167359596Z", "sequence_num": 0,
     "events": [{"type": "snapshot", "tickers": [{"type": "ticker", "product_id": "BTC-USD",
      "price": "21932.98", "volume_24_h": "16038.28770938"}]}]}

The REST answer ``{"trades": [...]}`` holds the same trades. A subscription to a -USDC product is
answered from the -USD book, and the message says so.
Source: https://docs.cdp.coinbase.com/advanced-trade/docs/ws-channels
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import rfc3339
from lambdas.domain.payloads import mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print, refused
from lambdas.domain.ticks import InvalidTick, NoTick
from lambdas.exchanges.coinbase_exchange import pair

_IGNORED = {
    "subscriptions": "control",
    "heartbeats": "control",
    "heartbeat": "control",
    "status": "control",
    "l2_data": "order-book",
    "level2": "order-book",
    "candles": "candle",
    "user": "private",
    "futures_balance_summary": "private",
}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if not isinstance(message, dict):
        raise unrecognised(message)
    channel = message.get("channel")
    if channel == "market_trades":
        yield from _events(message, "trades", _trade)
    elif channel in ("ticker", "ticker_batch"):
        yield from _events(message, "tickers", _ticker, message.get("timestamp"))
    elif isinstance(channel, str) and channel in _IGNORED:
        raise NoTick(_IGNORED[channel])
    elif message.get("type") in ("error", "subscribe", "unsubscribe"):
        raise NoTick("control")
    elif channel is None and "trades" in message:
        for trade in sequence(message["trades"], "'trades'"):
            yield _trade, trade
    else:
        raise unrecognised(message)


def _events(
    message: dict[str, object], name: str, parser: object, *context: object
) -> Iterator[Part]:
    for event in sequence(required(message, "events"), "'events'"):
        try:
            entries = sequence(required(mapping(event, "an event"), name), f"{name!r}")
        except InvalidTick as error:
            yield refused, error
        else:
            for entry in entries:
                yield parser, entry, *context


def _trade(value: object) -> Print:
    trade = mapping(value, "a trade")
    return Print(
        "trade",
        pair(text(trade, "product_id")),
        required(trade, "price"),
        required(trade, "size"),
        rfc3339(required(trade, "time")),
        event_id=required(trade, "trade_id"),
    )


def _ticker(value: object, sent: object) -> Print:
    ticker = mapping(value, "a ticker")
    return Print(
        "ticker",
        pair(text(ticker, "product_id")),
        required(ticker, "price"),
        time=None if sent is None else rfc3339(sent),
        time_source="envelope",
    )
