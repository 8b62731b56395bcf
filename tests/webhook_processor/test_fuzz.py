"""Whatever is sent comes out as counts and a dead letter, and never as an unhandled error.

2,000 inputs by default, 100,000 with HYPOTHESIS_PROFILE=long.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.adapters import aws
from lambdas.domain.keys import VENUES
from lambdas.webhook_processor import handler
from tests.exchanges import fixtures
from tests.webhook_processor.conftest import Function
from tests.webhook_processor.test_handler import EVENTS
from tests.webhook_processor.webhooks import ENVIRONMENT, SECRETS, event


def fuzz(per_cent: int) -> settings:
    """A share of the 2,000 inputs, or of the 100,000."""
    inputs = 100_000 if settings().max_examples > 1_000 else 2_000
    return settings(
        max_examples=inputs * per_cent // 100,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )


REAL = [(fixture.venue, fixture.body) for fixture in fixtures.every()]
NONE = SECRETS["generic"]
UNSIGNED = {venue: NONE for venue in VENUES if venue not in SECRETS}
FUZZED = {
    **ENVIRONMENT,
    "WEBHOOK_SECRETS": json.dumps(SECRETS | UNSIGNED),
    "PAST_WINDOW_SECONDS": "0",  # the fixtures are of many years
    "FUTURE_WINDOW_SECONDS": "0",
}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        [
            "",
            "0",
            "-0",
            "1e400",
            "1E-400",
            "NaN",
            "Infinity",
            "9" * 400,
            "\ud800",
            "0x10",
            "١",
            "1_0",
        ]
    )
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@st.composite
def mutated_json(draw: st.DrawFn) -> tuple[str, bytes]:
    """A real message in which some values or names were replaced, removed or repeated."""
    venue, body = draw(st.sampled_from(REAL))
    try:
        message = json.loads(body)
    except ValueError:
        return venue, body
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(message))
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        action = draw(st.sampled_from(["replace", "remove", "repeat"]))
        if action == "replace":
            holder[key] = draw(values)
        elif action == "remove":
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, holder[key])
        else:
            holder[draw(st.text(max_size=8))] = holder[key]
    return venue, json.dumps(message).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


@st.composite
def mutated_bytes(draw: st.DrawFn) -> tuple[str, bytes]:
    """A real message in which bytes were overwritten, cut out or put in."""
    venue, body = draw(st.sampled_from(REAL))
    start = draw(st.integers(0, len(body)))
    end = draw(st.integers(start, min(len(body), start + 20)))
    return venue, body[:start] + draw(st.binary(max_size=20)) + body[end:]


def _many(part: bytes) -> bytes:
    return part * 5_000


venues = st.sampled_from(sorted(VENUES))
json_bodies = st.tuples(venues, values.map(lambda value: json.dumps(value).encode()))
bodies = (
    mutated_json()
    | mutated_bytes()
    | json_bodies
    | st.tuples(venues, st.binary(max_size=200))
    | st.tuples(
        venues, st.sampled_from(["[", '{"a":', "1", "\xff"]).map(lambda c: c.encode() * 9_000)
    )
)


@pytest.fixture(scope="module", autouse=True)
def _environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FUZZED.items():
            patch.setenv(name, value)
        yield


def outcome(sent: object) -> tuple[Function, dict[str, Any]]:
    """Send an event twice to a fresh function; check what must hold of any event."""
    function = Function()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aws, "client", function.client)
        handler._processor.cache_clear()
        try:
            answer = function.invoke(sent)
            rows = dict(function.table.rows)
            again = function.invoke(sent)
        finally:
            handler._processor.cache_clear()
    counts = [answer[name] for name in ("stored", "duplicates", "refused", "ignored")]
    assert all(type(count) is int and count >= 0 for count in counts)
    assert sum(counts) > 0, "the message came out as nothing"
    assert sum(answer["reasons"].values()) == answer["refused"] + answer["ignored"]
    assert len(rows) == answer["stored"]
    assert function.table.rows == rows
    assert again == {
        **answer,
        "stored": 0,
        "duplicates": answer["stored"] + answer["duplicates"],
    }
    letters = function.queue.events()
    assert letters == ([sent, sent] if answer["refused"] else [])
    json.dumps(answer, allow_nan=False).encode()  # Lambda has to be able to write it
    return function, answer


@fuzz(55)
@given(bodies)
def test_any_body(sent: tuple[str, bytes]) -> None:
    """GIVEN a body that the venue signed, real, mutated or random."""
    outcome(event(*sent))


@fuzz(15)
@given(
    st.sampled_from([(venue, body) for venue, body in REAL if SECRETS.get(venue, NONE) != NONE]),
    st.dictionaries(
        st.sampled_from(
            ["webhook-id", "Webhook-Timestamp", "webhook-signature", "x-signature", "X-TIMESTAMP"]
        )
        | st.text(max_size=12),
        st.binary(max_size=60)
        | st.sampled_from([b"v1,", b"1732250000", b"sha256=", b"t=1732250000,v1=", b"\xff", b""]),
        max_size=6,
    ),
)
def test_any_headers(sent: tuple[str, bytes], headers: dict[str, bytes]) -> None:
    """GIVEN headers of anyone's making THEN no message of a venue with a secret gets in."""
    venue, body = sent
    function, answer = outcome(event(venue, body, headers=headers))
    assert answer["refused"] == 1
    assert function.table.rows == {}


event_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@fuzz(15)
@given(event_json)
def test_any_event(sent: object) -> None:
    """GIVEN something that API Gateway never renders: an invocation by hand, another service."""
    _, answer = outcome(sent)
    assert answer["reasons"] == {"malformed-event": 1}


@fuzz(15)
@given(
    st.sampled_from(sorted(EVENTS)),
    st.sampled_from(["version", "exchange", "body", "received_at", "request_id", "headers"]),
    event_json | st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode()),
)
def test_any_event_with_one_field_replaced(name: str, field: str, value: object) -> None:
    outcome({**EVENTS[name], field: value})
