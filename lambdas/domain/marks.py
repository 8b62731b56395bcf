"""The window mark: what a row's metrics were computed from, as one comparable text.

``01:100:1732250000000.0001230010000000000012345`` is the version of the metrics, the number of
rows in the window and the sort key of its oldest row, each zero-padded, so that marks compare as
text. Of two readers of a tape of whom one saw every row that the other saw, the one who saw more
has the larger mark: its window has more rows or, when both are full, begins later. A write that is
conditional on the mark not going back therefore never replaces a better informed one.
"""

from __future__ import annotations

VERSION = 1
"""Version of the metrics' definitions; raised when one changes, so that old rows are rewritten."""


def mark(rows: int, oldest: str, version: int = VERSION) -> str:
    """Return the mark of a window of ``rows`` rows whose oldest has the padded key ``oldest``."""
    return f"{version:02d}:{rows:03d}:{oldest}"
