"""Growth: the exponent of a power law is found, and each benchmark of it says what it measured."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import end_to_end, growth, local_run, queries, query_run

SIZES = st.lists(st.integers(1, 10**6), min_size=2, max_size=6, unique=True)


@given(SIZES, st.floats(-1, 3), st.floats(1e-3, 1e6))
def test_the_exponent_of_a_power_law_is_found(sizes: list[int], power: float, a: float) -> None:
    costs = {float(size): a * size**power for size in sizes}
    assert growth.exponent(costs) == pytest.approx(power, abs=1e-6)


@given(SIZES, st.floats(1e-6, 1e6))
def test_what_does_not_grow_has_exponent_0(sizes: list[int], cost: float) -> None:
    assert growth.exponent({float(size): cost for size in sizes}) == pytest.approx(0, abs=1e-9)


def test_one_size_says_nothing_of_growth() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        growth.exponent({10.0: 1.0})


def test_each_round_is_fitted_by_itself() -> None:
    """GIVEN a round in which all took thrice as long THEN the exponent is the same."""
    found = growth.figure("g", "s", {1.0: [1, 3], 10.0: [10, 30], 100.0: [100, 300]})
    assert found.spread.low == pytest.approx(1)
    assert found.spread.high == pytest.approx(1)
    assert found.note == "1 to 100"


def measured(ticks: int, symbols: int, rows: int, **more: Any) -> dict[str, Any]:
    found = {"ticks_a_message": ticks, "symbols": symbols, "rows": rows, "ticks": 100}
    times = {"seconds": 2.0, "emulator_cpu": 1.5, "functions_cpu": 0.5, "latencies": [0.5] * 20}
    return {**found, **times, **more}


def test_growth_is_over_what_differs_alone() -> None:
    """GIVEN rows that double the seconds a tick THEN only the growth with rows shows it."""
    runs = [measured(*shape, 1000) for shape in local_run.SHAPES]
    runs += [measured(*local_run.MIDDLE, 10_000, seconds=4.0)]
    found = {(f.group, f.subject): f.spread.middle for f in end_to_end.figures(runs)}
    head = "webhook to metrics, growth with"
    assert found[f"{head} rows", "seconds a tick"] == pytest.approx(0.30103, abs=1e-4)
    assert found[f"{head} rows", "p50"] == found[f"{head} symbols", "seconds a tick"] == 0
    first = "webhook to metrics, 1 a message, 10 symbols, 1,000 rows"
    assert found[first, "held"] == 50
    assert found[first, "the emulator's part"] == 75
    assert found[first, "p99"] == 0.5


def test_a_question_that_reads_more_of_a_larger_table_misses_its_aim() -> None:
    def asked(units: float) -> list[dict[str, Any]]:
        return [
            {"pattern": "latest", "rows": 10, "units": 0.5, "ms": [1.0, 1.0]},
            {"pattern": "latest", "rows": 1000, "units": units, "ms": [1.0, 1.0]},
        ]

    for units, verdict in [(0.5, "met"), (1.0, "missed")]:
        (figure,) = (f for f in queries.figures(asked(units)) if f.subject.startswith("units"))
        assert figure.verdict == verdict


def test_rows_that_fill_the_table_are_rows_of_the_pipeline() -> None:
    """GIVEN the rows that stand for earlier days THEN they differ in key and fit one unit."""
    rows = [local_run.row(number, 1_732_250_000_000, 10) for number in range(200)]
    keys = {(row["symbol"]["S"], row["timestamp"]["N"]) for row in rows}
    assert len(keys) == len(rows)
    assert {row["symbol"]["S"] for row in rows} == set(query_run.SYMBOLS)
    assert all(row["window"]["S"] for row in rows)
