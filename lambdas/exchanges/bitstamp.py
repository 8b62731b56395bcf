"""Bitstamp spot: live trades, one to a message.

Channel ``live_trades_<pair>``; the pair stands in the channel's name alone. Prices and amounts
come as JSON numbers and as strings, the times as seconds and microseconds::

    {"event": "trade", "channel": "live_trades_ethusd", "data": {"id": 216000485,
     "timestamp": "1641343709", "microtimestamp": "1641343709599000", "amount": 3.2394864,
     "amount_str": "3.23948640", "price": 3802.89, "price_str": "3802.89", "type": 1}}

The list that REST's ``/api/v2/ticker/`` answers (``[{"pair": "BTC/USD", "last": "2211.00",
"timestamp": "1643640186"}]``) is read as tickers.
Source: https://www.bitstamp.net/websocket/v2/
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import MICROSECOND, SECOND, epoch
from lambdas.domain.payloads import mapping, required, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes
from lambdas.domain.ticks import InvalidTick, NoTick

CODES = Codes(
    aliases={"UST": "USTC"},
    quotes="USD EUR GBP BTC ETH USDT USDC PAX PYUSD RLUSD EURC EURCV EURT DAI",
)

_IGNORED = {
    "live_orders": "order-book",
    "order_book": "order-book",
    "detail_order_book": "order-book",
    "diff_order_book": "order-book",
    "funding_rate": "derivative",
    "private-my_orders": "private",
    "private-my_trades": "private",
    "private-live_trades": "private",
}


def parts(message: object) -> Iterator[Part]:
    """Yield the trade of a message, or the tickers of a list."""
    if isinstance(message, list):
        for entry in message:
            yield _ticker, entry
        return
    event = message.get("event") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(event, str):
        raise unrecognised(message)
    if event.startswith("bts:"):
        raise NoTick("control")
    channel = text(message, "channel")
    family, _, name = channel.rpartition("_")
    if event == "trade" and family == "live_trades":
        yield _trade, message.get("data"), name
    elif family in _IGNORED:
        raise NoTick(_IGNORED[family])
    elif channel.startswith("private-"):
        raise NoTick("private")
    else:
        raise unrecognised(message)


def _trade(value: object, name: str) -> Print:
    if name.endswith("-perp"):
        raise NoTick("derivative")
    trade = mapping(value, "'data'")
    price = trade.get("price_str")
    size = trade.get("amount_str")
    microseconds = trade.get("microtimestamp")
    return Print(
        "trade",
        CODES.glued(name),
        required(trade, "price") if price is None else price,
        required(trade, "amount") if size is None else size,
        epoch(required(trade, "timestamp"), SECOND)
        if microseconds is None
        else epoch(microseconds, MICROSECOND),
        event_id=required(trade, "id"),
    )


def _ticker(value: object) -> Print:
    ticker = mapping(value, "a ticker")
    name = text(ticker, "pair")
    if "-" in name:
        raise NoTick("derivative")
    if "last" not in ticker:
        raise InvalidTick("field-missing", "'last' is missing")
    return Print(
        "ticker",
        CODES.separated(name, "/"),
        required(ticker, "last"),
        None,
        epoch(required(ticker, "timestamp"), SECOND),
    )
