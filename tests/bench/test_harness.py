"""The harness itself: its statistics, its verdicts and its table. No clock decides anything."""

from __future__ import annotations

import importlib.util
import json
import math
from decimal import Decimal
from io import StringIO
from itertools import count
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from local import bootstrap
from tests import conftest
from tests.bench import __main__ as command
from tests.bench import accuracy, arithmetic, imports, libraries, synthesis, table, worker
from tests.bench.figures import Aim, Direction, Figure, Spread, counted, ratios
from tests.bench.series import hard_series, tape
from tests.bench.timing import Work, interleaved

VALUES = st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=40)


@given(VALUES)
def test_the_quartiles_lie_around_the_median_and_within_the_values(values: list[float]) -> None:
    spread = Spread.of(values)
    assert min(values) <= spread.low <= spread.middle <= spread.high <= max(values)
    assert spread.middle == median(values)
    assert sum(spread.low <= value <= spread.high for value in values) >= len(values) / 2 - 1


@given(VALUES)
def test_equal_measurements_have_no_noise(values: list[float]) -> None:
    assert Spread.of([values[0]] * len(values)).noise == 0
    assert Spread.of(values).noise >= 0


def test_nothing_measured_is_no_figure() -> None:
    with pytest.raises(ValueError, match="at least one repetition"):
        Spread.of([])


@given(VALUES, st.floats(1e-3, 1e3))
def test_what_slows_a_whole_round_leaves_its_ratio_alone(times: list[float], slower: float) -> None:
    peers = [time * 2 for time in times]
    assert ratios(times, peers) == [0.5] * len(times)
    both = ratios([time * slower for time in times], [time * slower for time in peers])
    assert both == pytest.approx([0.5] * len(times))
    with pytest.raises(ValueError, match="zip"):
        ratios(times, [*peers, 1.0])


@given(st.sampled_from(["<=", ">="]), st.floats(allow_nan=False), st.floats(allow_nan=True))
def test_an_aim_is_met_exactly_when_the_comparison_holds(
    direction: Direction, limit: float, value: float
) -> None:
    holds = value <= limit if direction == "<=" else value >= limit
    assert Aim(direction, limit).verdict(value) == ("met" if holds else "missed")
    assert Aim(direction, limit).verdict(math.nan) == "missed"


def test_a_verdict_that_the_noise_could_turn_says_so() -> None:
    aim = Aim("<=", 2)
    assert Figure("g", "s", "×", Spread(1.9, 1.7, 2.1), aim).certain is False
    assert Figure("g", "s", "×", Spread(1.9, 1.7, 2.0), aim).certain is True
    assert Figure("g", "s", "×", Spread(2.2, 2.1, 2.3), aim).verdict == "missed"


FIGURES = [
    Figure("reading", "ours", "µs a tick", Spread(12.3, 12.0, 13.0)),
    Figure("reading", "ccxt / ours", "×", Spread(3.0, 2.9, 3.1), Aim(">=", 4)),
    Figure("reading", "certainly", "×", Spread(5.0, 4.9, 5.1), Aim(">=", 4)),
    counted("zip", "a function", "KB", 90, Aim("<=", 60)),
    Figure("error", "river", "relative", Spread(math.inf, math.inf, math.inf), None, "flat"),
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.subject)
def test_json_keeps_a_figure(figure: Figure) -> None:
    text = json.dumps(figure.as_json(), allow_nan=False)
    assert Figure.from_json(json.loads(text)) == figure


def test_the_table_tells_what_is_met_and_by_how_much_what_is_missed() -> None:
    console = Console(file=StringIO(), width=140)
    console.print(table.table(FIGURES, "a machine"))
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    line = {word: next(one for one in lines if word in one) for word in ("ccxt", "certainly")}
    assert "missed by a factor of 1.3" in line["ccxt"]
    assert "missed" not in line["certainly"]
    assert "met" in line["certainly"]
    assert any("a function" in one and "missed by a factor of 1.5" in one for one in lines)
    assert any("river" in one and "∞" in one and "flat" in one for one in lines)
    assert "1 of 3 aims met" in console.file.getvalue()


def test_every_subject_has_its_turn_in_every_round() -> None:
    """GIVEN a clock that each call of a subject moves by its cost THEN the costs come out, and
    every round begins with fresh state.
    """
    now, prepared = 0, count()
    order: list[str] = []

    def subject(name: str, cost: int) -> Work:
        next(prepared)
        order.append(name)

        def work() -> None:
            nonlocal now
            now += cost

        return work

    times = interleaved(
        {"a": lambda: subject("a", 3), "b": lambda: subject("b", 50)},
        rounds=7,
        clock=lambda: now,
        least_ns=100,
    )
    assert times == {"a": [3.0] * 7, "b": [50.0] * 7}
    rounds = [order[i : i + 2] for i in range(2, len(order), 2)]
    assert all(sorted(one) == ["a", "b"] for one in rounds)
    assert len({tuple(one) for one in rounds}) == 2, "the order never changed"


def test_every_benchmark_can_be_found() -> None:
    for name in worker.BENCHMARKS:
        assert importlib.util.find_spec(f"tests.bench.{name}")


def test_a_benchmark_that_fails_is_no_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "make_environment", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["bench", "--only", "packages"])

    def fails(*_: object) -> list[Figure]:
        raise command.Unmeasured("the measuring process ended with 1: no pandas")

    monkeypatch.setattr(command, "asked", fails)
    assert command.main() == 1
    assert "packages was not measured: the measuring process ended" in capsys.readouterr().err


def test_the_aims_of_the_arithmetic_compare_with_pandas_in_the_same_round() -> None:
    times = {
        arithmetic.STORED: [500.0, 5000.0],
        arithmetic.WHOLE: [390.0, 3900.0],
        arithmetic.SUBSET: [190.0, 1900.0],
        arithmetic.PANDAS: [200.0, 2000.0],
        arithmetic.PANDAS_STORED: [240.0, 2400.0],
    }
    verdicts = {
        figure.subject: (figure.spread.middle, figure.verdict)
        for figure in arithmetic.judged(arithmetic.JUDGED, times)
        if figure.unit == "×"
    }
    assert verdicts == {
        "ours, whole set / pandas": (1.95, "met"),
        "ours, whole set as stored / pandas, as stored": (500 / 240, "missed"),
        "ours, whole set as stored / pandas": (2.5, None),
        "ours, subset / pandas": (0.95, "met"),
    }


def test_imports_are_judged_with_bytecode_and_without() -> None:
    """GIVEN measured imports THEN a group's lines stand together and each aim has its verdict."""
    metrics, handler = "import, the metrics", "a handler"
    times = {
        (metrics, "ours", imports.WARM): [30.0],
        (metrics, "ours", imports.COLD): [50.0],
        (metrics, "pandas", imports.WARM): [200.0],
        (metrics, "pandas", imports.COLD): [1000.0],
        (handler, "f, own code", imports.WARM): [39.0],
        (handler, "f, own code", imports.COLD): [41.0],
    }
    memory = {
        (metrics, "ours"): [3.0],
        (metrics, "pandas"): [60.0],
        (handler, "f, own code"): [0.0],
    }
    figures = imports.judged(times, memory)
    assert [figure.group for figure in figures] == [metrics] * 8 + [handler] * 2
    assert [figure.verdict for figure in figures if figure.aim] == [
        "missed",
        "met",
        "met",
        "missed",
    ]


def test_the_suite_is_as_its_last_whole_run_recorded_it_or_not_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(synthesis, "RECORD", tmp_path / "last")
    missing = synthesis.suite()
    assert (table.number(missing.spread.middle), missing.verdict) == ("–", None)
    assert "not measured" in missing.note
    json.dumps(missing.as_json(), allow_nan=False)
    (tmp_path / "last").write_text('{"seconds": 930, "tests": 2000, "day": "2026-11-26"}')
    assert synthesis.suite().spread.middle == 15.5


def test_only_a_run_of_every_test_is_a_whole_one() -> None:
    """GIVEN the options of runs THEN what narrows one down keeps it from being recorded."""

    def whole(*arguments: str) -> bool:
        config = pytest.Config.fromdictargs({}, list(arguments))
        return conftest._is_whole(config)

    assert whole()
    assert not whole("tests/bench")
    assert not whole("-k", "anything")
    assert not whole("--ignore=tests/journeys")


@pytest.mark.parametrize(
    ("column", "truth", "expected"),
    [
        ([1.0, 2.0], [(Decimal(1), Decimal(1)), (Decimal(2), Decimal(2))], [0, 0]),
        ([2.5], [(Decimal(9), Decimal(9)), (Decimal(2), Decimal(2))], [0.25]),
        ([None, 3.0], [None, (Decimal(2), Decimal(4))], [0.25]),
        ([0.0, 1e-300], [(Decimal(0), Decimal(0))] * 2, [math.inf, 0]),
        ([math.nan], [(Decimal(1), Decimal(1))], [math.inf]),
    ],
)
def test_an_error_is_the_distance_in_its_scale(
    column: list[float | None], truth: accuracy.Truth, expected: list[float]
) -> None:
    assert list(accuracy.errors_of(column, truth)) == expected


def test_the_exact_values_on_a_line_are_the_known_ones() -> None:
    """GIVEN prices 1, 2, 3, ... whose statistics are known in closed form."""
    truth = accuracy.exact([Decimal(k) for k in range(1, 131)], "adjusted")
    last = {name: column[-1] for name, column in truth.items()}
    assert last["sma_5"] == (Decimal(128), Decimal(128))
    assert last["sma_50"] == (Decimal("105.5"), Decimal("105.5"))
    assert last["std_20"] is not None
    assert last["std_20"][0] == accuracy.EXACT.sqrt(Decimal("33.25"))
    assert last["bollinger_upper"] is not None
    assert float(last["bollinger_upper"][0]) == pytest.approx(120.5 + 2 * math.sqrt(33.25))
    assert truth["sma_5"][3] is None
    assert truth["return_std_20"][19] is None


@pytest.mark.parametrize("start", ["window", "adjusted", "first price", "first mean"])
def test_a_moving_average_of_a_constant_is_the_constant(start: libraries.EmaStart) -> None:
    column = accuracy.exact([Decimal("80.01")] * 130, start)["ema_12"]
    assert all(one is None or abs(one[0] - Decimal("80.01")) < Decimal("1e-50") for one in column)
    assert column[-1] is not None


def test_ours_is_judged_like_everybody_and_passes_on_the_hard_series() -> None:
    for title, prices in hard_series().items():
        prints = tape(prices := prices[100:200])
        truth = accuracy.exact(prices, "window")
        columns = libraries.ours(prints, 0)
        assert set(columns) == set(libraries.SUBSET)
        for name, column in columns.items():
            assert max(accuracy.errors_of(column, truth[name])) < 1e-12, f"{name}, {title}"


def test_a_library_that_is_more_accurate_is_seen() -> None:
    mine = {"ours": (2e-16, "walk"), "other": (1e-16, "walk"), "worse": (1.0, "walk")}
    last = accuracy.judged("band", mine)[-1]
    assert (last.verdict, last.spread.middle) == ("missed", 2)
    assert accuracy.judged("band", {**mine, "ours": (0.0, "")})[-1].verdict == "met"
