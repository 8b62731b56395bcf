"""What can be counted is held: it may not grow unnoticed. Times are measured, never asserted."""

from __future__ import annotations

import pytest

from stack import cost, settings
from stack.packaging import package
from tests.bench.capacity import Counted, counted_run
from tests.bench.packages import FUNCTIONS, ROOT

CEILINGS_KB = {"webhook_processor": 64, "price_enricher": 43, "error_notifier": 10}
"""Kilobytes of each zip as it is deployed: a little above what they weigh.

The aim of 60 KB is judged by the benchmark (``packages``).
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_zip_does_not_grow_unnoticed(function: str) -> None:
    assert len(package(ROOT, function).archive) <= CEILINGS_KB[function] * 1000


@pytest.fixture(scope="module", params=[4, 10])
def counted(request: pytest.FixtureRequest) -> Counted:
    """Webhooks of a hundred ticks of so many symbols through both warm functions."""
    return counted_run(100, request.param, 1_000)


def test_twenty_five_rows_go_into_a_call(counted: Counted) -> None:
    assert counted.calls["insert"] * 25 == counted.ticks
    assert counted.calls["update"] * 25 == counted.ticks


def test_a_warm_enricher_asks_once_a_tape_and_batch(counted: Counted) -> None:
    assert counted.calls["query"] == counted.tapes
    assert counted.calls["publish"] == counted.batches


def test_nothing_else_is_called(counted: Counted) -> None:
    assert set(counted.calls) == {"insert", "update", "query", "publish"}


def test_a_tick_takes_two_write_units(counted: Counted) -> None:
    assert counted.write_units == cost.WRITES_A_TICK * counted.ticks
    assert counted.read_units <= counted.ticks / 10


def test_full_webhooks_cost_little_more_than_the_floor(counted: Counted) -> None:
    dollars = cost.total(cost.components(counted.consumption(settings.load())))
    floor = counted.write_units * cost.prices()["write_unit"]
    assert floor <= dollars <= 1.1 * floor


def test_a_tick_a_webhook_takes_a_call_each_and_no_more_units() -> None:
    single = counted_run(1, 1, 300)
    assert single.calls["insert"] == single.ticks == 300
    assert single.calls["update"] * 25 == single.ticks
    assert single.write_units == 600
