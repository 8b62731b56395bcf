"""Our own documented JSON, for senders that are no venue: a tick, a list, ``{"ticks": [...]}``.

::

    {"symbol": "BTC/USD", "price": "97123.45", "size": "0.25", "time": "2024-11-22T04:33:20.125Z",
     "id": "77", "kind": "trade"}

=========== ========================================================================= =========
field       value                                                                     if absent
=========== ========================================================================= =========
``symbol``  pair parted by ``/``, ``-``, ``_`` or ``:``, or written together where    refused
            only one reading exists (``BTCUSD``), with or without ``VENUE:`` before;
            also as ``pair``, ``ticker`` or ``market``, or as ``base`` and ``quote``
``price``   decimal number, as a string or JSON number; also as ``last`` or ``close`` refused
``size``    base units traded; also as ``amount`` or ``quantity``                     unknown
``time``    RFC 3339, or seconds, milliseconds, microseconds or nanoseconds since     envelope,
            1970 told by magnitude; also as ``timestamp``, ``ts`` or ``timenow``      receipt
``id``      text or whole number, unique to the event; also as ``trade_id`` or        made of
            ``event_id``                                                              content
``kind``    ``trade`` or ``ticker``                                                   a trade if
                                                                                      sized
``exchange`` where the price is from; ids of different sources are kept apart         none
=========== ========================================================================= =========

``{"time": ..., "ticks": [...]}`` gives its time to ticks without one. ``volume`` is not read: it
is the volume of a bar or a day. A TradingView alert with this message fits as it is::

    {"ticker": "{{exchange}}:{{ticker}}", "close": {{close}}, "time": "{{timenow}}"}

Source: https://www.tradingview.com/support/solutions/43000531021/ (alert placeholders)
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import guessed, rfc3339
from lambdas.domain.numbers import shown
from lambdas.domain.payloads import mapping, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import InvalidTick, Kind, NoTick

CODES = Codes(
    quotes=(
        "USD EUR GBP JPY CHF CAD AUD NZD SGD HKD CNY KRW INR BRL TRY MXN ZAR USDT USDC BUSD TUSD"
        " FDUSD GUSD PYUSD RLUSD USDP USDE DAI BTC XBT ETH BNB SOL"
    )
)

_SYMBOL = ("symbol", "pair", "ticker", "market")
_PRICE = ("price", "last", "close")
_SIZE = ("size", "amount", "quantity")
_TIME = ("time", "timestamp", "ts", "timenow")
_ID = ("id", "trade_id", "event_id")
_CONTROL = {"ping", "pong", "heartbeat", "hello", "test"}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its ticks."""
    time: object = None
    if isinstance(message, dict) and "ticks" in message:
        time = _first(message, _TIME)
        message = sequence(message["ticks"], "'ticks'")
    if isinstance(message, list):
        for entry in message:
            yield _tick, entry, time
    elif isinstance(message, dict):
        kind = message.get("type")
        if isinstance(kind, str) and kind.lower() in _CONTROL and _first(message, _PRICE) is None:
            raise NoTick("control")
        if _first(message, (*_SYMBOL, *_PRICE, "base")) is None:
            raise unrecognised(message)
        yield _tick, message, None
    else:
        raise unrecognised(message)


def _tick(value: object, envelope_time: object) -> Print:
    entry = mapping(value, "a tick")
    source, pair = _market(entry)
    price = _first(entry, _PRICE)
    if price is None:
        raise InvalidTick("field-missing", "'price' is missing")
    size = _first(entry, _SIZE)
    time = _first(entry, _TIME)
    event_id = _first(entry, _ID)
    if event_id is not None and source:
        if isinstance(event_id, bool) or not isinstance(event_id, (str, int)):
            raise InvalidTick("id-malformed", f"the event id is {shown(event_id)}, expected text")
        event_id = f"{source}/{event_id}"
    return Print(
        _kind(entry, size),
        pair,
        price,
        size,
        _moment(envelope_time if time is None else time),
        "envelope" if time is None else "tick",
        event_id,
        content=(source, entry.get("side")),
    )


def _market(entry: dict[str, object]) -> tuple[str, Pair]:
    """Return where a tick is from, empty if it does not say, and its pair."""
    source = text(entry, "exchange") if entry.get("exchange") is not None else ""
    if entry.get("base") is not None and entry.get("quote") is not None:
        return source, CODES.pair(text(entry, "base"), text(entry, "quote"))
    name = _first(entry, _SYMBOL)
    if not isinstance(name, str):
        raise InvalidTick("field-missing", f"'symbol' is {shown(name)}, expected a pair")
    for separator in "/-_":
        if separator in name:
            before, colon, market = name.rpartition(":")
            return (before if colon else source), CODES.separated(market, separator)
    before, _, market = name.rpartition(":")
    # TradingView writes perpetuals BTCUSDT.P and continuous futures BTC1!
    if market.endswith((".P", "PERP", "!")):
        raise NoTick("derivative")
    try:
        return before or source, CODES.glued(market)
    except InvalidTick:
        if before and name.count(":") == 1:
            return source, CODES.separated(name, ":")
        raise


def _moment(token: object) -> int | None:
    if token is None:
        return None
    if isinstance(token, str) and "-" in token:
        return rfc3339(token)
    return guessed(token)


def _kind(entry: dict[str, object], size: object) -> Kind:
    kind = entry.get("kind")
    if kind is None:
        return "ticker" if size is None else "trade"
    if kind == "trade":
        return "trade"
    if kind == "ticker":
        return "ticker"
    raise InvalidTick("field-malformed", f"'kind' is {shown(kind)}, expected trade or ticker")


def _first(entry: dict[str, object], names: tuple[str, ...]) -> object:
    for name in names:
        value = entry.get(name)
        if value is not None:
            return value
    return None
