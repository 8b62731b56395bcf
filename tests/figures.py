"""What tests measured: printed at the end of a run, and recorded for docs/evidence.md."""

from __future__ import annotations

FIGURES: dict[str, str] = {}
"""Name to figure with its unit, in the order in which they were taken."""
