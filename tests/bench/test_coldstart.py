"""Cold start by part: every microsecond of an import belongs to one, and ratios are by round."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import coldstart
from tests.bench.coldstart import LAMBDA, OURS, WARM

SAID = """\
import time: self [us] | cumulative | imported package
import time:       120 |        120 |   json.decoder
import time:        80 |        200 | json
import time:      1500 |       1700 |     botocore.session
import time:        30 |         30 |   lambdas.domain
import time:       400 |        400 |   lambdas.domain.numbers
import time:        70 |        500 | lambdas.price_enricher.handler
Traceback: not a line of it | 3 |
"""


def test_times_are_added_up_by_what_a_module_belongs_to() -> None:
    assert coldstart.parted(SAID) == Counter(
        {
            "botocore": 1500,
            "lambdas.domain": 430,
            "the standard library": 200,
            "lambdas.price_enricher": 70,
        }
    )


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(["json", "lambdas.a.b", "six"]))))
def test_no_import_is_left_out_or_counted_twice(imports: list[tuple[int, str]]) -> None:
    said = "\n".join(f"import time: {took:9} | {took:10} | {name}" for took, name in imports)
    assert sum(coldstart.parted(said).values()) == sum(took for took, _ in imports)


def test_trifles_stand_together_but_never_ours() -> None:
    parts = Counter({"botocore": 900, "lambdas.domain": 5, "six": 6, "certifi": 4, "dateutil": 85})
    assert coldstart.without_trifles(parts) == Counter(
        {"botocore": 900, "dateutil": 85, "other packages": 10, "lambdas.domain": 5}
    )


def test_others_are_compared_with_ours_in_the_same_round() -> None:
    times = {
        ("f", OURS, WARM): [10.0, 10.0],
        ("f", OURS, LAMBDA): [50.0, 100.0],
        ("f", "on pandas", WARM): [30.0, 30.0],
        ("f", "on pandas", LAMBDA): [200.0, 400.0],
    }
    figures = coldstart.judged(times, {("f", OURS): [5.0], ("f", "on pandas"): [0.0]})
    assert {figure.group for figure in figures} == {"cold start, f"}
    [ratio] = [figure for figure in figures if figure.unit == "×"]
    assert (ratio.subject, ratio.spread.middle) == (f"on pandas / ours, {LAMBDA}", 4)
    assert [figure.subject for figure in figures if figure.unit == "MB"] == ["ours, memory"]


@pytest.mark.parametrize("function", coldstart.HANDLERS)
def test_ours_is_measured_beside_at_least_two_others(function: str) -> None:
    subjects = coldstart.HANDLERS[function]
    assert OURS in subjects
    assert len(subjects) >= 3
