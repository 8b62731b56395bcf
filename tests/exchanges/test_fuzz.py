"""No body, however broken, gets another answer than a reading or a named refusal."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.normalise import answer
from lambdas import exchanges
from lambdas.domain.keys import padded
from lambdas.domain.ticks import Limits, UnreadableMessage
from tests.exchanges import fixtures
from tests.exchanges.strategies import Number, message

NOW = 1_732_250_001_000
LIMITS = Limits()
VENUES = sorted(exchanges.VENUES)

COUNT = 100_000 if settings.get_current_profile_name() == "long" else 2_000
"""2,000 broken messages by default, 100,000 in the long profile."""

NASTY: list[Callable[[random.Random], Any]] = [
    lambda _: None,
    lambda _: True,
    lambda _: "",
    lambda _: [],
    lambda _: {},
    lambda _: 0,
    lambda _: "0",
    lambda _: -1,
    lambda _: "-0.0",
    lambda _: "NaN",
    lambda _: "Infinity",
    lambda _: "1_000",
    lambda _: " 1",
    lambda _: "١٢٣",
    lambda _: "1e999",
    lambda _: "0x10",
    lambda _: "\ud800",
    lambda _: "\x00",
    lambda _: "-",
    lambda _: "USDT",
    lambda _: "BTC-USD-",
    lambda _: "é" * 40,
    lambda _: "2024-13-01T00:00:00Z",
    lambda _: "9999-12-31T23:59:60.999999999999+00:00",
    lambda _: Number("NaN"),
    lambda _: Number("-Infinity"),
    lambda _: Number("1E+999999999999999999999"),
    lambda _: Number("1E-999999"),
    lambda _: Number("9" * 5000),
    lambda _: Number("1." + "7" * 5000),
    lambda rng: rng.randrange(-(10**30), 10**30),
    lambda rng: rng.choice(["1", "x"]) * 10_000,
    lambda rng: Number("[" * rng.randrange(20, 60) + "]" * rng.randrange(20, 60)),
    lambda rng: Number('{"a": ' * 40 + "1" + "}" * 40),
    lambda _: {"a": [{"b": None}]},
]

MESSAGES = [(fixture.venue, json.loads(fixture.body)) for fixture in fixtures.every()]


def broken(rng: random.Random) -> tuple[str, bytes]:
    """A venue's message with one to three things wrong, in its structure or its bytes."""
    venue, value = rng.choice(MESSAGES)
    if rng.random() < 0.05:
        venue = rng.choice(VENUES)
    for _ in range(rng.randrange(1, 4)):
        value = _break(rng, value)
    body = message(value)
    if rng.random() < 0.2:
        cut = rng.randrange(len(body) + 1)
        body = body[:cut] + rng.randbytes(rng.randrange(4)) + body[cut + rng.randrange(4) :]
    if rng.random() < 0.05:
        body = body.replace(b'"', b'"e": 1, "', 1)
    return venue, body


def _break(rng: random.Random, value: Any) -> Any:
    """The value with something in it replaced, removed, doubled or moved."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        rest = {key: member for key, member in value.items() if key != name}
        chance = rng.random()
        if chance < 0.15:
            return rest
        if chance < 0.25:
            return rest | {rng.choice(list(value)): value[name]}
        return {
            key: _break(rng, member) if key == name else member for key, member in value.items()
        }
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        chance = rng.random()
        if chance < 0.15:
            return value[:place] + value[place + 1 :]
        if chance < 0.25:
            return value + value
        return [*value[:place], _break(rng, value[place]), *value[place + 1 :]]
    return rng.choice(NASTY)(rng)


def check(venue: str, body: bytes) -> int:
    """Whatever comes out can be stored, logged and printed; returns the number of ticks."""
    printed = json.loads(json.dumps(answer(venue, body, None, LIMITS)))
    assert printed["ticks"] or printed["rejected"] or printed["ignored"]
    assert all(rejected["reason"] for rejected in printed["rejected"])
    assert all(len(value) < 1000 for rejected in printed["rejected"] for value in rejected.values())
    try:
        reading = exchanges.read(venue, body, NOW, LIMITS)
    except UnreadableMessage:
        return 0
    assert reading.ticks or reading.refused or reading.ignored
    for tick in reading.ticks:
        assert LIMITS.price_minimum <= tick.price <= LIMITS.price_maximum
        assert tick.size is None or tick.size >= 0
        assert NOW - 86_400_000 <= tick.event_ms <= NOW + 60_000
        assert len(padded(tick.timestamp)) == 39
        for text in (tick.symbol, tick.event_id):
            assert 0 < len(text.encode()) <= 150
            assert text.isprintable()
    for refused in reading.refused:
        assert all(len(field) <= 101 for field in refused.found.values())
    return len(reading.ticks)


def test_broken_messages_of_every_venue_are_answered() -> None:
    kept = 0
    for seed in range(COUNT):
        venue, body = broken(random.Random(seed))
        try:
            kept += check(venue, body) > 0
        except Exception as error:
            raise AssertionError(f"seed {seed}: {venue} {body[:500]!r}") from error
    # The breaking must not break so much that nothing is left to read.
    assert kept > COUNT / 20


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("venue", VENUES)
@given(body=st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_answered(venue: str, body: bytes) -> None:
    check(venue, body)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "body-empty"),
        (b" \n", "body-empty"),
        (b"pong", "not-json"),
        (b'{"a": NaN}', "not-json"),
        (b'{"a": 1} {}', "not-json"),
        (b'{"a": 1, "a": 1}', "duplicate-name"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate-name"),
        (b'"\xff"', "not-utf-8"),
        (b'"\xed\xa0\x80"', "not-utf-8"),
        (b'["\\ud800"]', "lone-surrogate"),
        (b'{"\\udfff": 1}', "lone-surrogate"),
        (b"[" * 33 + b"]" * 33, "nested-too-deep"),
        (b"[" * 700_000, "nested-too-deep"),
        (b'[{"a":' * 300_00, "nested-too-deep"),
        (b"9" * 5000, "number-too-long"),
        (b"1e" + b"9" * 30, "number-too-long"),
        (b'"' + b"x" * 716_800 + b'"', "body-too-large"),
        (b"\x1f\x8b\x08\x00", "not-utf-8"),
    ],
)
def test_what_is_no_message_is_refused_whole(venue: str, body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableMessage) as refusal:
        exchanges.read(venue, body, NOW, LIMITS)
    assert refusal.value.reason == reason
