"""A venue's frames reach the webhook once each, whatever happens on either side, or are counted."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.feeds import FEEDS, NoSuchMarket
from client.normalise import limits_of_settings
from client.relay import Buffer, Hopeless, Pace, Relay, Tally
from lambdas import exchanges
from lambdas.domain.ticks import Limits
from local import messages, signing
from local.backoff import Backoff
from local.replay import Webhook
from tests.client.door import Door
from tests.client.venue import Line, Venue, said, sends, trades, venue

SOON = Backoff(first_seconds=0.01, most_seconds=0.05)
QUICK = Backoff(first_seconds=0.001, most_seconds=0.002)
PACE = Pace(batch=5, linger_seconds=0.02, reconnecting=SOON, retrying=SOON, grace_seconds=20)


@pytest.fixture
def door() -> Iterator[Door]:
    secrets = {name: signing.entry(signing.fresh(name)) for name in FEEDS}
    with Door(secrets, "the-key") as one:
        yield one


def relay_to(
    door: Door, served: Venue, exchange: str = "binance", pace: Pace = PACE, path: str = ""
) -> Relay:
    secrets = {name: signing.live(entry) for name, entry in door.secrets.items()}
    address = served.address.replace("ws://", "http://").replace("/feed", path) if path else None
    return Relay(
        exchange,
        [FEEDS[exchange].market("BTC", "USDT")],
        Webhook(door.url, door.api_key, secrets),
        limits_of_settings(),
        pace,
        address or served.address,
    )


async def relayed(relay: Relay, done: Callable[[Tally], bool], seconds: float = 20) -> Tally:
    """Run a relay until its tally is as wanted, then stop it."""
    stop, abandon = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(relay.run(stop, abandon))
    async with asyncio.timeout(seconds):
        while not (done(relay.tally) or running.done()):
            await asyncio.sleep(0.005)
    stop.set()
    await running
    _balanced(relay.tally)
    return relay.tally


def _balanced(tally: Tally) -> None:
    """Every frame is counted once, and every one that was to be passed on has one end."""
    assert tally.frames == tally.passed + tally.ignored.total() + tally.unusable.total()
    assert tally.passed == tally.accepted + tally.lost
    assert tally.waiting == 0


def frames_of(door: Door) -> list[str]:
    """The frames that the webhook took, taken out of their batches."""
    found = []
    for _, body in door.accepted:
        cut = messages.cut(b'{"exchange": "x", "message": ' + body + b"}", "test")
        document = json.loads(cut.body)
        if isinstance(document, dict) and list(document) == ["frames"]:
            found += [json.dumps(frame, sort_keys=True) for frame in document["frames"]]
        else:
            found.append(json.dumps(document, sort_keys=True))
    return found


def canonical(frames: list[str]) -> list[str]:
    return [json.dumps(json.loads(frame), sort_keys=True) for frame in frames]


async def hangs_up(line: Line) -> None:
    """Close at once, the frames before are read."""


SUBSCRIPTIONS: dict[str, list[object]] = {
    "binance": [{"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1}],
    "bitstamp": [{"event": "bts:subscribe", "data": {"channel": "live_trades_btcusdt"}}],
    "bybit": [{"op": "subscribe", "args": ["publicTrade.BTCUSDT"]}],
    "coinbase_advanced": [
        {"type": "subscribe", "channel": "market_trades", "product_ids": ["BTC-USDT"]},
        {"type": "subscribe", "channel": "heartbeats"},
    ],
    "coinbase_exchange": [
        {"type": "subscribe", "product_ids": ["BTC-USDT"], "channels": ["matches", "heartbeat"]}
    ],
    "gate": [{"channel": "spot.trades", "event": "subscribe", "payload": ["BTC_USDT"]}],
    "gemini": [{"type": "subscribe", "subscriptions": [{"name": "l2", "symbols": ["BTCUSDT"]}]}],
    "htx": [{"sub": "market.btcusdt.trade.detail", "id": "btcusdt"}],
    "kraken": [
        {
            "method": "subscribe",
            "params": {"channel": "trade", "symbol": ["BTC/USDT"], "snapshot": True},
        }
    ],
    "kucoin": [
        {"id": "1", "type": "subscribe", "topic": "/market/match:BTC-USDT", "response": True}
    ],
    "okx": [{"op": "subscribe", "args": [{"channel": "trades", "instId": "BTC-USDT"}]}],
}

CONTROL: dict[str, list[str]] = {
    "binance": ['{"result":null,"id":1}'],
    "bitstamp": [
        '{"event":"bts:subscription_succeeded","channel":"live_trades_btcusdt","data":{}}'
    ],
    "bybit": ['{"success":true,"ret_msg":"subscribe","conn_id":"c","op":"subscribe"}'],
    "coinbase_advanced": [
        '{"channel":"heartbeats","timestamp":"2026-01-01T00:00:00Z","events":[]}'
    ],
    "coinbase_exchange": ['{"type":"heartbeat","sequence":90,"last_trade_id":20}'],
    "gate": ['{"time":1,"channel":"spot.pong","event":"","result":null}'],
    "gemini": ['{"type":"heartbeat","timestamp":1563996123000}'],
    "htx": ['{"id":"btcusdt","status":"ok","subbed":"market.btcusdt.trade.detail","ts":1}'],
    "kraken": ['{"channel":"heartbeat"}', '{"method":"pong","time_in":"a","time_out":"b"}'],
    "kucoin": ['{"id":"1","type":"ack"}'],
    "okx": ["pong", '{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}'],
}


@pytest.mark.parametrize("exchange", sorted(FEEDS))
def test_a_venue_is_subscribed_and_its_prices_are_relayed(door: Door, exchange: str) -> None:
    """GIVEN a venue's control frames and trades THEN the trades alone arrive, signed."""
    sent = trades(exchange, 7)
    packed = [
        gzip.compress(frame.encode()) if exchange == "htx" else frame
        for frame in [*CONTROL[exchange], *sent]
    ]

    async def session() -> tuple[Tally, Venue]:
        async with venue(sends(*packed)) as served:
            path = "/token" if exchange == "kucoin" else ""
            relay = relay_to(door, served, exchange, path=path)
            return await relayed(relay, lambda tally: tally.accepted == len(sent)), served

    tally, served = asyncio.run(session())
    heard = [
        {name: value for name, value in each.items() if name != "time"}
        for each in said(served.lines[0])
        if each not in ("ping",) and each.get("type") != "ping"
    ]
    assert heard == SUBSCRIPTIONS[exchange]
    assert frames_of(door) == canonical(sent)
    assert not door.unverified
    assert (tally.ticks, tally.lost, tally.unrecognised) == (7, 0, 0)
    welcome = exchange == "kucoin"
    assert tally.ignored["control"] == len(CONTROL[exchange]) + welcome
    ticks = [
        tick
        for name, body in door.accepted
        for tick in exchanges.read(name, body, time.time_ns() // 10**6, Limits()).ticks
    ]
    assert [int(tick.price) for tick in ticks] == [90_000 + number for number in range(1, 8)]


def test_frames_leave_as_they_came_in_batches(door: Door) -> None:
    """GIVEN numbers as a venue writes them THEN the bytes that are signed are the venue's."""
    frame = trades("kraken", 1)[0].replace('"qty":0.5', '"qty":5.00e-1')

    async def session() -> Tally:
        async with venue(sends(*[frame] * 12)) as served:
            relay = relay_to(door, served, "kraken")
            return await relayed(relay, lambda tally: tally.accepted == 12)

    tally = asyncio.run(session())
    assert b"5.00e-1" in door.accepted[0][1]
    assert door.accepted[0][1] == messages.together([frame.encode()] * 5)
    assert tally.requests == len(door.accepted) <= 4


def test_a_broken_connection_is_made_anew(door: Door) -> None:
    """GIVEN a venue that hangs up, and one that is gone for a while THEN all it sent arrives."""
    sent = trades("binance", 30)

    async def session() -> tuple[Tally, Venue]:
        async with venue(
            sends(*sent[:10], hang_up=True),
            hangs_up,
            hangs_up,
            sends(*sent[10:20], hang_up=True),
            sends(*sent[20:]),
        ) as served:
            relay = relay_to(door, served)
            return await relayed(relay, lambda tally: tally.accepted == 30), served

    tally, served = asyncio.run(session())
    assert frames_of(door) == canonical(sent)
    assert (tally.connections, tally.breaks) == (5, 4)
    assert all(said(line) == SUBSCRIPTIONS["binance"] for line in served.lines[3:])


def test_a_venue_that_cannot_be_reached_is_tried_ever_more_slowly(door: Door) -> None:
    """GIVEN nobody at the address THEN attempts are counted, and each pause is its back-off's."""
    pauses: list[int] = []

    class Noted(Backoff):
        def pause(self, failures: int, chance: float) -> float:
            assert 0 <= chance <= 1
            pauses.append(failures)
            return 0.001

    async def session() -> Tally:
        async with venue() as served:
            served.address = "ws://127.0.0.1:1/feed"
            pace = Pace(reconnecting=Noted(1, 1), retrying=SOON)
            return await relayed(relay_to(door, served, pace=pace), lambda tally: tally.breaks > 3)

    tally = asyncio.run(session())
    assert pauses[:4] == [1, 2, 3, 4]
    assert tally.connections == 0
    assert "127.0.0.1" in tally.last_break


def test_prices_reset_the_back_off(door: Door) -> None:
    counted: list[int] = []

    class Noted(Backoff):
        def pause(self, failures: int, chance: float) -> float:
            counted.append(failures)
            return 0.001

    async def session() -> None:
        async with venue(
            hangs_up, hangs_up, sends(*trades("binance", 1), hang_up=True), hangs_up
        ) as served:
            pace = Pace(linger_seconds=0.01, reconnecting=Noted(1, 1), retrying=SOON)
            await relayed(relay_to(door, served, pace=pace), lambda tally: tally.connections == 5)

    asyncio.run(session())
    assert counted[:4] == [1, 2, 1, 2]


def test_silence_breaks_a_connection(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a venue whose line is open and dead THEN another is opened."""
    monkeypatch.setattr(FEEDS["okx"], "silent_seconds", 0.05, raising=False)

    async def session() -> Tally:
        async with venue(sends(), sends(*trades("okx", 3))) as served:
            relay = relay_to(door, served, "okx")
            return await relayed(relay, lambda tally: tally.accepted == 3)

    tally = asyncio.run(session())
    assert tally.breaks >= 1
    assert tally.last_break == "nothing came for too long"


def test_pings_are_sent_and_answered(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a protocol's ping and the venues' own THEN each is answered as its venue wants it."""
    monkeypatch.setattr(FEEDS["okx"], "ping_seconds", 0.02, raising=False)

    async def pinged(line: Line) -> None:
        await line.send(gzip.compress(b'{"ping": 1492420473027}'))
        await line.hears(lambda text: json.loads(text) == {"pong": 1492420473027})
        await line.socket.ping(b"42")
        await line.send(gzip.compress(trades("htx", 1)[0].encode()))

    async def waits(line: Line) -> None:
        await line.hears(lambda text: text == "ping")
        await line.send("pong", *trades("okx", 1))
        await asyncio.Event().wait()

    async def session() -> list[Tally]:
        tallies = []
        for exchange, script in (("htx", sends(then=pinged)), ("okx", waits)):
            async with venue(script) as served:
                relay = relay_to(door, served, exchange)
                tallies.append(await relayed(relay, lambda tally: tally.accepted == 1))
        return tallies

    htx, okx = asyncio.run(session())
    assert htx.ignored["control"] == okx.ignored["control"] == 1


def test_kucoin_is_asked_where_to_connect(door: Door) -> None:
    async def pinged(line: Line) -> None:
        await line.hears(lambda text: json.loads(text)["type"] == "ping")
        await line.send('{"id":"1","type":"pong"}', *trades("kucoin", 1))
        await asyncio.Event().wait()

    async def session() -> Venue:
        async with venue(pinged) as served:
            relay = relay_to(door, served, "kucoin", path="/token")
            await relayed(relay, lambda tally: tally.accepted == 1)
            return served

    (asked,) = asyncio.run(session()).asked
    assert asked.startswith("/feed?token=t%261&connectId=")


def test_kucoin_is_asked_again_when_it_tells_nothing(door: Door) -> None:
    async def session() -> Tally:
        async with venue(sends(*trades("kucoin", 1))) as served:
            served.answers = ["<html>", '{"code": "429000"}', '{"data": {"instanceServers": []}}']
            relay = relay_to(door, served, "kucoin", path="/token")
            return await relayed(relay, lambda tally: tally.accepted == 1)

    tally = asyncio.run(session())
    assert (tally.breaks, tally.connections) == (3, 1)
    assert "no server and token in" in tally.last_break


def test_garbage_is_counted_and_harms_nothing(door: Door) -> None:
    """GIVEN frames that are nothing, too much or no text THEN the trades beside them arrive."""
    sent = trades("binance", 4)
    garbage: list[str | bytes] = [
        "",
        "<html>502 Bad Gateway</html>",
        '{"e": "trade"',
        b"\x00\xff\xfe",
        "[" * 200,
        '{"a": 1, "a": 2}',
        '"' + "x" * 200_000 + '"',
    ]

    async def session() -> Tally:
        async with venue(sends(*sent[:2], *garbage, *sent[2:])) as served:
            return await relayed(relay_to(door, served), lambda tally: tally.accepted == 4)

    tally = asyncio.run(session())
    assert frames_of(door) == canonical(sent)
    assert tally.unusable == {
        "body-empty": 1,
        "not-json": 2,
        "not-utf-8": 1,
        "nested-too-deep": 1,
        "duplicate-name": 1,
        "body-too-large": 1,
    }


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"no gzip", "not-gzip"),
        (gzip.compress(b'{"ping": 1}')[:-9], "not-gzip"),
        (gzip.compress(b"x" * 50_000_000), "body-too-large"),
    ],
    # gzip writes the time into its header: the bytes would name the test anew every second.
    ids=["no gzip", "cut off", "a bomb"],
)
def test_gzip_that_is_none_or_a_bomb_is_counted(door: Door, frame: bytes, reason: str) -> None:
    async def session() -> Tally:
        packed = [gzip.compress(each.encode()) for each in trades("htx", 1)]
        async with venue(sends(frame, *packed)) as served:
            return await relayed(relay_to(door, served, "htx"), lambda tally: tally.accepted == 1)

    assert asyncio.run(session()).unusable == {reason: 1}


def test_a_form_that_nobody_knows_is_passed_on(door: Door) -> None:
    """GIVEN JSON of no known form THEN the pipeline gets it, to keep it with its reason."""
    unknown = '{"kind": "trade", "last": "97000.01"}'

    async def session() -> Tally:
        async with venue(sends(unknown)) as served:
            return await relayed(relay_to(door, served), lambda tally: tally.accepted == 1)

    assert asyncio.run(session()).unrecognised == 1
    assert door.accepted == [("binance", unknown.encode())]


def test_a_slow_webhook_costs_the_oldest_frames(door: Door) -> None:
    """GIVEN a webhook that holds the first request THEN the buffer keeps its bound, the newest."""
    sent = trades("binance", 100)
    held = threading.Event()
    door.plan = lambda _number: (held.wait(10), 202)[1]

    async def session() -> Tally:
        async with venue(sends(*sent[:2]), sends()) as served:
            pace = Pace(batch=2, linger_seconds=0.01, buffer=10, retrying=SOON)
            relay = relay_to(door, served, pace=pace)

            async def rest() -> None:
                while not relay.tally.requests:
                    await asyncio.sleep(0.005)
                await served.lines[0].send(*sent[2:])
                while relay.tally.passed < 100:
                    assert relay.tally.waiting <= 12
                    await asyncio.sleep(0.005)
                held.set()

            more = asyncio.create_task(rest())
            tally = await relayed(relay, lambda tally: more.done() and not tally.waiting)
            more.result()
            return tally

    tally = asyncio.run(session())
    assert (tally.dropped, tally.accepted) == (88, 12)
    assert frames_of(door) == canonical(sent[:2] + sent[90:])


@pytest.mark.parametrize("status", [429, 500, 503, 504])
def test_a_webhook_that_is_away_is_waited_for(door: Door, status: int) -> None:
    """GIVEN refusals that pass THEN every frame arrives once, under one id, signed anew."""
    sent = trades("binance", 5)
    door.plan = lambda number: status if number <= 12 else 202

    async def session() -> Tally:
        async with venue(sends(*sent)) as served:
            return await relayed(relay_to(door, served), lambda tally: tally.accepted == 5)

    tally = asyncio.run(session())
    assert frames_of(door) == canonical(sent)
    assert (tally.retries, tally.lost) == (12, 0)
    assert len(set(door.ids)) == 1
    assert not door.unverified


def test_what_is_refused_for_good_is_counted_and_the_rest_goes_on(door: Door) -> None:
    """GIVEN a batch that is answered 400, and one always 502 THEN the others arrive."""
    sent = trades("binance", 15)
    door.plan = lambda number: 400 if number == 1 else 502 if number <= 9 else 202

    async def session() -> Tally:
        async with venue(sends(*sent)) as served:
            return await relayed(relay_to(door, served), lambda tally: tally.accepted == 5)

    tally = asyncio.run(session())
    assert frames_of(door) == canonical(sent[10:])
    assert {text.split()[0]: count for text, count in tally.refused.items()} == {"400": 5, "502": 5}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_webhook_that_will_refuse_everything_ends_it(door: Door, status: int) -> None:
    door.plan = lambda _number: status

    async def session() -> Relay:
        async with venue(sends(*trades("binance", 20))) as served:
            relay = relay_to(door, served)
            with pytest.raises(Hopeless, match=f"the webhook answers {status}"):
                await relayed(relay, lambda _tally: False)
            return relay

    tally = asyncio.run(session()).tally
    assert len(door.ids) == 1
    assert tally.lost == tally.passed > 0
    _balanced(tally)


REFUSALS = {
    "binance": '{"error":{"code":2,"msg":"no such stream"},"id":1}',
    "bitstamp": '{"event":"bts:error","data":{"code":null,"message":"no such stream"}}',
    "bybit": '{"success":false,"ret_msg":"no such stream","op":"subscribe"}',
    "coinbase_advanced": '{"type":"error","message":"no such stream"}',
    "coinbase_exchange": '{"type":"error","message":"failed","reason":"no such stream"}',
    "gate": '{"time":1,"channel":"spot.trades","event":"subscribe",'
    '"error":{"code":2,"message":"no such stream"},"result":null}',
    "gemini": '{"result":"error","reason":"InvalidSymbol","message":"no such stream"}',
    "htx": '{"status":"error","err-code":"bad-request","err-msg":"no such stream","ts":1}',
    "kraken": '{"error":"no such stream","method":"subscribe","success":false}',
    "kucoin": '{"id":"1","type":"error","code":404,"data":"no such stream"}',
    "okx": '{"event":"error","code":"60018","msg":"no such stream","connId":"c"}',
}


@pytest.mark.parametrize("exchange", sorted(FEEDS))
def test_a_refused_subscription_is_told_in_the_venues_words(door: Door, exchange: str) -> None:
    refusal = REFUSALS[exchange]
    packed = gzip.compress(refusal.encode()) if exchange == "htx" else refusal

    async def session() -> None:
        async with venue(sends(packed)) as served:
            path = "/token" if exchange == "kucoin" else ""
            with pytest.raises(Hopeless, match=f"{exchange} refuses: .*no such stream"):
                await relayed(relay_to(door, served, exchange, path=path), lambda _tally: False)

    asyncio.run(session())


@pytest.mark.parametrize(
    ("exchange", "wish"),
    [
        ("bitstamp", '{"event":"bts:request_reconnect","channel":"","data":""}'),
        ("okx", '{"event":"notice","code":"64008","msg":"upgrade","connId":"c"}'),
        ("binance", '{"e":"serverShutdown","E":1}'),
    ],
)
def test_a_venue_may_ask_for_a_new_connection(door: Door, exchange: str, wish: str) -> None:
    async def session() -> Tally:
        async with venue(
            sends(*trades(exchange, 1), wish), sends(*trades(exchange, 1, first=2))
        ) as served:
            relay = relay_to(door, served, exchange)
            return await relayed(relay, lambda tally: tally.accepted == 2)

    assert asyncio.run(session()).last_break == "the venue asked for a new connection"


def test_a_stop_delivers_what_waits(door: Door) -> None:
    """GIVEN frames that still wait for others THEN stopping sends them."""

    async def session() -> Tally:
        async with venue(sends(*trades("binance", 3))) as served:
            pace = Pace(linger_seconds=3600)
            return await relayed(
                relay_to(door, served, pace=pace), lambda tally: tally.waiting == 3
            )

    assert asyncio.run(session()).accepted == 3


def test_a_second_stop_gives_up_and_counts(door: Door) -> None:
    door.plan = lambda _number: 503

    async def session() -> Tally:
        async with venue(sends(*trades("binance", 3))) as served:
            relay = relay_to(door, served, pace=Pace(linger_seconds=3600, grace_seconds=3600))
            stop, abandon = asyncio.Event(), asyncio.Event()
            running = asyncio.create_task(relay.run(stop, abandon))
            while relay.tally.waiting < 3:
                await asyncio.sleep(0.005)
            stop.set()
            while not relay.tally.retries:
                await asyncio.sleep(0.005)
            assert not running.done()
            abandon.set()
            await running
            return relay.tally

    tally = asyncio.run(session())
    assert (tally.undelivered, tally.accepted) == (3, 0)
    _balanced(tally)


FRAMES = st.lists(st.sampled_from(["price", "control", "garbage", "unknown"]), max_size=12)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(FRAMES, min_size=1, max_size=5),
    st.lists(st.sampled_from([202, 429, 500, 503]), max_size=12),
    st.integers(1, 7),
)
def test_whatever_happens_each_price_arrives_once_and_in_order(
    connections: list[list[str]], statuses: list[int], batch: int
) -> None:
    """GIVEN any frames over any connections, and a webhook that fails at first THEN all come."""
    numbers = itertools.count(1)
    written: dict[str, Callable[[], str]] = {
        "price": lambda: trades("binance", 1, first=next(numbers))[0],
        "control": lambda: '{"result":null,"id":1}',
        "garbage": lambda: "no JSON",
        "unknown": lambda: f'{{"n": {next(numbers)}}}',
    }
    scripts = [[(kind, written[kind]()) for kind in kinds] for kinds in connections]
    wanted = [text for script in scripts for kind, text in script if kind in ("price", "unknown")]
    entries = {"binance": signing.entry(signing.fresh("binance"))}
    with Door(entries, "the-key") as door:
        door.plan = lambda number: statuses[number - 1] if number <= len(statuses) else 202

        async def session() -> Tally:
            played = [sends(*(text for _, text in script), hang_up=True) for script in scripts]
            async with venue(*played) as served:
                pace = Pace(batch, 0.005, reconnecting=QUICK, retrying=QUICK)
                return await relayed(
                    relay_to(door, served, pace=pace),
                    lambda tally: tally.breaks >= len(scripts) and tally.accepted == len(wanted),
                )

        tally = asyncio.run(session())
        assert frames_of(door) == canonical(wanted)
        assert not door.unverified
    assert tally.lost == 0
    assert tally.frames == sum(map(len, connections))


@given(
    st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=60),
    st.integers(1, 20),
    st.integers(30, 200),
    st.integers(1, 6),
)
def test_the_buffer_keeps_its_bounds_and_its_order(
    steps: list[tuple[int, bool]], most: int, most_bytes: int, batch: int
) -> None:
    """GIVEN frames put and batches taken THEN the oldest go first, and nothing is counted twice."""
    buffer = Buffer(most, most_bytes)
    kept: list[bytes] = []
    for number, (size, take) in enumerate(steps):
        body = (b"%d:" % number).ljust(size, b".")
        kept.append(body)
        dropped = buffer.put(body)
        kept = kept[dropped:]
        assert len(buffer) == len(kept) <= most
        assert sum(map(len, kept)) <= most_bytes
        if take:
            taken = buffer.take(batch, most_bytes)
            assert taken == kept[: len(taken)]
            assert len(taken) <= batch
            assert len(taken) < 2 or len(messages.together(taken)) <= most_bytes
            assert taken or not kept
            kept = kept[len(taken) :]


@pytest.mark.parametrize(
    ("exchange", "pair", "market"),
    [
        ("kraken", ("DOGE", "USD"), "DOGE/USD"),
        ("kraken", ("LUNC", "USD"), "LUNA/USD"),
        ("coinbase_exchange", ("CELO", "USD"), "CGLD-USD"),
        ("gate", ("ETH", "BTC"), "ETH_BTC"),
        ("bybit", ("SOL", "USDT"), "SOLUSDT"),
    ],
)
def test_a_market_is_named_as_its_venue_does(
    exchange: str, pair: tuple[str, str], market: str
) -> None:
    assert FEEDS[exchange].market(*pair) == market
    assert FEEDS[exchange].pair(market) == pair


@pytest.mark.parametrize(
    ("exchange", "pair", "said"),
    [
        ("gate", ("GTC", "USDT"), "GTC_USDT is GAMECOM/USDT at this venue"),
        ("htx", ("BTC", "USD"), "ends with none of USDT"),
        ("okx", ("B-T", "USDT"), "no pair"),
        ("kraken", ("", "USD"), "no asset's code"),
    ],
)
def test_a_market_that_would_be_another_is_refused(
    exchange: str, pair: tuple[str, str], said: str
) -> None:
    with pytest.raises(NoSuchMarket, match=said):
        FEEDS[exchange].market(*pair)
