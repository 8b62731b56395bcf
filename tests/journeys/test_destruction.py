"""The end of all journeys: destroyed one after the other, and nothing is left."""

from __future__ import annotations

import pytest

from local import process
from tests.journeys.stage import FIRST, SECOND, Journey, send, tapes, trade

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(900)]


def test_one_environment_is_destroyed_and_the_other_does_not_notice(journey: Journey) -> None:
    other = journey.deployment(SECOND)
    assert tapes(other) == {}, "nothing of the first environment's traffic came here"
    assert send(journey, SECOND, [trade(6)]).counts(0).enriched == 1
    rows = tapes(other)
    done = journey.command("down", "--suffix", FIRST)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{FIRST}: nothing is left but 1 key pending deletion" in done.stdout
    assert tapes(other) == rows
    assert other.terraform.plan().none
    assert send(journey, SECOND, [trade(7)]).counts(0).enriched == 1
    assert FIRST not in [line.split()[0] for line in journey.command("status").stdout.splitlines()]


def test_in_the_end_nothing_is_left(journey: Journey) -> None:
    emulator = process.running(journey.places)
    assert emulator is not None
    done = journey.command("down")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SECOND}: nothing is left but 1 key pending deletion" in done.stdout
    assert process.running(journey.places) is None
    assert not emulator.healthy()
    left = {path.name for path in journey.places.home.iterdir()}
    assert left <= {"lock", f"prices-{FIRST}.png"}
    assert journey.command("down").returncode == 0
