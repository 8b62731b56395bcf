"""The notice of a batch of enriched rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

SOURCE = "price-enricher"

SYMBOLS = 2_000
"""Named at most, so that a notice stays below the 256 KB that SNS takes."""


@dataclass(frozen=True, slots=True)
class SymbolSummary:
    """How many of the batch's rows of a symbol are right now, and the key of the last of them."""

    rows: int
    last: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What one batch did.

    ``records`` are the inserted rows it was given; ``written`` the rows it updated, also later
    ones that depend on them; ``unchanged`` those of its own that were found right; ``failed``
    those that it reports to the stream for a retry.
    """

    suffix: str
    request_id: str
    records: int
    written: int
    unchanged: int
    failed: int
    symbols: Mapping[str, SymbolSummary]

    def message(self) -> str:
        """Return what subscribers get, a JSON object."""
        named = {name: asdict(one) for name, one in list(self.symbols.items())[:SYMBOLS]}
        return json.dumps({"source": SOURCE} | asdict(self) | {"symbols": named})

    def attributes(self) -> dict[str, str]:
        """Return what subscribers can filter by without reading the message."""
        return {"source": SOURCE, "suffix": self.suffix}
