"""Bytes of the functions' zips, as they are deployed, and what compression would make of them."""

from __future__ import annotations

import io
import zipfile
import zlib
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
        figures.append(counted("zip", f"{function}, deflated", "KB", deflated(archive) / 1000))
    return figures


def deflated(archive: bytes) -> int:
    """Return how many bytes a zip would have if its entries were compressed.

    They are stored, because deflate's output differs between zlib versions and a function would be
    deployed anew from every other machine.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as stored:
        saved = sum(
            entry.compress_size - len(zlib.compress(stored.read(entry), 9, wbits=-15))
            for entry in stored.infolist()
        )
    return len(archive) - saved
