"""Gemini spot: trades, and the fifty past ones that open a ``l2_updates`` subscription.

Market data version 2::

    {"type": "trade", "symbol": "FILUSD", "event_id": 45465843007, "timestamp": 1624493681031,
     "price": "58.5129", "quantity": "56.000023", "side": "buy"}
    {"type": "l2_updates", "symbol": "BTCGUSD", "changes": [["buy", "302.75", "0.00001"]],
     "trades": [{"type": "trade", "symbol": "BTCGUSD", "event_id": 45465843007, ...}]}

Version 1 (``multimarketdata``), the trade id under ``tid``, the time on the envelope::

    {"type": "update", "eventId": 1683002242170204, "timestampms": 1683002242170, "events":
     [{"type": "trade", "symbol": "ETHUSD", "tid": 1683002242170204, "price": "2299.24",
       "amount": "0.002662", "makerSide": "bid"}]}

The stream API's ``<symbol>@trade`` (https://developer.gemini.com), the time in nanoseconds::

    {"E": 1732250000031000000, "s": "btcusd", "t": 2840140956529623, "p": "97690.89",
     "q": "0.51", "m": true}

``USD`` is also the end of ``GUSD``: BTCGUSD is BTC/GUSD, PAXGUSD is PAXG/USD.
Source: https://docs.gemini.com/websocket/market-data/v2/about
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import MILLISECOND, SECOND, epoch, guessed
from lambdas.domain.payloads import mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import NoTick, TimeSource

CODES = Codes(
    quotes="USD GUSD USDT USDC RLUSD BTC ETH EUR GBP SGD DAI BCH LTC FIL DOGE SOL",
    markets={"PAXGUSD": ("PAXG", "USD")},
)

# A tuple: what is looked up may be a list, which no set takes.
_CONTROL = ("heartbeat", "subscription_ack", "subscribe", "unsubscribe", "subscribed", "error")
_BOOK = {"change", "block_trade", "auction_open", "auction_result", "auction_indicative"}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades."""
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(message, dict):
        raise unrecognised(message)
    if kind == "trade":
        yield _trade, message, message
    elif kind == "l2_updates":
        trades = message.get("trades")
        if not trades:
            raise NoTick("order-book")
        for trade in sequence(trades, "'trades'"):
            yield _trade, trade, message
    elif kind == "update":
        for event in sequence(required(message, "events"), "'events'"):
            yield _event, event, message
    elif kind is None and {"E", "s", "t", "p", "q"} <= message.keys():
        yield _streamed, message
    elif kind is None and {"s", "b", "a"} <= message.keys():
        raise NoTick("quote")
    elif isinstance(kind, str) and kind.startswith("candles_"):
        raise NoTick("candle")
    elif isinstance(kind, str) and (kind in _BOOK or kind == "top_of_book"):
        raise NoTick("quote" if kind == "top_of_book" else "order-book")
    elif isinstance(kind, str) and kind.endswith(("mark_price_updates", "funding_updates")):
        raise NoTick("derivative")
    elif kind in _CONTROL or message.get("result") in ("ok", "error"):
        raise NoTick("control")
    else:
        raise unrecognised(message)


def _event(value: object, envelope: dict[str, object]) -> Print:
    event = mapping(value, "an event")
    kind = event.get("type")
    if isinstance(kind, str) and kind in _BOOK:
        raise NoTick("order-book")
    return _trade(event, envelope)


def _trade(value: object, envelope: dict[str, object]) -> Print:
    trade = mapping(value, "a trade")
    size = trade.get("quantity")
    event_id = trade.get("event_id")
    time, time_source = _moment(trade, envelope)
    return Print(
        "trade",
        _pair(text(trade if "symbol" in trade else envelope, "symbol")),
        required(trade, "price"),
        required(trade, "amount") if size is None else size,
        time,
        time_source,
        required(trade, "tid") if event_id is None else event_id,
    )


def _streamed(trade: dict[str, object]) -> Print:
    return Print(
        "trade",
        _pair(text(trade, "s")),
        required(trade, "p"),
        required(trade, "q"),
        guessed(required(trade, "E")),
        event_id=required(trade, "t"),
    )


def _moment(trade: dict[str, object], envelope: dict[str, object]) -> tuple[int | None, TimeSource]:
    source: TimeSource = "tick"
    for holder in (trade, envelope):
        if holder.get("timestampms") is not None:
            return epoch(holder["timestampms"], MILLISECOND), source
        if holder.get("timestamp") is not None:
            # Version 1 counts seconds in a field that is milliseconds in version 2.
            unit = SECOND if "eventId" in holder else MILLISECOND
            return epoch(holder["timestamp"], unit), source
        source = "envelope"
    return None, "tick"


def _pair(symbol: str) -> Pair:
    if symbol.upper().endswith("PERP"):
        raise NoTick("derivative")
    return CODES.glued(symbol)
