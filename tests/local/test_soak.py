"""What a soak measures, and that it sees what it is there to see."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.domain.numbers import canonical
from local import demo, report, soak
from local.console import Voice
from local.errors import LocalError
from local.messages import Message
from local.places import Places
from local.report import Key
from local.soak import Soak
from stack import settings as stack_settings

SETTINGS = stack_settings.load()
FUNCTION = "price-enricher-dev"


def whole(**changed: Any) -> Soak:
    """A soak with which nothing is wrong, but for what is changed."""
    memory = {FUNCTION: {7: [50.0] * soak.JUDGED_SAMPLES}}
    fields: dict[str, Any] = {
        "seconds": 60.0,
        "ticks": 600,
        "latencies": [0.5] * 60,
        "memory": memory,
    }
    return Soak(10.0, **(fields | changed))


# -- arithmetic ------------------------------------------------------------------------------------


def test_a_line_grows_by_its_rise_over_the_second_half() -> None:
    late = [100.0, 101.0, 102.0, 103.0, 104.0]
    assert soak.growth([1.0] * 5 + late) == pytest.approx(4 / 102)
    assert soak.growth([*reversed(late)] * 2) == pytest.approx(-4 / 102)
    assert soak.growth([]) == soak.growth([50.0]) == 0.0


@given(
    base=st.floats(10, 500),
    spike=st.floats(1, 1000),
    at=st.integers(0, 59),
    warm=st.lists(st.floats(1, 10), min_size=60, max_size=60),
)
def test_neither_warming_up_nor_one_spike_is_growth(
    base: float, spike: float, at: int, warm: list[float]
) -> None:
    late = [base] * 60
    late[at] += spike
    assert soak.growth([*warm, *late]) == 0.0


@given(st.floats(10, 500), st.floats(0.2, 1.0), st.lists(st.floats(-1, 1), min_size=60))
def test_a_leak_is_growth_whatever_the_noise(base: float, leak: float, noise: list[float]) -> None:
    """A fifth of the size and more, with a hundredth of it as noise."""
    number = len(noise)
    samples = [base * (1 + leak * at / number + noise[at] / 100) for at in range(number)]
    assert soak.growth(samples) > soak.GROWTH


def test_of_several_processes_the_one_that_grows_decides() -> None:
    flat, rising = [50.0] * 60, [50.0 + at / 5 for at in range(60)]
    done = whole(memory={FUNCTION: {1: flat, 2: rising, 3: [1.0, 90.0]}, "other": {4: flat}})
    assert done.grown(FUNCTION) == pytest.approx(soak.growth(rising))
    assert done.wrong == [f"a process of {FUNCTION} grew by 9.8%, at most 5%"]


def test_of_a_process_that_lived_for_a_moment_nothing_is_said() -> None:
    done = whole(memory={FUNCTION: {1: [50.0, 90.0] * (soak.JUDGED_SAMPLES // 2 - 1)}})
    assert done.grown(FUNCTION) is None
    assert done.wrong == []
    assert done.figures[f"soak, memory of {FUNCTION}"] == "70 MB, too short to tell growth"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lost": 1}, "1 of 600 ticks were lost"),
        ({"turned_away": 2}, "2 messages were not accepted"),
        ({"unseen": 3}, "3 ticks' metrics were never seen"),
        ({"ticks": 0}, "no tick was accepted"),
        ({"latencies": []}, "no latency was measured"),
        ({"memory": {}}, "no process's memory was measured (/proc tells it)"),
    ],
)
def test_whatever_is_wrong_is_said(changed: dict[str, Any], said: str) -> None:
    assert whole().wrong == []
    assert whole(**changed).wrong == [said]


def test_the_figures_tell_what_was_measured() -> None:
    latencies = [at / 100 for at in range(1, 102)]
    assert whole(latencies=latencies).figures == {
        "soak, ticks a second": "10 offered, 10 accepted, for 1.0 minutes",
        "soak, ticks accepted and lost": "600 and 0",
        "soak, webhook to metrics": "p50 0.51 s, p90 0.91 s, p99 1.00 s of 101 ticks",
        f"soak, memory of {FUNCTION}": "50 MB, +0.0% in the second half",
    }


@pytest.mark.parametrize(
    ("most", "found", "tries"),
    [
        (12.0, 11.25, [5.0, 5.0, 7.5, 11.25, 16.875]),
        (5.0, 5.0, [5.0, 5.0, 7.5]),
        (3.0, 5 / 1.5**2, [5.0, 5.0, 5 / 1.5, 5 / 1.5**2]),
    ],
)
def test_the_highest_rate_that_is_held_is_found(
    most: float, found: float, tries: list[float]
) -> None:
    tried: list[float] = []

    def held(rate: float) -> bool:
        tried.append(rate)
        return rate <= most

    assert soak.highest_held(held) == pytest.approx(found)
    assert tried == pytest.approx(tries)


def test_a_machine_that_holds_nothing_is_told_so() -> None:
    with pytest.raises(LocalError, match=r"0\.5 messages a second are more than"):
        soak.highest_held(lambda _rate: False)


@given(st.decimals(min_value=0, max_value=10**14, places=22))
def test_a_key_is_asked_for_as_it_is_stored(timestamp: Decimal) -> None:
    text = canonical(timestamp)
    assert Decimal(text) == timestamp
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize("minutes", [0, -1, 1441, float("nan")])
def test_a_time_that_cannot_be_meant_is_refused(minutes: float, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="minutes of soaking"):
        soak.soak(Voice(), Places(tmp_path), "dev", 4566, minutes)


def test_the_own_process_has_a_size_and_a_dead_one_none() -> None:
    assert soak.resident_mb(os.getpid()) > 1
    assert soak.resident_mb(2**30) == 0.0


# -- a whole soak, of a pipeline that stores at once -----------------------------------------------


@dataclass
class Pipeline:
    """Stands in for a deployment: what is posted is stored and enriched, but for what `drops`."""

    drops: Callable[[int], bool] = lambda _number: False
    status: int = 202
    suffix: str = "dev"
    settings: Any = SETTINGS
    outputs: Any = field(default_factory=lambda: {"table_name": "prices"})
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    fault: Exception | None = None

    def post(self, message: Message, _message_id: str) -> tuple[int, str]:
        if self.fault:
            raise self.fault
        now = json.loads(message.body)[0]["time"]
        for key in report.keys(message, now, report.limits(SETTINGS.processing)):
            number = {"N": canonical(key.timestamp)}
            row = {"symbol": {"S": key.symbol}, "timestamp": number, "window": {"S": "w"}}
            if not self.drops(len(self.rows)):
                self.rows[key] = row
        return self.status, ""

    def client(self, _service: str) -> Pipeline:
        return self

    emulator = property(lambda self: self)

    def control(self, _method: str, _path: str) -> dict[str, Any]:
        processes = {FUNCTION: [7], "price-enricher-other": [8]}
        return {"waiting": {}, "stream_backlog": {}, "processes": processes}

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
        keys = [
            Key(key["symbol"]["S"], Decimal(key["timestamp"]["N"]))
            for key in RequestItems["prices"]["Keys"]
        ]
        return {"Responses": {"prices": [self.rows[key] for key in keys if key in self.rows]}}

    def get_paginator(self, _operation: str) -> Pipeline:
        return self

    def paginate(self, **_arguments: Any) -> list[dict[str, Any]]:
        return [{"Items": list(self.rows.values())}]


@pytest.fixture
def soaked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pipeline], Soak]:
    sizes = iter(range(50, 10_000))
    monkeypatch.setattr(demo, "webhook", lambda deployment: deployment)
    monkeypatch.setattr(soak, "resident_mb", lambda _process: float(next(sizes)))
    monkeypatch.setattr(soak, "SAMPLE_SECONDS", 0.0)
    monkeypatch.setattr(soak, "JUDGED_SAMPLES", 4)
    monkeypatch.setattr(soak, "_PROBE_PATIENCE_SECONDS", 0.2)

    def run(pipeline: Any) -> Soak:
        return soak.run(Voice(), pipeline, 0.02, 10.0)

    return run


def test_all_that_was_accepted_is_counted(soaked: Callable[[Pipeline], Soak]) -> None:
    pipeline = Pipeline()
    done = soaked(pipeline)
    assert done.ticks == len(pipeline.rows) > 100
    assert len(done.latencies) == 2
    assert (done.lost, done.turned_away, done.unseen) == (0, 0, 0)
    assert list(done.memory) == [FUNCTION], "another environment's processes are not ours"


def test_a_process_that_grows_is_seen(soaked: Callable[[Pipeline], Soak]) -> None:
    (said,) = soaked(Pipeline()).wrong
    assert f"a process of {FUNCTION} grew by " in said


def test_a_tick_that_is_lost_is_seen(soaked: Callable[[Pipeline], Soak]) -> None:
    dropped: list[int] = []

    def drops(stored: int) -> bool:
        if stored == 50 and not dropped:
            dropped.append(stored)
            return True
        return False

    done = soaked(Pipeline(drops))
    assert done.lost == 1
    assert f"1 of {done.ticks} ticks were lost" in done.wrong


def test_a_tick_that_is_never_enriched_is_seen(soaked: Callable[[Pipeline], Soak]) -> None:
    done = soaked(Pipeline(lambda _stored: True))
    assert (done.lost, done.unseen) == (done.ticks, 2)
    assert "2 ticks' metrics were never seen" in done.wrong


def test_a_message_that_is_turned_away_is_seen(soaked: Callable[[Pipeline], Soak]) -> None:
    done = soaked(Pipeline(status=429))
    assert done.ticks == 0
    assert f"{done.turned_away} messages were not accepted" in done.wrong
    assert done.unseen == 0, "nobody waits for what was never accepted"


def test_a_sender_that_breaks_breaks_the_soak(soaked: Callable[[Pipeline], Soak]) -> None:
    with pytest.raises(ZeroDivisionError):
        soaked(Pipeline(fault=ZeroDivisionError()))
