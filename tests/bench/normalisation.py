"""Reading venues' messages: CPU a tick from the body's bytes to normalised ticks.

Every subject is given the same bytes and reads the same entries.

* *ours* does everything that the processor does with a body: guards against hostile JSON, exact
  decimals within bounds, the pair, the time windows, the event's identity, its 38-digit key.
* *ccxt* is ``json.loads``, then the exchange's own trade parser with its market at hand: a dict of
  floats and texts, no bounds, no key.
* *msgspec* and *pydantic* decode the bytes into typed structures with decimals and integers and do
  nothing else: no pair, no bounds, no time from a text, no key.
* *json alone* is ``json.loads`` and nothing else: what a reader on the standard library, as ccxt
  and ours are, cannot get below.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import GenericAlias
from typing import Any

from lambdas import exchanges
from lambdas.domain.ticks import Limits
from tests.bench.figures import Aim, Figure, Spread, ratios
from tests.bench.timing import Preparation, interleaved
from tests.exchanges.fixtures import of_venue

BATCH = 25
CCXT_AIM = Aim(">=", 4)
LIMITS = Limits(past_window_ms=None, future_window_ms=None)
RECEIVED_AT = 1_732_250_010_000


@dataclass(frozen=True)
class Venue:
    """How others read a venue's trades.

    Of ccxt the class, its method, and where the entries stand. ``form`` is what one would declare
    of the message: a dict is an object's fields, a list holds its one entry's form, a tuple its
    elements' forms.
    """

    exchange: str
    method: str
    market: str
    entries: Callable[[Any], list[Any]]
    form: Any
    batched: bool = False


TRADE = {"price": Decimal, "size": Decimal, "side": str}
"""The fields that most venues call alike."""

VENUES = {
    "binance": Venue(
        "binance",
        "parse_ws_trade",
        "BTCUSDT",
        lambda message: [message],
        {"e": str, "E": int, "s": str, "t": int, "p": Decimal, "q": Decimal, "T": int},
    ),
    "bitstamp": Venue(
        "bitstamp",
        "parse_ws_trade",
        "ethusd",
        lambda message: [message["data"]],
        {
            "channel": str,
            "data": {"id": int, "microtimestamp": int, "amount_str": Decimal, "price_str": Decimal},
        },
    ),
    "bybit": Venue(
        "bybit",
        "parse_ws_trade",
        "BTCUSDT",
        lambda message: message["data"],
        {"topic": str, "data": [{"T": int, "s": str, "v": Decimal, "p": Decimal, "i": str}]},
        batched=True,
    ),
    "coinbase_exchange": Venue(
        "coinbaseexchange",
        "parse_ws_trade",
        "BTC-USD",
        lambda message: [message],
        {**TRADE, "type": str, "trade_id": int, "product_id": str, "time": datetime},
    ),
    "gate": Venue(
        "gate",
        "parse_trade",
        "DIS_USDT",
        lambda message: [message["result"]],
        {
            "channel": str,
            "result": {
                "id": int,
                "create_time_ms": Decimal,
                "currency_pair": str,
                "amount": Decimal,
                "price": Decimal,
                "side": str,
            },
        },
    ),
    "gemini": Venue(
        "gemini",
        "parse_ws_trade",
        "filusd",
        lambda message: [message],
        {"symbol": str, "event_id": int, "timestamp": int, "price": Decimal, "quantity": Decimal},
    ),
    "htx": Venue(
        "htx",
        "parse_trade",
        "omgbtc",
        lambda message: message["tick"]["data"],
        {
            "ch": str,
            "tick": {"data": [{"ts": int, "tradeId": int, "amount": Decimal, "price": Decimal}]},
        },
        batched=True,
    ),
    "kraken": Venue(
        "kraken",
        "parse_trade",
        "XMR/USD",
        lambda message: message[1],
        (int, [(Decimal, Decimal, Decimal, str, str, str)], str, str),
        batched=True,
    ),
    "kucoin": Venue(
        "kucoin",
        "parse_ws_trade",
        "BTC-USDT",
        lambda message: [message["data"]],
        {"topic": str, "data": {**TRADE, "symbol": str, "time": int, "tradeId": str}},
    ),
    "okx": Venue(
        "okx",
        "parse_trade",
        "BTC-USDT",
        lambda message: message["data"],
        {
            "arg": {"channel": str},
            "data": [{"instId": str, "tradeId": str, "px": Decimal, "sz": Decimal, "ts": int}],
        },
        batched=True,
    ),
}
"""The venues that both read from the same message; a batched one puts several entries into one."""


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Measure every venue, single and batched."""
    figures: list[Figure] = []
    for name, venue in VENUES.items():
        for entries in (1, BATCH) if venue.batched else (1,):
            body = message(name, venue, entries)
            times = interleaved(
                subjects(name, venue, body),
                5 if quick else 15,
                lambda text, name=name: progress(f"{name}: {text}"),  # type: ignore[misc]
                least_ns=2_000_000,
            )
            figures += judged(f"reading {name}, {entries} a message", entries, times)
    return figures


def judged(group: str, entries: int, times: Mapping[str, list[float]]) -> list[Figure]:
    """Return CPU a tick of each subject and how many times ours the others take."""
    figures = [
        Figure(group, subject, "µs a tick", Spread.of([time / entries / 1000 for time in taken]))
        for subject, taken in times.items()
    ]
    for peer in times.keys() - {"ours"}:
        spread = Spread.of(ratios(times[peer], times["ours"]))
        aim = CCXT_AIM if peer == "ccxt" else None
        figures.append(Figure(group, f"{peer} / ours", "×", spread, aim))
    return sorted(figures, key=lambda figure: (figure.unit == "×", figure.subject))


def message(name: str, venue: Venue, entries: int) -> bytes:
    """Return a venue's trade message with so many entries, from the project's fixtures."""
    fixture = next(
        one
        for one in of_venue(name)
        if one.ticks and one.ticks[0][0] == "trade" and not one.ignored and not one.refused
    )
    content = json.loads(fixture.body)
    held = venue.entries(content)
    if venue.batched:
        first = held[0]
        held[:] = [copy.deepcopy(first) for _ in range(entries)]
    body = json.dumps(content).encode()
    read = exchanges.read(name, body, RECEIVED_AT, LIMITS)
    if len(read.ticks) != entries or read.refused or read.ignored:
        raise RuntimeError(f"{name}'s message was read to {read}, expected {entries} ticks")
    return body


def subjects(name: str, venue: Venue, body: bytes) -> dict[str, Preparation]:
    """Return who reads the message."""
    found: dict[str, Preparation] = {
        "ours": lambda: lambda: exchanges.read(name, body, RECEIVED_AT, LIMITS),
        "ccxt": lambda: _ccxt(venue, body),
        "msgspec": lambda: _decoded(_msgspec, venue, body),
        "pydantic": lambda: _decoded(_pydantic, venue, body),
        "json alone": lambda: lambda: json.loads(body),
    }
    return found


def _ccxt(venue: Venue, body: bytes) -> Callable[[], object]:
    import ccxt.pro

    exchange = getattr(ccxt.pro, venue.exchange)()
    market = exchange.safe_market_structure(
        {"id": venue.market, "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
        | {"type": "spot", "spot": True, "contract": False}
    )
    exchange.markets = {"BTC/USDT": market}
    exchange.markets_by_id = {venue.market: [market]}
    parse, entries = getattr(exchange, venue.method), venue.entries

    def work() -> list[Any]:
        return [parse(entry, market) for entry in entries(json.loads(body))]

    if any(trade["price"] is None or trade["timestamp"] is None for trade in work()):
        raise RuntimeError(f"ccxt's {venue.exchange}.{venue.method} does not read this message")
    return work


def _decoded(
    library: Callable[[Any], Callable[[bytes], Any]], venue: Venue, body: bytes
) -> Callable[[], object]:
    decode = library(venue.form)
    decode(body)  # raises where the form is not the message's
    return lambda: decode(body)


def _msgspec(form: Any) -> Callable[[bytes], Any]:
    import msgspec

    decoder = msgspec.json.Decoder(_typed(form, msgspec.defstruct), strict=False)
    return decoder.decode  # type: ignore[no-any-return]


def _pydantic(form: Any) -> Callable[[bytes], Any]:
    import pydantic

    def model(title: str, fields: list[tuple[str, Any]]) -> Any:
        return pydantic.create_model(title, **{name: (of, ...) for name, of in fields})

    return pydantic.TypeAdapter(_typed(form, model)).validate_json  # type: ignore[no-any-return]


def _typed(form: Any, structure: Callable[[str, list[tuple[str, Any]]], Any]) -> Any:
    """Return a form as a type, its objects made by a library's ``structure(name, fields)``."""
    if isinstance(form, dict):
        return structure("Form", [(name, _typed(of, structure)) for name, of in form.items()])
    if isinstance(form, list):
        return GenericAlias(list, (_typed(form[0], structure),))
    if isinstance(form, tuple):
        return GenericAlias(tuple, tuple(_typed(of, structure) for of in form))
    return form
