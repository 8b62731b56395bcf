"""Every venue's messages, in the venue's own form, come out as the ticks they are."""

from __future__ import annotations

import importlib
from decimal import Decimal
from pathlib import Path

import pytest

from lambdas import exchanges
from lambdas.domain import keys
from lambdas.domain.prints import UndatedTick
from lambdas.domain.ticks import Limits, Refused, Tick, UnreadableMessage
from tests.exchanges import fixtures

ROOT = Path(exchanges.__file__).parent


@pytest.mark.parametrize("fixture", fixtures.every(), ids=str)
def test_a_message_is_read_to_what_it_holds(fixture: fixtures.Fixture) -> None:
    if fixture.unreadable:
        with pytest.raises(UnreadableMessage) as refusal:
            list(exchanges.outcomes(fixture.venue, fixture.body, None, Limits()))
        assert refusal.value.reason == fixture.unreadable
        return
    outcomes = list(exchanges.outcomes(fixture.venue, fixture.body, None, Limits()))
    ticks = [outcome for outcome in outcomes if isinstance(outcome, Tick | UndatedTick)]
    assert [_row(tick) for tick in ticks] == [_exact(row) for row in fixture.ticks]
    assert [o for o in outcomes if isinstance(o, str)] == fixture.ignored
    assert [o.reason for o in outcomes if isinstance(o, Refused)] == fixture.refused


def _row(tick: Tick | UndatedTick) -> list[str | None]:
    time = f"{tick.event_ms}.{tick.sub_ms_ns:06d}" if isinstance(tick, Tick) else None
    size = None if tick.size is None else str(tick.size)
    return [tick.kind, tick.symbol, str(tick.price), size, time, tick.event_id]


def _exact(row: list[str | None]) -> list[str | None]:
    """The expected row, its numbers as Decimal writes them: digit for digit, not only equal."""
    kind, symbol, price, size, time, event_id = row
    exact_size = None if size is None else str(Decimal(size))
    return [kind, symbol, str(Decimal(str(price))), exact_size, time, event_id]


def test_every_venue_file_is_registered_numbered_and_has_fixtures() -> None:
    files = {path.stem for path in ROOT.glob("*.py")} - {"__init__"}
    assert files == set(exchanges.VENUES)
    assert files == set(keys.VENUES)
    assert files == {path.stem for path in fixtures.FOLDER.glob("*.jsonl")}
    for name in files:
        module = importlib.import_module(f"lambdas.exchanges.{name}")
        assert exchanges.VENUES[name] is module.parts


@pytest.mark.parametrize("venue", sorted(exchanges.VENUES))
def test_a_venues_fixtures_show_every_kind_of_outcome(venue: str) -> None:
    shown = fixtures.of_venue(venue)
    assert any(fixture.ticks for fixture in shown)
    assert any(fixture.ignored for fixture in shown)
    assert any(fixture.refused or fixture.unreadable for fixture in shown)


def test_an_unknown_venue_is_refused_whole() -> None:
    with pytest.raises(UnreadableMessage, match="unknown-venue"):
        exchanges.read("mtgox", b"{}", 0, Limits())


@pytest.mark.parametrize("fixture", fixtures.every(), ids=str)
def test_a_repeated_message_gets_the_same_keys(fixture: fixtures.Fixture) -> None:
    if not fixture.ticks:
        return
    limits = Limits(past_window_ms=None, future_window_ms=None)
    first = exchanges.read(fixture.venue, fixture.body, 1_732_250_000_999, limits)
    second = exchanges.read(fixture.venue, b" " + fixture.body, 1_732_250_000_999, limits)
    assert first == second
    assert [keys.padded(tick.timestamp) for tick in first.ticks] == [
        keys.padded(keys.sort_key(t.exchange, t.kind, t.event_ms, t.sub_ms_ns, t.event_id))
        for t in first.ticks
    ]
