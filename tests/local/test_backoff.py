"""Pauses double, never beyond their bounds, whatever chance says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.backoff import Backoff

bounds = st.tuples(st.floats(0.001, 10), st.floats(1, 1000)).map(
    lambda drawn: Backoff(drawn[0], drawn[0] * drawn[1])
)
chances = st.floats(0, 1)


@given(bounds, st.integers(1, 10**9), chances)
def test_a_pause_lies_within_its_half(backoff: Backoff, failures: int, chance: float) -> None:
    """GIVEN any number of failures THEN between half of the doubled pause and the whole of it."""
    doublings = min(failures - 1, 64)
    whole = min(backoff.most_seconds, backoff.first_seconds * 2.0**doublings)
    assert whole / 2 <= backoff.pause(failures, chance) <= whole <= backoff.most_seconds


@given(bounds, st.integers(1, 1000), chances)
def test_more_failures_never_mean_a_shorter_pause(
    backoff: Backoff, failures: int, chance: float
) -> None:
    assert backoff.pause(failures, chance) <= backoff.pause(failures + 1, chance)


@given(bounds, st.integers(1, 1000))
def test_it_reaches_its_bound_and_stays_there(backoff: Backoff, failures: int) -> None:
    assert backoff.pause(2000 + failures, 1.0) == backoff.most_seconds
