"""Messages that come together are read as if each had come alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas import exchanges
from lambdas.domain import payloads
from lambdas.domain.ticks import Limits, Reading, Refused, UnreadableMessage
from local.messages import size_together, together
from tests.exchanges import fixtures

LIMITS = Limits(past_window_ms=None, future_window_ms=None)
NOW = 1_732_250_001_000


def _is_json(body: bytes) -> bool:
    try:
        payloads.parse(body, LIMITS)
    except UnreadableMessage:
        return False
    return True


BODIES = {
    venue: [fixture.body for fixture in fixtures.of_venue(venue) if _is_json(fixture.body)]
    for venue in exchanges.VENUES
}


def alone(venue: str, body: bytes) -> Reading:
    try:
        return exchanges.read(venue, body, NOW, LIMITS)
    except UnreadableMessage as refusal:
        return Reading(refused=(Refused(refusal.reason, refusal.detail),))


@given(
    st.sampled_from(sorted(BODIES)).flatmap(
        lambda venue: st.tuples(
            st.just(venue), st.lists(st.sampled_from(BODIES[venue]), min_size=1, max_size=6)
        )
    )
)
def test_a_batch_is_the_sum_of_its_messages(drawn: tuple[str, list[bytes]]) -> None:
    """GIVEN messages of one venue, with repetitions THEN ticks, keys and reasons are the same."""
    venue, bodies = drawn
    body = together(bodies)
    assert len(body) == size_together([len(each) for each in bodies])
    readings = [alone(venue, each) for each in bodies]
    assert exchanges.read(venue, body, NOW, LIMITS) == Reading(
        tuple(tick for reading in readings for tick in reading.ticks),
        tuple(refused for reading in readings for refused in reading.refused),
        tuple(reason for reading in readings for reason in reading.ignored),
    )


def test_a_batch_of_nothing_is_ignored() -> None:
    assert exchanges.read("okx", together([]), NOW, LIMITS) == Reading(ignored=("empty-batch",))


def test_a_batch_within_a_batch_is_no_message() -> None:
    (refused,) = exchanges.read("okx", together([together([b"{}"])]), NOW, LIMITS).refused
    assert refused.reason == "unrecognised-message"


@pytest.mark.parametrize("other", [{"frames": 1}, {"frames": [], "x": 1}, {"Frames": []}])
def test_what_only_resembles_a_batch_is_refused_whole(other: object) -> None:
    with pytest.raises(UnreadableMessage, match="unrecognised-message"):
        exchanges.read("coinbase_exchange", json.dumps(other).encode(), NOW, LIMITS)
