"""A steady load on the deployed pipeline: nothing is lost, and no process grows.

`HYPOTHESIS_PROFILE=long` finds the highest rate that the machine holds and holds it for ten
minutes; otherwise a few seconds at a rate that any machine holds show that the measuring works.
"""

from __future__ import annotations

import os

import pytest

from local import soak
from local.console import Voice
from tests.figures import FIGURES
from tests.journeys.stage import FIRST, Journey

pytestmark = [pytest.mark.journey, pytest.mark.terraform, pytest.mark.timeout(1800)]

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


def test_a_steady_load_loses_nothing_and_no_process_grows(journey: Journey) -> None:
    minutes, messages_a_second = (10.0, None) if LONG else (0.15, 3.0)
    done = soak.run(Voice(), journey.deployment(FIRST), minutes, messages_a_second)
    assert done.wrong == []
    assert set(done.memory) >= {f"webhook-processor-{FIRST}", f"price-enricher-{FIRST}"}
    if LONG:
        FIGURES.update(done.figures)
        assert all(done.grown(name) is not None for name in done.memory)
