"""Coinbase Exchange: matches and tickers, one to a message.

Channel ``matches`` (``last_match`` is the first after subscribing)::

    {"type": "match", "trade_id": 280232, "sequence": 177100030, "product_id": "SKL-BTC",
     "size": "985", "price": "0.00001305", "side": "sell", "time": "2021-04-17T16:43:37.089723Z"}

Channels ``ticker`` and ``ticker_batch``: ``last_size`` is the last trade's size, and
``trade_id`` its id; the very first ticker of a product may lack both and the time::

    {"type": "ticker", "sequence": 27883326, "product_id": "SKL-GBP", "price": "0.5752",
     "volume_24h": "3479861.10000000", "time": "2021-04-17T16:43:29.571587Z",
     "trade_id": 82007, "last_size": "1008.2"}

Source: https://docs.cdp.coinbase.com/exchange/docs/websocket-channels
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import rfc3339
from lambdas.domain.payloads import required, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import NoTick

CODES = Codes(aliases={"CGLD": "CELO"})

_IGNORED = {
    "subscriptions": "control",
    "subscribe": "control",
    "unsubscribe": "control",
    "heartbeat": "control",
    "status": "control",
    "error": "control",
    "snapshot": "order-book",
    "l2update": "order-book",
    "received": "order-book",
    "open": "order-book",
    "done": "order-book",
    "change": "order-book",
    "activate": "order-book",
    "noop": "order-book",
    "auction": "order-book",
    "level3": "order-book",
    "balance": "private",
}


def parts(message: object) -> Iterator[Part]:
    """Yield the one trade or ticker of a message."""
    kind = message.get("type") if isinstance(message, dict) else None
    if kind in ("match", "last_match", "rfq_match"):
        yield _match, message
    elif kind == "ticker":
        yield _ticker, message
    elif isinstance(kind, str) and kind in _IGNORED:
        raise NoTick(_IGNORED[kind])
    else:
        raise unrecognised(message)


def _match(entry: dict[str, object]) -> Print:
    return Print(
        "trade",
        pair(text(entry, "product_id")),
        required(entry, "price"),
        required(entry, "size"),
        rfc3339(required(entry, "time")),
        event_id=required(entry, "trade_id"),
    )


def _ticker(entry: dict[str, object]) -> Print:
    time = entry.get("time")
    trade_id = entry.get("trade_id")
    return Print(
        "ticker",
        pair(text(entry, "product_id")),
        required(entry, "price"),
        entry.get("last_size"),
        None if time is None else rfc3339(time),
        event_id=entry.get("sequence") if trade_id is None else trade_id,
        id_space="seq" if trade_id is None else "",
    )


def pair(product: str) -> Pair:
    """Return the pair of a product id, at Coinbase Exchange and Coinbase Advanced alike.

    Perpetuals are BTC-PERP or BTC-PERP-INTX, dated futures BIT-26JUL24-CDE.
    """
    if product.count("-") > 1 or product.endswith("-PERP"):
        raise NoTick("derivative")
    return CODES.separated(product, "-")
