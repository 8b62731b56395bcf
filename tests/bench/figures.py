"""Figures: what a benchmark found, how sure that is, and whether it is what was aimed for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle of repeated measurements and the quartiles around it, in the figure's unit.

    The quartiles are the machine's noise: half of the repetitions lay between them.
    """

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return median and quartiles of at least one value; one value has no noise."""
        if not values:
            raise ValueError("no measurements: expected at least one repetition")
        ordered = sorted(values)
        middle = median(ordered)
        low, high = _quantile(ordered, 0.25), _quantile(ordered, 0.75)
        return cls(middle, min(low, middle), max(high, middle))

    @classmethod
    def unknown(cls) -> Spread:
        """Return what stands where nothing was measured: no number."""
        return cls(math.nan, math.nan, math.nan)

    @property
    def noise(self) -> float:
        """Half the distance of the quartiles as a share of the middle; 0 for a counted figure."""
        if self.high == self.low or math.isnan(self.middle):
            return 0.0
        return (self.high - self.low) / 2 / abs(self.middle)


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Return ours / theirs, round by round: what slowed a whole round cancels."""
    return [a / b for a, b in zip(ours, theirs, strict=True)]


def _quantile(ordered: Sequence[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    if ordered[below] == ordered[above]:  # also where both are infinite
        return ordered[below]
    between = ordered[below] + (position - below) * (ordered[above] - ordered[below])
    return min(between, ordered[above])


Direction = Literal["<=", ">="]
Verdict = Literal["met", "missed"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure is to be: at most or at least a limit, in the figure's unit."""

    direction: Direction
    limit: float

    def verdict(self, value: float) -> Verdict:
        """Tell whether a value is within the limit; what is no number is not."""
        met = value <= self.limit if self.direction == "<=" else value >= self.limit
        return "met" if met else "missed"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: what was measured of whom, in which unit, and the aim if there is one.

    ``group`` gathers the lines that were measured side by side; ``subject`` is whose figure it is.
    """

    group: str
    subject: str
    unit: str
    spread: Spread
    aim: Aim | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict | None:
        """Whether the aim is met, by the median alone; None without an aim."""
        return self.aim.verdict(self.spread.middle) if self.aim else None

    @property
    def certain(self) -> bool:
        """Whether both quartiles give the same verdict as the median."""
        if self.aim is None:
            return True
        return self.aim.verdict(self.spread.low) == self.aim.verdict(self.spread.high)

    def as_json(self) -> dict[str, Any]:
        """Return the figure as JSON's types; an infinite value is the string ``inf``."""
        fields = {name: _plain(value) for name, value in asdict(self).items()}
        if self.aim is not None:
            fields |= {"verdict": self.verdict, "certain": self.certain}
        return fields

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Figure:
        """Return the figure that :meth:`as_json` wrote."""
        spread = Spread(**{name: float(value) for name, value in fields["spread"].items()})
        aim = fields["aim"] and Aim(fields["aim"]["direction"], float(fields["aim"]["limit"]))
        return cls(fields["group"], fields["subject"], fields["unit"], spread, aim, fields["note"])


def counted(group: str, subject: str, unit: str, value: float, aim: Aim | None = None) -> Figure:
    """Return a figure that was counted or computed, not timed: it has no noise."""
    return Figure(group, subject, unit, Spread(value, value, value), aim)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
