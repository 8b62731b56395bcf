"""A tape: the rows of one symbol in the order of their sort keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a cold start of the metrics does without what describes messages
    from lambdas.domain.ticks import Kind

WINDOW = 100
"""N: a row's metrics are a function of the last so many rows of its tape, itself included."""

NOT_ENRICHED = ""
"""The mark of a row as it is inserted; smaller than any other."""


@dataclass(frozen=True, slots=True)
class Print:
    """What a metric may know of a row.

    ``key`` is the sort key as canonical text (:func:`lambdas.domain.keys.padded`), so that keys
    compare as text. ``size`` is in base units, None where the venue gave none.
    """

    key: str
    price: Decimal
    size: Decimal | None
    exchange: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is stored: its print, its window mark and its metrics as stored texts."""

    print: Print
    window: str = NOT_ENRICHED
    metrics: Mapping[str, str] = field(default_factory=dict)
