"""The simulation of batches: it enriches every tick, and waits as the mapping's rules say."""

from __future__ import annotations

import pytest

from stack import settings
from tests.bench import batching
from tests.bench.batching import SIZES, WINDOWS, Cpu, Result, Setting, simulated, ticks
from tests.bench.figures import Figure

NOTHING = Cpu(0, 0, 0)
SERVICES_SECONDS = (
    batching.INVOKE_SECONDS
    + 2 * (batching.QUERY_SECONDS + batching.WRITE_SECONDS)
    + batching.PUBLISH_SECONDS
)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("size", [3, 100])
def test_every_tick_is_written_once_and_within_the_mappings_rules(window: int, size: int) -> None:
    arriving = ticks(40, 6)
    result = simulated(arriving, Setting(window, size), NOTHING, 1)
    assert result.write_units == sum(result.batches) == len(arriving)
    measured = [time for time, _ in arriving if time <= arriving[-1][0] - window]
    assert len(result.waits) == len(measured) > 10
    assert max(result.batches) <= size
    assert min(result.waits) > 0
    if size == 100:  # never behind: a poll, the window, and at most one call in the way
        assert max(result.waits) <= batching.POLL_SECONDS + window + 2 * SERVICES_SECONDS


def test_a_batch_closes_at_its_size_before_its_window_is_over() -> None:
    arriving = ticks(40, 6)
    [small, large] = (simulated(arriving, Setting(5, size), NOTHING, 1) for size in (10, 1000))
    assert small.wait(0.95) < 1 < large.wait(0.95)
    assert len(small.batches) > len(large.batches)


def test_a_slow_function_makes_ticks_wait_and_is_billed() -> None:
    arriving = ticks(40, 3)
    [fast, slow] = (
        simulated(arriving, Setting(0, 100), cpu, 0.25) for cpu in (NOTHING, Cpu(0.2, 0, 0))
    )
    assert slow.wait(0.5) > fast.wait(0.5) + 0.8
    assert slow.billed_seconds / len(slow.batches) > 0.8 > fast.billed_seconds / len(fast.batches)


def test_the_same_ticks_give_the_same_result() -> None:
    once, again = (simulated(ticks(9, 5), Setting(1, 100), NOTHING, 1) for _ in range(2))
    assert once == again


def test_dollars_are_the_prices_of_what_was_used() -> None:
    used = Result(10, [0.1] * 10, [4, 6], 2.0, read_units=3, write_units=10)
    by_hand = (10 * 0.625 + 3 * 0.125 + 2 * (0.2 + 0.5 + 450 * 0.0005) + 2.0 * 0.5 * 13.3334) / 10
    assert used.dollars(0.5) == pytest.approx(by_hand)


def test_the_mapping_as_it_is_deployed_is_marked_in_every_group() -> None:
    stream = settings.load().stream
    chosen = Setting(stream.batching_window_seconds, stream.batch_size)
    assert chosen.window in WINDOWS
    assert chosen.size in SIZES
    for rate in (1, 50):
        results = batching.settings_of(rate, 12, NOTHING, 1)
        lines: list[Figure] = batching.lines(rate, results, chosen, 0.5)
        assert sum("chosen" in line.subject for line in lines) == 1


def test_another_setting_is_told_with_what_it_costs_and_saves() -> None:
    chosen = Setting(1, 100)
    others = (chosen, Setting(0, 100), Setting(2, 100), Setting(1, 1000))
    by_rate = {
        rate: {
            setting: Result(1, [wait], [1], read_units=reads, write_units=1)
            for setting, wait, reads in zip(others, (1.0, 0.2, 2.0, 1.5), costs, strict=True)
        }
        for rate, costs in {1: (8, 16, 4, 8), 400: (8, 8, 8, 0)}.items()
    }
    figures = batching.instead(by_rate, chosen, 0.5)
    assert [round(one.spread.middle, 6) for one in figures] == [1.0, -0.5, -1.0]
    assert figures[0].note == "p95 0.20 s instead of 1.00 s, at 1 ticks/s"
    assert figures[2].note == "p95 1.50 s instead of 1.00 s, at 400 ticks/s"
