"""A seeded market: trades that look like trades, in the messages the venues really send.

Each coin has one price for every moment, a Brownian motion whose time runs now fast, now slowly
(`price_at`), so that volatility clusters and two feeds that overlap agree. Every venue quotes it
with its own standing basis, its own half-spread and its own price step. The same seed, end and
size give the same messages, byte for byte. Into them go what real feeds bring along: a message
sent twice, late ones, control frames; and what somebody else may send: a forged signature, text
that is no JSON, a price below zero, a time in the future, a venue nobody knows.
"""

from __future__ import annotations

import functools
import json
import math
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from local.messages import Message

_YEAR_SECONDS = 365 * 86_400
_BLOCK_SECONDS = 2**16
_FINEST_SECONDS = 2**-6


@dataclass(frozen=True, slots=True)
class Market:
    """One pair at one venue: its price step, its standing basis and half-spread in basis points."""

    venue: str
    base: str
    quote: str
    step: str
    basis: float
    half_spread: float = 0.4
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Print:
    """One trade: `at_ns` is its time in nanoseconds since the epoch, `number` its id."""

    market: Market
    price: Decimal
    size: Decimal
    at_ns: int
    number: int
    buy: bool


@dataclass(frozen=True, slots=True)
class Coin:
    """Where a coin's price starts, its usual yearly volatility, its usual trade in units."""

    price: float
    volatility: float
    size: float
    share: float


COINS = {
    "BTC": Coin(97_450.0, 0.48, 0.021, 0.5),
    "ETH": Coin(3_385.0, 0.62, 0.48, 0.3),
    "SOL": Coin(251.0, 0.85, 6.5, 0.2),
}

MARKETS = (
    Market("coinbase_exchange", "BTC", "USD", "0.01", 0.0),
    Market("coinbase_exchange", "ETH", "USD", "0.01", 0.2),
    Market("coinbase_exchange", "SOL", "USD", "0.01", 0.1),
    Market("kraken", "BTC", "USD", "0.1", -0.9, batch=4),
    Market("kraken", "ETH", "USD", "0.01", -0.6, batch=4),
    Market("generic", "SOL", "USD", "0.001", 0.5, batch=3),
    Market("binance", "BTC", "USDT", "0.01", 2.6, 0.2),
    Market("binance", "ETH", "USDT", "0.01", 2.4, 0.2),
    Market("binance", "SOL", "USDT", "0.01", 2.8, 0.3),
    Market("bitstamp", "BTC", "USD", "1", 1.1, 0.8),
    Market("gemini", "ETH", "USD", "0.01", -1.4, 0.9),
    Market("coinbase_advanced", "BTC", "USD", "0.01", 0.0, batch=3),
    Market("okx", "BTC", "USDT", "0.1", 2.5),
    Market("bybit", "SOL", "USDT", "0.01", 3.0, batch=3),
    Market("kucoin", "ETH", "USDT", "0.01", 2.2),
    Market("gate", "SOL", "USDT", "0.001", 2.9),
    Market("htx", "BTC", "USDT", "0.01", 2.7, batch=2),
)


def messages(
    *, seed: int, ticks: int, seconds: float, end_ms: int, venues: Collection[str]
) -> list[Message]:
    """The messages of `ticks` trades in the `seconds` before `end_ms`, at those of `venues`."""
    chance = random.Random(seed)
    sent = list(_batched(trades(seed, ticks, seconds, end_ms, venues)))
    sent = _with_everyday_trouble(sent, chance)
    for oddity in _oddities(end_ms, sent):
        sent.insert(chance.randrange(len(sent) + 1), oddity)
    return [
        Message(each.exchange, each.body, f"feed:{number}", each.forged)
        for number, each in enumerate(sent, 1)
    ]


def trades(
    seed: int, ticks: int, seconds: float, end_ms: int, venues: Collection[str]
) -> list[Print]:
    """`ticks` trades in the order of their times, which lie in the `seconds` before `end_ms`."""
    chance = random.Random(f"{seed} trades")
    markets = [market for market in MARKETS if market.venue in venues]
    if not markets:
        raise ValueError(f"no market at any of {sorted(venues)}")
    shares = [
        COINS[market.base].share / sum(other.base == market.base for other in markets)
        for market in markets
    ]
    # Independent arrivals: uniform times, in order.
    moments = sorted(end_ms / 1000 - chance.uniform(0.001, seconds) for _ in range(ticks))
    made = []
    for number, at in enumerate(moments, int(end_ms // 1000) % 10**9 * 1000):
        market = chance.choices(markets, shares)[0]
        buy = chance.random() < 0.5
        spread = market.half_spread if buy else -market.half_spread
        price = price_at(seed, market.base, at) * (1 + (market.basis + spread) / 10_000)
        size = COINS[market.base].size * chance.lognormvariate(0, 1.1) + 1e-5
        made.append(
            Print(
                market,
                _rounded(price, market.step),
                _rounded(size, "0.00000001"),
                int(at * 1e6) * 1000 + chance.randrange(1000),
                number,
                buy,
            )
        )
    return made


def price_at(seed: int, coin: str, seconds: float) -> float:
    """The price of a coin at a moment, in seconds since the epoch.

    The logarithm is a Brownian bridge over each `_BLOCK_SECONDS`, refined by halving: the middle of
    an interval is normal between its ends (Levy's construction). Each half gets a random part of
    the interval's variance, which makes the clustering of volatility on all time scales.
    B. Mandelbrot, A. Fisher, L. Calvet: A Multifractal Model of Asset Returns (1997).
    """
    block, position = divmod(seconds, _BLOCK_SECONDS)
    start = end = 0.0
    variance = COINS[coin].volatility ** 2 * _BLOCK_SECONDS / _YEAR_SECONDS
    left, width = 0.0, float(_BLOCK_SECONDS)
    path = f"{seed} {coin} {block:.0f} "
    while width > _FINEST_SECONDS:
        part, normal = _draw(path)
        first = variance * part
        middle = start + (end - start) * part + math.sqrt(first * (1 - part)) * normal
        width /= 2
        if position < left + width:
            end, variance, path = middle, first, path + "0"
        else:
            start, variance, path = middle, variance - first, path + "1"
            left += width
    return COINS[coin].price * math.exp(start + (end - start) * (position - left) / width)


@functools.lru_cache(maxsize=100_000)
def _draw(path: str) -> tuple[float, float]:
    """The first half's part of the variance, and the middle's normal deviate, of one interval."""
    chance = random.Random(path)
    return chance.betavariate(4, 4), chance.gauss(0, 1)


def _rounded(value: float, step: str) -> Decimal:
    return Decimal(value).quantize(Decimal(step), ROUND_HALF_EVEN)


def _batched(prints: Sequence[Print]) -> Iterator[Message]:
    """One message a trade, or a few trades a message where the venue sends batches."""
    waiting: dict[Market, list[Print]] = {}
    for trade in prints:
        batch = waiting.setdefault(trade.market, [])
        batch.append(trade)
        # Lengths 1 to the market's most, evenly: a venue sends what one of its ticks brought.
        if len(batch) > trade.number % trade.market.batch:
            yield _message(waiting.pop(trade.market))
    yield from map(_message, waiting.values())


def _message(batch: Sequence[Print]) -> Message:
    venue = batch[0].market.venue
    return Message(venue, ENCODERS[venue](batch).encode(), "feed")


def _with_everyday_trouble(sent: list[Message], chance: random.Random) -> list[Message]:
    """Late messages, messages sent twice and control frames, a few in a hundred of each."""
    order = [
        position + (chance.uniform(5, 60) if chance.random() < 0.03 else 0)
        for position in range(len(sent))
    ]
    troubled = []
    for position in sorted(range(len(sent)), key=order.__getitem__):
        troubled.append(sent[position])
        if chance.random() < 0.02:
            troubled.append(chance.choice(troubled))
        if chance.random() < 0.02:
            venue = troubled[-1].exchange
            if venue in CONTROL_FRAMES:
                troubled.append(Message(venue, CONTROL_FRAMES[venue].encode(), "feed"))
    return troubled


def _oddities(end_ms: int, sent: Sequence[Message]) -> Iterator[Message]:
    """What no venue sends, each once: all of it must end in the dead-letter queue, or ignored."""
    venue = "coinbase_exchange"
    market = Market(venue, "BTC", "USD", "0.01", 0.0)
    minute, day = 60 * 10**9, 86_400 * 10**9
    odd = Print(market, Decimal("97450.01"), Decimal("0.1"), end_ms * 10**6, 7, True)
    encode = ENCODERS[venue]
    yield Message(venue, encode([odd]).encode(), "feed", forged=True)
    yield Message(venue, b"<html>502 Bad Gateway</html>", "feed")
    yield Message(venue, encode([_changed(odd, price=Decimal("-3.50"))]).encode(), "feed")
    yield Message(venue, encode([_changed(odd, at_ns=odd.at_ns + 60 * minute)]).encode(), "feed")
    yield Message(venue, encode([_changed(odd, at_ns=odd.at_ns - 2 * day)]).encode(), "feed")
    yield Message("mtgox", sent[0].body if sent else b"{}", "feed")


def _changed(trade: Print, price: Decimal | None = None, at_ns: int | None = None) -> Print:
    return Print(
        trade.market,
        trade.price if price is None else price,
        trade.size,
        trade.at_ns if at_ns is None else at_ns,
        trade.number,
        trade.buy,
    )


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _iso(at_ns: int, digits: int = 6) -> str:
    moment = datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{at_ns % 10**9:09d}"[: len(moment) + 1 + digits] + "Z"


def _ms(trade: Print) -> int:
    return trade.at_ns // 10**6


def _side(trade: Print) -> str:
    return "buy" if trade.buy else "sell"


def _binance(batch: Sequence[Print]) -> str:
    """https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams."""
    (t,) = batch
    data = {"e": "trade", "E": _ms(t) + 1, "s": t.market.base + t.market.quote, "t": t.number}
    data |= {"p": f"{t.price:.8f}", "q": f"{t.size:.8f}", "T": _ms(t), "m": not t.buy, "M": True}
    return _json({"stream": f"{data['s']}@trade".lower(), "data": data})


def _coinbase_exchange(batch: Sequence[Print]) -> str:
    """https://docs.cdp.coinbase.com/exchange/websocket-feed/channels."""
    (t,) = batch
    product = f"{t.market.base}-{t.market.quote}"
    match: dict[str, object] = {"type": "match", "trade_id": t.number, "side": _side(t)}
    match |= {"size": str(t.size), "price": str(t.price), "product_id": product}
    return _json(match | {"sequence": t.number * 7, "time": _iso(t.at_ns)})


def _coinbase_advanced(batch: Sequence[Print]) -> str:
    """https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket."""
    found = [
        {
            "product_id": f"{t.market.base}-{t.market.quote}",
            "trade_id": str(t.number),
            "price": str(t.price),
            "size": str(t.size),
            "time": _iso(t.at_ns),
            "side": _side(t).upper(),
        }
        for t in reversed(batch)
    ]
    envelope: dict[str, object] = {"channel": "market_trades", "client_id": ""}
    envelope |= {"timestamp": _iso(batch[-1].at_ns + 2_000_000, 9), "sequence_num": 0}
    return _json(envelope | {"events": [{"type": "update", "trades": found}]})


def _kraken(batch: Sequence[Print]) -> str:
    """https://docs.kraken.com/api/docs/websocket-v2/trade (prices and sizes are JSON numbers)."""
    data = ",".join(
        f'{{"symbol":"{t.market.base}/{t.market.quote}","side":"{_side(t)}","price":{t.price},'
        f'"qty":{t.size:f},"ord_type":"limit","trade_id":{t.number},"timestamp":"{_iso(t.at_ns)}"}}'
        for t in batch
    )
    return f'{{"channel":"trade","type":"update","data":[{data}]}}'


def _okx(batch: Sequence[Print]) -> str:
    """https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel."""
    (t,) = batch
    pair = f"{t.market.base}-{t.market.quote}"
    data = {"instId": pair, "tradeId": str(t.number), "px": str(t.price), "sz": f"{t.size:f}"}
    data |= {"side": _side(t), "ts": str(_ms(t)), "count": "1"}
    return _json({"arg": {"channel": "trades", "instId": pair}, "data": [data]})


def _bybit(batch: Sequence[Print]) -> str:
    """https://bybit-exchange.github.io/docs/v5/websocket/public/trade."""
    pair = batch[0].market.base + batch[0].market.quote
    data = [
        {
            "i": str(2_290_000_000_000_000_000 + t.number),
            "T": _ms(t),
            "p": str(t.price),
            "v": f"{t.size:f}",
            "S": _side(t).capitalize(),
            "s": pair,
            "BT": False,
        }
        for t in batch
    ]
    envelope = {"topic": f"publicTrade.{pair}", "type": "snapshot", "ts": _ms(batch[-1]) + 1}
    return _json(envelope | {"data": data})


def _bitstamp(batch: Sequence[Print]) -> str:
    """https://www.bitstamp.net/websocket/v2/ (numbers and their texts side by side)."""
    (t,) = batch
    pair = (t.market.base + t.market.quote).lower()
    return (
        f'{{"data":{{"id":{t.number},"timestamp":"{t.at_ns // 10**9}","amount":{t.size:f},'
        f'"amount_str":"{t.size:f}","price":{t.price},"price_str":"{t.price}",'
        f'"type":{int(not t.buy)},"microtimestamp":"{t.at_ns // 1000}"}},'
        f'"channel":"live_trades_{pair}","event":"trade"}}'
    )


def _gemini(batch: Sequence[Print]) -> str:
    """https://docs.gemini.com/websocket/market-data/v2."""
    (t,) = batch
    trade: dict[str, object] = {"type": "trade", "symbol": t.market.base + t.market.quote}
    trade |= {"event_id": t.number, "timestamp": _ms(t), "price": str(t.price)}
    return _json(trade | {"quantity": f"{t.size:f}", "side": _side(t)})


def _kucoin(batch: Sequence[Print]) -> str:
    """https://www.kucoin.com/docs/websocket/spot-trading/public-channels/match-execution-data."""
    (t,) = batch
    pair = f"{t.market.base}-{t.market.quote}"
    data = {"symbol": pair, "sequence": str(t.number), "side": _side(t), "size": f"{t.size:f}"}
    data |= {"price": str(t.price), "time": str(t.at_ns), "type": "match"}
    data |= {"tradeId": f"{t.number:024x}"}
    topic = f"/market/match:{pair}"
    return _json({"data": data, "subject": "trade.l3match", "topic": topic, "type": "message"})


def _gate(batch: Sequence[Print]) -> str:
    """https://www.gate.com/docs/developers/apiv4/ws/en/#public-trades-channel."""
    (t,) = batch
    result: dict[str, object] = {"id": t.number, "create_time": t.at_ns // 10**9}
    result |= {"create_time_ms": f"{t.at_ns // 10**6}.{t.at_ns // 100 % 10_000:04d}"}
    result |= {"side": _side(t), "currency_pair": f"{t.market.base}_{t.market.quote}"}
    result |= {"amount": f"{t.size:.10f}", "price": f"{t.price:.10f}"}
    envelope = {"time": t.at_ns // 10**9, "channel": "spot.trades", "event": "update"}
    return _json(envelope | {"result": result})


def _htx(batch: Sequence[Print]) -> str:
    """https://www.htx.com/en-us/opend/newApiPages/ (ids of 25 digits, prices as JSON numbers)."""
    market = batch[0].market
    data = ",".join(
        f'{{"id":101027219534{t.number:013d},"ts":{_ms(t)},"tradeId":{t.number},'
        f'"amount":{t.size:f},"price":{t.price},"direction":"{_side(t)}"}}'
        for t in batch
    )
    at = _ms(batch[-1])
    return (
        f'{{"ch":"market.{(market.base + market.quote).lower()}.trade.detail","ts":{at + 2},'
        f'"tick":{{"id":{batch[-1].number},"ts":{at},"data":[{data}]}}}}'
    )


def _generic(batch: Sequence[Print]) -> str:
    """The project's own format, see `lambdas/exchanges/generic.py`."""
    ticks = [
        {
            "base": t.market.base,
            "quote": t.market.quote,
            "price": str(t.price),
            "size": f"{t.size:f}",
            "time": _iso(t.at_ns, 9),
            "id": str(t.number),
        }
        for t in batch
    ]
    return _json({"ticks": ticks})


ENCODERS: dict[str, Callable[[Sequence[Print]], str]] = {
    "binance": _binance,
    "bitstamp": _bitstamp,
    "bybit": _bybit,
    "coinbase_advanced": _coinbase_advanced,
    "coinbase_exchange": _coinbase_exchange,
    "gate": _gate,
    "gemini": _gemini,
    "generic": _generic,
    "htx": _htx,
    "kraken": _kraken,
    "kucoin": _kucoin,
    "okx": _okx,
}
"""How each venue writes a batch of trades of one market."""

CONTROL_FRAMES = {
    "binance": '{"result":null,"id":1}',
    "coinbase_exchange": '{"type":"subscriptions","channels":[{"name":"matches",'
    '"product_ids":["BTC-USD","ETH-USD"]}]}',
    "kraken": '{"channel":"heartbeat"}',
    "okx": '{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3"}',
    "bitstamp": '{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}',
}
"""What the venues send between prices."""
