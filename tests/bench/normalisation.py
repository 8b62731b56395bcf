"""Reading venues' messages: CPU a tick from the body's bytes to normalised ticks.

Ours does everything that the processor does with a body: guards against hostile JSON, exact
decimals, the pair, the time windows, the event's identity and its 38-digit key. ccxt is given the
parsed JSON's entries and its market; it answers with floats. msgspec and pydantic decode the same
bytes into typed structures with decimals and do nothing else: no pair, no bounds, no key.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    """How ccxt reads a venue's trades: its class, its method, and where the entries stand."""

    exchange: str
    method: str
    market: str
    entries: Callable[[Any], list[Any]]
    batched: bool = False


VENUES = {
    "binance": Venue("binance", "parse_ws_trade", "BTCUSDT", lambda message: [message]),
    "bitstamp": Venue("bitstamp", "parse_ws_trade", "ethusd", lambda message: [message["data"]]),
    "bybit": Venue(
        "bybit", "parse_ws_trade", "BTCUSDT", lambda message: message["data"], batched=True
    ),
    "coinbase_exchange": Venue(
        "coinbaseexchange", "parse_ws_trade", "BTC-USD", lambda message: [message]
    ),
    "gate": Venue("gate", "parse_trade", "DIS_USDT", lambda message: [message["result"]]),
    "gemini": Venue("gemini", "parse_ws_trade", "filusd", lambda message: [message]),
    "htx": Venue(
        "htx", "parse_trade", "omgbtc", lambda message: message["tick"]["data"], batched=True
    ),
    "kraken": Venue("kraken", "parse_trade", "XMR/USD", lambda message: message[1], batched=True),
    "kucoin": Venue("kucoin", "parse_ws_trade", "BTC-USDT", lambda message: [message["data"]]),
    "okx": Venue("okx", "parse_trade", "BTC-USDT", lambda message: message["data"], batched=True),
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
    }
    if name in ("binance", "okx"):
        found["msgspec"] = lambda: _msgspec(name, body)
        found["pydantic"] = lambda: _pydantic(name, body)
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


BINANCE = {"e": str, "E": int, "s": str, "t": int, "p": Decimal, "q": Decimal, "T": int}
OKX_ENTRY = {"instId": str, "tradeId": str, "px": Decimal, "sz": Decimal, "side": str, "ts": int}
"""The fields of a trade and their types, as one would declare them."""


def _msgspec(name: str, body: bytes) -> Callable[[], object]:
    import msgspec

    if name == "binance":
        form: Any = msgspec.defstruct("Trade", list(BINANCE.items()))
    else:
        entry = msgspec.defstruct("Entry", list(OKX_ENTRY.items()))
        form = msgspec.defstruct(
            "Trades", [("arg", dict[str, str]), ("data", GenericAlias(list, (entry,)))]
        )
    decode = msgspec.json.Decoder(form, strict=False).decode
    return lambda: decode(body)


def _pydantic(name: str, body: bytes) -> Callable[[], object]:
    import pydantic

    def model(title: str, fields: Mapping[str, Any]) -> Any:
        return pydantic.create_model(title, **{key: (of, ...) for key, of in fields.items()})

    if name == "binance":
        form = model("Trade", BINANCE)
    else:
        entry = model("Entry", OKX_ENTRY)
        form = model("Trades", {"arg": dict[str, str], "data": GenericAlias(list, (entry,))})
    validate = form.model_validate_json
    return lambda: validate(body)
