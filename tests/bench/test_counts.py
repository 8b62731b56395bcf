"""What can be counted is held: it may not grow unnoticed. Times are measured, never asserted."""

from __future__ import annotations

import pytest

from stack.packaging import package
from tests.bench.packages import FUNCTIONS, ROOT

CEILINGS_KB = {"webhook_processor": 64, "price_enricher": 43, "error_notifier": 10}
"""Kilobytes of each zip as it is deployed: a little above what they weigh.

The aim of 60 KB is judged by the benchmark (``packages``).
"""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_zip_does_not_grow_unnoticed(function: str) -> None:
    assert len(package(ROOT, function).archive) <= CEILINGS_KB[function] * 1000
