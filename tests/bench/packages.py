"""Bytes of the functions' zips, as they are deployed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stack.packaging import package
from tests.bench.figures import Aim, Figure, counted

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("webhook_processor", "price_enricher", "error_notifier")
AIM = Aim("<=", 60)


def run(quick: bool, progress: Callable[[str], None]) -> list[Figure]:
    """Weigh each function's zip."""
    figures = []
    for function in FUNCTIONS:
        progress(function)
        archive = package(ROOT, function).archive
        figures.append(counted("zip", function, "KB", len(archive) / 1000, AIM))
    return figures
