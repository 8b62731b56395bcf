"""OKX spot: trades and tickers, in batches.

Channels ``trades`` (fills of one taker order at one price, ``count`` of them, under the last
one's id) and ``trades-all`` (every fill)::

    {"arg": {"channel": "trades", "instId": "BTC-USDT"}, "data": [{"instId": "BTC-USDT",
     "tradeId": "338476309", "px": "30243.5", "sz": "0.0002", "side": "buy", "count": "1",
     "ts": "1652459226050"}]}

Channel ``tickers``; ``last`` is empty where nothing was traded yet::

    {"arg": {"channel": "tickers", "instId": "BTC-USDT"}, "data": [{"instType": "SPOT",
     "instId": "BTC-USDT", "last": "30243.5", "lastSz": "0.00684062", "vol24h": "17602.1",
     "ts": "1652459226124"}]}

REST answers (``{"code": "0", "data": [...]}``) and version 3 (``{"table": "spot/trade"}``, told by
its ``instrument_id``) hold the same entries. A trade that stands for several fills is a different
event from the fill whose id it bears: ``agg:<id>``.
Source: https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel
"""

from __future__ import annotations

from collections.abc import Iterator

from lambdas.domain.moments import MILLISECOND, epoch, rfc3339
from lambdas.domain.payloads import mapping, required, sequence, text, unrecognised
from lambdas.domain.prints import Part, Print
from lambdas.domain.symbols import Codes, Pair
from lambdas.domain.ticks import NoTick

CODES = Codes(aliases={"AE": "AET"})

_IGNORED = {
    "bbo-tbt": "quote",
    "block-tickers": "other-channel",
    "index-tickers": "index",
    "mark-price": "derivative",
    "funding-rate": "derivative",
    "open-interest": "derivative",
    "estimated-price": "derivative",
    "opt-summary": "derivative",
    "option-trades": "derivative",
    "liquidation-orders": "derivative",
    "liquidation-warning": "derivative",
    "adl-warning": "derivative",
    "price-limit": "control",
    "instruments": "control",
    "status": "control",
    "economic-calendar": "control",
    "account": "private",
    "balance_and_position": "private",
    "fills": "private",
    "positions": "private",
    "orders": "private",
}
_IGNORED_FAMILIES = {
    "books": "order-book",
    "sprd-": "derivative",
    "candle": "candle",
    "index-candle": "index",
    "mark-price-candle": "derivative",
    "public-": "other-channel",
    "orders-": "private",
    "algo-": "private",
    "grid-": "private",
    "copytrading-": "private",
    "deposit-": "private",
    "withdrawal-": "private",
    "account-": "private",
}


def parts(message: object) -> Iterator[Part]:
    """Split a message into its trades and tickers."""
    if not isinstance(message, dict):
        raise unrecognised(message)
    if "event" in message or "op" in message:
        raise NoTick("control")
    if "data" not in message:
        raise unrecognised(message)
    if "table" in message:
        parser = {"trade": _v3_trade, "ticker": _v3_ticker}.get(_v3_channel(message["table"]))
        if parser is None:
            raise NoTick("other-channel")
    elif "arg" in message:
        channel = text(mapping(message["arg"], "'arg'"), "channel")
        parser = {"trades": _entry, "trades-all": _entry, "tickers": _entry}.get(channel)
        if parser is None:
            raise _ignored(channel) or unrecognised(message)
    elif "code" in message:
        parser = _entry
    else:
        raise unrecognised(message)
    for entry in sequence(message["data"], "'data'"):
        yield parser, entry


def _ignored(channel: str) -> NoTick | None:
    if channel in _IGNORED:
        return NoTick(_IGNORED[channel])
    for family, reason in _IGNORED_FAMILIES.items():
        if channel.startswith(family):
            return NoTick(reason)
    return None


def _entry(value: object) -> Print:
    entry = mapping(value, "an entry")
    if "asks" in entry:
        raise NoTick("order-book")
    return _trade(entry) if "px" in entry else _ticker(entry)


def _trade(entry: dict[str, object]) -> Print:
    return Print(
        "trade",
        _pair(text(entry, "instId"), "SPOT"),
        required(entry, "px"),
        required(entry, "sz"),
        epoch(required(entry, "ts"), MILLISECOND),
        event_id=required(entry, "tradeId"),
        id_space="" if entry.get("count") in (None, "1", 1, "0", 0, "") else "agg",
    )


def _ticker(entry: dict[str, object]) -> Print:
    pair = _pair(text(entry, "instId"), entry.get("instType", "SPOT"))
    if required(entry, "last") == "":
        raise NoTick("no-price")
    return Print(
        "ticker",
        pair,
        entry["last"],
        entry.get("lastSz") or None,
        epoch(required(entry, "ts"), MILLISECOND),
    )


def _v3_channel(table: object) -> str:
    family, _, channel = table.partition("/") if isinstance(table, str) else ("", "", "")
    if family != "spot":
        raise NoTick("derivative")
    return channel


def _v3_trade(value: object) -> Print:
    entry = mapping(value, "a trade")
    return Print(
        "trade",
        _pair(text(entry, "instrument_id"), "SPOT"),
        required(entry, "price"),
        required(entry, "size"),
        rfc3339(required(entry, "timestamp")),
        event_id=required(entry, "trade_id"),
    )


def _v3_ticker(value: object) -> Print:
    entry = mapping(value, "a ticker")
    return Print(
        "ticker",
        _pair(text(entry, "instrument_id"), "SPOT"),
        required(entry, "last"),
        entry.get("last_qty") or None,
        rfc3339(required(entry, "timestamp")),
    )


def _pair(instrument: str, kind: object) -> Pair:
    # Futures are BTC-USD-220527, swaps BTC-USD-SWAP, options BTC-USD-220304-32000-P.
    if kind not in ("SPOT", "MARGIN") or instrument.count("-") > 1:
        raise NoTick("derivative")
    return CODES.separated(instrument, "-")
