"""What a venue would write of a tick is read to that tick: exactly, and in order."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas import exchanges
from lambdas.domain.moments import MILLISECOND
from lambdas.domain.prints import UndatedTick
from lambdas.domain.ticks import Limits, Refused, Tick
from tests.exchanges.strategies import FORMS, Canonical, Form, canonicals, message

BATCHES = st.sampled_from([form for form in FORMS if form.batch])
UNBOUNDED = Limits(past_window_ms=None, future_window_ms=None)


@pytest.mark.parametrize("form", FORMS, ids=str)
@given(data=st.data())
def test_a_written_tick_is_read_exactly(form: Form, data: st.DataObject) -> None:
    written = data.draw(canonicals(form))
    outcomes = list(exchanges.outcomes(form.venue, message(form.write(written)), None, UNBOUNDED))
    assert len(outcomes) == len(written)
    for tick, outcome in zip(written, outcomes, strict=True):
        if not isinstance(outcome, Tick | UndatedTick):
            # ARBUSD is AR/BUSD and ARB/USD: a name with two readings is refused, never guessed.
            assert getattr(outcome, "reason", outcome) == "symbol-ambiguous"
            continue
        _check(form, tick, outcome)


def _check(form: Form, written: Canonical, read: Tick | UndatedTick) -> None:
    assert (read.kind, read.base, read.quote) == (form.kind, written.base, written.quote)
    assert read.exchange == form.venue
    home = written.quote == "USD"
    assert read.symbol == (written.base if home else f"{written.base}-{written.quote}")
    # As tuples: 1.50 is not 1.5, what the venue wrote is kept.
    assert read.price.as_tuple() == Decimal(written.price).as_tuple()
    if form.sized:
        assert read.size == Decimal(written.size)
    else:
        assert read.size is None
    if form.event_id:
        assert read.event_id == form.event_id(written)
    assert isinstance(read, Tick) is form.dated
    if isinstance(read, Tick):
        assert read.event_ms * MILLISECOND + read.sub_ms_ns == written.nanoseconds


@given(form=BATCHES, data=st.data())
def test_a_bad_tick_takes_no_good_one_with_it(form: Form, data: st.DataObject) -> None:
    written = data.draw(canonicals(form))
    place = data.draw(st.integers(0, len(written) - 1))
    bad = replace(written[place], price="-" + written[place].price)
    whole = list(exchanges.outcomes(form.venue, message(form.write(written)), 5, UNBOUNDED))
    broken = [*written[:place], bad, *written[place + 1 :]]
    rest = list(exchanges.outcomes(form.venue, message(form.write(broken)), 5, UNBOUNDED))
    assert isinstance(rest[place], Refused)
    assert len(rest) == len(whole)
    assert [_tick(outcome) for outcome in rest[:place]] == [_tick(o) for o in whole[:place]]
    if form.event_id:
        assert rest[place + 1 :] == whole[place + 1 :]


def _tick(outcome: object) -> object:
    return outcome.detail if isinstance(outcome, Refused) else outcome


@given(form=BATCHES, data=st.data())
def test_a_tick_gets_the_same_key_in_any_batch(form: Form, data: st.DataObject) -> None:
    written = data.draw(canonicals(form))
    together = exchanges.read(form.venue, message(form.write(written)), 5, UNBOUNDED).ticks
    alone = [
        tick
        for one in written
        for tick in exchanges.read(form.venue, message(form.write([one])), 5, UNBOUNDED).ticks
    ]
    if form.event_id is None:
        # Identical ticks without id are numbered within their message; the first is number one.
        together = tuple(tick for tick in together if "#" not in tick.event_id)
        alone = list({(t.symbol, t.timestamp): t for t in alone}.values())
    assert {(t.symbol, t.timestamp) for t in together} == {(t.symbol, t.timestamp) for t in alone}
